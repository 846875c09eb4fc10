//! Cartesia: the socket with its contexts, and the requests over HTTP.

mod context;
mod http;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use ringback_wire::cartesia::{
    self as wire, ApiVersion, ClientMessage, Encoding, Generation, RawFormat, ServerMessage,
    Settings,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::Twin;
use super::mark::Mark;
use super::place::{CARTESIA_CONTEXT, CARTESIA_SOCKET, Provider};
use super::refusal::Fault;
use super::socket::{self, Broken, Incoming, Socket, Upgrade};
use super::sound::{Coding, Format};
use super::stamps::Point;
use super::visit::{Refused, Visit};
use context::{Context, Produced};

pub(super) fn routes() -> Router<Arc<Twin>> {
    Router::new()
        .route(wire::SOCKET_PATH, get(open_socket))
        .route(wire::BYTES_PATH, post(http::speak_bytes))
        .route(wire::SSE_PATH, post(http::speak_events))
        .route(wire::VOICES_PATH, get(http::list_voices))
        .route("/", get(http::show_version))
}

async fn open_socket(
    State(twin): State<Arc<Twin>>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, CARTESIA_SOCKET, &parts).await?;
    let version = visit.version()?;
    socket::open(visit, upgrade, async move |socket| {
        let (out, produced) = mpsc::channel(64);
        let line = Line {
            socket,
            twin,
            version,
            contexts: BTreeMap::new(),
            ended: BTreeSet::new(),
            out,
        };
        line.run(produced).await;
    })
}

/// One socket.
struct Line {
    socket: Socket,
    twin: Arc<Twin>,
    version: ApiVersion,
    contexts: BTreeMap<String, Context>,
    ended: BTreeSet<String>,
    out: mpsc::Sender<Produced>,
}

impl Line {
    async fn run(mut self, mut produced: mpsc::Receiver<Produced>) {
        let idle = self.twin.options.limits.cartesia_idle;
        let mut busy = Instant::now();
        loop {
            let done = tokio::select! {
                incoming = self.socket.next() => self.take(incoming).await,
                Some(produced) = produced.recv() => self.pass(produced).await,
                () = sleep_until(busy + idle) => {
                    return self.socket.close(wire::IDLE_CLOSE_CODE, wire::IDLE_CLOSE_REASON).await;
                }
            };
            if done.is_err() {
                return;
            }
            busy = Instant::now();
        }
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), Broken> {
        let text = match incoming {
            Incoming::Text(text) => text,
            Incoming::Binary(_) => {
                let fault = Fault::bad(Provider::Cartesia, "the socket takes text messages only");
                return self.complain(None, &fault).await;
            }
            Incoming::Ping => return Ok(()),
            Incoming::Gone => return Err(Broken),
        };
        match wire::parse_client(&text, &self.version) {
            Ok(ClientMessage::Generation(generation)) => self.generate(*generation).await,
            Ok(ClientMessage::Cancel { context_id }) => {
                if let Some(context) = self.contexts.get(&context_id) {
                    context.cancel();
                }
                Ok(())
            }
            Err(refusal) => {
                let context = serde_json::from_str::<serde_json::Value>(&text).ok();
                let context = context
                    .as_ref()
                    .and_then(|message| message["context_id"].as_str());
                self.complain(context, &Fault::bad(Provider::Cartesia, refusal))
                    .await
            }
        }
    }

    async fn generate(&mut self, generation: Generation) -> Result<(), Broken> {
        let id = generation.context_id.clone();
        if let Some(mark) = Mark::last_in(&generation.transcript) {
            let words = generation.transcript.split_whitespace().count();
            self.socket.stamp(Some(mark), Point::Speak { words });
        }
        if self.ended.contains(&id) {
            if generation.is_end() {
                return Ok(());
            }
            let fault = Fault::bad(Provider::Cartesia, "the context has ended: begin another");
            return self.complain(Some(&id), &fault).await;
        }
        if let Some(context) = self.contexts.get(&id) {
            return match generation.must_continue(&context.settings) {
                Ok(()) => {
                    context.tell(&generation);
                    Ok(())
                }
                Err(refusal) => {
                    self.complain(Some(&id), &Fault::bad(Provider::Cartesia, refusal))
                        .await
                }
            };
        }
        if let Err(fault) = check(&generation.settings) {
            return self.complain(Some(&id), &fault).await;
        }
        let knobs = self
            .twin
            .desk
            .take(CARTESIA_CONTEXT)
            .unwrap_or_else(|| self.socket.knobs.clone());
        let context = Context::begin(
            &self.twin,
            generation.settings.clone(),
            &id,
            (knobs, self.out.clone()),
        );
        context.tell(&generation);
        self.contexts.insert(id, context);
        Ok(())
    }

    async fn pass(&mut self, produced: Produced) -> Result<(), Broken> {
        match produced {
            Produced::Text { text, begins } => {
                self.socket.stamp(begins, Point::Audio);
                self.socket.text(text).await
            }
            Produced::Fault { context_id, fault } => {
                self.forget(&context_id);
                self.complain(Some(&context_id), &fault).await
            }
            Produced::Done { context_id } => {
                self.forget(&context_id);
                let done = ServerMessage::Done {
                    context_id: Some(context_id),
                };
                self.socket.text(done.to_text()).await
            }
            Produced::Drop => Err(self.socket.drop_it()),
        }
    }

    fn forget(&mut self, context_id: &str) {
        self.contexts.remove(context_id);
        self.ended.insert(context_id.to_owned());
    }

    async fn complain(&mut self, context: Option<&str>, fault: &Fault) -> Result<(), Broken> {
        let message = ServerMessage::Error {
            context_id: context.map(str::to_owned),
            error: fault.cartesia(),
        };
        let text = if self.version.has_structured_errors() {
            message.to_text()
        } else {
            message.to_old_text()
        };
        self.socket.text(text).await
    }
}

/// What the provider looks at before it speaks.
fn check(settings: &Settings) -> Result<(), Fault> {
    if settings.add_phoneme_timestamps == Some(true) {
        return Err(Fault::bad(
            Provider::Cartesia,
            "the simulator's voice tells no times of phonemes",
        ));
    }
    check_voice(&settings.model_id, &settings.voice)
}

/// Models that live begin with `sonic-3` or later; voices have the form of a UUID.
fn check_voice(model: &str, voice: &str) -> Result<(), Fault> {
    const ENDED: [&str; 4] = [
        "sonic-english",
        "sonic-multilingual",
        "sonic-2",
        "sonic-turbo",
    ];
    let ended = model == "sonic" || ENDED.iter().any(|old| model.starts_with(old));
    if ended || !model.starts_with("sonic-") {
        return Err(Fault::new(
            404,
            "model_not_found",
            "the model does not exist, or no longer",
        ));
    }
    if Uuid::try_parse(voice).is_err() {
        return Err(Fault::new(
            404,
            "voice_not_found",
            "the voice does not exist",
        ));
    }
    Ok(())
}

fn format(raw: RawFormat) -> Format {
    let coding = match raw.encoding {
        Encoding::Mulaw => Coding::Mulaw,
        Encoding::Alaw => Coding::Alaw,
        Encoding::S16le => Coding::Pcm16,
        Encoding::F32le => Coding::Float32,
    };
    Format {
        coding,
        rate: raw.sample_rate,
    }
}
