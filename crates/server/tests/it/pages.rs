#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ringback_server::calls::reasons::with_reasons;
use ringback_server::welcome::Welcome;
use ringback_session::EngineStatus;
use serde_json::Value;

use crate::server::*;

#[tokio::test]
async fn health_names_every_service() {
    let server = local().start();
    let answer = server.get("/health").await;
    assert_eq!(answer.status, StatusCode::OK);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        body["status"], "degraded",
        "the scripted recogniser is down"
    );
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    let services = body["services"].to_string();
    assert_eq!(
        services,
        r#"{"cartesia":"unconfigured","database":"unconfigured","deepgram":"unconfigured","elevenlabs":"unconfigured","openai":"unconfigured","recognizer":"down","twilio":"unconfigured","voice":"connected"}"#
    );
    let deaf = local().with("STT", "none").start().get("/health").await;
    assert!(
        deaf.body.contains(r#""status":"healthy""#)
            && deaf.body.contains(r#""recognizer":"unconfigured""#)
    );
}

#[tokio::test]
async fn twilio_counts_as_connected_only_when_it_was_heard() {
    let server = signed().start();
    assert!(
        server
            .get("/health")
            .await
            .body
            .contains(r#""twilio":"unconfigured""#)
    );
    server.post("/", &inbound()).await;
    assert!(
        server
            .get("/health")
            .await
            .body
            .contains(r#""twilio":"unconfigured""#)
    );
    server.post_signed("/", &inbound()).await;
    assert!(
        server
            .get("/health")
            .await
            .body
            .contains(r#""twilio":"connected""#)
    );
}

#[tokio::test]
async fn a_server_that_stops_is_alive_but_not_ready() {
    let server = local().start();
    assert_eq!(server.get("/ready").await.status, StatusCode::OK);
    server.app.lifecycle.draining.cancel();
    assert_eq!(
        server.get("/ready").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(server.get("/live").await.status, StatusCode::OK);
    assert_eq!(server.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_server_without_a_voice_is_not_ready() {
    let server = Setup {
        mute: true,
        ..local()
    };
    let answer = server.start().get("/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.body.contains("no voice can be used"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_page_says_where_to_go_next() {
    let server = local().start();
    let page = server.get("/").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    for part in [
        "<code>http://127.0.0.1:8080</code>",
        "<pre>./here/ringback call --url http://127.0.0.1:8080</pre>",
        "&lt;why pocketsphinx&gt;",
        "/call/inbound/receive/parrot",
        "live calls: <strong>0</strong>",
        "only callers on this machine",
    ] {
        assert!(page.body.contains(part), "{part}\n{}", page.body);
    }
    assert!(
        !page.body.contains("src=") && !page.body.contains("href="),
        "no assets of others"
    );
    let page = signed().start().get("/").await;
    assert!(page.body.contains("<pre>https://agent.example.test/</pre>"));
    assert!(!page.body.contains(TOKEN));
}

#[tokio::test]
async fn how_a_server_is_set_up_is_shown_to_local_callers_of_one_on_loopback_alone() {
    let folders = |body: &str| {
        [
            "data/recordings",
            "data/scenarios",
            "&lt;why pocketsphinx&gt;",
            "./here/ringback call",
            "parrot",
            "pico",
            "live calls",
        ]
        .map(|part| body.contains(part))
    };
    let server = local().start();
    assert_eq!(folders(&server.get("/").await.body), [true; 7]);
    let page = |headers: &[(&str, &str)]| {
        let request = Request::get("/");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.body(Body::empty()).unwrap()
    };
    for (peer, headers) in [
        ("192.0.2.1", &[("host", "localhost")][..]),
        ("127.0.0.1", &[("host", "evil.example")]),
        (
            "127.0.0.1",
            &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")],
        ),
    ] {
        let answer = server.ask_from(peer, page(headers)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(folders(&answer.body), [false; 7], "{peer} {headers:?}");
        assert!(answer.body.contains("href=\"/docs\""), "{}", answer.body);
    }
    let open = local()
        .with("HOST", "0.0.0.0")
        .with("SECRET_KEY", "41f0c3a7b2d95e86f3a1c4d7e2b5a896")
        .start();
    assert_eq!(folders(&open.get("/").await.body), [false; 7]);
}

#[tokio::test]
async fn the_start_says_the_same() {
    let text = Welcome::of(&local().start().app).to_text();
    for part in [
        "Ringback is listening: http://127.0.0.1:8080\n",
        "pocketsphinx: NOT IN USE: <why pocketsphinx>\n",
        "pico: <why pico>\n",
        "Without TWILIO_AUTH_TOKEN only local callers are accepted.",
        "\n  ./here/ringback call --url http://127.0.0.1:8080",
        "data/recordings",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = Welcome::of(&signed().start().app).to_text();
    assert!(
        text.ends_with(
            "TWILIO_AUTH_TOKEN=... ./here/ringback call --url https://agent.example.test"
        )
    );
    let odd = Setup {
        program: "/my folder/it's/ringback",
        ..local()
    };
    let text = Welcome::of(&odd.start().app).to_text();
    let expected = r"'/my folder/it'\''s/ringback' call --url http://127.0.0.1:8080";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn each_engine_says_why_it_is_in_use_or_not() {
    let check = |role, usable, settings: &[(&'static str, &'static str)], expected: &str| {
        let setup = settings
            .iter()
            .fold(local(), |setup, (name, value)| setup.with(name, value));
        let engine = EngineStatus {
            role,
            name: if role == "stt" {
                "pocketsphinx"
            } else {
                "pico"
            },
            usable,
            why: "what the engine says".to_owned(),
        };
        let engines = with_reasons(vec![engine], &setup.start().app.config.engines);
        assert_eq!(engines[0].why, expected);
    };
    let ears = "local, because no cloud recogniser is configured; libpocketsphinx3 was found; 4 decoders, English, hears best what a scenario expects";
    check("stt", true, &[], ears);
    let elsewhere = ears
        .replace("4 decoders", "1 decoder")
        .replace("found", "found in POCKETSPHINX_DIR");
    let settings = [("RECOGNIZERS", "1"), ("POCKETSPHINX_DIR", "/a/folder")];
    check("stt", true, &settings, &elsewhere);
    check("stt", false, &[], "what the engine says");
    let off = |setting| format!("switched off by {setting}; callers answer by keypad");
    check("stt", false, &[("STT", "none")], &off("STT=none"));
    check("stt", false, &[("RECOGNIZERS", "0")], &off("RECOGNIZERS=0"));
    let voice = "local, because no cloud voice is configured; SVOX Pico is built in; 1 thread";
    check("tts", true, &[("VOICES", "1")], voice);
}
