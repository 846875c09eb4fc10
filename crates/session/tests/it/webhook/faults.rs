use std::time::Duration;

use ringback_call::FaultKind::{self, Misbehaved, Misconfigured, Refused, Unreachable};
use ringback_session::Secret;
use ringback_session::responder::webhook::Webhook;
use tokio::io::AsyncWriteExt;

use super::service::{CHUNKED, Service, chunk, closed, request, response};
use super::{LONG, NOW, ask, check_fault, config, over, question, said};

/// The service answers with these bytes, once; the fault is of this kind and names this, and nothing was said.
async fn check(response: impl AsRef<[u8]>, kind: FaultKind, named: &str) {
    let service = Service::start().await;
    let config = config(&service.url());
    let (_, (answered, result)) = tokio::join!(service.answer(response), ask(&config));
    check_fault(result.clone(), kind, named);
    check_fault(result, kind, &service.authority());
    assert_eq!(answered, []);
    assert!(service.is_idle().await, "it was asked again");
}

/// The URL is not even tried.
async fn check_untried(url: &str, allow_private: bool, named: &str) {
    let mut config = config(url);
    config.allow_private = allow_private;
    let (answered, result) = ask(&config).await;
    check_fault(result, Misconfigured, named);
    assert_eq!(answered, []);
}

#[tokio::test]
async fn a_status_of_400_to_499_is_a_refusal() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "429 Too Many Requests",
    ] {
        check(
            response(status, "text/plain", "answered words"),
            Refused,
            &status[..3],
        )
        .await;
    }
}

#[tokio::test]
async fn a_status_of_500_to_599_is_misbehaviour() {
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        check(
            response(status, "text/plain", "answered words"),
            Misbehaved,
            &status[..3],
        )
        .await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Service::start().await;
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = other.url();
        let redirect =
            format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        check(redirect, Misbehaved, &status[..3]).await;
    }
    assert!(other.is_idle().await);
}

#[tokio::test]
async fn an_answer_of_the_wrong_form_is_misbehaviour() {
    let json = "application/json";
    for (content_type, body, named) in [
        (
            json,
            &b"{\"text\":\"answered words\",\"end\":\"yes\"}"[..],
            "`end`",
        ),
        (json, b"{\"text\":{\"answered words\":1}}", "`text`"),
        (json, b"{\"transfer\":\"answered words\"}", "`transfer`"),
        (json, b"answered words", "malformed"),
        (json, b"[\"answered words\"]", "not an object"),
        (json, b"", "malformed"),
        ("text/plain", b"answered words \xff\xfe", "UTF-8"),
        ("text/plain", b"{answered words", "malformed"),
        ("text/html", b"answered words", "text/html"),
        ("", b"answered words", "content type"),
    ] {
        check(response("200 OK", content_type, body), Misbehaved, named).await;
    }
}

#[tokio::test]
async fn garbage_instead_of_http_is_misbehaviour() {
    check("SSH-2.0-answered words\r\n\r\n", Misbehaved, "HTTP").await;
    check([0xff; 64], Misbehaved, "HTTP").await;
}

#[tokio::test]
async fn a_compressed_answer_is_misbehaviour() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n";
    check(
        format!("{head}Content-Length: 3\r\n\r\nabc"),
        Misbehaved,
        "compressed",
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1001\r\n\r\n";
    check(head, Misbehaved, "1000 bytes").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_misbehaviour() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    check(format!("{head}{{\"text\":"), Misbehaved, "broke off").await;
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_again() {
    check("", Misbehaved, "no answer").await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_bound() {
    let service = Service::start().await;
    let config = config(&service.url());
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        socket.write_all(CHUNKED.as_bytes()).await.unwrap();
        let more = chunk("answered words\n");
        while socket.write_all(more.as_bytes()).await.is_ok() {}
    };
    let both = async { tokio::join!(server, ask(&config)) };
    let ((), (answered, result)) = tokio::time::timeout(LONG, both).await.unwrap();
    check_fault(result, Misbehaved, "1000 bytes");
    assert!(answered.len() <= 1000 / "answered words\n".len());
    assert!(!answered.contains(&over()));
}

#[tokio::test]
async fn an_endless_line_is_cut_at_the_bound() {
    let service = Service::start().await;
    let config = config(&service.url());
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        socket.write_all(CHUNKED.as_bytes()).await.unwrap();
        while socket.write_all(chunk("and ").as_bytes()).await.is_ok() {}
    };
    let both = async { tokio::join!(server, ask(&config)) };
    let ((), (answered, result)) = tokio::time::timeout(LONG, both).await.unwrap();
    check_fault(result, Misbehaved, "1000 bytes");
    assert_eq!(answered, []);
}

#[tokio::test]
async fn a_late_first_byte_is_no_answer() {
    for head in ["", CHUNKED] {
        let service = Service::start().await;
        let mut config = config(&service.url());
        config.first_byte = Duration::from_millis(60);
        let server = async {
            let mut socket = service.accept().await;
            request(&mut socket).await;
            socket.write_all(head.as_bytes()).await.unwrap();
            closed(socket).await
        };
        let (closed, (answered, result)) = tokio::join!(server, ask(&config));
        check_fault(result, Unreachable, "did not begin to answer within 60 ms");
        assert_eq!(answered, []);
        assert!(closed);
    }
}

#[tokio::test]
async fn a_late_end_is_no_answer_though_its_beginning_was_said() {
    let service = Service::start().await;
    let mut config = config(&service.url());
    config.timeout = Duration::from_millis(150);
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        let begin = format!("{CHUNKED}{}", chunk("One moment.\nanswered words"));
        socket.write_all(begin.as_bytes()).await.unwrap();
        closed(socket).await
    };
    let (closed, (answered, result)) = tokio::join!(server, ask(&config));
    check_fault(
        result,
        Unreachable,
        "did not finish its answer within 150 ms",
    );
    assert_eq!(answered, [said("One moment.\n")]);
    assert!(closed);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let service = Service::start().await;
    let (config, authority) = (config(&service.url()), service.authority());
    drop(service);
    let (_, result) = ask(&config).await;
    check_fault(result, Unreachable, &authority);
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unreachable() {
    for allow_private in [true, false] {
        let mut config = config("http://no-such-host.invalid/?key=tok3n");
        config.allow_private = allow_private;
        let (_, result) = ask(&config).await;
        check_fault(result, Unreachable, "no-such-host.invalid");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_once_more() {
    let service = Service::start().await;
    let config = config(&format!("https://{}/?key=tok3n", service.authority()));
    let server = async {
        for _ in 0..2 {
            drop(service.accept().await);
        }
    };
    let both = async { tokio::join!(server, ask(&config)) };
    let ((), (_, result)) = tokio::time::timeout(LONG, both).await.unwrap();
    check_fault(result, Unreachable, "could not be connected to");
    assert!(service.is_idle().await, "it was tried a third time");
}

#[tokio::test]
async fn a_private_address_is_not_asked_unless_allowed() {
    let service = Service::start().await;
    let port = service.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0x7f000001",
        "0.0.0.0",
    ] {
        let url = format!("http://{host}:{port}/?key=tok3n");
        check_untried(&url, false, "is not asked: its address is not a public one").await;
    }
    assert!(service.is_idle().await, "it was connected to");
}

#[tokio::test]
async fn a_connection_of_an_allowed_scenario_does_not_serve_another() {
    let service = Service::start().await;
    let url = format!("http://localhost:{}/?key=tok3n", service.port());
    let webhook = Webhook::new(false).unwrap();
    let mut config = config(&url);
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        let hello = response("200 OK", "application/json", "{}");
        socket.write_all(&hello).await.unwrap();
        socket
    };
    let mut on = |_| {};
    let asked = question();
    let (socket, result) = tokio::join!(server, webhook.ask(&config, &asked, NOW, &mut on));
    assert_eq!(result, Ok(()));
    config.allow_private = false;
    let result = webhook.ask(&config, &asked, NOW, &mut on).await;
    check_fault(result, Misconfigured, "not a public one");
    drop(socket);
}

#[tokio::test]
async fn a_server_may_allow_private_addresses_to_all() {
    let service = Service::start().await;
    let mut config = config(&format!("http://localhost:{}/", service.port()));
    config.allow_private = false;
    let webhook = Webhook::new(true).unwrap();
    let mut on = |_| {};
    let asked = question();
    let hello = response("200 OK", "application/json", "{}");
    let (_, result) = tokio::join!(
        service.answer(hello),
        webhook.ask(&config, &asked, NOW, &mut on)
    );
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn a_url_that_is_no_web_address_is_not_asked() {
    for url in [
        "ftp://example.com/tok3n",
        "wss://example.com/tok3n",
        "file:///tok3n",
        "data:,tok3n",
    ] {
        check_untried(url, true, "https://").await;
    }
    for url in [
        "http://tok3n@example.com/",
        "http://user:tok3n@example.com/",
    ] {
        check_untried(url, true, "user name or a password").await;
    }
}

#[tokio::test]
async fn an_empty_secret_signs_nothing() {
    let service = Service::start().await;
    let mut config = config(&service.url());
    config.secret = Some(Secret::new(""));
    let (_, result) = ask(&config).await;
    check_fault(result, Misconfigured, "empty");
    assert!(service.is_idle().await);
}

#[test]
fn what_is_private_does_not_show_in_debug_output() {
    let shown = format!("{:?} {:?}", config("http://example.com/tok3n"), question());
    for private in [super::SECRET, "tok3n", "+1500", "caf", "Hello"] {
        assert!(!shown.contains(private), "{shown}");
    }
    assert!(shown.contains("example.com"), "{shown}");
}
