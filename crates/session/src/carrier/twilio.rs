//! Twilio Media Streams: one socket, owned by the call's task, both halves.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback_wire::twilio::media::{self, Inbound, Start, Track};
use tokio::time::Instant;

use crate::socket::{CarrierSocket, Outgoing, Received, SocketError};

/// The socket is at fault when it takes nothing for this long.
pub(crate) const BLOCKED: Duration = Duration::from_secs(5);
/// A socket gets this long to take the last messages and the close.
const CLOSING: Duration = Duration::from_secs(1);

/// Why a media socket is closed by us, with the code to close it with (RFC 6455, 7.4.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Violation {
    /// The close code.
    pub code: u16,
    /// Who did what.
    pub reason: String,
}

impl Violation {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

/// Reads `connected` and `start`. Media before `start` is dropped, counted and logged once.
///
/// # Errors
/// The code and reason to close the socket with: nothing within the time (1008), a binary message or another audio format
/// than mu-law at 8000 Hz (1003), a garbled message (1007), whatever the socket says the peer broke (1002, 1007, 1009), or the
/// peer is gone (1000 with a close, 1006 without one; nothing can be sent any more).
pub async fn await_start<S, T>(socket: &mut S, within: Duration) -> Result<Start, Violation>
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    let mut early = 0_u64;
    let start = tokio::time::timeout(within, read_start(socket, &mut early)).await;
    if early > 0 {
        let known = start.iter().flatten().next();
        let call_sid = known.map(|start| start.call_sid.as_str());
        tracing::warn!(
            frames = early,
            call.sid = call_sid,
            "WebSocket: media before start was dropped"
        );
    }
    start.unwrap_or_else(|_| {
        Err(Violation::new(
            1008,
            format!("no start message within {} s", within.as_secs()),
        ))
    })
}

async fn read_start<S, T>(socket: &mut S, early: &mut u64) -> Result<Start, Violation>
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    loop {
        let received = socket
            .next()
            .await
            .ok_or_else(|| Violation::new(1006, "the peer is gone before start"))?
            .map_err(|error| {
                Violation::new(error.code.unwrap_or(1006), format!("before start: {error}"))
            })?;
        let text = match received {
            Received::Text(text) => text,
            Received::Binary(length) => return Err(binary(length)),
            Received::Closed { .. } => {
                return Err(Violation::new(1000, "the peer closed before start"));
            }
        };
        match media::parse(text.as_ref()).map_err(|garbled| garbage(&garbled))? {
            Inbound::Start(start) if start.is_mulaw_8k() => return Ok(*start),
            Inbound::Start(start) => {
                let format = &start.media_format;
                return Err(Violation::new(
                    1003,
                    format!(
                        "the stream of {} is {} at {} Hz with {} channels; only audio/x-mulaw at 8000 Hz with 1 is taken",
                        start.call_sid, format.encoding, format.sample_rate, format.channels
                    ),
                ));
            }
            Inbound::Media(_) => *early += 1,
            Inbound::Connected(_)
            | Inbound::Dtmf(_)
            | Inbound::Mark(_)
            | Inbound::Stop(_)
            | Inbound::Other(_) => {}
        }
    }
}

pub(crate) fn binary(length: usize) -> Violation {
    Violation::new(
        1003,
        format!("a binary message of {length} bytes; media is text"),
    )
}

fn garbage(garbled: &ringback_wire::Garbled) -> Violation {
    Violation::new(1007, format!("a message that cannot be read: {garbled}"))
}

/// What the carrier brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    /// Audio of the caller's: it was appended to the buffer given.
    Media,
    /// A key.
    Digit(char),
    /// The echo of a mark, by its name.
    Mark(String),
    /// The leg is gone, and how.
    Ended(String),
    /// The peer did what it must not: close with this.
    Violation(Violation),
    /// Nothing of interest.
    Nothing,
}

/// What went over a media socket after its `start` message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of the messages that came.
    pub bytes_in: u64,
    /// Bytes of the messages that were written.
    pub bytes_out: u64,
}

/// The messages of one stream after its `start`: read, and written into a queue. No socket.
pub(crate) struct Messages {
    stream_sid: String,
    out: VecDeque<String>,
    traffic: Traffic,
}

impl Messages {
    pub(crate) fn new(stream_sid: String) -> Self {
        Self {
            stream_sid,
            out: VecDeque::new(),
            traffic: Traffic::default(),
        }
    }

    /// Messages that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// What was read and written so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Reads a message. The caller's audio, mu-law, is appended to `audio`.
    pub(crate) fn read(&mut self, text: &str, audio: &mut Vec<u8>) -> Brought {
        self.traffic.bytes_in += text.len() as u64;
        let inbound = match media::parse(text) {
            Ok(inbound) => inbound,
            Err(garbled) => return Brought::Violation(garbage(&garbled)),
        };
        let stream = match &inbound {
            Inbound::Media(media) => &media.stream_sid,
            Inbound::Dtmf(dtmf) => &dtmf.stream_sid,
            Inbound::Mark(mark) => &mark.stream_sid,
            Inbound::Stop(stop) => &stop.stream_sid,
            Inbound::Start(_) => {
                return Brought::Violation(Violation::new(1002, "a second start message"));
            }
            Inbound::Connected(_) | Inbound::Other(_) => return Brought::Nothing,
        };
        if stream.as_ref() != self.stream_sid {
            return Brought::Violation(Violation::new(
                1008,
                "a message with the streamSid of another stream",
            ));
        }
        match inbound {
            Inbound::Media(media) if media.track == Track::Outbound => Brought::Nothing,
            Inbound::Media(media) => match media.decode_into(audio) {
                Ok(()) => Brought::Media,
                Err(garbled) => Brought::Violation(garbage(&garbled)),
            },
            Inbound::Dtmf(dtmf) => dtmf
                .digit
                .chars()
                .next()
                .filter(|digit| matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D'))
                .map_or(Brought::Nothing, Brought::Digit),
            Inbound::Mark(mark) => Brought::Mark(mark.name.into_owned()),
            Inbound::Stop(_) => Brought::Ended("the caller hung up".into()),
            Inbound::Start(_) | Inbound::Connected(_) | Inbound::Other(_) => Brought::Nothing,
        }
    }

    pub(crate) fn media(&mut self, mulaw: &[u8]) {
        let mut text = String::with_capacity(96 + mulaw.len() * 4 / 3);
        media::write_media(&mut text, &self.stream_sid, mulaw);
        self.out.push_back(text);
    }

    pub(crate) fn mark(&mut self, name: &str) {
        let mut text = String::new();
        media::write_mark(&mut text, &self.stream_sid, name);
        self.out.push_back(text);
    }

    /// Empties the carrier's buffer, and ours: audio that was not written yet is not written.
    pub(crate) fn clear(&mut self) {
        let mut text = String::new();
        media::write_clear(&mut text, &self.stream_sid);
        self.out.clear();
        self.out.push_back(text);
    }

    /// The next message to write.
    pub(crate) fn poll(&mut self) -> Option<String> {
        let message = self.out.pop_front()?;
        self.traffic.bytes_out += message.len() as u64;
        Some(message)
    }
}

/// The media socket of one call, both halves.
pub(crate) struct Socket<S, T> {
    socket: S,
    flushed: bool,
    blocked: Option<Instant>,
    text: PhantomData<fn() -> T>,
}

impl<S, T> Socket<S, T>
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    pub(crate) fn new(socket: S) -> Self {
        Self {
            socket,
            flushed: true,
            blocked: None,
            text: PhantomData,
        }
    }

    /// The next thing the socket brings, while what waits in `messages` is written. Safe to drop and call again.
    pub(crate) async fn next(
        &mut self,
        messages: &mut Messages,
    ) -> Option<Result<Received<T>, SocketError>> {
        poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.poll_write(messages, cx) {
                return Poll::Ready(Some(Err(error)));
            }
            self.socket.poll_next_unpin(cx)
        })
        .await
    }

    fn poll_write(
        &mut self,
        messages: &mut Messages,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SocketError>> {
        let written = self.poll_write_all(messages, cx);
        match &written {
            Poll::Pending if self.blocked.is_none() => self.blocked = Some(Instant::now()),
            Poll::Pending => {}
            Poll::Ready(_) => self.blocked = None,
        }
        written
    }

    fn poll_write_all(
        &mut self,
        messages: &mut Messages,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SocketError>> {
        while !messages.out.is_empty() {
            let ready = self.socket.poll_ready_unpin(cx);
            if !matches!(ready, Poll::Ready(Ok(()))) {
                return ready;
            }
            if let Some(message) = messages.poll() {
                self.socket.start_send_unpin(Outgoing::Text(message))?;
                self.flushed = false;
                self.blocked = None;
            }
        }
        if self.flushed {
            return Poll::Ready(Ok(()));
        }
        let flush = self.socket.poll_flush_unpin(cx);
        self.flushed = matches!(flush, Poll::Ready(Ok(())));
        flush
    }

    /// Since when the socket has taken nothing, if it should have.
    pub(crate) fn blocked_since(&self) -> Option<Instant> {
        self.blocked
    }

    /// Writes what waits, closes, and gives up after a second.
    pub(crate) async fn close(&mut self, messages: &mut Messages, code: u16, reason: &str) {
        let reason: String = reason
            .char_indices()
            .take_while(|(index, character)| index + character.len_utf8() <= 123)
            .map(|(_, character)| character)
            .collect();
        let farewell = async {
            let written = poll_fn(|cx| self.poll_write(messages, cx)).await.is_ok();
            let close = Outgoing::Close { code, reason };
            if written && self.socket.send(close).await.is_ok() {
                // The peer's own close, so that nothing is cut off on the way.
                while let Some(Ok(received)) = self.socket.next().await {
                    if matches!(received, Received::Closed { .. }) {
                        break;
                    }
                }
            }
            let _ = self.socket.close().await;
        };
        let _ = tokio::time::timeout(CLOSING, farewell).await;
    }
}
