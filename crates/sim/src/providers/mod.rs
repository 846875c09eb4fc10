//! The providers' twins: Deepgram, OpenAI, Cartesia, ElevenLabs and the verifiers of captchas on one port, by path.
//!
//! They speak the real protocols over real sockets and are as strict as the providers: the strict readers of the crate
//! `wire` decide what is refused, and a refusal has the provider's shape. They really hear and really speak, with the
//! local engines. What they do wrong is asked for by [`Knobs`], for all requests or the next ones. They know nothing of
//! our server: what works against them works against the protocol.

mod answer;
mod captcha;
mod cartesia;
mod command;
mod control;
mod deepgram;
mod ear;
mod elevenlabs;
mod knobs;
mod mark;
mod openai;
mod options;
mod place;
mod recording;
mod refusal;
mod replies;
mod requests;
mod socket;
mod sound;
mod stamps;
mod visit;
mod voice;
mod wav;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use ear::Ears;
use knobs::Desk;
use replies::Replies;
use requests::Requests;
use voice::Voice;

pub use captcha::{SITE_KEY, Solved};
pub use command::{SimArgs, env, sim};
pub use ear::Hearing;
pub use knobs::{Knobs, Rule};
pub(crate) use mark::Mark;
pub use options::{Limits, Options};
pub use place::Provider;
pub use replies::{Call, Reply, Script};
pub use requests::{Record, State};
pub use stamps::{Point, Stamp, Stamped};

/// The id of the one voice, for providers whose voices have UUIDs.
pub const VOICE_ID: &str = "6f1c0d8e-5f0a-4b5e-9a53-70696f000001";

/// What all twins share.
#[derive(Debug)]
pub(crate) struct Twin {
    options: Options,
    desk: Desk,
    requests: Arc<Requests>,
    voice: Voice,
    ears: OnceCell<Ears>,
    replies: Replies,
    threads: openai::Threads,
    captchas: captcha::Tokens,
}

impl Twin {
    /// The ears, started when they are first needed: decoders take a second.
    async fn ears(&self) -> &Ears {
        let start = async || {
            let hearing = self.options.hearing.clone();
            let started = tokio::task::spawn_blocking(move || Ears::start(&hearing)).await;
            started.unwrap_or_else(|error| Ears::Deaf(error.to_string()))
        };
        self.ears.get_or_init(start).await
    }

    /// Whether a provider takes this key: the one that was given for it, else any.
    fn accepts(&self, provider: Provider, key: Option<&str>) -> bool {
        match (self.options.keys.get(&provider), key) {
            (Some(wanted), Some(key)) => wanted == key,
            (None, Some(key)) => !key.trim().is_empty(),
            (_, None) => false,
        }
    }
}

/// The twins, not yet started.
#[derive(Debug)]
pub struct Twins;

/// Twins that answer until this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where they listen.
    pub address: SocketAddr,
    twin: Arc<Twin>,
    task: JoinHandle<()>,
    watch: Option<JoinHandle<()>>,
}

impl Twins {
    /// Starts the engines and listens; blocks a worker thread for about a second.
    ///
    /// # Errors
    /// An address that is taken, a voice that does not start.
    pub async fn start(options: Options) -> anyhow::Result<Running> {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("{} cannot be listened on", options.listen))?;
        let address = listener.local_addr().context("the address")?;
        // Small pieces leave at once: held back, each would cost 40 ms.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let twin = tokio::task::spawn_blocking(move || Twin::build(options))
            .await
            .context("starting the engines")??;
        let twin = Arc::new(twin);
        let watch = twin.options.hearing.is_marked().then(|| {
            let requests = Arc::clone(&twin.requests);
            tokio::spawn(async move { requests.stamps.watch().await })
        });
        let app = Router::new()
            .merge(captcha::routes())
            .merge(cartesia::routes())
            .merge(control::routes())
            .merge(deepgram::routes())
            .merge(openai::routes())
            .merge(elevenlabs::routes())
            .with_state(Arc::clone(&twin))
            .into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            // It ends with the process only: errors of single connections do not end it.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Running {
            address,
            twin,
            task,
            watch,
        })
    }
}

impl Twin {
    fn build(options: Options) -> anyhow::Result<Self> {
        let voice = Voice::start(options.voices, &options.cache)?;
        Ok(Self {
            desk: Desk::with(options.knobs.clone()),
            requests: Requests::new(),
            voice,
            ears: OnceCell::new(),
            replies: Replies(options.replies.clone().into()),
            threads: openai::Threads::default(),
            captchas: captcha::Tokens::default(),
            options,
        })
    }
}

impl Running {
    /// The base address: `http://127.0.0.1:8090`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts the ears now instead of with the first stream, and says why there are none.
    pub async fn listen(&self) -> Result<(), String> {
        match self.twin.ears().await {
            Ears::Deaf(why) => Err(why.clone()),
            Ears::Decoders { .. } | Ears::Script(_) => Ok(()),
        }
    }

    /// Sets knobs, as `POST /sim/knobs` does.
    pub fn set(&self, rule: Rule) {
        self.twin.desk.add(rule);
    }

    /// A captcha's token, as `POST /sim/captcha` makes it.
    #[must_use]
    pub fn solve(&self, solved: Solved) -> String {
        self.twin.captchas.make(solved)
    }

    /// What was asked so far, as `GET /sim/requests` shows it.
    #[must_use]
    pub fn requests(&self) -> Vec<Record> {
        self.twin.requests.all()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}
