//! A model that is asked while the turn may still go on, by the word of Deepgram's Flux, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringback_call::TurnEnd;
use ringback_session::prices::Prices;
use ringback_session::provider::{Access, Account, Accounts};
use ringback_session::scenario::{Origin, SttEngine, TtsEngine, parse};
use ringback_session::{EngineConfig, Engines, Outgoing, Secret};
use ringback_wire::deepgram::flux::{Event, TurnEvent, TurnInfo};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::peer::Peer;

const SCENARIO: &str = "prompt = \"Answer.\"\nresponder = [{ provider = \"openai\", api = \"chat\" }]\n\
    [greeting]\ninbound = \"Hello.\"\n";
const QUESTION: &str = "What are your hours?";
const PATIENCE: Duration = Duration::from_secs(10);

/// A Flux that says what the test wants, with the time of the audio that it has heard.
struct Flux {
    url: String,
    says: mpsc::UnboundedSender<TurnEvent>,
}

impl Flux {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (says, mut told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let connected = Event::Connected {
                request_id: "6f6c2a7e".into(),
                sequence_id: 0,
            };
            let text = Message::Text(connected.to_text().into());
            socket.send(text).await.unwrap();
            let mut samples = 0;
            loop {
                tokio::select! {
                    message = socket.next() => match message {
                        Some(Ok(Message::Binary(audio))) => samples += audio.len() as u64,
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                    Some(event) = told.recv() => {
                        let text = turn(event, samples).to_text();
                        socket.send(Message::Text(text.into())).await.unwrap();
                    }
                }
            }
        });
        Self { url, says }
    }
}

fn turn(event: TurnEvent, samples: u64) -> Event {
    Event::TurnInfo(Box::new(TurnInfo {
        request_id: "6f6c2a7e".into(),
        sequence_id: 1,
        event,
        turn_index: 0,
        audio_window_start: Duration::ZERO,
        audio_window_end: Duration::from_micros(samples * 125),
        transcript: QUESTION.into(),
        words: Vec::new(),
        end_of_turn_confidence: 0.6,
        trigger: None,
        languages: Vec::new(),
        languages_hinted: Vec::new(),
    }))
}

fn engines(folder: &std::path::Path, flux: &str, model: &str) -> Arc<Engines> {
    let account = |url: &str, model: &str| {
        Some(Account {
            access: Access {
                key: Some(Secret::new("a-key")),
                url: url.parse().unwrap(),
            },
            model: model.into(),
            voice: None,
        })
    };
    let config = EngineConfig {
        data_dir: folder.to_owned(),
        recognizers: 0,
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: "Compass Group".into(),
        accounts: Accounts {
            deepgram: account(flux, "flux-general-en"),
            openai: account(&format!("{model}/v1"), "a-model"),
            ..Accounts::default()
        },
        proxy: None,
        stt: vec![SttEngine::Deepgram {
            model: None,
            language: None,
            keyterms: Vec::new(),
        }],
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::default(),
        secrets: ringback_session::Secrets::default(),
    };
    Arc::new(Engines::start(config).unwrap())
}

/// A model that answers every question.
async fn model() -> MockServer {
    let server = MockServer::start().await;
    let delta = |delta: &str, finish: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let body = [
        delta(
            "{\"role\":\"assistant\",\"content\":\"We close at nine.\"}",
            "null",
        ),
        delta("{}", "\"stop\""),
        "data: [DONE]\n\n".to_owned(),
    ];
    let answer = ResponseTemplate::new(200).set_body_raw(body.concat(), "text/event-stream");
    Mock::given(path("/v1/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// The carrier: a silent caller's frames, echoes of marks, and a count of the frames that came.
fn carrier(peer: &mut Peer) -> Arc<AtomicU64> {
    let says = peer.says.clone();
    tokio::spawn(async move {
        let payload = "/".repeat(212) + "/w==";
        let frame = format!(
            r#"{{"event":"media","sequenceNumber":"3","media":{{"track":"inbound","chunk":"1","timestamp":"5","payload":"{payload}"}},"streamSid":"MZ1"}}"#
        );
        let mut clock = tokio::time::interval(Duration::from_millis(20));
        while says.send(frame.clone()).is_ok() {
            clock.tick().await;
        }
    });
    let (mut hears, says) = (
        std::mem::replace(&mut peer.hears, mpsc::unbounded_channel().1),
        peer.says.clone(),
    );
    let frames = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&frames);
    tokio::spawn(async move {
        while let Some(Outgoing::Text(text)) = hears.recv().await {
            if text.starts_with(r#"{"event":"mark""#) {
                let _ = says.send(text);
            } else if text.starts_with(r#"{"event":"media""#) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    frames
}

async fn until(what: &str, mut true_now: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !true_now().await {
            sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.expect(what);
}

#[tokio::test]
async fn flux_has_a_model_asked_early_and_its_reply_is_spoken_when_the_turn_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let (flux, model) = (Flux::start().await, model().await);
    let engines = engines(folder.path(), &flux.url, &model.uri());
    let (scenario, _) = parse(SCENARIO, &Origin::text("t")).unwrap();
    let mut peer = Peer::of(&engines, &Arc::new(scenario), None, "CA1");
    let frames = carrier(&mut peer);
    let heard = || frames.load(Ordering::SeqCst);
    let mut before = 0;
    until("the greeting is heard", async || {
        before = heard();
        sleep(Duration::from_millis(700)).await;
        before > 0 && heard() == before
    })
    .await;

    flux.says.send(TurnEvent::EagerEndOfTurn).unwrap();
    let mut asked = Vec::new();
    until("the model is asked", async || {
        asked = model.received_requests().await.unwrap();
        asked.retain(|request| request.method.as_str() == "POST");
        !asked.is_empty()
    })
    .await;
    let body: serde_json::Value = asked[0].body_json().unwrap();
    let last = body["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["role"], &last["content"]),
        (&"user".into(), &QUESTION.into())
    );
    sleep(Duration::from_millis(600)).await;
    assert_eq!(heard(), before, "nothing is sent while the turn may go on");

    flux.says.send(TurnEvent::EndOfTurn).unwrap();
    until("the reply is heard", async || heard() > before).await;
    peer.says.send(String::new()).unwrap();
    let ended = peer.call.await.unwrap();
    let turn = &ended.report.turns[0];
    assert_eq!(turn.cause, TurnEnd::Recogniser);
    assert!(turn.ended.ms_since(turn.speculated.unwrap()) >= 600);
    assert!(turn.speech.unwrap() < turn.ended);
    let posts = model.received_requests().await.unwrap();
    let posts = posts
        .iter()
        .filter(|request| request.method.as_str() == "POST");
    assert_eq!(posts.count(), 1, "the model is asked once");
}
