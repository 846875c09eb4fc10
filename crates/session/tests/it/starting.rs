//! Before the `start` message: every cause has its own close code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use ringback_session::{Outgoing, Received, SocketError, Violation, await_start};

type Item = Result<Received<String>, SocketError>;

/// A socket that brings these things and then nothing more.
struct Brings(VecDeque<Option<Item>>);

impl Stream for Brings {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Sink<Outgoing> for Brings {
    type Error = SocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, _: Outgoing) -> Result<(), SocketError> {
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
}

async fn refusal(last: Option<Item>) -> Violation {
    let connected = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    let connected = Some(Ok(Received::Text(connected.to_owned())));
    let mut socket = Brings([connected, last].into());
    await_start(&mut socket, Duration::from_secs(5))
        .await
        .unwrap_err()
}

async fn check(last: Option<Item>, code: u16, reason: &str) {
    let violation = refusal(last).await;
    assert_eq!(violation.code, code, "{violation:?}");
    assert!(violation.reason.contains(reason), "{violation:?}");
}

fn broken(code: Option<u16>) -> Option<Item> {
    let reason = "made up".to_owned();
    Some(Err(SocketError { code, reason }))
}

fn text(text: &str) -> Option<Item> {
    Some(Ok(Received::Text(text.to_owned())))
}

#[tokio::test(start_paused = true)]
async fn each_cause_has_its_code() {
    for code in [1002, 1007, 1009] {
        check(broken(Some(code)), code, "before start: made up").await;
    }
    check(broken(None), 1006, "before start: made up").await;
    check(None, 1006, "gone before start").await;
    let closed = Received::Closed {
        code: Some(1001),
        reason: String::new(),
    };
    check(Some(Ok(closed)), 1000, "closed before start").await;
    check(Some(Ok(Received::Binary(3))), 1003, "binary").await;
    check(text("no JSON"), 1007, "cannot be read").await;
    let start = r#"{"event":"start","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/opus","sampleRate":48000,"channels":2}},"streamSid":"MZ1"}"#;
    check(text(start), 1003, "audio/opus at 48000 Hz").await;
    let nothing_more = text(r#"{"event":"of tomorrow"}"#);
    check(nothing_more, 1008, "no start message within 5 s").await;
}
