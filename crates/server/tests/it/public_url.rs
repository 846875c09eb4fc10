#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use axum::http::HeaderMap;
use ringback_server::hooks::public_url::PublicBase;

fn parsed(text: &str) -> Result<(String, String), String> {
    PublicBase::parse(text).map(|base| (base.url("/a?b=%20"), base.socket_url("/ws")))
}

fn check(text: &str, url: &str, socket: &str) {
    assert_eq!(
        parsed(text),
        Ok((url.to_owned(), socket.to_owned())),
        "{text}"
    );
}

#[test]
fn a_public_url_may_come_with_or_without_a_scheme() {
    check(
        "https://agent.example.test",
        "https://agent.example.test/a?b=%20",
        "wss://agent.example.test/ws",
    );
    check(
        "HTTPS://Agent.example.test/",
        "https://Agent.example.test/a?b=%20",
        "wss://Agent.example.test/ws",
    );
    check(
        "agent.example.test:8443",
        "https://agent.example.test:8443/a?b=%20",
        "wss://agent.example.test:8443/ws",
    );
    check(
        "wss://agent.example.test",
        "https://agent.example.test/a?b=%20",
        "wss://agent.example.test/ws",
    );
    check(
        "localhost:8080",
        "http://localhost:8080/a?b=%20",
        "ws://localhost:8080/ws",
    );
    check(
        "[::1]:8080",
        "http://[::1]:8080/a?b=%20",
        "ws://[::1]:8080/ws",
    );
    check(
        "[2001:db8::1]",
        "https://[2001:db8::1]/a?b=%20",
        "wss://[2001:db8::1]/ws",
    );
    check(
        "https://example.test/phone/",
        "https://example.test/phone/a?b=%20",
        "wss://example.test/phone/ws",
    );
}

#[test]
fn what_is_no_public_url_is_refused_with_advice() {
    for text in [
        "ftp://example.test",
        "https://",
        "https:///x",
        "https://user@example.test",
        "https://example.test?x=1",
        "https://example.test/#x",
        "exa mple.test",
        "example.test:port",
        "example.test:99999",
        "[::1",
        "[example]",
        "::1",
        "https://exämple.test",
    ] {
        let why = parsed(text).expect_err(text);
        assert!(
            why.contains("write it like https://phone.example.org"),
            "{why}"
        );
    }
}

fn of_request(peer: &str, headers: &[(&'static str, &str)]) -> Option<String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let trusted = ["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    let peer: IpAddr = peer.parse().unwrap();
    PublicBase::of_request(&map, peer.into(), &trusted)
        .ok()
        .map(|base| base.to_string())
}

#[test]
fn without_one_the_request_says_how_it_came() {
    let check = |headers: &[(&'static str, &str)], expected: &str| {
        assert_eq!(of_request("192.0.2.1", headers).as_deref(), Some(expected));
    };
    check(&[("host", "192.0.2.7:8080")], "http://192.0.2.7:8080");
    check(&[("host", "[::1]:8080")], "http://[::1]:8080");
    for headers in [
        &[][..],
        &[("host", "")],
        &[("host", "a"), ("host", "b")],
        &[("host", "a/b")],
        &[("host", "u@a")],
        &[("host", "a b")],
    ] {
        assert_eq!(of_request("192.0.2.1", headers), None, "{headers:?}");
    }
}

#[test]
fn forwarding_headers_count_only_from_a_trusted_proxy_and_only_what_it_wrote() {
    let headers = [
        ("host", "inner:8080"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "agent.example.test"),
    ];
    for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(
            of_request(peer, &headers).as_deref(),
            Some("https://agent.example.test"),
            "{peer}"
        );
    }
    assert_eq!(
        of_request("192.0.2.1", &headers).as_deref(),
        Some("http://inner:8080")
    );
    let chained = [
        ("host", "inner"),
        ("x-forwarded-proto", "http, https"),
        ("x-forwarded-host", "evil.example, agent.example.test"),
    ];
    assert_eq!(
        of_request("::1", &chained).as_deref(),
        Some("https://agent.example.test")
    );
    let only_scheme = [
        ("host", "agent.example.test"),
        ("x-forwarded-proto", "https"),
    ];
    assert_eq!(
        of_request("::1", &only_scheme).as_deref(),
        Some("https://agent.example.test")
    );
    let broken = [("host", "inner"), ("x-forwarded-host", "a/b")];
    assert_eq!(of_request("::1", &broken), None);
}
