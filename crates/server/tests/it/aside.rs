//! What is used beside calls, as it is scraped: by conversations in writing and by the routes of speech.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ringback_sim::providers::Rule;
use serde_json::json;

use crate::conversations;
use crate::simulated::{Simulated, until, usual_reply};
use crate::speech::{LISTEN, WHISPER, YES, field, file, post, say, wav, wide};

const PRICES: &str = r#"
currency = "USD"
[[price]]
of = "deepgram/*"
per_minute = 6.0
[[price]]
of = "openai/*"
per_minute = 60.0
per_million_input_tokens = 1000000.0
per_million_output_tokens = 1000000.0
[[price]]
of = "cartesia/*"
per_million_characters = 1000000.0
"#;

/// A server with prices: of seconds, tokens and characters.
async fn server(folder: &tempfile::TempDir) -> Simulated {
    let prices = folder.path().join("prices.toml");
    std::fs::write(&prices, PRICES).unwrap();
    let settings = [
        ("PRICES", prices.to_str().unwrap()),
        ("OPENAI_TRANSCRIBE_MODEL", "whisper-1"),
    ];
    Simulated::with_a_user(usual_reply(), &settings).await
}

/// The value of a series; 0 where nothing was counted.
async fn value(server: &Simulated, series: &str) -> f64 {
    let page = server.get("/metrics").await;
    let mut lines = page.lines().filter_map(|line| line.strip_prefix(series));
    let value = lines.find_map(|rest| rest.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}

async fn check(server: &Simulated, expected: &[(&str, f64)]) {
    for (series, expected) in expected {
        let found = value(server, series).await;
        let page = server.get("/metrics").await;
        assert!(
            (found - expected).abs() < 1e-6,
            "{series} is {found} and not {expected}:\n{page}"
        );
    }
}

fn fails(server: &Simulated, provider: &str) {
    let rule = json!({"provider": provider, "status": 401, "next": 1}).to_string();
    server.twins().set(Rule::parse(&rule).unwrap());
}

#[tokio::test]
async fn a_recording_counts_with_its_seconds_and_their_price_by_who_hears_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).await;
    let seconds = YES.len() as f64 / 8000.0;
    let by = |provider| [file(&wav(7, 8000, YES)), field("provider", provider)];
    for provider in ["deepgram", "deepgram", "local"] {
        assert_eq!(post(&server, LISTEN, &by(provider)).await.0, 200);
    }
    assert_eq!(post(&server, WHISPER, &[file(&wide())]).await.0, 200);
    let seconds_of = |count: f64| (seconds * 1000.0).round() / 1000.0 * count;
    check(
        &server,
        &[
            (
                "ringback_speech_requests_total{route=\"/speech-to-text\",result=\"done\"}",
                3.0,
            ),
            (
                "ringback_speech_requests_total{route=\"/whisper/transcribe\",result=\"done\"}",
                1.0,
            ),
            (
                "ringback_provider_requests_total{role=\"stt\",provider=\"deepgram\"}",
                2.0,
            ),
            (
                "ringback_provider_audio_seconds_total{role=\"stt\",provider=\"deepgram\"}",
                seconds_of(2.0),
            ),
            (
                "ringback_provider_audio_seconds_total{role=\"stt\",provider=\"pocketsphinx\"}",
                seconds_of(1.0),
            ),
            (
                "ringback_provider_audio_seconds_total{role=\"stt\",provider=\"openai\"}",
                seconds_of(1.0),
            ),
            // 0.1 a second by Deepgram, 1 by OpenAI, nothing here.
            (
                "ringback_cost_total{role=\"stt\",currency=\"USD\"}",
                seconds_of(1.2),
            ),
        ],
    )
    .await;
    fails(&server, "deepgram");
    assert_eq!(post(&server, LISTEN, &by("deepgram")).await.0, 502);
    // Refused before anybody is asked.
    assert_eq!(post(&server, LISTEN, &[file(b"no sound")]).await.0, 415);
    check(
        &server,
        &[
            ("ringback_speech_requests_total{route=\"/speech-to-text\",result=\"failed\"}", 1.0),
            ("ringback_speech_requests_total{route=\"/speech-to-text\",result=\"done\"}", 3.0),
            ("ringback_provider_errors_total{role=\"stt\",provider=\"deepgram\",kind=\"refused\"}", 1.0),
            ("ringback_provider_audio_seconds_total{role=\"stt\",provider=\"deepgram\"}", seconds_of(2.0)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_text_counts_with_its_characters_and_voices_that_fail_with_their_errors() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).await;
    let text = "Hello there.";
    let speaks = async || {
        let answer = say(&server, &json!({"text": text})).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().len() > 4000);
    };
    speaks().await;
    let characters = "ringback_provider_characters_total{role=\"tts\",provider=\"cartesia\"}";
    let count = text.len() as f64;
    // The answer may be read before its end is noticed.
    until("the characters", async || {
        ((value(&server, characters).await - count).abs() < 1e-9).then_some(())
    })
    .await;
    check(
        &server,
        &[
            (
                "ringback_speech_requests_total{route=\"/text-to-speech\",result=\"done\"}",
                1.0,
            ),
            (
                "ringback_provider_requests_total{role=\"tts\",provider=\"cartesia\"}",
                1.0,
            ),
            ("ringback_cost_total{role=\"tts\",currency=\"USD\"}", count),
        ],
    )
    .await;
    let rule = r#"{"provider":"cartesia","status":401}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    let other = json!({"text": "Another sentence, which nobody has said.", "voice": ""});
    let answer = say(&server, &other).await;
    assert_eq!(answer.status(), 200, "another voice stands in");
    answer.bytes().await.unwrap();
    let errors =
        "ringback_provider_errors_total{role=\"tts\",provider=\"cartesia\",kind=\"refused\"}";
    until("the error", async || {
        (value(&server, errors).await >= 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_conversation_counts_with_its_messages_tokens_and_errors() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).await;
    let (path, _) = conversations::begin(&server, "desk").await;
    let input =
        "ringback_provider_tokens_total{role=\"responder\",provider=\"openai\",kind=\"input\"}";
    let output =
        "ringback_provider_tokens_total{role=\"responder\",provider=\"openai\",kind=\"output\"}";
    let requests = "ringback_provider_requests_total{role=\"responder\",provider=\"openai\"}";
    assert!(value(&server, input).await.abs() < 1e-9);
    let mut tokens = Vec::new();
    for number in 1..=2 {
        let (status, told) = conversations::say(&server, &path, "When does it leave?").await;
        assert_eq!(status, 200, "{told}");
        // Each turn is counted once, and not again with the next.
        check(&server, &[(requests, f64::from(number))]).await;
        tokens.push(value(&server, input).await + value(&server, output).await);
    }
    assert!(tokens[0] > 0.0 && tokens[1] > tokens[0], "{tokens:?}");
    check(
        &server,
        &[
            ("ringback_conversations_total", 1.0),
            ("ringback_live_conversations", 1.0),
            ("ringback_conversation_messages_total", 2.0),
            (
                "ringback_cost_total{role=\"responder\",currency=\"USD\"}",
                tokens[1],
            ),
            // What stands for a voice speaks to nobody.
            (
                "ringback_provider_characters_total{role=\"tts\",provider=\"text\"}",
                0.0,
            ),
        ],
    )
    .await;
    let rule = r#"{"provider":"openai","status":401}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    assert_eq!(conversations::say(&server, &path, "Hello?").await.0, 502);
    assert!(
        value(&server, requests).await >= 3.0,
        "also one that failed"
    );
    let errors =
        "ringback_provider_errors_total{role=\"responder\",provider=\"openai\",kind=\"refused\"}";
    assert!(
        value(&server, errors).await >= 1.0,
        "{}",
        server.get("/metrics").await
    );
    check(&server, &[("ringback_conversation_messages_total", 3.0)]).await;
}
