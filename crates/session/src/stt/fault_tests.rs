//! How the recognisers of providers fail: the same faults for each of them, by a table.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use ringback_audio::ring::EarRing;
use ringback_call::{FaultKind, TurnHint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::deepgram::Deepgram;
use super::stream::{Heard, Stream};
use crate::Secret;
use crate::provider::{Access, Breaker, Failure};

const MODELS: [&str; 2] = ["nova-3", "flux-general-en"];

/// What the provider does to every connection.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Refuses the handshake with a status and a body.
    Refuses(&'static str, &'static str),
    /// Takes the connection, and neither reads nor writes.
    HalfOpen,
    /// Takes the handshake and all audio, and says nothing.
    Nothing,
    /// Takes the handshake, and says this in place of its protocol.
    Says(&'static str),
}

async fn serve(mut stream: TcpStream, does: Does) {
    if let Does::Refuses(status, body) = does {
        let _ = stream.read(&mut [0; 4096]).await;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    if let Does::HalfOpen = does {
        std::future::pending::<()>().await;
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    if let Does::Says(text) = does {
        let _ = socket.send(Message::Text(text.into())).await;
    }
    while let Some(Ok(_)) = socket.next().await {}
}

struct Outcome {
    failure: Failure,
    took: Duration,
    connections: usize,
    heard: usize,
}

/// A call in which somebody speaks for 4 s, pauses, and goes on, as its recogniser does this. What became of it.
async fn call(model: &str, does: Does) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, does));
        }
    });
    let deepgram = Deepgram {
        access: Access {
            key: Some(Secret::new("a-key")),
            url: url.parse().unwrap(),
        },
        model: model.into(),
        language: "en-US".into(),
        keyterms: Vec::new(),
    };
    let (mut stream, inlet) = Stream::new(deepgram.leads());
    let heard = Arc::new(AtomicUsize::new(0));
    let hears = Arc::clone(&heard);
    let begun = Instant::now();
    let listening = tokio::spawn(async move {
        let breaker = Arc::<Breaker>::default();
        let heard = |heard: Heard| {
            let words = heard.hint != Some(TurnHint::Again);
            hears.fetch_add(usize::from(words), Ordering::SeqCst);
        };
        deepgram.listen(inlet, &breaker, heard).await
    });
    let mut ring = EarRing::holding(1 << 17);
    ring.push(&[0x55; 32_000]);
    stream.feed(&ring);
    stream.finalize(&ring);
    let speaking = async {
        loop {
            sleep(Duration::from_millis(20)).await;
            ring.push(&[0x55; 160]);
            stream.feed(&ring);
        }
    };
    let over = async { timeout(Duration::from_secs(15), listening).await };
    let failure = tokio::select! {
        over = over => over.expect("it is given up").unwrap().unwrap_err(),
        () = speaking => unreachable!("it speaks on"),
    };
    server.abort();
    Outcome {
        failure,
        took: begun.elapsed(),
        connections: connections.load(Ordering::SeqCst),
        heard: heard.load(Ordering::SeqCst),
    }
}

/// What is expected of a fault: of what kind it is, and whether another attempt is made.
async fn check(does: Does, kind: FaultKind, again: bool) {
    let calls = MODELS.map(|model| async move { (model, call(model, does).await) });
    for (model, outcome) in join_all(calls).await {
        let Outcome {
            failure,
            took,
            connections,
            heard,
        } = outcome;
        let what = format!("{model} {does:?}: {failure:?} after {took:?}");
        assert_eq!(failure.kind, kind, "{what}");
        assert_eq!(connections > 1, again, "{connections} connections, {what}");
        assert_eq!(heard, 0, "nothing was heard, {what}");
        assert!(!failure.detail.contains("a-key"), "{what}");
        // What comes back is waited for 2 s and the attempt that runs then.
        let most = if again { 6000 } else { 4000 };
        assert!(took < Duration::from_millis(most), "{what}");
    }
}

#[tokio::test]
async fn a_wrong_key_a_spent_quota_and_an_unknown_model_are_refusals_at_once() {
    let refusals = [
        (
            "401 Unauthorized",
            r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#,
        ),
        (
            "402 Payment Required",
            r#"{"err_code":"ASR_PAYMENT_REQUIRED","err_msg":"Project does not have enough credits."}"#,
        ),
        (
            "403 Forbidden",
            r#"{"err_code":"INSUFFICIENT_PERMISSIONS","err_msg":"No access."}"#,
        ),
        ("400 Bad Request", "not JSON at all"),
        ("404 Not Found", ""),
    ];
    let checks = refusals
        .map(|(status, body)| check(Does::Refuses(status, body), FaultKind::Refused, false));
    join_all(checks).await;
}

#[tokio::test]
async fn too_many_requests_and_a_server_in_trouble_are_asked_again_and_given_up_in_time() {
    tokio::join!(
        check(
            Does::Refuses("429 Too Many Requests", ""),
            FaultKind::Unreachable,
            true
        ),
        check(
            Does::Refuses("503 Service Unavailable", "<html>"),
            FaultKind::Misbehaved,
            true
        ),
    );
}

#[tokio::test]
async fn a_half_open_socket_is_given_up() {
    check(Does::HalfOpen, FaultKind::Unreachable, false).await;
}

#[tokio::test]
async fn a_socket_of_zero_bytes_is_given_up() {
    for (model, kind) in [
        (MODELS[0], FaultKind::Misbehaved),
        (MODELS[1], FaultKind::Unreachable),
    ] {
        let outcome = call(model, Does::Nothing).await;
        assert_eq!(outcome.failure.kind, kind, "{:?}", outcome.failure);
        assert!(outcome.took < Duration::from_millis(4500));
    }
}

#[tokio::test]
async fn garbage_in_place_of_the_protocol_is_given_up() {
    let garbage = ["<html>", "[]", "{\"type\":7}"];
    join_all(garbage.map(|text| check(Does::Says(text), FaultKind::Misbehaved, true))).await;
}
