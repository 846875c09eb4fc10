//! A provider's side of a socket, with the knobs that bend it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;

use super::knobs::Knobs;
use super::mark::Mark;
use super::requests::{Entry, State};
use super::stamps::Point;
use super::visit::{Refused, Visit};

/// How long a half-open socket is held.
const HALF_OPEN: Duration = Duration::from_secs(600);
/// What no grammar takes.
pub(super) const GARBAGE: &str = "{\"type\":\u{1}%%";

/// What the client sent.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A ping, answered already.
    Ping,
    /// The client closed, or is gone.
    Gone,
}

/// The socket cannot be written to any more: the client is gone, or a knob dropped the connection.
#[derive(Debug)]
pub(super) struct Broken;

/// A socket. Dropping it drops the connection without a close frame.
#[derive(Debug)]
pub(super) struct Socket {
    inner: WebSocket,
    entry: Entry,
    pub(super) knobs: Knobs,
    sent: u64,
    sent_bytes: u64,
}

/// What an upgrade is asked with.
pub(super) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Opens the socket of a request that was let in, and hands it to `run`.
pub(super) fn open<F>(
    visit: Visit,
    upgrade: Upgrade,
    run: impl FnOnce(Socket) -> F + Send + 'static,
) -> Result<Response, Refused>
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Err(visit.bad(rejection)),
    };
    visit.entry.status(101);
    Ok(upgrade.on_upgrade(async move |inner| {
        let Visit { entry, knobs, .. } = visit;
        if knobs.half_open {
            // Nobody listens: what would have listened is free for others.
            drop(run);
            tokio::time::sleep(HALF_OPEN).await;
            entry.end(State::Dropped);
            return;
        }
        if knobs.disconnect_after == Some(0) {
            entry.end(State::Dropped);
            return;
        }
        run(Socket {
            inner,
            entry,
            knobs,
            sent: 0,
            sent_bytes: 0,
        })
        .await;
    }))
}

impl Socket {
    /// The next message of the client, recorded.
    pub(super) async fn next(&mut self) -> Incoming {
        loop {
            match self.inner.recv().await {
                Some(Ok(Message::Text(text))) => {
                    self.entry.received(&text);
                    return Incoming::Text(text);
                }
                Some(Ok(Message::Binary(bytes))) => {
                    self.entry.heard(bytes.len());
                    return Incoming::Binary(bytes);
                }
                Some(Ok(Message::Ping(_))) => return Incoming::Ping,
                Some(Ok(Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) => {
                    self.entry.end(State::Done);
                    return Incoming::Gone;
                }
                Some(Err(_)) | None => return Incoming::Gone,
            }
        }
    }

    /// Sends a text message.
    pub(super) async fn text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), Broken> {
        let text = if self.knobs.garbage {
            GARBAGE.into()
        } else {
            text.into()
        };
        let length = text.len();
        self.send(Message::Text(text), length).await
    }

    /// A marked utterance passes now.
    pub(super) fn stamp(&self, mark: Option<Mark>, point: Point) {
        self.entry.stamp(mark, point, None);
    }

    /// Sends a binary message.
    pub(super) async fn binary(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        let length = bytes.len();
        self.send(Message::Binary(bytes.into()), length).await
    }

    async fn send(&mut self, message: Message, length: usize) -> Result<(), Broken> {
        self.inner.send(message).await.map_err(|_| Broken)?;
        self.entry.sent();
        self.sent += 1;
        self.sent_bytes += length as u64;
        let reached = |limit: Option<u64>, count| limit.is_some_and(|limit| count >= limit);
        if reached(self.knobs.disconnect_after, self.sent)
            || reached(self.knobs.disconnect_after_bytes, self.sent_bytes)
        {
            return Err(self.drop_it());
        }
        Ok(())
    }

    /// Notes that a knob drops the connection, which happens when the socket is dropped.
    pub(super) fn drop_it(&self) -> Broken {
        self.entry.end(State::Dropped);
        Broken
    }

    /// Closes it as agreed.
    pub(super) async fn close(self, code: u16, reason: &'static str) {
        self.entry.end(State::Done);
        self.close_with(Some(CloseFrame {
            code,
            reason: reason.into(),
        }))
        .await;
    }

    /// Closes it without a code.
    pub(super) async fn close_plainly(self) {
        self.entry.end(State::Done);
        self.close_with(None).await;
    }

    /// Closes it for a fault of the client.
    pub(super) async fn refuse(self, code: u16, reason: &'static str) {
        self.entry.end(State::Refused);
        self.close_with(Some(CloseFrame {
            code,
            reason: reason.into(),
        }))
        .await;
    }

    /// Closes it for a fault of the client, without a code.
    pub(super) async fn refuse_plainly(self) {
        self.entry.end(State::Refused);
        self.close_with(None).await;
    }

    async fn close_with(mut self, frame: Option<CloseFrame>) {
        let answered = async {
            self.inner.send(Message::Close(frame)).await.ok()?;
            while let Some(Ok(message)) = self.inner.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
            Some(())
        };
        // A client that does not answer a close frame is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(2), answered).await;
    }
}
