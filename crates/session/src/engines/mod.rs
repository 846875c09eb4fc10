//! The engines of a server: started once, shared by all calls.

mod check;
mod ears;
mod language;
mod lines;
mod load;
mod models;
mod reach;
mod recorded;
mod responders;
mod voices;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use ringback_speech::grammar::{Dictionary, Expect, Grammar};
use ringback_speech::language::Language;
use ringback_speech::recognizer::RecognizerPool;
use ringback_speech::voice::{VoiceError, VoicePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Secrets;
use crate::prices::Prices;
use crate::provided::{Receiver, Sender};
use crate::provider::{Accounts, Breakers, Provider};
use crate::record::Writer;
use crate::responder::Answers;
use crate::responder::model::client;
use crate::responder::script::Hearing;
use crate::responder::webhook::Webhook;
use crate::scenario::{Responder, Scenario, SttEngine, TtsEngine};
use crate::setup::manner;
use crate::stt::Ears;
use crate::tools::McpCatalog;
use crate::tts::{Lines, Manner, Voices};
pub use load::Load;
use models::ModelBreakers;
pub use recorded::RecordingWish;
pub use responders::Answerer;

/// Calls that one thread of the voice serves: it speaks a hundred times faster than is heard, and agents speak half the time.
const CALLS_A_VOICE: usize = 24;
/// Compiled grammars that are kept.
const GRAMMARS: usize = 1024;

/// Which engines to start.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where the engines' data is unpacked.
    pub data_dir: PathBuf,
    /// Decoders of the local recogniser; each serves one call. 0: none is started.
    pub recognizers: usize,
    /// The folder of the recogniser's library; `None`: where the system keeps it.
    pub recognizer_library: Option<PathBuf>,
    /// Threads of the local voice.
    pub voices: usize,
    /// Whether a webhook's address may be private whatever its scenario says.
    pub allow_private_webhooks: bool,
    /// The company's name, for the texts that are spoken before calls come.
    pub company: String,
    /// The providers that are set up.
    pub accounts: Accounts,
    /// `HTTPS_PROXY`: through which providers are asked over HTTP.
    pub proxy: Option<String>,
    /// What hears where a scenario names nothing, in the order in which it is tried.
    pub stt: Vec<SttEngine>,
    /// What answers where a scenario names nothing, of what it has, in the order in which it is tried; empty: as it stands there.
    pub responders: Vec<Answerer>,
    /// What speaks where a scenario names nothing, in the order in which it is tried.
    pub tts: Vec<TtsEngine>,
    /// What providers cost.
    pub prices: Prices,
    /// Where the secrets are that scenarios name.
    pub secrets: Secrets,
}

/// Why the engines do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The voice does not start, and without a voice nothing can be said.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The writer of recordings does not start.
    #[error("the writer of recordings does not start: {0}")]
    Writer(std::io::Error),
    /// The client of providers does not start.
    #[error("the client of providers does not start: {0}")]
    Client(String),
    /// The client of webhooks does not start.
    #[error("the client of webhooks does not start: {0}")]
    Webhook(String),
}

/// One engine, and whether it can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineStatus {
    /// `stt`, `responder` or `tts`.
    pub role: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it can be used.
    pub usable: bool,
    /// Why, in one line; with the remedy if it cannot be used.
    pub why: String,
}

/// The engines of a server.
pub struct Engines {
    pub(crate) voices: Arc<VoicePool>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) webhook: Arc<Webhook>,
    pub(crate) mcp: Arc<McpCatalog>,
    config: EngineConfig,
    pub(crate) breakers: Breakers,
    model_breakers: ModelBreakers,
    answers: Arc<Answers>,
    /// For providers that are asked over HTTP.
    client: Client,
    recognizers: Result<RecognizerPool, String>,
    dictionary: Option<Dictionary>,
    grammars: Mutex<BTreeMap<String, Option<Arc<Grammar>>>>,
    voice_seats: Arc<Semaphore>,
    /// How many times longer than usual speech is waited for.
    patience: u32,
}

/// What a call occupies: what hears it, and a share of a voice. Dropping it gives them back.
pub struct Seats {
    pub(crate) ears: Ears,
    pub(crate) events: (Sender, Receiver),
    pub(crate) voices: Voices,
}

/// A share of the voice.
pub(crate) type VoiceSeat = OwnedSemaphorePermit;

impl Engines {
    /// What providers cost.
    pub(crate) fn prices(&self) -> &Prices {
        &self.config.prices
    }

    /// Starts the engines. A missing recogniser is no error: callers then answer by keypad.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: EngineConfig) -> Result<Self, StartError> {
        let voices = VoicePool::start(config.voices, &config.data_dir)?;
        let recognizers = if config.recognizers == 0 {
            Err("switched off".to_owned())
        } else {
            let library = config.recognizer_library.as_deref();
            RecognizerPool::start_from(config.recognizers, library)
                .map_err(|error| error.to_string())
        };
        let dictionary = recognizers
            .as_ref()
            .ok()
            .and_then(|_| Dictionary::load_default().ok());
        let mut webhook = Webhook::new(config.allow_private_webhooks)
            .map_err(|fault| StartError::Webhook(fault.detail))?;
        webhook.secrets = config.secrets.clone();
        Ok(Self {
            voices: Arc::new(voices),
            lines: Arc::default(),
            writer: Arc::new(Writer::start().map_err(StartError::Writer)?),
            webhook: Arc::new(webhook),
            mcp: Arc::default(),
            recognizers,
            dictionary,
            grammars: Mutex::default(),
            breakers: Breakers::default(),
            model_breakers: ModelBreakers::default(),
            answers: Arc::default(),
            client: client(config.proxy.as_deref())
                .map_err(|failure| StartError::Client(failure.detail))?,
            voice_seats: Arc::new(Semaphore::new(config.voices.max(1) * CALLS_A_VOICE)),
            patience: 1,
            config,
        })
    }

    /// The same, but voices and replies are waited for so many times longer than usual: for looking at slow ones.
    #[must_use]
    pub fn with_patience(self, patience: u32) -> Self {
        Self {
            breakers: Breakers::patient(patience),
            patience: patience.max(1),
            ..self
        }
    }

    /// How many times longer than usual a reply is waited for.
    pub(crate) fn patience(&self) -> u32 {
        self.patience
    }

    /// Which engines there are, and what keeps one from use. Why the others are in use is for the one who configured them to say.
    pub fn describe(&self) -> Vec<EngineStatus> {
        let local = SttEngine::PocketSphinx {
            keyterms: Vec::new(),
        };
        let listed = match self.config.stt.as_slice() {
            [] => std::slice::from_ref(&local),
            list => list,
        };
        let mut engines: Vec<_> = listed
            .iter()
            .map(|engine| self.describe_ears(engine))
            .collect();
        if self.config.accounts.openai.is_some() {
            engines.push(EngineStatus {
                role: "responder",
                name: Provider::OpenAi.name(),
                usable: true,
                why: String::new(),
            });
        }
        engines.push(EngineStatus {
            role: "responder",
            name: "script, webhook, parrot",
            usable: true,
            why: "as each scenario says".to_owned(),
        });
        engines.extend(
            self.config
                .tts
                .iter()
                .map(|engine| self.describe_voice(engine)),
        );
        engines
    }

    /// Takes what a call of the scenario occupies; `None` means that none is free: refuse the call before it is answered. What
    /// providers hear with is opened now, while the telephone rings: within a runtime.
    pub fn admit(&self, scenario: &Scenario) -> Option<Seats> {
        self.seats(Some(scenario), manner(scenario))
    }

    /// Takes what a call without a scenario occupies.
    pub fn admit_open(&self) -> Option<Seats> {
        self.seats(None, Manner::english())
    }

    fn seats(&self, scenario: Option<&Scenario>, manner: Manner) -> Option<Seats> {
        let events: (Sender, Receiver) = mpsc::unbounded_channel();
        let hearing = self.hearing_list(scenario);
        let ears = if hearing.is_empty() {
            let language = &manner.language;
            if Language::of(language) != Some(Language::English) {
                tracing::warn!(
                    language,
                    "no recogniser hears the caller's language: keys alone are taken"
                );
            }
            Ears::none()
        } else {
            self.first_ears(hearing, &manner.language, &events.0)?
        };
        let voices = self.first_voice(self.speaking_list(scenario), manner, &events.0)?;
        if let Some(scenario) = scenario
            && let Some(Responder::Model(_)) = self.responder(scenario)
        {
            self.models(scenario).warm();
            for server in &scenario.persona.toolkit.mcp {
                self.mcp.warm(server, &self.webhook);
            }
        }
        Some(Seats {
            ears,
            events,
            voices,
        })
    }

    /// Whether callers of a scenario are heard, and not only their keys.
    pub(crate) fn hears(&self, scenario: &Scenario) -> bool {
        !self.hearing_list(Some(scenario)).is_empty()
    }

    pub(crate) fn hearing(&self, scenario: &Scenario) -> Hearing {
        if self.hears(scenario) {
            Hearing::Speech
        } else {
            Hearing::DtmfOnly
        }
    }

    /// The grammar for what is expected, compiled once. `None` if it cannot be had.
    pub(crate) fn grammar(&self, expect: &Expect) -> Option<Arc<Grammar>> {
        let dictionary = self.dictionary.as_ref()?;
        let key = format!("{expect:?}");
        let mut grammars = self.grammars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grammar) = grammars.get(&key) {
            return grammar.clone();
        }
        let grammar = match Grammar::compile(expect, dictionary) {
            Ok(grammar) => Some(Arc::new(grammar)),
            Err(error) => {
                tracing::warn!(%error, "a grammar cannot be compiled");
                None
            }
        };
        if grammars.len() < GRAMMARS {
            grammars.insert(key, grammar.clone());
        }
        grammar
    }
}
