//! Requests that want to break in, out, or into the log, over real sockets where it matters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ringback_server::listen::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::culprits::{line, logged};
use crate::media::{listen, listen_within};
use crate::server::*;

const PATIENCE: Duration = Duration::from_secs(8);

/// What the server answers to these bytes, until it closes the connection.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut peer = TcpStream::connect(address).await.unwrap();
    let _ = peer.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = peer.read_to_end(&mut answer);
    // A reset is an end too.
    let _ = tokio::time::timeout(PATIENCE, read).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn with_headers(headers: &str) -> Vec<u8> {
    format!("GET /live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n\r\n")
        .into()
}

#[tokio::test]
async fn who_writes_all_of_a_body_that_is_too_large_reads_why() {
    let listening = listen(local()).await;
    let mut peer = TcpStream::connect(listening.address).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 25165824\r\nconnection: close\r\n\r\n";
    peer.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..24 {
        peer.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    let read = peer.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("has more than 16384 bytes"), "{answer}");
}

#[tokio::test]
async fn who_only_announces_a_body_is_answered_at_once() {
    let listening = listen(local()).await;
    for wait in ["", "expect: 100-continue\r\n"] {
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nhost: localhost\r\n{wait}content-length: 99999999\r\nconnection: close\r\n\r\n"
        );
        let begun = std::time::Instant::now();
        let answer = raw(listening.address, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{wait}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{wait}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_next_request_is_answered() {
    let listening = listen_within(
        local(),
        Limits {
            headers: Duration::from_millis(400),
            ..Limits::of(100)
        },
    )
    .await;
    let many = "a: b\r\n".repeat(200);
    for (bytes, status) in [
        (with_headers("x-request-id: a\rb"), "400"),
        (with_headers("x-request-id: a\0b"), "400"),
        (with_headers("x request id: a"), "400"),
        (with_headers(" folded: a"), "400"),
        (with_headers(many.trim_end()), "431"),
        (
            b"GET /li\nve HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
            "400",
        ),
        (
            b"GET /live HTTP/9.9\r\nhost: localhost\r\n\r\n".to_vec(),
            "400",
        ),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            "400",
        ),
        (vec![b'A'; 80 * 1024], "431"),
        (
            format!("GET /{} HTTP/1.1\r\n", "a".repeat(80 * 1024)).into(),
            "431",
        ),
    ] {
        let answer = raw(listening.address, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{shown}: {answer}"
        );
        assert!(!answer.contains("x-request-id: a"), "{answer}");
    }
    let good = raw(listening.address, &with_headers("x: y")).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
}

#[tokio::test]
async fn a_body_whose_length_is_a_lie_is_refused() {
    let listening = listen(local()).await;
    let post = |headers: &str, body: &str| {
        format!(
            "POST /resume/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\n{headers}\r\n\r\n{body}"
        )
    };
    for (headers, body, status) in [
        ("content-length: 99999999999", "a=b", "413"),
        ("content-length: 65537", "a=b", "413"),
        ("content-length: -1", "a=b", "400"),
        ("content-length: 3\r\ncontent-length: 4", "a=b", "400"),
        (
            "transfer-encoding: chunked",
            "zz\r\na=b\r\n0\r\n\r\n",
            "400",
        ),
        ("transfer-encoding: gzip", "a=b", "400"),
    ] {
        let answer = raw(listening.address, post(headers, body).as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{headers}: {answer}"
        );
    }
    let chunk = format!("{:x}\r\n{}\r\n", 4096, "a".repeat(4096));
    let endless = post("transfer-encoding: chunked", &chunk.repeat(40));
    let answer = raw(listening.address, endless.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[test]
fn nothing_of_a_request_writes_its_own_line_or_field_into_the_log() {
    let log = logged(async {
        let request = Request::post("/resume/%0aERROR%20forged")
            .header("host", "agent.example.test")
            .header("x-request-id", "a\" ,\"forged\":\"1")
            .header("x-forwarded-for", "192.0.2.7, forged\t[31m")
            .header("user-agent", "forged");
        let request = request.body(Body::empty()).unwrap();
        let answer = local().start().ask(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    });
    assert!(!log.contains("forged"), "{log}");
    let line = line(&log, "webhook refused").to_string();
    assert!(line.contains(r#""path":"/resume/{token}""#), "{line}");
    assert!(line.contains(r#""client.ip":"127.0.0.1""#), "{line}");
}

#[test]
fn the_log_names_the_client_behind_a_trusted_proxy_and_only_then() {
    let refused = |peer: &'static str| {
        let log = logged(async move {
            let request = Request::post("/")
                .header("host", "localhost")
                .header("x-forwarded-for", "198.51.100.1, 192.0.2.7");
            let request = request.body(Body::empty()).unwrap();
            local().start().ask_from(peer, request).await;
        });
        let line = line(&log, "webhook refused");
        line["client.ip"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("127.0.0.1"), "192.0.2.7");
    assert_eq!(refused("203.0.113.9"), "203.0.113.9");
}
