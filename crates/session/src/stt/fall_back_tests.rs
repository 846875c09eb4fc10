//! A recogniser that is lost in the middle of a long turn: what it settled stays, and the next hears the rest.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::result_large_err,
    reason = "a test fails by panicking, and an error is the library's own type"
)]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback_audio::ring::EarRing;
use ringback_call::{Edge, Firmness, Scope, TurnHint, Words};
use ringback_wire::deepgram::listen::{Alternative, Event, Results};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::{Ears, Heard, Settled, Stream, Stt};
use crate::engines::{EngineConfig, Engines};
use crate::prices::Prices;
use crate::provided::Provided;
use crate::provider::{Access, Account, Accounts};
use crate::scenario::{SttEngine, TtsEngine};

const NEXT: SttEngine = SttEngine::Deepgram {
    language: None,
    model: None,
    keyterms: Vec::new(),
};

fn heard(text: &str, until: u64, settled: bool) -> Heard {
    Heard {
        text: text.into(),
        confidence_pm: 900,
        words: Vec::new(),
        settled,
        until,
        answers: None,
        hint: None,
    }
}

fn engines(folder: &std::path::Path, listener: &TcpListener) -> Engines {
    let url = format!("http://{}", listener.local_addr().unwrap());
    let deepgram = Account {
        access: Access {
            key: None,
            url: url.parse().unwrap(),
        },
        model: "nova-3".into(),
        voice: None,
    };
    let config = EngineConfig {
        data_dir: folder.to_owned(),
        recognizers: 0,
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: "Compass Group".into(),
        accounts: Accounts {
            deepgram: Some(deepgram),
            ..Accounts::default()
        },
        proxy: None,
        stt: vec![NEXT],
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::default(),
        secrets: crate::Secrets::default(),
    };
    Engines::start(config).unwrap()
}

/// How many samples the next recogniser is sent before it is asked for its words.
async fn sent_before_the_question(listener: &TcpListener) -> usize {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut samples = 0;
    while let Some(Ok(Message::Binary(audio))) = socket.next().await {
        samples += audio.len();
    }
    samples
}

#[tokio::test]
async fn the_next_recogniser_hears_a_long_turn_from_what_is_settled_on() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engines = engines(folder.path(), &listener);
    let (events, _provided) = mpsc::unbounded_channel();
    let (stream, _inlet) = Stream::new(false);
    let model = "nova-3".into();
    let first = Stt::Stream { stream, model };
    let mut ears = Ears::new(Some(first), [NEXT].into(), "en-US".into());
    let mut ring = EarRing::holding(1 << 14);
    ring.push(&[0x55; 400_000]);
    ears.heard(0, heard("I have a complaint", 392_000, true));
    ears.heard(0, heard("about", 396_000, false));
    assert!(ears.finalize(&ring));
    assert_eq!(ears.served(), ["deepgram"]);
    assert!(ears.fall_back(&engines, &events, &ring));
    let sent = timeout(Duration::from_secs(5), sent_before_the_question(&listener));
    assert_eq!(sent.await.unwrap(), 8000);

    // Of the next turn nothing is settled.
    ears.new_turn(&ring);
    assert_eq!((ears.settled.text.as_str(), ears.settled.until), ("", 0));
}

#[tokio::test]
async fn the_next_recogniser_hears_the_turn_before_if_the_lost_one_had_no_words_for_it() {
    for (spoken, words, sent) in [
        (true, None, 24_000),
        (false, None, 8000),
        (true, Some(heard("yes", 12_000, true)), 8000),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let engines = engines(folder.path(), &listener);
        let (events, _provided) = mpsc::unbounded_channel();
        let (stream, _inlet) = Stream::new(true);
        let model = "flux-general-en".into();
        let first = Stt::Stream { stream, model };
        let mut ears = Ears::new(Some(first), [NEXT].into(), "en-US".into());
        let mut ring = EarRing::holding(1 << 16);
        if spoken {
            ears.edge(Edge::Sustained, 4000);
        }
        let heard = words.map(|words| ears.heard(0, words));
        assert_eq!(ears.served().len(), heard.iter().len());
        ring.push(&[0x55; 16_000]);
        // The turn was over without words.
        ears.new_turn(&ring);
        ring.push(&[0xff; 8000]);
        assert!(ears.fall_back(&engines, &events, &ring));
        if !spoken || sent == 8000 {
            ears.finalize(&ring);
        }
        let samples = timeout(Duration::from_secs(5), sent_before_the_question(&listener));
        assert_eq!(samples.await.unwrap(), sent);
    }
}

/// A provider whose Flux greets and says nothing, and whose Nova answers what it is asked.
async fn half_of_a_provider(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut flux = false;
    let look = |request: &Request, response: Response| {
        flux = request.uri().path() == "/v2/listen";
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, look).await.unwrap();
    if flux {
        let greeting = r#"{"type":"Connected","request_id":"r","sequence_id":0}"#;
        socket.send(Message::Text(greeting.into())).await.unwrap();
    }
    let mut samples = 0;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(audio) => samples += audio.len() as u64,
            Message::Text(text) if !flux && text.contains("Finalize") => {
                let results = Results {
                    channels: 1,
                    duration: Duration::from_millis(samples / 8),
                    is_final: true,
                    from_finalize: true,
                    alternatives: vec![Alternative {
                        transcript: "two eggs please".into(),
                        confidence: 0.9,
                        ..Alternative::default()
                    }],
                    ..Results::default()
                };
                let text = Event::Results(Box::new(results)).to_text();
                socket.send(Message::Text(text.into())).await.unwrap();
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_a_mute_flux_took_come_from_the_next_recogniser_within_four_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engines = engines(folder.path(), &listener);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(half_of_a_provider(stream));
        }
    });
    let (events, mut provided) = mpsc::unbounded_channel();
    let flux = SttEngine::Deepgram {
        language: None,
        model: Some("flux-general-en".into()),
        keyterms: Vec::new(),
    };
    let first = engines.start_ears(&flux, "en-US", 0, &events);
    let mut ears = Ears::new(first, [NEXT].into(), "en-US".into());
    let mut ring = EarRing::holding(1 << 16);
    let begun = Instant::now();
    let words = 'heard: loop {
        // Somebody speaks for a second; 1.5 s after that the call takes the turn for one without words.
        let now = ring.end() / 8;
        ring.push(&[if now < 1000 { 0x55 } else { 0xff }; 8]);
        match now {
            300 => ears.edge(Edge::Sustained, 2400),
            2500 => ears.new_turn(&ring),
            _ => {}
        }
        ears.feed(&ring);
        // Small steps, so that sockets are read before the next timer.
        sleep(Duration::from_millis(1)).await;
        while let Ok(provided) = provided.try_recv() {
            match provided {
                Provided::Deaf { engine, .. } => {
                    assert!(ears.is_current(engine));
                    assert!(ears.fall_back(&engines, &events, &ring));
                }
                Provided::Heard { engine, heard } => {
                    if let Some((words, hint)) = ears.heard(engine, heard)
                        && hint != Some(TurnHint::Again)
                    {
                        break 'heard words;
                    }
                }
                _ => {}
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "no words came");
    };
    assert_eq!(words.text, "two eggs please");
    assert_eq!(words.firmness, Firmness::Flushed);
}

#[test]
fn what_was_settled_stands_before_the_words_of_one_that_answers_for_the_whole_turn() {
    let words = |text: &str, firmness, scope| Words {
        text: text.into(),
        confidence: 900,
        firmness,
        scope,
        complete: true,
    };
    let mut settled = Settled::default();
    let whole = words("yes", Firmness::Flushed, Scope::Turn);
    assert_eq!(settled.before(whole.clone()), whole);
    settled.add(&words("I have", Firmness::Final, Scope::Segment), 800);
    settled.add(&words("have a", Firmness::Interim, Scope::Segment), 1200);
    settled.add(
        &words("a complaint", Firmness::Flushed, Scope::Segment),
        1600,
    );
    assert_eq!(settled.until, 1600);
    for (rest, all) in [
        ("about a chair", "I have a complaint about a chair"),
        ("", "I have a complaint"),
    ] {
        let told = settled.before(words(rest, Firmness::Flushed, Scope::Turn));
        assert_eq!((told.text.as_str(), told.complete), (all, false));
    }
    let part = words("about a chair", Firmness::Final, Scope::Segment);
    assert_eq!(settled.before(part.clone()), part);
}
