use aws_lc_rs::digest;
use ringback_session::Secret;
use ringback_session::responder::webhook::Webhook;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

use super::service::{CHUNKED, Seen, Service, chunk, closed, request, response};
use super::{LONG, NOW, SECRET, ask, config, over, question, said};

async fn seen(change: impl FnOnce(&mut super::WebhookConfig)) -> Seen {
    let service = Service::start().await;
    let mut config = config(&service.url());
    change(&mut config);
    let hello = response("200 OK", "application/json", "{}");
    let (seen, (_, result)) = tokio::join!(service.answer(hello), ask(&config));
    result.unwrap();
    seen
}

/// HMAC by its definition (RFC 2104), for secrets of at most 64 bytes.
fn hmac_sha256(secret: &[u8], message: &[u8]) -> String {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block
            .iter_mut()
            .zip(secret)
            .for_each(|(byte, key)| *byte ^= key);
        block
    };
    let hash =
        |start: [u8; 64], rest: &[u8]| digest::digest(&digest::SHA256, &[&start, rest].concat());
    let inner = hash(padded(0x36), message);
    let outer = hash(padded(0x5c), inner.as_ref());
    outer
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn a_question_is_one_post_of_json() {
    let seen = seen(|_| {}).await;
    assert_eq!(seen.line(), "POST /answer?key=tok3n HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(
        seen.header("user-agent"),
        Some(concat!("ringback/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(
        seen.header("x-ringback-request"),
        Some("00000000-0000-0000-0000-000000000007.3.5")
    );
    assert_eq!(seen.header("authorization"), None);
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    let expected = json!({
        "call_id": "00000000-0000-0000-0000-000000000007",
        "call_sid": "CA00000000000000000000000000000001",
        "scenario": "front-desk",
        "direction": "inbound",
        "from": "+15005550006",
        "to": "+15005550001",
        "turn": 3,
        "text": "Is the café open?",
        "heard": [
            {"speaker": "agent", "text": "Hello!"},
            {"speaker": "caller", "text": "Good morning."},
        ],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn keys_are_told_where_some_were_pressed() {
    let service = Service::start().await;
    let mut keyed = question();
    keyed.digits = Some("42#".to_owned());
    keyed.hints = vec!["Be kind.".to_owned()];
    let webhook = Webhook::new(false).unwrap();
    let config = config(&service.url());
    let mut on = |_| {};
    let (seen, result) = tokio::join!(
        service.answer("HTTP/1.1 204 No Content\r\n\r\n"),
        webhook.ask(&config, &keyed, NOW, &mut on)
    );
    result.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body["digits"], "42#");
    assert_eq!(body["hints"], json!(["Be kind."]));
}

#[tokio::test]
async fn the_signature_is_the_hmac_of_time_and_body() {
    let seen = seen(|_| {}).await;
    assert_eq!(seen.header("x-ringback-timestamp"), Some("1700000000"));
    let message = [b"1700000000.", seen.body.as_slice()].concat();
    let expected = format!("v1={}", hmac_sha256(SECRET.as_bytes(), &message));
    assert_eq!(seen.header("x-ringback-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn without_a_secret_a_request_is_not_signed() {
    let seen = seen(|config| config.secret = None).await;
    assert_eq!(seen.header("x-ringback-signature"), None);
    assert_eq!(seen.header("x-ringback-timestamp"), Some("1700000000"));
}

#[tokio::test]
async fn another_secret_gives_another_signature() {
    let one = seen(|_| {}).await;
    let other = seen(|config| config.secret = Some(Secret::new("battery staple"))).await;
    assert_eq!(one.body, other.body);
    assert_ne!(
        one.header("x-ringback-signature"),
        other.header("x-ringback-signature")
    );
}

#[tokio::test]
async fn the_next_question_takes_the_same_connection() {
    let service = Service::start().await;
    let config = config(&service.url());
    let webhook = Webhook::new(false).unwrap();
    let server = async {
        let mut socket = service.accept().await;
        for _ in 0..2 {
            request(&mut socket).await;
            let hello = response("200 OK", "application/json", r#"{"text":"Hello."}"#);
            socket.write_all(&hello).await.unwrap();
        }
    };
    let client = async {
        for _ in 0..2 {
            let mut answered = Vec::new();
            let mut on = |piece| answered.push(piece);
            webhook
                .ask(&config, &question(), NOW, &mut on)
                .await
                .unwrap();
            assert_eq!(answered, [said("Hello."), over()]);
        }
    };
    let both = async { tokio::join!(server, client) };
    tokio::time::timeout(LONG, both).await.unwrap();
    assert!(service.is_idle().await);
}

#[tokio::test]
async fn a_question_that_is_dropped_before_the_answer_is_closed() {
    let service = Service::start().await;
    let config = config(&service.url());
    let (arrived, arrival) = oneshot::channel();
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        arrived.send(()).unwrap();
        closed(socket).await
    };
    let client = async {
        tokio::select! {
            _ = ask(&config) => unreachable!("the service does not answer"),
            asked = arrival => asked.unwrap(),
        }
    };
    let both = async { tokio::join!(server, client) };
    let (closed, ()) = tokio::time::timeout(LONG, both).await.unwrap();
    assert!(closed);
}

#[tokio::test]
async fn a_question_that_is_dropped_during_the_answer_is_closed() {
    let service = Service::start().await;
    let config = config(&service.url());
    let webhook = Webhook::new(false).unwrap();
    let server = async {
        let mut socket = service.accept().await;
        request(&mut socket).await;
        let begin = format!("{CHUNKED}{}", chunk("One moment.\n"));
        socket.write_all(begin.as_bytes()).await.unwrap();
        closed(socket).await
    };
    let client = async {
        let (heard, hearing) = oneshot::channel();
        let mut heard = Some(heard);
        let mut on = |piece| {
            assert_eq!(piece, said("One moment.\n"));
            heard.take().unwrap().send(()).unwrap();
        };
        let asked = question();
        tokio::select! {
            _ = webhook.ask(&config, &asked, NOW, &mut on) => unreachable!("the answer has no end"),
            heard = hearing => heard.unwrap(),
        }
    };
    let both = async { tokio::join!(server, client) };
    let (closed, ()) = tokio::time::timeout(LONG, both).await.unwrap();
    assert!(closed);
}
