//! Deepgram's first generation of streaming recognition, over real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback_sim::providers::{Hearing, Options, Provider, Rule, Running, State};
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::listen::{
    self as wire, Command, Configure, ConfigureFault, Endpointing, Event, Formatting, Query,
    Results, parse,
};
use ringback_wire::deepgram::{ERROR_HEADER, Encoding, REQUEST_ID_HEADER, close_id};
use tokio_tungstenite::tungstenite::Message;

use crate::twins::{Line, connect, left, start_with, text, upgrade};

pub const YES: &[u8] = include_bytes!("../../../speech/tests/fixtures/answers/rms-yes-please.ulaw");
pub const KEY: (&str, &str) = ("Authorization", "Token 0123456789abcdef");

/// Twins that hear lines.
pub fn script(lines: &[&str]) -> Options {
    Options {
        hearing: Hearing::Script(lines.iter().map(|line| (*line).to_owned()).collect()),
        ..Options::default()
    }
}

fn query() -> Query {
    Query {
        interim_results: true,
        endpointing: Some(Endpointing::After(300)),
        utterance_end_ms: Some(1000),
        vad_events: true,
        formatting: Formatting {
            punctuate: true,
            ..Formatting::default()
        },
        ..Query::telephone("nova-3")
    }
}

async fn open(twins: &Running, query: &Query) -> Line {
    connect(
        &twins.url(),
        &format!("{}?{}", wire::PATH, query.to_query()),
        &[KEY],
    )
    .await
}

/// Sends audio in frames of 20 ms, and silence behind it.
pub async fn speak(line: &mut Line, mulaw: &[u8], silence_ms: usize) {
    for frame in mulaw
        .chunks(160)
        .chain(vec![0xFF; silence_ms * 8].chunks(160))
    {
        line.send(Message::Binary(frame.to_vec().into()))
            .await
            .unwrap();
    }
}

async fn say(line: &mut Line, command: &Command) {
    line.send(command.to_text().into()).await.unwrap();
}

/// Every event until the socket ends.
async fn all(line: &mut Line) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(text) = text(line).await {
        events.push(parse(&text).unwrap());
    }
    events
}

fn results(event: &Event) -> Option<&Results> {
    if let Event::Results(results) = event {
        Some(results)
    } else {
        None
    }
}

fn finals(events: &[Event]) -> Vec<&Results> {
    events
        .iter()
        .filter_map(results)
        .filter(|results| results.is_final)
        .collect()
}

fn said(events: &[Event]) -> Vec<&str> {
    let finals = finals(events).into_iter().map(Results::transcript);
    finals.filter(|text| !text.is_empty()).collect()
}

#[tokio::test]
async fn an_utterance_begins_is_guessed_ends_and_is_summed_up() {
    let twins = start_with(script(&["I would like two tickets, please."])).await;
    let target = format!("{}?{}", wire::PATH, query().to_query());
    let (mut line, headers) = upgrade(&twins.url(), &target, &[KEY]).await.unwrap();
    let request_id = headers[REQUEST_ID_HEADER].to_str().unwrap().to_owned();
    speak(&mut line, &[0xFF; 8000], 0).await;
    speak(&mut line, YES, 1500).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let Event::SpeechStarted { timestamp, .. } = &events[0] else {
        panic!("{events:?}")
    };
    assert!(
        (1.0..1.6).contains(&timestamp.as_secs_f64()),
        "{timestamp:?}"
    );
    let interims: Vec<_> = events
        .iter()
        .filter_map(results)
        .filter(|results| !results.is_final)
        .map(Results::transcript)
        .collect();
    assert!(
        !interims.is_empty() && interims.iter().all(|text| text.starts_with("I")),
        "{interims:?}"
    );
    let finals = finals(&events);
    let spoken = finals
        .iter()
        .find(|results| !results.transcript().is_empty())
        .unwrap();
    assert_eq!(spoken.transcript(), "I would like two tickets, please.");
    assert!(spoken.speech_final && !spoken.from_finalize);
    let words = &spoken.alternatives[0].words;
    assert_eq!((words.len(), words[5].word.as_str()), (6, "please"));
    assert_eq!(words[5].punctuated_word.as_deref(), Some("please."));
    assert!(words[0].start == *timestamp && words[5].end <= spoken.start + spoken.duration);
    assert_eq!(spoken.metadata.request_id, request_id);
    assert_eq!(spoken.metadata.model_info.name, "general-nova-3");
    // The stretches follow one another.
    for two in finals.windows(2) {
        assert_eq!(two[0].start + two[0].duration, two[1].start);
    }
    let ended = events
        .iter()
        .position(|event| matches!(event, Event::UtteranceEnd { .. }))
        .unwrap();
    let Event::UtteranceEnd { last_word_end, .. } = &events[ended] else {
        panic!()
    };
    assert_eq!(*last_word_end, Some(words[5].end));
    let Some(Event::Metadata(metadata)) = events.last() else {
        panic!("{events:?}")
    };
    let audio = 8000 + YES.len() + 12_000;
    assert!(metadata.duration.as_secs_f64() * 8000.0 <= audio as f64);
    assert_eq!((metadata.sha256.len(), metadata.channels), (64, 1));
    assert_eq!(metadata.request_id, request_id);
    let record = &twins.requests()[0];
    assert_eq!((record.state, record.status), (State::Done, Some(101)));
    assert!(
        record.audio_bytes >= 20_000 && record.received.len() == 1,
        "{record:?}"
    );
}

#[tokio::test]
async fn real_words_are_heard() {
    let twins = start_with(Options {
        hearing: Hearing::Decoders(1),
        ..Options::default()
    })
    .await;
    let mut line = open(&twins, &query()).await;
    let refused = upgrade(
        &twins.url(),
        &format!("{}?{}", wire::PATH, query().to_query()),
        &[KEY],
    )
    .await;
    assert_eq!(refused.unwrap_err().0, 429, "its only decoder is in use");
    speak(&mut line, YES, 1000).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    assert_eq!(said(&events), ["Yes please."]);
}

#[tokio::test]
async fn a_stream_that_nobody_listens_to_or_that_was_closed_leaves_its_decoder_to_others() {
    let twins = start_with(Options {
        hearing: Hearing::Decoders(1),
        ..Options::default()
    })
    .await;
    twins.set(Rule::parse_flag("deepgram.listen:half_open,next=1").unwrap());
    let _mute = open(&twins, &query()).await;

    let mut refused = open(&twins, &query()).await;
    refused
        .send(Message::Binary(Vec::new().into()))
        .await
        .unwrap();
    while !matches!(refused.next().await, Some(Ok(Message::Close(_)))) {}

    // The close frame is not answered yet: reading answers it, and nobody reads on.
    let mut line = open(&twins, &query()).await;
    speak(&mut line, YES, 1000).await;
    say(&mut line, &Command::CloseStream).await;
    assert_eq!(said(&all(&mut line).await), ["Yes please."]);
}

#[tokio::test]
async fn what_one_twin_speaks_another_hears() {
    let twins = start_with(Options {
        hearing: Hearing::Decoders(1),
        ..Options::default()
    })
    .await;
    let body = format!(
        r#"{{"model_id":"sonic-3.5","transcript":"I would like to go home today.","voice":{{"mode":"id","id":"{}"}},
        "output_format":{{"container":"raw","encoding":"pcm_s16le","sample_rate":16000}}}}"#,
        ringback_sim::providers::VOICE_ID
    );
    let headers = [("X-API-Key", "key"), ("Cartesia-Version", "2026-03-01")];
    let audio = crate::twins::ask(&twins, "/tts/bytes", &headers, &body)
        .await
        .bytes()
        .await
        .unwrap();
    let wide = Query {
        encoding: Some(Encoding::Linear16),
        sample_rate: Some(16_000),
        ..query()
    };
    let mut line = open(&twins, &wide).await;
    for part in audio.chunks(2501).chain([&[0; 32_000][..]]) {
        line.send(Message::Binary(part.to_vec().into()))
            .await
            .unwrap();
    }
    say(&mut line, &Command::CloseStream).await;
    let heard = said(&all(&mut line).await).join(" ").to_lowercase();
    let found = ["would", "like", "go", "home", "today"]
        .iter()
        .filter(|word| heard.contains(**word))
        .count();
    assert!(found >= 4, "{heard:?}");
}

#[tokio::test]
async fn finalize_brings_what_is_buffered_and_little_is_not_worth_an_answer() {
    let twins = start_with(script(&["Half a sentence", "and the rest"])).await;
    let patient = Query {
        endpointing: Some(Endpointing::After(2000)),
        formatting: Formatting::default(),
        ..query()
    };
    let mut line = open(&twins, &patient).await;
    speak(&mut line, YES, 100).await;
    say(&mut line, &Command::Finalize { channel: None }).await;
    speak(&mut line, &[], 100).await;
    say(&mut line, &Command::Finalize { channel: None }).await;
    speak(&mut line, &[], 300).await;
    say(&mut line, &Command::Finalize { channel: Some(0) }).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let finals: Vec<_> = finals(&events)
        .into_iter()
        .map(|results| {
            (
                results.transcript(),
                results.from_finalize,
                results.speech_final,
            )
        })
        .collect();
    assert_eq!(
        finals,
        [("half a sentence", true, false), ("", true, false)]
    );
}

#[tokio::test]
async fn keyterms_are_configured_in_the_middle_of_a_stream() {
    let twins = start_with(script(&["Yes."])).await;
    let terms = |count: usize| Configure {
        keyterms: Some(vec!["oak".to_owned(); count]),
        ..Configure::default()
    };
    for (model, count, fault) in [
        ("nova-3", 2, None),
        ("nova-3", 501, Some(ConfigureFault::KeytermLimitExceeded)),
        ("nova-2", 1, Some(ConfigureFault::KeytermsNotSupported)),
    ] {
        let mut line = open(
            &twins,
            &Query {
                model: model.to_owned(),
                ..query()
            },
        )
        .await;
        say(&mut line, &Command::Configure(terms(count))).await;
        match (parse(&text(&mut line).await.unwrap()).unwrap(), fault) {
            (Event::ConfigureSuccess { keyterms, .. }, None) => {
                assert_eq!(keyterms.unwrap().len(), count)
            }
            (Event::ConfigureFailure { code, .. }, Some(fault)) => assert_eq!(code, fault),
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_a_rule_is_refused_with_its_reason() {
    let twins = start_with(Options {
        keys: [(Provider::Deepgram, "0123456789abcdef".to_owned())].into(),
        ..script(&["Yes."])
    })
    .await;
    let good = query().to_query();
    let cases = [
        (
            good.clone(),
            ("Authorization", "Token wrong"),
            401,
            "INVALID_AUTH",
        ),
        (
            good.clone(),
            ("Authorization", "0123456789abcdef"),
            401,
            "INVALID_AUTH",
        ),
        (
            good.replace("&sample_rate=8000", ""),
            KEY,
            400,
            "sample_rate",
        ),
        (
            good.replace("interim_results=true", ""),
            KEY,
            400,
            "utterance_end_ms",
        ),
        (good.replace("nova-3", "flux-general-en"), KEY, 400, "flux"),
        (good.replace("nova-3", "acme-1"), KEY, 400, "No such model"),
        (good.replace("nova-3", "nova-99"), KEY, 400, "No such model"),
        (
            good.replace("nova-3", "nova-3-pizza"),
            KEY,
            400,
            "No such model",
        ),
        (good.replace("mulaw", "opus"), KEY, 400, "linear16"),
        (good.replace("model=nova-3&", ""), KEY, 400, "model"),
    ];
    for (query, key, status, named) in cases {
        let target = format!("{}?{query}", wire::PATH);
        let (got, headers, body) = upgrade(&twins.url(), &target, &[key]).await.unwrap_err();
        assert_eq!(got, status, "{query}");
        let error = HttpError::read(&body);
        assert!(format!("{error:?}").contains(named), "{query}: {error:?}");
        assert_eq!(headers[ERROR_HEADER], error.message.as_str());
        assert!(error.request_id.is_some());
    }
}

/// How a socket ends after a message, and what it said before.
async fn ending(message: Message) -> (u16, String, Vec<Event>) {
    let mut options = script(&["Yes."]);
    options.limits.deepgram_idle = Duration::from_millis(400);
    let twins = start_with(options).await;
    let mut line = open(&twins, &query()).await;
    line.send(message).await.unwrap();
    let mut events = Vec::new();
    loop {
        match line.next().await.unwrap().unwrap() {
            Message::Text(text) => events.push(parse(&text).unwrap()),
            Message::Close(frame) => {
                let frame = frame.unwrap();
                assert_eq!(twins.requests()[0].state, State::Refused);
                return (frame.code.into(), frame.reason.to_string(), events);
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                panic!("only text")
            }
        }
    }
}

#[tokio::test]
async fn a_silent_client_and_bytes_that_are_no_audio_end_the_stream() {
    let text = |text: &str| Message::Text(text.into());
    let binary = |bytes: &[u8]| Message::Binary(bytes.to_vec().into());
    for (message, code, id) in [
        (text(r#"{"type":"KeepAlive"}"#), 1011, "NET-0001"),
        (binary(&[0xFF; 160]), 1011, "NET-0001"),
        (binary(&[]), 1008, "DATA-0000"),
        (binary(br#"{"type":"KeepAlive"}"#), 1008, "DATA-0000"),
    ] {
        let (got, reason, events) = ending(message).await;
        assert_eq!((got, close_id(&reason)), (code, Some(id)), "{reason}");
        assert!(events.is_empty(), "{events:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_none_is_named_and_the_stream_goes_on_until_it_is_silent() {
    let (code, _, events) = ending(Message::Text(r#"{"type":"Keepalive"}"#.into())).await;
    assert_eq!(code, 1011);
    let [
        Event::Error {
            variant, message, ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (variant.as_str(), message.as_deref()),
        (wire::SCHEMA_ERROR, Some(r#"{"type":"Keepalive"}"#))
    );
}

#[tokio::test]
async fn messages_hold_a_stream_with_audio_and_do_not_hold_one_without() {
    let mut options = script(&["Yes."]);
    options.limits.deepgram_idle = Duration::from_millis(900);
    let twins = start_with(options).await;
    let (mut with, mut without) = (open(&twins, &query()).await, open(&twins, &query()).await);
    speak(&mut with, &[0xFF; 160], 0).await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        say(&mut with, &Command::KeepAlive).await;
        // The other end may have closed.
        let _ = without.send(Command::KeepAlive.to_text().into()).await;
    }
    let (code, reason) = left(&mut without).await.unwrap();
    assert_eq!((code, close_id(&reason)), (1011, Some("NET-0000")));
    say(&mut with, &Command::CloseStream).await;
    assert!(matches!(
        all(&mut with).await.last(),
        Some(Event::Metadata(_))
    ));
}

/// What is heard of one utterance under knobs.
async fn bent(knobs: &str) -> Vec<Event> {
    let twins = start_with(script(&["Yes."])).await;
    twins.set(Rule::parse_flag(&format!("deepgram.listen:{knobs}")).unwrap());
    let mut line = open(&twins, &query()).await;
    speak(&mut line, YES, 1000).await;
    say(&mut line, &Command::CloseStream).await;
    let mut events = Vec::new();
    while let Some(text) = text(&mut line).await {
        events.extend(parse(&text));
    }
    events
}

#[tokio::test]
async fn knobs_bend_what_is_heard() {
    assert_eq!(said(&bent("next=1").await), ["Yes."]);
    assert_eq!(said(&bent("double_final").await), ["Yes.", "Yes."]);
    let never = bent("no_final").await;
    assert!(finals(&never).is_empty() && matches!(never.last(), Some(Event::Metadata(_))));
    assert!(said(&bent("silence").await).is_empty());
    assert!(bent("zero_bytes").await.is_empty());
    assert!(bent("garbage").await.is_empty());
    let began = std::time::Instant::now();
    assert_eq!(said(&bent("late_ms=700").await), ["Yes."]);
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!(bent("disconnect_after=1").await.len(), 1);
}

#[tokio::test]
async fn long_silence_is_reported_without_words() {
    let twins = start_with(script(&["Yes."])).await;
    let mut line = open(&twins, &query()).await;
    speak(&mut line, &[], 11_000).await;
    say(&mut line, &Command::CloseStream).await;
    let events = all(&mut line).await;
    let lengths: Vec<_> = finals(&events)
        .iter()
        .map(|results| results.duration.as_secs())
        .collect();
    assert_eq!(lengths, [5, 5, 1]);
    assert!(said(&events).is_empty());
}
