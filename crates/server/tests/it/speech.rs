//! Recordings to text and texts to speech, with providers' twins over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Body, Client, RequestBuilder};
use ringback_sim::providers::{Record, Rule, State};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::simulated::{QUESTION, Simulated, until, usual_reply};

/// "Yes, please", mu-law.
pub const YES: &[u8] = include_bytes!("../../../speech/tests/fixtures/answers/rms-yes-please.ulaw");
const BOUNDARY: &str = "a-boundary-of-the-test";
pub const LISTEN: &str = "/speech-to-text";
pub const WHISPER: &str = "/whisper/transcribe";
const SPEAK: &str = "/text-to-speech";

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// A part of a form; with a filename it is a file.
fn part(name: &str, file: Option<(&str, &str)>, body: &[u8]) -> Vec<u8> {
    let mut part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
    if let Some((filename, kind)) = file {
        part.push_str(&format!(
            "; filename=\"{filename}\"\r\nContent-Type: {kind}"
        ));
    }
    part.push_str("\r\n\r\n");
    [part.as_bytes(), body, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

pub fn file(bytes: &[u8]) -> Vec<u8> {
    part("file", Some(("call.wav", "audio/wav")), bytes)
}

pub fn field(name: &str, text: &str) -> Vec<u8> {
    part(name, None, text.as_bytes())
}

/// A WAV file: coding 1 is linear with 16 bits, 7 mu-law, 6 A-law.
pub fn wav(coding: u16, rate: u32, audio: &[u8]) -> Vec<u8> {
    let bytes: u16 = if coding == 1 { 2 } else { 1 };
    let length = u32::try_from(audio.len()).unwrap();
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    file.extend(coding.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(bytes)).to_le_bytes());
    file.extend(bytes.to_le_bytes());
    file.extend((bytes * 8).to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(audio);
    file
}

/// The same speech at 16 kHz, linear, each sample twice.
pub fn wide() -> Vec<u8> {
    let samples = YES.iter().map(|&byte| ringback_audio::g711::decode(byte));
    let twice = samples.flat_map(|sample| [sample, sample]);
    let bytes: Vec<u8> = twice.flat_map(i16::to_le_bytes).collect();
    wav(1, 16_000, &bytes)
}

fn posted(server: &Simulated, path: &str) -> RequestBuilder {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = client().post(format!("{}{path}", server.url()));
    request.header("content-type", kind)
}

async fn answered(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

pub async fn post(server: &Simulated, path: &str, parts: &[Vec<u8>]) -> (u16, Value) {
    answered(posted(server, path).body(form(parts))).await
}

/// What the twins were asked to hear.
fn heard(server: &Simulated) -> Vec<Record> {
    let is_ours = |record: &Record| ["recorded", "transcriptions"].contains(&record.endpoint);
    let mut records = server.twins().requests();
    records.retain(is_ours);
    records
}

/// Files that the server has open and that have no name any more.
fn nameless(server: &Simulated) -> usize {
    let folder = format!("/proc/{}/fd", server.pid());
    let links = std::fs::read_dir(folder).unwrap();
    let links = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    links
        .filter(|to| {
            to.starts_with(server.data_dir()) && to.to_string_lossy().contains("(deleted)")
        })
        .count()
}

async fn nothing_is_left(server: &Simulated) {
    until("no upload is left", async || {
        (nameless(server) == 0).then_some(())
    })
    .await;
    let names = std::fs::read_dir(server.data_dir()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name());
    let strange: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with(".tmp"))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[tokio::test]
async fn a_recording_is_heard_by_whoever_is_named_and_else_by_the_keys() {
    let server =
        Simulated::with_a_user(usual_reply(), &[("OPENAI_TRANSCRIBE_MODEL", "whisper-1")]).await;
    let seconds = YES.len() as f64 / 8000.0;
    for (provider, file_of, endpoint) in [
        (None, wav(7, 8000, YES), Some("recorded")),
        (Some("deepgram"), wide(), Some("recorded")),
        (Some("openai"), wav(7, 8000, YES), Some("transcriptions")),
        (Some("openai"), wide(), Some("transcriptions")),
        (Some("local"), wide(), None),
        (Some("pocketsphinx"), wav(7, 8000, YES), None),
    ] {
        let mut parts = vec![file(&file_of), field("language", "en-US")];
        parts.extend(provider.map(|name| field("provider", name)));
        let before = heard(&server).len();
        let (status, told) = post(&server, LISTEN, &parts).await;
        assert_eq!(status, 200, "{provider:?}: {told}");
        let names: Vec<_> = told.as_object().unwrap().keys().collect();
        assert_eq!(names, ["duration", "language", "text", "words"]);
        let text = told["text"].as_str().unwrap();
        let expected = if endpoint.is_some() {
            QUESTION
        } else {
            "yes please"
        };
        assert_eq!(text, expected, "{provider:?}");
        assert!((told["duration"].as_f64().unwrap() - seconds).abs() < 0.01);
        assert!(told["language"].as_str().unwrap().starts_with("en"));
        let words = told["words"].as_array().unwrap();
        assert_eq!(words.len(), text.split(' ').count());
        let mut from = 0.0;
        for word in words {
            let at = |name: &str| word[name].as_f64().unwrap();
            assert!(at("start") >= from && at("end") > at("start"), "{words:?}");
            assert!(at("end") <= seconds + 0.1, "{words:?}");
            from = at("start");
            assert_eq!(word["confidence"].is_null(), provider == Some("openai"));
        }
        let asked = heard(&server);
        match endpoint {
            Some(endpoint) => {
                let record = asked.last().unwrap();
                assert_eq!((record.endpoint, record.state), (endpoint, State::Done));
            }
            None => assert_eq!(asked.len(), before),
        }
    }
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn bare_mu_law_goes_to_each_provider_as_it_takes_it() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let bare = part("file", Some(("call.ulaw", "audio/basic")), YES);
    for provider in ["deepgram", "openai"] {
        let parts = [bare.clone(), field("provider", provider)];
        let (status, told) = post(&server, LISTEN, &parts).await;
        assert_eq!((status, &told["text"]), (200, &json!(QUESTION)), "{told}");
    }
    let asked = heard(&server);
    assert!(asked[0].target.contains("encoding=mulaw"));
    assert_eq!(asked[0].audio_bytes as usize, YES.len());
    // Linear, with the head of a WAV file.
    assert_eq!(asked[1].audio_bytes as usize, 2 * YES.len() + 44);
    let told = serde_json::to_string(&asked[1].received).unwrap();
    assert!(told.contains("gpt-transcribe"), "{told}");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn whisper_answers_as_its_clients_expect() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let answer = post(&server, WHISPER, &[file(&wide())]).await;
    let expected = json!({"status": "success", "transcription": QUESTION});
    assert_eq!(answer, (200, expected));
    let large = vec![0; 26 << 20];
    let (status, told) = post(&server, WHISPER, &[file(&wav(1, 16_000, &large))]).await;
    assert_eq!(status, 413, "{told}");
    let minutes = wav(1, 8000, &vec![0; 8000 * 2 * 1400]);
    let (status, told) = post(&server, WHISPER, &[file(&minutes)]).await;
    assert_eq!(status, 413, "{told}");
    assert!(
        told["detail"].as_str().unwrap().contains("1390 s"),
        "{told}"
    );
    let doubled = wav(7, 8000, &vec![0xFF; 14 << 20]);
    let (status, told) = post(&server, WHISPER, &[file(&doubled)]).await;
    assert_eq!(status, 413, "{told}");
    assert_eq!(heard(&server).len(), 1, "what is too much is not sent");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn bad_uploads_are_refused_before_anybody_is_asked() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let good = || file(&wav(7, 8000, YES));
    let whole = wav(7, 8000, YES);
    let cut = &whole[..whole.len() / 2];
    let refused: Vec<(Vec<Vec<u8>>, u16, Value)> = vec![
        (vec![], 422, json!(["body", "file"])),
        (
            vec![field("provider", "local")],
            422,
            json!(["body", "file"]),
        ),
        (
            vec![part("audio", Some(("a.wav", "audio/wav")), YES)],
            422,
            json!(["body", "audio"]),
        ),
        (vec![good(), good()], 422, json!(["body", "file"])),
        (
            vec![good(), field("provider", "nobody")],
            422,
            json!(["body", "provider"]),
        ),
        (
            vec![good(), field("language", "klingon!")],
            422,
            json!(["body", "language"]),
        ),
        (
            vec![good(), field("language", "zz-top-12345678901")],
            422,
            json!(["body", "language"]),
        ),
        (
            vec![good(), field("provider", "local"), field("language", "de")],
            422,
            json!(["body", "language"]),
        ),
        (
            vec![good(), field("language", "en"), field("language", "de")],
            422,
            json!(["body", "language"]),
        ),
        (
            vec![good(), field("language", &"e".repeat(300))],
            422,
            json!(["body", "language"]),
        ),
        (vec![file(b"")], 422, json!(["body", "file"])),
        (vec![file(cut)], 422, json!(["body", "file"])),
        (vec![file(&whole[..20])], 422, json!(["body", "file"])),
        (vec![file(&wav(1, 8000, &[]))], 422, json!(["body", "file"])),
        (vec![file(b"PK\x03\x04 a zip")], 415, Value::Null),
        (vec![file(&YES[..4000])], 415, Value::Null),
        (vec![file(&wav(85, 8000, YES))], 415, Value::Null),
        (
            vec![file(b"OggS of some kind"), field("provider", "local")],
            415,
            Value::Null,
        ),
        (
            vec![file(&wav(1, 96_000, &wide())), field("provider", "local")],
            415,
            Value::Null,
        ),
    ];
    for (parts, status, place) in refused {
        let (answer, told) = post(&server, LISTEN, &parts).await;
        assert_eq!(answer, status, "{place}: {told}");
        assert_eq!(told["detail"][0]["loc"], place, "{told}");
    }
    let url = format!("{}{LISTEN}", server.url());
    let json = client()
        .post(&url)
        .header("content-type", "application/json");
    assert_eq!(answered(json.body("{}")).await.0, 415);
    let unbounded = client()
        .post(&url)
        .header("content-type", "multipart/form-data");
    assert_eq!(answered(unbounded.body(form(&[good()]))).await.0, 415);
    let broken_off = posted(&server, LISTEN).body(good());
    assert_eq!(answered(broken_off).await.0, 400);
    assert_eq!(heard(&server).len(), 0);
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn without_a_key_its_variable_is_named() {
    let settings = [("OPENAI_API_KEY", ""), ("DEEPGRAM_API_KEY", "")];
    let server = Simulated::with_a_user(
        usual_reply(),
        &[
            settings[0],
            settings[1],
            ("DEFAULT_SCENARIO", "guest-relations"),
        ],
    )
    .await;
    let parts = |provider| [file(&wide()), field("provider", provider)];
    for (path, parts, key) in [
        (WHISPER, vec![file(&wide())], "OPENAI_API_KEY"),
        (LISTEN, parts("openai").to_vec(), "OPENAI_API_KEY"),
        (LISTEN, parts("deepgram").to_vec(), "DEEPGRAM_API_KEY"),
    ] {
        let (status, told) = post(&server, path, &parts).await;
        let expected = json!(format!("{key} is not set"));
        assert_eq!((status, &told["detail"]), (503, &expected));
    }
    let (status, told) = post(&server, LISTEN, &[file(&wide())]).await;
    assert_eq!((status, &told["text"]), (200, &json!("yes please")));
    let named = json!({"text": "Hello.", "voice": "alloy", "format": "pcm"});
    let url = format!("{}{SPEAK}", server.url());
    let (status, told) = answered(
        client()
            .post(url)
            .header("content-type", "application/json")
            .body(named.to_string()),
    )
    .await;
    assert_eq!(
        (status, &told["detail"]),
        (503, &json!("OPENAI_API_KEY is not set"))
    );
}

#[tokio::test]
async fn a_provider_that_fails_is_named_whatever_it_does() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let long = "x".repeat(500);
    for (provider, endpoint) in [("deepgram", "recorded"), ("openai", "transcriptions")] {
        for knob in [
            json!({"status": 400}),
            json!({"status": 401}),
            json!({"status": 429, "retry_after": 7}),
            json!({"status": 500, "body": "<html>a page</html>"}),
            json!({"status": 503, "body": long}),
            json!({"garbage": true}),
            json!({"zero_bytes": true}),
            json!({"disconnect_after": 0}),
        ] {
            let mut rule = knob.clone();
            rule["provider"] = json!(provider);
            rule["endpoint"] = json!(endpoint);
            rule["next"] = json!(1);
            server.twins().set(Rule::parse(&rule.to_string()).unwrap());
            let parts = [file(&wide()), field("provider", provider)];
            let (status, told) = post(&server, LISTEN, &parts).await;
            let detail = told["detail"].as_str().unwrap();
            assert_eq!(status, 502, "{knob}: {told}");
            assert!(detail.starts_with(provider), "{knob}: {detail}");
            assert!(
                detail.len() < 400 && !detail.contains("secret-key"),
                "{detail}"
            );
            if let Some(status) = knob["status"].as_u64() {
                assert!(detail.contains(&status.to_string()), "{detail}");
            }
        }
        let parts = [file(&wide()), field("provider", provider)];
        assert_eq!(
            post(&server, LISTEN, &parts).await.0,
            200,
            "it is asked again"
        );
    }
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn a_large_upload_is_never_whole_in_memory() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    assert_eq!(post(&server, LISTEN, &[file(&wide())]).await.0, 200);
    let peak = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            << 10
    };
    let before = peak();
    // An hour of two channels; what is behind the head is made as it goes.
    let bytes: usize = 100 << 20;
    let head = wav(1, 8000, &[]);
    let mut head = head[..head.len() - 4].to_vec();
    head.extend(u32::try_from(bytes).unwrap().to_le_bytes());
    let first = [
        part("file", Some(("a.wav", "audio/wav")), b"").as_slice(),
        b"",
    ]
    .concat();
    let first = [&first[..first.len() - 2], &head].concat();
    let zeros = stream::repeat_with(|| vec![0_u8; 1 << 20]).take(bytes >> 20);
    let last = format!(
        "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"provider\"\r\n\r\nlocal\r\n--{BOUNDARY}--\r\n"
    );
    let body = stream::iter([first])
        .chain(zeros)
        .chain(stream::iter([last.into_bytes()]))
        .map(Ok::<_, std::io::Error>);
    let (status, told) = answered(posted(&server, LISTEN).body(Body::wrap_stream(body))).await;
    assert_eq!(status, 413, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("600 s"), "{told}");
    let grown = peak() - before;
    assert!(grown < 24 << 20, "{grown} bytes for an upload of {bytes}");
    nothing_is_left(&server).await;
}

#[tokio::test]
async fn an_upload_that_stops_or_whose_sender_leaves_leaves_nothing() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let address = server.url().replace("http://", "");
    let begun = async |length: usize| {
        let mut line = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST {LISTEN} HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {length}\r\n\r\n"
        );
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(&file(&wav(7, 8000, YES))).await.unwrap();
        line
    };
    let leaves = begun(1 << 20).await;
    let mut stops = begun(1 << 20).await;
    until("both are being kept", async || {
        (nameless(&server) == 2).then_some(())
    })
    .await;
    drop(leaves);
    until("one is left", async || {
        (nameless(&server) == 1).then_some(())
    })
    .await;
    let mut answer = Vec::new();
    let patience = Duration::from_secs(30);
    let read = tokio::time::timeout(patience, stops.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    nothing_is_left(&server).await;
    assert_eq!(heard(&server).len(), 0);
}

#[tokio::test]
async fn a_provider_is_left_when_its_asker_leaves() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let rule = r#"{"provider":"openai","endpoint":"transcriptions","late_ms":60000}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    let asking = tokio::spawn(posted(&server, WHISPER).body(form(&[file(&wide())])).send());
    let state = async || heard(&server).first().map(|record| record.state);
    until("it is asked", async || {
        (state().await == Some(State::Open)).then_some(())
    })
    .await;
    asking.abort();
    until("it is left", async || {
        (state().await == Some(State::Aborted)).then_some(())
    })
    .await;
    nothing_is_left(&server).await;
}

pub async fn say(server: &Simulated, wanted: &Value) -> reqwest::Response {
    let request = client().post(format!("{}{SPEAK}", server.url()));
    let request = request.header("content-type", "application/json");
    request.body(wanted.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn a_text_that_the_voice_cannot_say_is_the_askers_fault() {
    let server = Simulated::with_a_user(usual_reply(), &[("TTS", "pico")]).await;
    for text in ["<script>", "你好"] {
        let answer = say(&server, &json!({"text": text, "voice": "pico"})).await;
        assert_eq!(answer.status(), 422, "{text}");
        let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(told["detail"][0]["loc"], json!(["body", "text"]), "{told}");
    }
}

#[tokio::test]
async fn a_text_is_spoken_by_the_configured_voices_in_each_format() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let text = "Your table is **booked**. See you on Friday!";
    let mut lengths = Vec::new();
    for (format, kind) in [
        ("wav", "audio/wav"),
        ("mulaw", "audio/basic"),
        ("pcm", "audio/pcm;rate=8000"),
    ] {
        let answer = say(&server, &json!({"text": text, "format": format})).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], kind);
        let bytes = answer.bytes().await.unwrap();
        let samples: Vec<i16> = match format {
            "wav" => ringback_audio::wav::read(&mut &bytes[..]).unwrap().samples,
            "mulaw" => bytes
                .iter()
                .map(|&byte| ringback_audio::g711::decode(byte))
                .collect(),
            _ => {
                let pairs = bytes.chunks_exact(2);
                pairs
                    .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                    .collect()
            }
        };
        assert!(samples.iter().any(|sample| sample.unsigned_abs() > 3000));
        lengths.push(samples.len());
    }
    assert!(lengths[0] > 16_000, "{lengths:?}");
    assert_eq!(lengths, [lengths[0]; 3]);
    let told = serde_json::to_string(&server.twins().requests()).unwrap();
    assert!(
        told.contains("Your table is booked."),
        "a text for the ear: {told}"
    );
    assert!(!told.contains("**"), "{told}");
}

#[tokio::test]
async fn a_voice_that_is_named_speaks_first_and_others_stand_in_for_one_that_fails() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let speaks = async |voice: &str| {
        let answer = say(
            &server,
            &json!({"text": "Hello there.", "voice": voice, "format": "mulaw"}),
        )
        .await;
        (
            answer.status().as_u16(),
            answer.bytes().await.unwrap().len(),
        )
    };
    let (status, bytes) = speaks("alloy").await;
    assert!(status == 200 && bytes > 4000, "{status} {bytes}");
    let asked = || {
        let records = server.twins().requests();
        let of_ours = |one: &&Record| serde_json::to_string(one).unwrap().contains("Hello there.");
        let records = records.iter().filter(of_ours);
        records.map(|one| one.provider).collect::<Vec<_>>()
    };
    assert_eq!(asked(), ["openai"]);
    assert_eq!(speaks("pico").await.0, 200);
    assert_eq!(asked(), ["openai"]);
    for provider in ["cartesia", "deepgram"] {
        let rule = json!({"provider": provider, "status": 401}).to_string();
        server.twins().set(Rule::parse(&rule).unwrap());
    }
    let (status, bytes) = speaks("").await;
    assert!(status == 200 && bytes > 4000, "{status} {bytes}");
    let (status, _) = speaks("no-such-voice").await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn a_voice_that_would_be_too_slow_for_a_call_reads_aloud() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let rule = json!({"provider": "cartesia", "delay_ms": 1900}).to_string();
    server.twins().set(Rule::parse(&rule).unwrap());
    let answer = say(&server, &json!({"text": "Take your time."})).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().len() > 4000);
    let records = server.twins().requests();
    let of_ours = |one: &&Record| {
        serde_json::to_string(one)
            .unwrap()
            .contains("Take your time.")
    };
    let asked = records.iter().filter(of_ours).map(|one| one.provider);
    assert_eq!(asked.collect::<Vec<_>>(), ["cartesia"], "nobody stood in");
}

#[tokio::test]
async fn a_text_of_another_language_is_spoken_by_voices_that_know_it_alone() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let wanted = json!({"text": "Guten Tag.", "language": "de-DE", "format": "mulaw"});
    let answer = say(&server, &wanted).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().len() > 4000);
    let told = serde_json::to_string(&server.twins().requests()).unwrap();
    let told = told.replace('\\', "");
    assert!(told.contains("Guten Tag."), "{told}");
    assert!(told.contains(r#""language":"de""#), "{told}");
    let local = Simulated::with_a_user(usual_reply(), &[("TTS", "pico")]).await;
    for (server, language, voice) in [
        (&server, "de", "pico"),
        (&server, "de", "aura-2-thalia-en"),
        (&server, "d e", ""),
        (&server, "klingon", ""),
        (&server, "zz", ""),
        (&local, "de", ""),
    ] {
        let wanted = json!({"text": "Guten Tag.", "language": language, "voice": voice});
        let answer = say(server, &wanted).await;
        assert_eq!(answer.status(), 422, "{wanted}");
        let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(
            told["detail"][0]["loc"],
            json!(["body", "language"]),
            "{told}"
        );
    }
    let english = json!({"text": "Good day.", "language": "en-GB"});
    assert_eq!(say(&local, &english).await.status(), 200);
}

#[tokio::test]
async fn texts_that_do_not_fit_are_told_by_place() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    for (wanted, place, kind) in [
        (json!({"format": "wav"}), json!(["body", "text"]), "missing"),
        (
            json!({"text": " ... "}),
            json!(["body", "text"]),
            "value_error",
        ),
        (
            json!({"text": "a".repeat(4097)}),
            json!(["body", "text"]),
            "value_error",
        ),
        (
            json!({"text": "Hi", "format": "mp3"}),
            json!(["body", "format"]),
            "value_error",
        ),
        (
            json!({"text": "Hi", "voice": "x"}),
            json!(["body", "voice"]),
            "value_error",
        ),
        (
            json!({"text": "Hi", "speed": 2}),
            json!(["body", "speed"]),
            "extra_forbidden",
        ),
    ] {
        let answer = say(&server, &wanted).await;
        assert_eq!(answer.status(), 422, "{wanted}");
        let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(told["detail"][0]["loc"], place, "{told}");
        assert_eq!(told["detail"][0]["type"], kind, "{told}");
    }
}

#[tokio::test]
async fn speech_is_sent_as_it_is_spoken_and_the_voice_stops_when_nobody_listens() {
    let server = Simulated::with_a_user(usual_reply(), &[("TTS", "cartesia")]).await;
    let text = "This sentence is one of many that are read. ".repeat(60);
    let answer = say(&server, &json!({"text": text, "format": "mulaw"})).await;
    let mut audio = answer.bytes_stream();
    let first = audio.next().await.unwrap().unwrap();
    assert!(!first.is_empty());
    drop(audio);
    let socket = |record: &Record| record.endpoint == "socket" && record.state != State::Open;
    until("the voice is left", async || {
        server.twins().requests().iter().any(socket).then_some(())
    })
    .await;
    let records = server.twins().requests();
    let spoken = records
        .iter()
        .filter(|record| record.endpoint == "context")
        .count();
    assert!(spoken < 30, "{spoken} of 60 sentences");
}
