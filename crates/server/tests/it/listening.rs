//! Peers that are slow, idle or many, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use ringback_server::listen::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::media::{closed, listen_within, talks};
use crate::server::*;

const HEADERS: Duration = Duration::from_millis(400);
const READING: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(8);
const LIVE: &[u8] = b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn limits(connections: usize) -> Limits {
    Limits {
        headers: HEADERS,
        ..Limits::of(connections)
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap()
}

/// Reads to the end of one answer to [`LIVE`].
async fn answered(peer: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"{\"status\":\"live\"}") {
        let byte = peer.read_u8().await.unwrap();
        text.push(byte);
    }
    String::from_utf8(text).unwrap()
}

/// Sends headers byte by byte without an end, until the server has had enough. What it answered, and after how long.
async fn drip(address: SocketAddr) -> (String, Duration) {
    let begun = Instant::now();
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let drips = tokio::spawn(async move {
        let _ = writer
            .write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\nx: ")
            .await;
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = within(reader.read_to_end(&mut answer)).await;
    drips.abort();
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

#[tokio::test]
async fn a_peer_with_slow_headers_is_dropped_and_a_call_goes_on() {
    let listening = listen_within(local(), limits(100)).await;
    let mut call = listening.connect("CA1").await;
    let drips: Vec<_> = (0..20)
        .map(|_| tokio::spawn(drip(listening.address)))
        .collect();
    let begun = Instant::now();
    while begun.elapsed() < HEADERS * 2 {
        talks(&mut call).await;
    }
    for drip in drips {
        let (answer, after) = drip.await.unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
        assert!(after >= HEADERS && after < PATIENCE, "after {after:?}");
    }
    talks(&mut call).await;
}

#[tokio::test]
async fn an_idle_connection_answers_again_until_its_time_is_over() {
    let listening = listen_within(local(), limits(100)).await;
    let mut peer = TcpStream::connect(listening.address).await.unwrap();
    for _ in 0..2 {
        peer.write_all(LIVE).await.unwrap();
        let answer = within(answered(&mut peer)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut rest = Vec::new();
    let _ = within(peer.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn more_connections_than_are_allowed_wait_until_one_is_closed() {
    let listening = listen_within(
        local(),
        Limits {
            headers: PATIENCE,
            ..limits(2)
        },
    )
    .await;
    let mut idle = TcpStream::connect(listening.address).await.unwrap();
    idle.write_all(LIVE).await.unwrap();
    within(answered(&mut idle)).await;
    let mut call = listening.connect("CA1").await;

    let mut third = TcpStream::connect(listening.address).await.unwrap();
    third.write_all(LIVE).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), third.read_u8()).await;
    assert!(early.is_err(), "a media socket holds its place");
    talks(&mut call).await;
    drop(idle);
    within(answered(&mut third)).await;
    talks(&mut call).await;
}

#[tokio::test]
async fn headers_beyond_their_bound_are_refused() {
    let listening = listen_within(local(), limits(100)).await;
    let mut peer = TcpStream::connect(listening.address).await.unwrap();
    let request = format!(
        "GET /live HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(64 * 1024)
    );
    let _ = peer.write_all(request.as_bytes()).await;
    let mut answer = [0; 12];
    within(peer.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn headers_of_more_than_32_kib_are_refused_by_a_named_answer() {
    let listening = listen_within(local(), limits(100)).await;
    for (bytes, status) in [
        (32 * 1024 - 200, "200"),
        (32 * 1024 + 1, "431"),
        (48 * 1024, "431"),
    ] {
        let mut peer = TcpStream::connect(listening.address).await.unwrap();
        let long = "x".repeat(bytes);
        let request = format!(
            "GET /live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: {long}\r\n\r\n"
        );
        peer.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(peer.read_to_string(&mut answer)).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{bytes}: {answer}"
        );
        assert!(answer.contains("x-request-id: "), "{answer}");
        let told = "{\"detail\":\"the headers have more than 32768 bytes\"}";
        assert_eq!(answer.ends_with(told), status == "431", "{answer}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_left_and_one_that_reads_gets_everything() {
    let large = vec![b'x'; 32 << 20];
    let router = Router::new().route("/", get(async || large));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let patient = Limits {
        reading: READING,
        ..limits(100)
    };
    let closed = CancellationToken::new();
    tokio::spawn(serve(listener, None, router, patient, closed));
    let ask = async || {
        let mut peer = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        peer.write_all(request).await.unwrap();
        peer
    };
    let mut slow = ask().await;
    tokio::time::sleep(READING * 2).await;
    let mut read = Vec::new();
    let _ = within(slow.read_to_end(&mut read)).await;
    assert!(read.len() < 32 << 20, "{} bytes", read.len());
    let mut read = Vec::new();
    within(ask().await.read_to_end(&mut read)).await.unwrap();
    assert!(read.len() > 32 << 20, "{} bytes", read.len());
}

#[tokio::test]
async fn a_peer_that_sends_on_after_its_breach_still_reads_why_it_was_closed() {
    let listening = listen_within(local(), limits(100)).await;
    let mut peer = listening.open("/ws").await;
    let raw = peer.get_mut();
    // A masked text frame of 1 MiB (RFC 6455, 5.2), of which only a part ever comes.
    raw.write_all(&[0x81, 0xff]).await.unwrap();
    raw.write_all(&(1_u64 << 20).to_be_bytes()).await.unwrap();
    for _ in 0..20 {
        raw.write_all(&[0; 8 << 10]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(closed(&mut peer).await.0, 1009);
}
