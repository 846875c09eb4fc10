#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ringback_server::hooks::voice::{BUSY, STOPPING};
use ringback_wire::twilio::signature::{AuthToken, sign};
use ringback_wire::twilio::webhook::Form;

use crate::server::*;

#[tokio::test]
async fn a_signed_call_is_brought_to_its_media_socket_and_then_to_the_resume_webhook() {
    let server = signed().start();
    let answer = server.post_signed("/", &inbound()).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["content-type"].to_str().unwrap()
        ),
        (StatusCode::OK, "application/xml")
    );
    let stream = stream(&answer.body);
    assert_eq!(
        stream.url,
        "wss://agent.example.test/ws/guest-relations/audio/stream"
    );
    assert!(
        stream
            .resume
            .starts_with("https://agent.example.test/resume/")
    );
    assert_eq!(stream.parameters["from"], CALLER);
    assert_eq!(stream.parameters["to"], CALLED);
    assert!(!stream.resume.contains(&stream.parameters["token"]));
    assert!(answer.body.contains("method=\"POST\""));
    assert_eq!(server.app.registry.counts().expected, 1);
}

#[tokio::test]
async fn a_call_may_name_its_scenario() {
    let server = signed().start();
    let answer = server
        .post_signed("/call/inbound/receive/parrot", &inbound())
        .await;
    assert_eq!(
        stream(&answer.body).url,
        "wss://agent.example.test/ws/parrot/audio/stream"
    );
    let answer = server
        .post_signed("/call/inbound/receive/nobody", &inbound())
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            StatusCode::NOT_FOUND,
            r#"{"detail":"there is no scenario of this name"}"#
        )
    );
}

#[tokio::test]
async fn the_direction_of_the_request_chooses_the_direction_of_the_call() {
    let server = signed().start();
    let answer = server
        .post_signed("/call/inbound/receive/reminders", &inbound())
        .await;
    assert_eq!(
        answer.body,
        r#"{"detail":"the scenario reminders takes no inbound calls"}"#
    );
    let outbound = of_call(CALL).with("Direction", "outbound-api");
    let answer = server
        .post_signed("/call/inbound/receive/reminders", &outbound)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn the_query_is_signed_as_it_came() {
    let server = signed().start();
    for path in [
        "/?a=1&b=%20+'x'",
        "/call/inbound/receive/parrot?",
        "/call/inbound/receive/parro%74",
    ] {
        assert_eq!(
            server.post_signed(path, &inbound()).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn unsigned_and_badly_signed_webhooks_are_refused() {
    let server = signed().start();
    let form = inbound();
    let refused = async |request: Request<Body>| {
        let answer = server.ask(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.starts_with("{\"detail\":"));
        answer.body
    };
    let mut missing = signed_post("/", &form);
    missing.headers_mut().remove("x-twilio-signature");
    assert!(refused(missing).await.contains("no X-Twilio-Signature"));
    for signature in ["", "not base64", "iPmV6EudyBkCmwhXZCuqJaSU02Q="] {
        let mut wrong = signed_post("/", &form);
        wrong
            .headers_mut()
            .insert("x-twilio-signature", signature.parse().unwrap());
        refused(wrong).await;
    }
    let mut other_path = signed_post("/", &form);
    *other_path.uri_mut() = "/call/inbound/receive/parrot".parse().unwrap();
    refused(other_path).await;
    let mut changed = signed_post("/", &form);
    *changed.body_mut() = Body::from(form.with("Extra", "").to_urlencoded());
    refused(changed).await;
    assert_eq!(server.app.registry.counts().expected, 0);
}

#[tokio::test]
async fn a_signature_counts_for_the_public_url_only() {
    let token = AuthToken::new(TOKEN).unwrap();
    let form = inbound();
    let request = |base: &str| {
        let mut request = signed_post("/", &form);
        let signature = sign(&token, &format!("{base}/"), form.pairs());
        request
            .headers_mut()
            .insert("x-twilio-signature", signature.parse().unwrap());
        request
    };
    let server = signed().start();
    assert_eq!(
        server.ask(request("http://localhost:8080")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        server
            .ask(request("https://agent.example.test:443"))
            .await
            .status,
        StatusCode::OK
    );
    let without = local().with("TWILIO_AUTH_TOKEN", TOKEN).start();
    assert_eq!(
        without.ask(request("http://localhost:8080")).await.status,
        StatusCode::OK
    );
    assert_eq!(
        without.ask(request(BASE)).await.status,
        StatusCode::FORBIDDEN
    );
    let forwarded = |request: Request<Body>| {
        let mut request = request;
        request
            .headers_mut()
            .insert("x-forwarded-proto", "https".parse().unwrap());
        request
            .headers_mut()
            .insert("x-forwarded-host", "agent.example.test".parse().unwrap());
        request
    };
    let through_tunnel = without.ask(forwarded(request(BASE))).await;
    assert_eq!(
        stream(&through_tunnel.body).url,
        "wss://agent.example.test/ws/guest-relations/audio/stream"
    );
    let untrusted = without
        .ask_from("192.0.2.1", forwarded(request(BASE)))
        .await;
    assert_eq!(untrusted.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_a_token_only_local_callers_are_accepted() {
    let server = local().start();
    let answer = server.post("/", &inbound()).await;
    assert_eq!(
        stream(&answer.body).url,
        "ws://localhost:8080/ws/guest-relations/audio/stream"
    );
    let form = inbound().to_urlencoded();
    let request = |host: &str| {
        Request::post("/")
            .header("host", host)
            .header("content-type", "application/x-www-form-urlencoded")
    };
    let cases = [
        ("192.0.2.1", request("localhost")),
        ("127.0.0.1", request("agent.example.test")),
        (
            "127.0.0.1",
            request("localhost").header("x-forwarded-for", "192.0.2.1"),
        ),
        (
            "127.0.0.1",
            request("localhost").header("forwarded", "for=192.0.2.1"),
        ),
    ];
    for (peer, request) in cases {
        let answer = server
            .ask_from(peer, request.body(Body::from(form.clone())).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("TWILIO_AUTH_TOKEN is not set"));
    }
}

#[tokio::test]
async fn the_signature_decides_not_the_account_that_is_named() {
    let server = signed()
        .with("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000002")
        .start();
    let answer = server.post_signed("/", &inbound()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_none_of_a_webhook_are_refused_for_what_they_are() {
    let server = local().start();
    let ask = async |kind: Option<&str>, body: String| {
        let mut request = Request::post("/").header("host", "localhost");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        server.ask(request.body(Body::from(body)).unwrap()).await
    };
    let form = "application/x-www-form-urlencoded";
    let valid = inbound().to_urlencoded();
    assert_eq!(
        ask(Some("application/json"), "{}".into()).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(
        ask(None, valid.clone()).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(
        ask(Some(form), format!("{valid}&x={}", "x".repeat(65_536)))
            .await
            .status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        ask(Some(form), format!("{valid}{}", "&x=".repeat(300)))
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let missing = ask(Some(form), "From=x".into()).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        missing.body,
        r#"{"detail":[{"loc":["body","CallSid"],"msg":"Field required","type":"missing"}]}"#
    );
    assert_eq!(
        ask(Some("Application/X-WWW-Form-URLencoded"), valid)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn too_many_calls_hear_a_busy_line_until_one_is_gone() {
    let server = local().with("MAX_CALLS", "1").start();
    stream(&server.post("/", &of_call("CA1")).await.body);
    assert_eq!(spoken(&server.post("/", &of_call("CA2")).await.body), BUSY);
    assert_eq!(server.free.load(Ordering::SeqCst), 8);
    server
        .app
        .registry
        .sweep(std::time::Instant::now() + std::time::Duration::from_secs(60));
    assert_eq!(server.free.load(Ordering::SeqCst), 9);
    stream(&server.post("/", &of_call("CA2")).await.body);
}

#[tokio::test]
async fn without_a_free_seat_a_busy_line_is_spoken() {
    let server = Setup {
        seats: 0,
        ..local()
    }
    .start();
    let answer = server.post("/", &inbound()).await;
    assert_eq!(
        (answer.status, spoken(&answer.body).as_str()),
        (StatusCode::OK, BUSY)
    );
}

#[tokio::test]
async fn while_the_server_stops_a_line_is_spoken() {
    let server = local().start();
    server.app.lifecycle.draining.cancel();
    assert_eq!(spoken(&server.post("/", &inbound()).await.body), STOPPING);
}

#[tokio::test]
async fn a_body_with_plus_signs_and_letters_beyond_ascii_keeps_its_signature_behind_a_proxy() {
    let server = signed().start();
    let form = of_call(CALL)
        .with("From", "+15005550001")
        .with("CallerName", "Zoë + Jürgen 東京 ☎")
        .with("City", "a b+c%2Bd&e=f");
    // The proxy speaks http to another host and port than the carrier spoke to.
    let post = |body: String| {
        let request = signed_post("/", &form);
        assert_eq!(request.headers()["host"], "localhost:8080");
        let (mut parts, _) = request.into_parts();
        parts.headers.insert("content-length", body.len().into());
        Request::from_parts(parts, Body::from(body))
    };
    let plus = form.to_urlencoded();
    assert!(plus.contains("a+b%2Bc%252Bd"), "{plus}");
    // A space is written in two ways; both are the same form, and a bare plus is another.
    for (body, status) in [
        (plus.clone(), StatusCode::OK),
        (plus.replace('+', "%20"), StatusCode::OK),
        (plus.replacen("%2B15", "+15", 1), StatusCode::FORBIDDEN),
    ] {
        let answer = server.ask_from("192.0.2.1", post(body.clone())).await;
        assert_eq!(answer.status, status, "{body}");
    }
}

#[tokio::test]
async fn hostile_fields_do_no_harm() {
    let server = local().start();
    let long = "9".repeat(600);
    let form = of_call("CA<&\"'>\u{0}x")
        .with("From", "<Hangup/>\u{1}\"")
        .with("To", long);
    let stream = stream(&server.post("/", &form).await.body);
    assert!(!stream.parameters.contains_key("to"));
    let empty: Form = Form::default().with("CallSid", "");
    assert_eq!(
        server.post("/", &empty).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
