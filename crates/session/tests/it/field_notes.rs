//! Ways in which providers fail in the field, in whole calls over real sockets, each a test by its name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::{SinkExt, StreamExt};
use ringback_audio::g711;
use ringback_call::{EndCause, Intent, Party};
use ringback_session::prices::Prices;
use ringback_session::provider::{Access, Account, Accounts};
use ringback_session::scenario::{Origin, Scenario, TtsEngine, parse};
use ringback_session::{Ended, EngineConfig, Engines, Outgoing, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::peer::Peer;

const GREETING: &str = "Hello and welcome to the house of fine chairs.";

/// What a provider does to every connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// Refuses with this status and body.
    Refuses(&'static str, &'static str),
    /// Takes the connection, and neither reads nor writes.
    HalfOpen,
    /// Takes the request and says nothing.
    Nothing,
    /// Takes the request, and answers with this in place of speech.
    Garbage(&'static str),
}

async fn answer(stream: &mut TcpStream, status: &str, kind: &str, body: &str) {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn serve(mut stream: TcpStream, does: Does) {
    let mut head = [0; 64];
    let is_socket = match does {
        Does::HalfOpen => return std::future::pending().await,
        Does::Refuses(..) | Does::Nothing | Does::Garbage(_) => {
            let read = stream.peek(&mut head).await.unwrap_or(0);
            head[..read].starts_with(b"GET ")
        }
    };
    if !is_socket || matches!(does, Does::Refuses(..)) {
        let _ = stream.read(&mut [0; 16_384]).await;
        return match does {
            Does::Refuses(status, body) => {
                answer(&mut stream, status, "application/json", body).await;
            }
            Does::Garbage(text) => answer(&mut stream, "200 OK", "text/html", text).await,
            Does::Nothing | Does::HalfOpen => std::future::pending().await,
        };
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        if let (Does::Garbage(text), Message::Text(_)) = (does, message) {
            let _ = socket.send(Message::Text(text.into())).await;
        }
    }
}

/// A provider that does this to every connection; it is gone when the task is aborted.
async fn provider(does: Does) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, does));
        }
    });
    (url, task)
}

/// Engines whose providers are all at this address; the local voice stands in.
fn engines(folder: &Path, url: &str) -> Arc<Engines> {
    let account = |path: &str, model: &str| {
        Some(Account {
            access: Access {
                key: Some(Secret::new("a-key")),
                url: format!("{url}{path}").parse().unwrap(),
            },
            model: model.into(),
            voice: Some("a-voice".into()),
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
            deepgram: account("", "nova-3"),
            openai: account("/v1", "a-model"),
            cartesia: account("", "sonic-3.5"),
            elevenlabs: account("", "eleven_flash_v2_5"),
        },
        proxy: None,
        stt: Vec::new(),
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::parse(PRICES).unwrap(),
        secrets: ringback_session::Secrets::default(),
    };
    Arc::new(Engines::start(config).unwrap())
}

const PRICES: &str = "currency = \"USD\"\n[[price]]\nof = \"openai/a-model\"\nper_million_input_tokens = 1.0\nper_million_output_tokens = 10.0\n";

/// What a caller heard of a call that was let go after a time, if it did not end before.
struct Heard {
    ended: Ended,
    /// Since the call began, the first sound that is no silence.
    audible: Option<Duration>,
    /// Samples that were sent.
    samples: usize,
    /// How the socket was closed, and whether all that was sent had been played by then.
    closed: Option<(u16, bool)>,
    /// From the hang-up to the end of the call.
    ending: Duration,
}

/// A caller who listens for a time and then hangs up, behind a carrier that echoes a mark when what came before it was played.
async fn listen(mut peer: Peer, time: Duration) -> Heard {
    let begun = Instant::now();
    let (mut audible, mut samples, mut closed) = (None, 0_usize, None);
    let mut played = begun;
    let echo = async {
        while let Some(message) = peer.hears.recv().await {
            let text = match message {
                Outgoing::Text(text) => text,
                Outgoing::Close { code, .. } => {
                    closed = Some((code, Instant::now() >= played));
                    return;
                }
            };
            let sent: Value = serde_json::from_str(&text).unwrap();
            if let Some(payload) = sent["media"]["payload"].as_str() {
                let mulaw = BASE64_STANDARD.decode(payload).unwrap();
                samples += mulaw.len();
                let length = Duration::from_micros(mulaw.len() as u64 * 125);
                played = played.max(Instant::now()) + length;
                if mulaw.iter().any(|&byte| g711::decode(byte).abs() > 1000) {
                    audible.get_or_insert(begun.elapsed());
                }
            } else if sent["event"] == "mark" {
                let says = peer.says.clone();
                tokio::spawn(async move {
                    tokio::time::sleep_until(played.into()).await;
                    let _ = says.send(text);
                });
            }
        }
    };
    let _ = timeout(time, echo).await;
    let hung_up = Instant::now();
    let _ = peer.says.send(String::new());
    let ended = timeout(Duration::from_secs(20), peer.call).await;
    Heard {
        ended: ended.expect("the call ends").unwrap(),
        audible,
        samples,
        closed,
        ending: hung_up.elapsed(),
    }
}

fn scenario(text: &str) -> Arc<Scenario> {
    Arc::new(parse(text, &Origin::text("t")).unwrap().0)
}

async fn greeted(voice: &str, does: Does) -> Heard {
    let (url, server) = provider(does).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path(), &url);
    let text = format!(
        "prompt = \"Answer.\"\nstt = []\nresponder = [{{ provider = \"parrot\" }}]\ntts = [{{ provider = \"{voice}\" }}]\n\
         [greeting]\ninbound = \"{GREETING}\"\n"
    );
    let peer = Peer::of(&engines, &scenario(&text), None, "CA1");
    let heard = listen(peer, Duration::from_secs(6)).await;
    server.abort();
    heard
}

#[tokio::test]
async fn a_voice_that_fails_is_replaced_and_the_greeting_is_heard_whole() {
    let faults = [
        Does::Refuses("401 Unauthorized", "{}"),
        Does::Refuses("402 Payment Required", "{}"),
        Does::Refuses(
            "404 Not Found",
            r#"{"detail":{"status":"voice_not_found"}}"#,
        ),
        Does::Refuses("429 Too Many Requests", ""),
        Does::HalfOpen,
        Does::Nothing,
        Does::Garbage("<html>no speech</html>"),
    ];
    for voice in ["cartesia", "elevenlabs", "deepgram", "openai"] {
        let calls = faults.map(|does| async move { (does, greeted(voice, does).await) });
        for (does, heard) in futures_util::future::join_all(calls).await {
            let what = format!("{voice} {does:?}: {:?}", heard.ended.report.faults);
            let audible = heard.audible.expect(&what);
            // Designed are 2 s; seven calls begin at once here.
            assert!(audible < Duration::from_secs(3), "{audible:?} {what}");
            assert_eq!(heard.ended.report.lines[0].heard, GREETING, "{what}");
            assert_eq!(heard.ended.cause, EndCause::HungUp, "{what}");
            let fault = &heard.ended.report.faults[0];
            assert_eq!(fault.party, Party::Tts, "{what}");
            assert!(fault.detail.starts_with(voice), "{what}");
            assert!(!what.contains("a-key"), "{what}");
            assert_eq!(heard.ended.summary["engines"][2], "pico", "{what}");
        }
    }
}

/// A call that a model opens with this text, in pieces of so many characters, and which is let go after a time.
async fn opened(text: &str, piece: usize, settings: &str, time: Duration) -> Heard {
    let chars: Vec<char> = text.chars().collect();
    let pieces = chars.chunks(piece).map(String::from_iter);
    let events = pieces.map(|text| json!({"choices": [{"index": 0, "delta": {"content": text}}]}));
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 1000, "total_tokens": 1010}});
    let events = events.chain([end, usage]);
    let mut body: String = events.map(|event| format!("data: {event}\n\n")).collect();
    body += "data: [DONE]\n\n";
    let model = MockServer::start().await;
    Mock::given(path("/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "text/event-stream"))
        .mount(&model)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path(), &model.uri());
    let text = format!(
        "prompt = \"Answer.\"\nstt = []\nresponder = [{{ provider = \"openai\", api = \"chat\" }}]\n{settings}"
    );
    listen(Peer::of(&engines, &scenario(&text), None, "CA1"), time).await
}

#[tokio::test]
async fn an_empty_or_emoji_only_reply_is_noted_and_the_caller_is_asked_to_say_it_again() {
    for text in ["", "🙂", "🙂🙂 🎉👍🏽", "…", ":)", ":D"] {
        let heard = opened(text, 1, "", Duration::from_secs(5)).await;
        let report = &heard.ended.report;
        assert_eq!(report.faults[0].party, Party::Responder, "{text}");
        assert!(heard.audible.unwrap() < Duration::from_secs(3), "{text}");
        let asked = &report.lines.last().unwrap();
        assert!(asked.heard.contains("say it again"), "{asked:?}");
        assert_eq!(heard.ended.cause, EndCause::HungUp, "the call goes on");
    }
}

#[tokio::test]
async fn a_200_kb_reply_is_cut_at_its_bound_and_spoken_at_the_callers_pace() {
    let text = "All work and no play makes a dull day. ".repeat(5130);
    assert!(text.len() > 200_000);
    for piece in [40, text.len()] {
        let time = Duration::from_secs(5);
        let heard = opened(&text, piece, "", time).await;
        let report = &heard.ended.report;
        assert!(heard.audible.unwrap() < Duration::from_secs(3));
        let seconds = heard.samples / 8000;
        assert!((2..=5).contains(&seconds), "{seconds} s of speech in 5 s");
        let said: usize = report.lines.iter().map(|line| line.said.len()).sum();
        assert!((30..=20_000).contains(&said), "{said} characters");
        assert!(heard.ending < Duration::from_secs(2), "{:?}", heard.ending);
        assert_eq!(heard.ended.cause, EndCause::HungUp);
    }
}

#[tokio::test]
async fn max_silence_and_budget_end_the_leg_with_the_last_sentence_audible() {
    let story =
        "There was a king who had three sons. They lived far away from here. They were happy.";
    for (settings, cause) in [
        ("[limits]\nmax_silence_s = 2\n", EndCause::Idle),
        ("[limits]\nmax_cost = 0.005\n", EndCause::Cost),
    ] {
        let heard = opened(story, 7, settings, Duration::from_secs(14)).await;
        let Ended {
            cause: why,
            intent,
            report,
            ..
        } = heard.ended;
        // The leg is ended by what follows the stream; the socket's own end is a good one.
        assert_eq!(
            (why, intent, heard.closed),
            (cause, Intent::HangUp, Some((1000, true)))
        );
        let last = report.lines.last().unwrap();
        assert_eq!((&last.heard, last.cut), (&last.said, false), "{last:?}");
        // Every line was sent to its end: at most 25 characters a second are spoken.
        let said: usize = report.lines.iter().map(|line| line.heard.len()).sum();
        assert!(
            heard.samples / 320 >= said,
            "{} samples, {said} characters",
            heard.samples
        );
        assert_eq!(report.faults, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_wall_clock_changes_nothing_about_how_long_a_call_took() {
    // The clock of calls runs ahead of the one on the wall here, and of the local voice: that is given up in time.
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path(), "http://127.0.0.1:9");
    let text = "prompt = \"Answer.\"\nstt = []\nresponder = [{ provider = \"parrot\" }]\n";
    let wall = Instant::now();
    let peer = Peer::of(&engines, &scenario(text), None, "CA1");
    let ended = peer.call.await.unwrap();
    let wall = wall.elapsed().as_millis();
    let lasted = ended.report.ended.ms();
    assert!(
        lasted > 3000 && u128::from(lasted) > 2 * wall,
        "{lasted} ms in {wall} ms"
    );
    let time =
        |name: &str| -> jiff::Timestamp { ended.summary[name].as_str().unwrap().parse().unwrap() };
    let took = time("ended").duration_since(time("started")).as_millis();
    assert!(
        took.abs_diff(i128::from(lasted)) < 100,
        "{took} and {lasted} ms"
    );
}
