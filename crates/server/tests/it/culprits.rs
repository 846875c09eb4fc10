//! Log lines about sockets that are not let in name the call, or else from where they come.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::SinkExt;
use ringback_server::config::LogFormat;
use ringback_server::telemetry::redact::{Redacting, Redactor};
use ringback_server::telemetry::{lines, visible};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::media::{closed, listen, start};
use crate::privacy::Captured;
use crate::server::*;

pub fn logged(what: impl Future<Output = ()>) -> String {
    let captured = Captured::default();
    let writer = captured.clone();
    let inner = move || writer.clone();
    let redactor = Redactor::new([]);
    let subscriber = tracing_subscriber::registry()
        .with(lines(LogFormat::Json, false, Redacting { inner, redactor }))
        .with(visible(LevelFilter::INFO, false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(what));
    String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
}

/// The only line that says this.
pub fn line(log: &str, message: &str) -> Value {
    let mut found = log.lines().filter(|line| line.contains(message));
    let line = found.next().unwrap_or_else(|| panic!("{log}"));
    assert_eq!(found.next(), None, "{log}");
    serde_json::from_str(line).unwrap()
}

async fn refused(message: Message) {
    let listening = listen(local()).await;
    let mut socket = listening.open("/ws").await;
    socket.send(message).await.unwrap();
    closed(&mut socket).await;
}

#[test]
fn a_socket_refused_at_its_start_message_is_named_by_its_call() {
    let log = logged(refused(start("CA1", None)));
    let line = line(&log, "WebSocket refused and closed").to_string();
    assert!(line.contains(r#""call.sid":"CA1""#), "{line}");
}

#[test]
fn a_socket_refused_before_its_start_message_is_named_by_its_client() {
    let log = logged(refused("nonsense".into()));
    let line = line(&log, "WebSocket refused and closed").to_string();
    assert!(
        line.contains(r#""client.ip":"127.0.0.1""#) && !line.contains("call.sid"),
        "{line}"
    );
}

#[test]
fn an_upgrade_that_is_refused_is_named_by_its_client() {
    let log = logged(async {
        let request = Request::get("/ws").header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let answer = local().start().ask_from("192.0.2.1", request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    });
    let line = line(&log, "WebSocket refused").to_string();
    assert!(line.contains(r#""client.ip":"192.0.2.1""#), "{line}");
}

#[test]
fn media_before_the_start_is_named_by_the_call_of_that_start() {
    let log = logged(async {
        let listening = listen(local()).await;
        let mut socket = listening.open("/ws").await;
        let media = r#"{"event":"media","sequenceNumber":"1","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"//8="},"streamSid":"MZ1"}"#;
        socket.send(media.into()).await.unwrap();
        socket.send(start("CA1", None)).await.unwrap();
        closed(&mut socket).await;
    });
    let line = line(&log, "media before start was dropped").to_string();
    assert!(line.contains(r#""call.sid":"CA1""#), "{line}");
}
