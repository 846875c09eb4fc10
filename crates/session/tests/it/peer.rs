//! A carrier in memory, seen by its peer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use ringback_call::Direction;
use ringback_session::prices::Prices;
use ringback_session::provider::Accounts;
use ringback_session::replay::replay;
use ringback_session::scenario::{Scenario, SttEngine, TtsEngine};
use ringback_session::{
    Ended, EngineConfig, Engines, Follower, Onward, Orders, Outgoing, Place, Received, Setup,
    SocketError, orders, run,
};
use ringback_wire::twilio::media::{Inbound, Start, parse};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a socket says that panics.
pub const BAD: &str = "the socket of this test fails in a way that nobody thought of";

/// A socket in memory. It panics where it is told to.
pub struct Line {
    incoming: mpsc::UnboundedReceiver<String>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    closed: bool,
}

impl Stream for Line {
    type Item = Result<Received<String>, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let closed = Received::Closed {
            code: None,
            reason: String::new(),
        };
        if self.closed {
            return Poll::Ready(Some(Ok(closed)));
        }
        self.incoming.poll_recv(cx).map(|text| {
            let text = text.unwrap_or_default();
            assert_ne!(text, "panic", "{BAD}");
            Some(Ok(match text.as_str() {
                "" => closed,
                _ => Received::Text(text),
            }))
        })
    }
}

impl Sink<Outgoing> for Line {
    type Error = SocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Outgoing) -> Result<(), SocketError> {
        self.closed |= matches!(message, Outgoing::Close { .. });
        let _ = self.outgoing.send(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
}

/// A call that runs, seen by its peer.
pub struct Peer {
    pub says: mpsc::UnboundedSender<String>,
    pub hears: mpsc::UnboundedReceiver<Outgoing>,
    pub call: JoinHandle<Ended>,
    pub orders: Orders,
}

impl Peer {
    /// A call of a scenario.
    pub fn of(
        engines: &Arc<Engines>,
        scenario: &Arc<Scenario>,
        record: Option<Place>,
        call_sid: &str,
    ) -> Self {
        Self::followed(engines, scenario, record, call_sid, Follower::none())
    }

    /// The same, with someone who follows it.
    pub fn followed(
        engines: &Arc<Engines>,
        scenario: &Arc<Scenario>,
        record: Option<Place>,
        call_sid: &str,
        follower: Follower,
    ) -> Self {
        let told = (follower, Onward::default());
        Self::with(engines, scenario, record, call_sid, told)
    }

    /// The same, with where callers may be put through.
    pub fn with(
        engines: &Arc<Engines>,
        scenario: &Arc<Scenario>,
        record: Option<Place>,
        call_sid: &str,
        (follower, onward): (Follower, Onward),
    ) -> Self {
        let (says, incoming) = mpsc::unbounded_channel();
        let (outgoing, hears) = mpsc::unbounded_channel();
        let (orders, book) = orders();
        let setup = Setup {
            call_id: Uuid::now_v7(),
            call_sid: call_sid.to_owned(),
            from: "+15005550001".to_owned(),
            to: "+15005550006".to_owned(),
            direction: Direction::Inbound,
            seats: engines.admit(scenario).unwrap(),
            scenario: Arc::clone(scenario),
            company: "Compass Group".to_owned(),
            record,
            finish: CancellationToken::new(),
            stop: CancellationToken::new(),
            verdict: tokio::sync::watch::channel(None).1,
            follower,
            onward,
            orders: book,
        };
        let line = Line {
            incoming,
            outgoing,
            closed: false,
        };
        let call = run(setup, Arc::clone(engines), line, start(call_sid));
        Self {
            says,
            hears,
            call: tokio::spawn(call),
            orders,
        }
    }

    /// Waits for the next message that begins like this.
    pub async fn hears(&mut self, beginning: &str) {
        let heard = async {
            loop {
                match self.hears.recv().await.unwrap() {
                    Outgoing::Text(text) if text.starts_with(beginning) => return,
                    Outgoing::Text(_) => {}
                    Outgoing::Close { code, reason } => panic!("closed with {code} {reason}"),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), heard)
            .await
            .unwrap();
    }

    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Outgoing::Close { code, reason } = self.hears.recv().await.unwrap() {
                return (code, reason);
            }
        }
    }
}

fn start(call_sid: &str) -> Start {
    let text = format!(
        r#"{{"event":"start","start":{{"streamSid":"MZ1","accountSid":"AC00000000000000000000000000000001","callSid":"{call_sid}","tracks":["inbound"],"customParameters":{{}},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}},"streamSid":"MZ1"}}"#
    );
    let Inbound::Start(start) = parse(&text).unwrap() else {
        panic!("{text}")
    };
    *start
}

/// Engines that hear nothing and speak with the local voice.
pub fn engines(folder: &Path) -> Arc<Engines> {
    let engines = Engines::start(EngineConfig {
        data_dir: folder.to_owned(),
        recognizers: 0,
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: "Compass Group".to_owned(),
        accounts: Accounts::default(),
        proxy: None,
        stt: vec![SttEngine::PocketSphinx {
            keyterms: Vec::new(),
        }],
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::default(),
        secrets: ringback_session::Secrets::default(),
    });
    Arc::new(engines.unwrap())
}

/// A call of a scenario on engines of its own, which is recorded in a folder.
pub fn recorded(scenario: &Arc<Scenario>) -> (Peer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let peer = Peer::of(&engines, scenario, Some(place(folder.path())), "CA1");
    (peer, folder)
}

/// The trace of a call brings the same call again.
pub fn replays_the_same(ended: &Ended) {
    let mut files = ended.files.iter();
    let trace = files.find(|file| file.to_string_lossy().ends_with(".trace.jsonl"));
    let verdict = replay(trace.unwrap()).unwrap();
    assert!(verdict.same(), "{verdict}");
}

/// Where recordings go.
pub fn place(folder: &Path) -> Place {
    Place {
        dir: folder.join("recordings"),
        instance: "server".to_owned(),
        port: 8080,
    }
}
