//! A panic inside a call ends that call alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use ringback_call::{Direction, EndCause};
use ringback_session::provider::Accounts;
use ringback_session::scenario::{Catalog, SttEngine, TtsEngine};
use ringback_session::{
    Ended, EngineConfig, Engines, Outgoing, Place, Received, Setup, SocketError, run,
};
use ringback_wire::twilio::media::{Inbound, Start, parse};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BAD: &str = "the socket of this test fails in a way that nobody thought of";

/// A socket in memory. It panics where it is told to.
struct Line {
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
struct Peer {
    says: mpsc::UnboundedSender<String>,
    hears: mpsc::UnboundedReceiver<Outgoing>,
    call: JoinHandle<Ended>,
}

impl Peer {
    fn of(engines: &Arc<Engines>, place: &Place, call_sid: &str) -> Self {
        let (says, incoming) = mpsc::unbounded_channel();
        let (outgoing, hears) = mpsc::unbounded_channel();
        let scenario = Arc::clone(Catalog::built_in().scenario("parrot").unwrap());
        let setup = Setup {
            call_id: Uuid::now_v7(),
            call_sid: call_sid.to_owned(),
            from: "+15005550001".to_owned(),
            to: "+15005550006".to_owned(),
            direction: Direction::Inbound,
            seats: engines.admit(&scenario).unwrap(),
            scenario,
            company: "Compass Group".to_owned(),
            record: Some(place.clone()),
            finish: CancellationToken::new(),
            stop: CancellationToken::new(),
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
        }
    }

    /// Waits for the next message that begins like this.
    async fn hears(&mut self, beginning: &str) {
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

    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Outgoing::Close { code, reason } = self.hears.recv().await.unwrap() {
                return (code, reason);
            }
        }
    }
}

fn start(call_sid: &str) -> Start {
    let text = format!(
        r#"{{"event":"start","start":{{"streamSid":"MZ1","accountSid":"AC1","callSid":"{call_sid}","tracks":["inbound"],"customParameters":{{}},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}},"streamSid":"MZ1"}}"#
    );
    let Inbound::Start(start) = parse(&text).unwrap() else {
        panic!("{text}")
    };
    *start
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_closes_its_own_socket_with_1011_keeps_its_files_and_leaves_the_others_alone() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let engines = Engines::start(EngineConfig {
        data_dir: folder.path().to_owned(),
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
        tts: vec![TtsEngine::Pico],
    });
    let engines = Arc::new(engines.unwrap());
    let place = Place {
        dir: folder.path().join("recordings"),
        instance: "server".to_owned(),
        port: 8080,
    };
    let mut other = Peer::of(&engines, &place, "CA9");
    let mut broken = Peer::of(&engines, &place, "CA1");
    other.hears("{\"event\":\"media\"").await;
    broken.hears("{\"event\":\"media\"").await;

    broken.says.send("panic".to_owned()).unwrap();
    assert_eq!(
        broken.closed().await,
        (1011, "an error in the server".to_owned())
    );
    let ended = broken.call.await.unwrap();
    assert!(ended.failed.unwrap().contains(BAD));
    assert_eq!(ended.cause, EndCause::Fault);
    assert_eq!(ended.files.len(), 4, "{:?}", ended.files);
    let beside = ended.files[0].with_extension("json");
    let meta = std::fs::read_to_string(beside).unwrap();
    assert!(meta.contains(BAD), "{meta}");
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains(BAD));
    let line = line.expect("no line in the log");
    assert!(
        line.contains("ERROR") && line.contains("CA1") && !line.contains("CA9"),
        "{line}"
    );

    other.hears("{\"event\":\"mark\"").await;
    other.says.send(String::new()).unwrap();
    let ended = other.call.await.unwrap();
    assert_eq!((ended.cause, ended.failed), (EndCause::HungUp, None));
}
