//! The adapter of OpenAI's speech route against a scripted server on a real socket, strict about what it is asked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ringback_audio::{g711, resample::Resampler};
use ringback_call::FaultKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::OpenAi;
use super::twin::{Caller, Twin};

const MS: Duration = Duration::from_millis(1);

fn voice(twin: &Twin) -> OpenAi {
    let mut access = twin.access();
    access.url = format!("{}v1", access.url).parse().unwrap();
    OpenAi {
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        access,
        model: "gpt-4o-mini-tts".into(),
        voice: "marin".into(),
        language: "en-US".into(),
        speed_pct: 100,
    }
}

fn call(voice: OpenAi) -> Caller {
    Caller::of(|inlet, breaker, said| async move { voice.speak(inlet, &breaker, said).await })
}

async fn start() -> (Twin, Caller) {
    let twin = Twin::new().await;
    let caller = call(voice(&twin));
    (twin, caller)
}

/// One request, and the connection that waits for its answer.
struct Asked {
    head: String,
    body: Value,
    stream: TcpStream,
}

impl Asked {
    async fn on(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap().parse().unwrap() {
                    let head = head.to_owned();
                    let at = head.len() + 4;
                    let body = serde_json::from_slice(&bytes[at..]).unwrap();
                    return Self { head, body, stream };
                }
            }
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
    }

    async fn next(twin: &Twin) -> Self {
        Self::on(twin.connected().await).await
    }

    fn input(&self) -> &str {
        self.body["input"].as_str().unwrap()
    }

    async fn begin(&mut self, kind: &str) {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
    }

    async fn chunk(&mut self, bytes: &[u8]) {
        let head = format!("{:x}\r\n", bytes.len());
        let chunk = [head.as_bytes(), bytes, b"\r\n"].concat();
        self.stream.write_all(&chunk).await.unwrap();
    }

    /// Ends the answer; the connection serves on.
    async fn end(mut self) -> TcpStream {
        self.stream.write_all(b"0\r\n\r\n").await.unwrap();
        self.stream
    }
}

/// A tone at 24 kHz, and the bytes of it.
fn tone(samples: usize) -> (Vec<i16>, Vec<u8>) {
    let wave = |at: usize| (f64::sin(at as f64 * 0.1) * 9000.0) as i16;
    let samples: Vec<i16> = (0..samples).map(wave).collect();
    let bytes = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    (samples, bytes)
}

fn on_the_telephone(samples: &[i16]) -> Vec<u8> {
    let mut resampler = Resampler::new(24_000, 8000).unwrap();
    let (mut linear, mut mulaw) = (Vec::new(), Vec::new());
    resampler.process(samples, &mut linear);
    resampler.finish(&mut linear);
    g711::encode_into(&linear, &mut mulaw);
    mulaw
}

#[tokio::test]
async fn a_part_is_one_request_and_its_answer_is_spoken_as_it_comes() {
    let (twin, mut caller) = start().await;
    caller
        .breaker
        .failed(std::time::Instant::now(), FaultKind::Refused, None);
    caller.speak(1, 0, "Good morning.");
    caller.speak(1, 1, "And you?");
    let mut asked = Asked::next(&twin).await;
    assert!(asked.head.starts_with("post /v1/audio/speech http/1.1\r\n"));
    assert!(asked.head.contains("authorization: bearer a-key"));
    assert!(asked.head.contains("content-type: application/json"));
    let expected = json!({
        "model": "gpt-4o-mini-tts", "input": "Good morning.", "voice": "marin", "response_format": "pcm",
    });
    assert_eq!(asked.body, expected);
    asked.begin("audio/pcm").await;
    let (samples, bytes) = tone(7001);
    let mut spoken = Vec::new();
    // Pieces of odd lengths, beginning with one byte.
    for (from, to) in [(0, 1), (1, 3), (3, 5000), (5000, 5001)] {
        asked.chunk(&bytes[from..to]).await;
    }
    spoken.extend(caller.audio(1, 0).await);
    assert!(caller.breaker.is_closed());
    asked.chunk(&bytes[5001..]).await;
    let stream = asked.end().await;
    spoken.extend(caller.whole(1, 0).await.0);
    assert_eq!(spoken, on_the_telephone(&samples));

    // The next, on the same connection.
    let mut asked = Asked::on(stream).await;
    assert_eq!(asked.input(), "And you?");
    asked.begin("application/octet-stream").await;
    asked.chunk(&bytes[..600]).await;
    asked.end().await;
    assert_eq!(
        caller.whole(1, 1).await.0,
        on_the_telephone(&samples[..300])
    );
    caller.hangs_up().await;
}

#[tokio::test]
async fn a_cancelled_request_is_closed() {
    for begun in [false, true] {
        let (twin, mut caller) = start().await;
        caller.speak(1, 0, "A long story.");
        let mut asked = Asked::next(&twin).await;
        if begun {
            asked.begin("audio/pcm").await;
            asked.chunk(&tone(2400).1).await;
            caller.audio(1, 0).await;
        }
        caller.cancel(1);
        caller.speak(2, 0, "Of course.");
        let mut rest = Vec::new();
        let closed = asked.stream.read_to_end(&mut rest);
        assert!(tokio::time::timeout(500 * MS, closed).await.is_ok());
        let mut asked = Asked::next(&twin).await;
        assert_eq!(asked.input(), "Of course.");
        asked.begin("audio/pcm").await;
        asked.chunk(&tone(2400).1).await;
        asked.end().await;
        assert_eq!(caller.whole(2, 0).await.0.len(), 800);
        caller.hangs_up().await;
    }
}

#[tokio::test]
async fn the_end_of_the_call_closes_the_request() {
    let (twin, caller) = start().await;
    caller.speak(1, 0, "A long story.");
    let mut asked = Asked::next(&twin).await;
    caller.hangs_up().await;
    let mut rest = Vec::new();
    let closed = asked.stream.read_to_end(&mut rest);
    assert!(tokio::time::timeout(500 * MS, closed).await.is_ok());
}

#[tokio::test]
async fn what_broke_off_goes_on_at_the_word() {
    let (twin, mut caller) = start().await;
    caller.speak(1, 0, "We are open from nine to five.");
    drop(Asked::next(&twin).await);
    let mut asked = Asked::next(&twin).await;
    assert_eq!(asked.input(), "We are open from nine to five.");
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(24_300).1).await;
    caller.audio(1, 0).await;
    drop(asked);
    let mut asked = Asked::next(&twin).await;
    assert_eq!(asked.input(), "from nine to five.");
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(2400).1).await;
    asked.end().await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn no_speech_pauses_silence_and_empty_answers_are_failures() {
    for begun in [false, true] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        let mut asked = Asked::next(&twin).await;
        if begun {
            asked.begin("audio/pcm").await;
        }
        let (_, took, _) = caller.fails(FaultKind::Unreachable).await;
        assert!((1400 * MS..1900 * MS).contains(&took), "{took:?}");
    }
    let (twin, caller) = start().await;
    caller.speak(1, 0, "Hello.");
    let mut asked = Asked::next(&twin).await;
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(2400).1).await;
    let (_, took, said) = caller.fails(FaultKind::Unreachable).await;
    assert!((1900 * MS..2300 * MS).contains(&took), "{took:?}");
    assert_eq!(said.len(), 1);
    for samples in [0, 1200, 30_000] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        let mut asked = Asked::next(&twin).await;
        asked.begin("audio/pcm").await;
        if samples > 0 {
            asked.chunk(&vec![0; 2 * samples]).await;
        }
        asked.end().await;
        let (_, took, said) = caller.fails(FaultKind::Misbehaved).await;
        assert!(took < 500 * MS);
        assert_eq!(said, []);
    }
}

#[tokio::test]
async fn what_is_no_bare_audio_is_not_played() {
    for (kind, bytes, fault) in [
        ("text/html", &b"<html>"[..], FaultKind::Misbehaved),
        ("application/json", b"{\"ok\":true}", FaultKind::Misbehaved),
        ("audio/wav", b"RIFF\xff\xff\xff\xffWAVE", FaultKind::Refused),
        ("audio/mpeg", b"ID3\x04", FaultKind::Refused),
    ] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        let answering = async {
            loop {
                let mut asked = Asked::next(&twin).await;
                asked.begin(kind).await;
                let (first, rest) = bytes.split_at(2);
                asked.chunk(first).await;
                let _ = asked
                    .stream
                    .write_all(format!("{:x}\r\n", rest.len()).as_bytes())
                    .await;
                let _ = asked.stream.write_all(rest).await;
            }
        };
        tokio::select! {
            (_, took, said) = caller.fails(fault) => {
                assert!(took < 2000 * MS, "{took:?}");
                assert_eq!(said, []);
            }
            () = answering => {}
        }
    }
}

#[tokio::test]
async fn refusals_say_of_what_kind_they_are() {
    let body =
        |code: &str| json!({"error": {"message": "no", "type": "t", "param": null, "code": code}});
    for (status, code, kind) in [
        ("401 Unauthorized", "invalid_api_key", FaultKind::Refused),
        ("402 Payment Required", "", FaultKind::Refused),
        ("403 Forbidden", "", FaultKind::Refused),
        ("404 Not Found", "model_not_found", FaultKind::Refused),
        (
            "429 Too Many Requests",
            "insufficient_quota",
            FaultKind::Refused,
        ),
    ] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        twin.refuse(status, "", &body(code).to_string()).await;
        let (failure, took, _) = caller.fails(kind).await;
        assert!(took < 500 * MS);
        assert_eq!(
            failure.detail,
            format!("openai answered {}: no", &status[..3])
        );
    }
    let waits = [
        ("retry-after: 7\r\n", 7000),
        ("retry-after-ms: 350\r\nretry-after: 1\r\n", 350),
    ];
    for (header, wait) in waits {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        twin.refuse("429 Too Many Requests", header, "").await;
        let (failure, ..) = caller.fails(FaultKind::Unreachable).await;
        assert_eq!(failure.retry_after, Some(wait * MS));
    }
    let (twin, mut caller) = start().await;
    caller.speak(1, 0, "Hello.");
    twin.refuse("500 Internal Server Error", "", "<html>").await;
    let mut asked = Asked::next(&twin).await;
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(2400).1).await;
    asked.end().await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn nobody_there_is_a_failure_without_the_address() {
    let twin = Twin::new().await;
    let nobody = voice(&twin);
    drop(twin);
    let caller = call(nobody);
    caller.speak(1, 0, "Hello.");
    let (failure, took, _) = caller.fails(FaultKind::Unreachable).await;
    assert!(took < 2000 * MS, "{took:?}");
    assert!(!failure.detail.contains("127.0.0.1"), "{failure:?}");
}

#[tokio::test]
async fn the_pace_is_asked_for() {
    let twin = Twin::new().await;
    let caller = call(OpenAi {
        speed_pct: 125,
        ..voice(&twin)
    });
    caller.speak(1, 0, "Hello.");
    assert_eq!(Asked::next(&twin).await.body["speed"], 1.25);
}

#[tokio::test]
async fn another_language_than_english_is_named_to_models_that_take_instructions() {
    let twin = Twin::new().await;
    for (model, language, told) in [
        (
            "gpt-4o-mini-tts",
            "de-DE",
            json!("Speak German (de-DE) as a native speaker does."),
        ),
        ("tts-1", "es-MX", json!(null)),
        ("gpt-4o-mini-tts", "en-GB", json!(null)),
    ] {
        let caller = call(OpenAi {
            model: model.into(),
            language: language.into(),
            ..voice(&twin)
        });
        caller.speak(1, 0, "Guten Tag.");
        let asked = Asked::next(&twin).await;
        assert_eq!(asked.body["instructions"], told, "{model} {language}");
    }
}

const LONG: &str =
    "Your table for two is booked for Friday at eight, and we look forward to seeing you.";

#[tokio::test]
async fn of_a_sentence_whose_answer_ended_before_its_end_the_rest_is_asked_for_once() {
    let (twin, caller) = start().await;
    caller.speak(1, 0, LONG);
    let mut asked = Asked::next(&twin).await;
    assert_eq!(asked.input(), LONG);
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(24_000).1).await;
    let stream = asked.end().await;
    let mut asked = Asked::on(stream).await;
    assert_eq!(asked.input(), &LONG[15..]);
    asked.begin("audio/pcm").await;
    asked.chunk(&tone(2400).1).await;
    let _stream = asked.end().await;
    let (failure, ..) = caller.fails(FaultKind::Misbehaved).await;
    assert_eq!(failure.detail, "openai ended a sentence before its end");
}
