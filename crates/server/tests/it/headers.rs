//! What answers are dressed in, and what requests try to slip into them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use ringback_server::config::{Config, Layers};
use std::net::SocketAddr;
use tower::ServiceExt;

use crate::server::*;

fn asked(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Body::empty()).unwrap()
}

async fn headers(server: &TestServer, headers: &[(&str, &str)]) -> HeaderMap {
    server.ask(asked("GET", "/health", headers)).await.headers
}

fn refused(name: &str, value: &str) -> String {
    let environment = [(name.to_owned(), value.to_owned())].into();
    let layers = Layers {
        environment,
        ..Layers::default()
    };
    Config::load(&layers).unwrap_err().to_string()
}

#[tokio::test]
async fn every_answer_carries_security_headers_errors_too() {
    let server = local().start();
    for path in ["/", "/health", "/nothing", "/resume/x"] {
        let answer = server.get(path).await;
        let is = |name: &str, value: &str| assert_eq!(answer.headers[name], value, "{path}");
        is("x-content-type-options", "nosniff");
        is("x-frame-options", "DENY");
        is("referrer-policy", "no-referrer");
        is(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        );
        is("cache-control", "no-store");
        is("x-xss-protection", "1; mode=block");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    }
}

#[tokio::test]
async fn each_header_can_be_set_or_left_out_and_all_of_them() {
    let server = local()
        .with("CONTENT_SECURITY_POLICY", "default-src 'self'")
        .with("X_FRAME_OPTIONS", "off")
        .start();
    let answer = headers(&server, &[]).await;
    assert_eq!(answer["content-security-policy"], "default-src 'self'");
    assert!(!answer.contains_key("x-frame-options") && answer.contains_key("referrer-policy"));
    let server = local().with("ENABLE_SECURITY_HEADERS", "false").start();
    let answer = headers(&server, &[("x-forwarded-proto", "https")]).await;
    for name in [
        "content-security-policy",
        "cache-control",
        "strict-transport-security",
    ] {
        assert!(!answer.contains_key(name), "{name}");
    }
}

#[test]
fn a_value_that_can_be_no_header_stops_the_start() {
    for odd in ["a\r\nset-cookie: x=1", "a\nb", "caf\u{e9}", "a\u{0}"] {
        let why = refused("REFERRER_POLICY", odd);
        assert!(why.starts_with("REFERRER_POLICY=") && why.contains("it becomes a header"));
    }
    assert!(
        refused("HSTS", "31536000")
            .ends_with("write it like max-age=31536000; includeSubDomains, or off")
    );
    for odd in [
        "example.org",
        "https://a.example/",
        "https://a.example, x",
        "null",
        "https://u@a.example",
    ] {
        assert!(
            refused("CORS_ORIGINS", odd).contains("is no origin"),
            "{odd}"
        );
    }
}

#[tokio::test]
async fn only_answers_that_go_out_by_https_ask_for_https() {
    let hsts = async |server: &TestServer, peer: &str, asked_by: &[(&str, &str)]| {
        let answer = server
            .ask_from(peer, asked("GET", "/health", asked_by))
            .await;
        answer.headers.contains_key("strict-transport-security")
    };
    let public = signed().start();
    assert!(hsts(&public, "192.0.2.1", &[("host", "Agent.example.test")]).await);
    assert!(!hsts(&public, "127.0.0.1", &[("host", "localhost:8080")]).await);
    let plain = local().start();
    let forwarded = &[("host", "a.example"), ("x-forwarded-proto", "https")];
    assert!(hsts(&plain, "127.0.0.1", forwarded).await);
    assert!(
        !hsts(&plain, "192.0.2.1", forwarded).await,
        "no trusted proxy"
    );
    assert!(!hsts(&plain, "127.0.0.1", &[("host", "localhost")]).await);
}

#[tokio::test]
async fn pages_of_listed_sites_may_read_and_others_may_not() {
    let allowed = async |server: &TestServer, origin: &str| {
        let preflight = &[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        let before = server.ask(asked("OPTIONS", "/calls/x", preflight)).await;
        let after = headers(server, &[("origin", origin)]).await;
        for answer in [&before.headers, &after] {
            assert!(!answer.contains_key("access-control-allow-credentials"));
        }
        let told = |answer: &HeaderMap| {
            let value = answer.get("access-control-allow-origin");
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told(&before.headers), told(&after));
        told(&after)
    };
    let some = |origin: &str| Some(origin.to_owned());
    let server = local().start();
    for origin in ["http://localhost:3000", "http://localhost:5173"] {
        assert_eq!(allowed(&server, origin).await, some(origin));
    }
    for origin in [
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "null",
    ] {
        assert_eq!(allowed(&server, origin).await, None, "{origin}");
    }
    let open = local()
        .with("HOST", "0.0.0.0")
        .with("SECRET_KEY", "kP4vX9sLq2Zt7Wm1Rb6Yc3Nd8Hf5Jg0a");
    assert_eq!(allowed(&open.start(), "http://localhost:3000").await, None);
    let listed = local()
        .with("CORS_ORIGINS", "https://Console.example")
        .start();
    assert_eq!(
        allowed(&listed, "https://console.example").await,
        some("https://console.example")
    );
    assert_eq!(allowed(&listed, "http://localhost:3000").await, None);
    let any = local().with("CORS_ORIGINS", "*").start();
    assert_eq!(allowed(&any, "https://any.example").await, some("*"));
}

#[tokio::test]
async fn text_is_compressed_for_those_who_ask_and_only_where_it_is_worth_it() {
    let server = local().start();
    let plain = server.get("/").await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let ask = async |path: &str| {
        let mut request = asked("GET", path, &[("accept-encoding", "br, gzip")]);
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        server.router.clone().oneshot(request).await.unwrap()
    };
    let answer = ask("/").await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.headers()["vary"], "accept-encoding");
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(bytes.len() < plain.body.len() / 2);
    let mut page = String::new();
    let mut reader = flate2::read::GzDecoder::new(&bytes[..]);
    reader.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(
        !ask("/live")
            .await
            .headers()
            .contains_key("content-encoding")
    );
}

#[tokio::test]
async fn nothing_from_a_request_becomes_a_header_of_its_own() {
    let server = local().start();
    for path in [
        "/calls/x%0d%0aset-cookie:%20a=1",
        "/%0d%0aset-cookie:%20a=1",
        "/live?x=%0d%0aset-cookie:%20a=1",
    ] {
        let answer = server.get(path).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
        assert!(
            answer
                .headers
                .values()
                .all(|value| !value.as_bytes().contains(&b'\n'))
        );
    }
    let slipped = [("x-request-id", "a%0d%0ab"), ("host", "localhost")];
    let answer = server.ask(asked("GET", "/live", &slipped)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["x-request-id"].len(), 36);
}
