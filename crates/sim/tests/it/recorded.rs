//! Deepgram's twin is sent whole recordings, over real sockets.

use reqwest::{Client, Response};
use ringback_sim::providers::{Rule, Running, State};
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::listen::{Formatting, PATH, Query, Transcript, parse_transcript};
use ringback_wire::deepgram::{ERROR_HEADER, REQUEST_ID_HEADER};

use crate::deepgram::{KEY, YES, script};
use crate::twins::start_with;

fn query() -> Query {
    Query {
        model: "nova-3".to_owned(),
        formatting: Formatting {
            smart_format: true,
            ..Formatting::default()
        },
        ..Query::default()
    }
}

async fn post(twins: &Running, query: &str, kind: &str, body: Vec<u8>) -> Response {
    let request = Client::new().post(format!("{}{PATH}?{query}", twins.url()));
    let request = request.header(KEY.0, KEY.1).header("content-type", kind);
    request.body(body).send().await.unwrap()
}

async fn heard(twins: &Running, query: &Query, kind: &str, body: Vec<u8>) -> Transcript {
    let response = post(twins, &query.to_query(), kind, body).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key(REQUEST_ID_HEADER));
    parse_transcript(&response.text().await.unwrap()).unwrap()
}

/// Mu-law as a WAV file.
fn wav(mulaw: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(mulaw.len()).unwrap();
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0\x07\0\x01\0".to_vec();
    file.extend(8000_u32.to_le_bytes());
    file.extend(8000_u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0\0\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(mulaw);
    file
}

#[tokio::test]
async fn a_recording_is_heard_in_a_file_and_raw_with_its_words_and_their_times() {
    let twins = start_with(script(&["yes please"])).await;
    let seconds = YES.len() as f64 / 8000.0;
    let raw = Query {
        formatting: Formatting::default(),
        ..Query::telephone("nova-3")
    };
    let (file, bare) = (wav(YES), YES.to_vec());
    for (query, kind, body, said) in [
        (query(), "audio/wav", file, "Yes please."),
        (raw, "audio/basic", bare, "yes please"),
    ] {
        let transcript = heard(&twins, &query, kind, body).await;
        assert!((transcript.duration.as_secs_f64() - seconds).abs() < 0.01);
        let best = &transcript.results[0].alternatives[0];
        assert_eq!(best.transcript, said);
        let words: Vec<_> = best.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(words, ["yes", "please"]);
        assert!(best.words[0].start < best.words[0].end);
        assert!(best.words[1].end.as_secs_f64() <= seconds);
        assert_eq!(best.words[1].punctuated_word.is_some(), said.ends_with('.'));
    }
    let detecting = Query {
        further: vec![("detect_language".to_owned(), "true".to_owned())],
        ..query()
    };
    let transcript = heard(&twins, &detecting, "audio/wav", wav(YES)).await;
    assert_eq!(
        transcript.results[0].detected_language.as_deref(),
        Some("en")
    );
    let record = &twins.requests()[0];
    assert_eq!((record.endpoint, record.state), ("recorded", State::Done));
    assert_eq!(record.audio_bytes as usize, wav(YES).len());
}

#[tokio::test]
async fn what_deepgram_would_not_take_is_refused_in_its_shape() {
    let twins = start_with(script(&["yes"])).await;
    let good = query().to_query();
    for (query, kind, body) in [
        ("", "audio/wav", wav(YES)),
        ("model=flux-general-en", "audio/wav", wav(YES)),
        ("model=made-up", "audio/wav", wav(YES)),
        (
            &*format!("{good}&interim_results=true"),
            "audio/wav",
            wav(YES),
        ),
        (&good, "audio/wav", b"PK\x03\x04".to_vec()),
        (&good, "audio/wav", Vec::new()),
        (&good, "text/plain", wav(YES)),
        (&good, "application/json", b"{\"url\":\"x\"}".to_vec()),
        ("model=nova-3&encoding=mulaw", "audio/basic", YES.to_vec()),
    ] {
        let response = post(&twins, query, kind, body).await;
        assert_eq!(response.status(), 400, "{query} {kind}");
        assert!(response.headers().contains_key(ERROR_HEADER));
        let error = HttpError::read(&response.bytes().await.unwrap());
        assert!(error.code.is_some(), "{error:?}");
    }
    twins
        .set(Rule::parse(r#"{"provider":"deepgram","endpoint":"recorded","status":402}"#).unwrap());
    let response = post(&twins, &good, "audio/wav", wav(YES)).await;
    assert_eq!(response.status(), 402);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("ASR_PAYMENT_REQUIRED")
    );
}
