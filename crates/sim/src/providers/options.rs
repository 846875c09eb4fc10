//! How the twins are started.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::ear::Hearing;
use super::knobs::Rule;
use super::place::Provider;
use super::replies::Reply;

/// What the twins are started with.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Keys that alone are taken; a provider without one here takes any.
    pub keys: BTreeMap<Provider, String>,
    /// Whether OpenAI and Deepgram take any name of a model, as compatible servers and accounts with models of their own do.
    pub any_model: bool,
    /// Knobs in force from the start.
    pub knobs: Vec<Rule>,
    /// What recognisers hear with.
    pub hearing: Hearing,
    /// What the model says; without any it repeats what it was told.
    pub replies: Vec<Reply>,
    /// Threads of the voice.
    pub voices: usize,
    /// Where the voice's data are unpacked.
    pub cache: PathBuf,
    /// How long the providers wait.
    pub limits: Limits,
}

/// How long the providers wait before they give up a client; by default as long as the real ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Deepgram: of a stream on which neither audio nor a message comes.
    pub deepgram_idle: Duration,
    /// Deepgram: of a Flux stream without audio, message and ping.
    pub flux_idle: Duration,
    /// Deepgram: the longest life of a socket that speaks.
    pub aura_session: Duration,
    /// Cartesia: of a socket on which nothing happens.
    pub cartesia_idle: Duration,
    /// Cartesia: of a context behind its last audio.
    pub cartesia_context: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        use ringback_wire::{cartesia, deepgram};
        Self {
            deepgram_idle: deepgram::listen::IDLE_LIMIT,
            flux_idle: deepgram::flux::IDLE_LIMIT,
            aura_session: deepgram::speak::MAX_SESSION,
            cartesia_idle: Duration::from_secs(cartesia::IDLE_TIMEOUT_S),
            cartesia_context: Duration::from_millis(cartesia::CONTEXT_EXPIRY_MS),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            keys: BTreeMap::new(),
            any_model: false,
            knobs: Vec::new(),
            hearing: Hearing::Decoders(4),
            replies: Vec::new(),
            voices: 2,
            cache: crate::caller::render::cache_dir(),
            limits: Limits::default(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let providers: Vec<_> = self.keys.keys().collect();
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("keys", &providers)
            .field("knobs", &self.knobs)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
