//! The media socket as the session sees it, on top of the web server's.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{Sink, SinkExt, Stream};
use ringback_session::{Outgoing, Received, SocketError};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// The largest message taken, in bytes. Twilio's have about 400.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Five of Twilio's messages. It is cleared before each read and kept by each socket: a larger one costs time and memory.
pub const READ_BUFFER_BYTES: usize = 2048;
/// Messages are gathered up to this many bytes before they are written: 80 ms of audio.
pub const WRITE_BUFFER_BYTES: usize = 1024;
/// What may wait to be written before the socket counts as broken, in bytes.
pub const MAX_WRITE_BUFFER_BYTES: usize = 256 * 1024;
/// The longest reason a close frame holds, in bytes (RFC 6455, 5.5).
const MAX_REASON_BYTES: usize = 123;

/// The text of a message, still in the buffer it was read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Utf8Bytes);

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

/// A media socket. It closes by itself, with the right code, when the peer breaks the protocol.
#[derive(Debug)]
pub struct MediaSocket {
    inner: WebSocket,
    closing: bool,
}

impl MediaSocket {
    /// The media socket on this one.
    pub fn new(inner: WebSocket) -> Self {
        Self {
            inner,
            closing: false,
        }
    }

    /// Closes with a code (RFC 6455, 7.4.1) and a reason, and waits until that is written.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let close = Outgoing::Close {
            code,
            reason: reason.to_owned(),
        };
        if let Err(error) = self.send(close).await {
            tracing::debug!(%error, "WebSocket was gone before it was closed");
        }
    }

    /// What the peer broke, as a close code and a reason.
    fn violation(error: axum::Error) -> (Option<u16>, String) {
        let error = error.into_inner();
        let Some(known) = error.downcast_ref::<Error>() else {
            return (None, error.to_string());
        };
        let reset = ProtocolError::ResetWithoutClosingHandshake;
        if let Error::Capacity(_) = known {
            return (
                Some(1009),
                format!("a message of more than {MAX_MESSAGE_BYTES} bytes"),
            );
        }
        if let Error::Utf8(_) = known {
            return (Some(1007), "a text message that is not UTF-8".to_owned());
        }
        if let Error::Protocol(breach) = known
            && *breach != reset
        {
            return (Some(1002), format!("a breach of the protocol: {breach}"));
        }
        // An end without a close frame is no breach: it is how lines are lost.
        (None, known.to_string())
    }

    /// Writes a close frame if the socket takes one at once: the peer broke the protocol and is owed no patience.
    fn close_now(&mut self, cx: &mut Context<'_>, code: u16, reason: &str) {
        self.closing = true;
        if let Poll::Ready(Ok(())) = self.inner.poll_ready_unpin(cx)
            && self
                .inner
                .start_send_unpin(close_message(code, reason))
                .is_ok()
        {
            let _ = self.inner.poll_flush_unpin(cx);
        }
    }
}

impl Stream for MediaSocket {
    type Item = Result<Received<Text>, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let message = match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    let (code, reason) = Self::violation(error);
                    if let Some(code) = code {
                        tracing::warn!(code, reason, "WebSocket closed: the carrier is at fault");
                        self.close_now(cx, code, &reason);
                    }
                    return Poll::Ready(Some(Err(SocketError { code, reason })));
                }
                None => return Poll::Ready(None),
            };
            let received = match message {
                Message::Text(text) => Received::Text(Text(text)),
                Message::Binary(bytes) => Received::Binary(bytes.len()),
                Message::Close(None) => Received::Closed {
                    code: None,
                    reason: String::new(),
                },
                Message::Close(Some(frame)) => Received::Closed {
                    code: Some(frame.code),
                    reason: frame.reason.to_string(),
                },
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            return Poll::Ready(Some(Ok(received)));
        }
    }
}

impl Sink<Outgoing> for MediaSocket {
    type Error = SocketError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        self.inner.poll_ready_unpin(cx).map_err(broken)
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), SocketError> {
        let message = match outgoing {
            // The first close is the one that says why.
            Outgoing::Close { .. } if self.closing => return Ok(()),
            Outgoing::Close { code, reason } => {
                self.closing = true;
                close_message(code, &reason)
            }
            Outgoing::Text(text) => Message::Text(text.into()),
        };
        self.inner.start_send_unpin(message).map_err(broken)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        self.inner.poll_flush_unpin(cx).map_err(broken)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        self.inner.poll_close_unpin(cx).map_err(broken)
    }
}

fn broken(error: axum::Error) -> SocketError {
    let (code, reason) = MediaSocket::violation(error);
    SocketError { code, reason }
}

fn close_message(code: u16, reason: &str) -> Message {
    // 1005 and 1006 are never sent (RFC 6455, 7.4.1).
    let code = if matches!(code, 1005 | 1006) {
        1000
    } else {
        code
    };
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    Message::Close(Some(CloseFrame {
        code,
        reason: reason[..end].into(),
    }))
}
