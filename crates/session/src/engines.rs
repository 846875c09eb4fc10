//! The engines of a server: started once, shared by all calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_call::{Direction, sentences};
use ringback_speech::grammar::{Dictionary, Expect, Grammar};
use ringback_speech::recognizer::{Recognized, Recognizer, RecognizerPool};
use ringback_speech::voice::{Style, VoiceError, VoicePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::provided::{Provided, Receiver, Sender};
use crate::record::Writer;
use crate::responder::parrot;
use crate::responder::script::{Hearing, ScriptRun};
use crate::responder::webhook::Webhook;
use crate::scenario::{Responder, Scenario};
use crate::setup::{call_spec, style};
use crate::tts::Lines;

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
    config: EngineConfig,
    recognizers: Result<RecognizerPool, String>,
    dictionary: Option<Dictionary>,
    grammars: Mutex<BTreeMap<String, Option<Arc<Grammar>>>>,
    voice_seats: Arc<Semaphore>,
}

/// What a call occupies: a decoder where one is needed, and a share of a voice. Dropping it gives them back.
pub struct Seats {
    pub(crate) recognizer: Option<Recognizer>,
    pub(crate) events: (Sender, Receiver),
    pub(crate) voice: VoiceSeat,
}

/// A share of the voice.
pub(crate) type VoiceSeat = OwnedSemaphorePermit;

impl Engines {
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
        Ok(Self {
            voices: Arc::new(voices),
            lines: Arc::default(),
            writer: Arc::new(Writer::start().map_err(StartError::Writer)?),
            webhook: Arc::new(
                Webhook::new(config.allow_private_webhooks)
                    .map_err(|fault| StartError::Webhook(fault.detail))?,
            ),
            recognizers,
            dictionary,
            grammars: Mutex::default(),
            voice_seats: Arc::new(Semaphore::new(config.voices.max(1) * CALLS_A_VOICE)),
            config,
        })
    }

    /// Which engines there are, and what keeps one from use. Why the others are in use is for the one who configured them to say.
    pub fn describe(&self) -> Vec<EngineStatus> {
        let stt = match &self.recognizers {
            Ok(_) => EngineStatus {
                role: "stt",
                name: "pocketsphinx",
                usable: true,
                why: "local".to_owned(),
            },
            Err(why) => EngineStatus {
                role: "stt",
                name: "pocketsphinx",
                usable: false,
                why: format!("{why}; callers answer by keypad"),
            },
        };
        vec![
            stt,
            EngineStatus {
                role: "responder",
                name: "script, webhook, parrot",
                usable: true,
                why: "as each scenario says".to_owned(),
            },
            EngineStatus {
                role: "tts",
                name: "pico",
                usable: true,
                why: "local".to_owned(),
            },
        ]
    }

    /// Whether callers can be heard, or answer by keypad alone.
    pub fn hears(&self) -> bool {
        self.recognizers.is_ok()
    }

    fn wants_ears(&self, scenario: &Scenario) -> bool {
        !scenario
            .engines
            .stt
            .as_ref()
            .is_some_and(|engines| engines.is_empty())
            && self.hears()
    }

    /// Takes what a call of the scenario occupies; `None` means that none is free: refuse the call before it is answered.
    pub fn admit(&self, scenario: &Scenario) -> Option<Seats> {
        self.seats(self.wants_ears(scenario))
    }

    fn seats(&self, ears: bool) -> Option<Seats> {
        let voice = Arc::clone(&self.voice_seats).try_acquire_owned().ok()?;
        let events: (Sender, Receiver) = mpsc::unbounded_channel();
        let recognizer = match &self.recognizers {
            Ok(pool) if ears => {
                let sender = events.0.clone();
                let sink = Box::new(move |recognized: Recognized| {
                    let _ = sender.send(Provided::Recognized(recognized));
                });
                Some(pool.lease(sink)?)
            }
            Ok(_) | Err(_) => None,
        };
        Some(Seats {
            recognizer,
            events,
            voice,
        })
    }

    /// Takes what a call without a scenario occupies: a decoder and a share of a voice.
    pub fn admit_open(&self) -> Option<Seats> {
        self.seats(true)
    }

    /// Speaks the fixed lines of a scenario into the cache. Blocks while they are spoken (about a hundredth of their length).
    pub fn warm(&self, scenario: &Scenario) {
        let style = style(scenario);
        for direction in [Direction::Inbound, Direction::Outbound] {
            if scenario.direction.takes(direction) {
                for line in self.fixed_lines(scenario, direction) {
                    self.warm_line(&line, style);
                }
            }
        }
    }

    fn fixed_lines(&self, scenario: &Scenario, direction: Direction) -> Vec<String> {
        let vars = scenario.vars(direction, &self.config.company);
        let spec = call_spec(scenario, direction, &self.config.company);
        let mut lines = vec![spec.lines.apology, spec.lines.goodbye];
        lines.extend(spec.lines.idle);
        match scenario.engines.responders.first() {
            Some(Responder::Script { script }) => {
                let script = Arc::clone(script);
                lines.push(
                    ScriptRun::new(script, vars, self.hearing(scenario))
                        .open()
                        .text,
                );
            }
            Some(Responder::Parrot) => lines.push(parrot::open(&vars).text),
            Some(Responder::Webhook(_)) | None => lines.extend(vars.greeting),
        }
        lines
    }

    pub(crate) fn hearing(&self, scenario: &Scenario) -> Hearing {
        if self.wants_ears(scenario) {
            Hearing::Speech
        } else {
            Hearing::DtmfOnly
        }
    }

    fn warm_line(&self, line: &str, style: Style) {
        for sentence in sentences(line) {
            if self.lines.find(&sentence, style).is_some() {
                continue;
            }
            match self.voices.synthesize_styled(&sentence, style) {
                Ok(mulaw) => {
                    self.lines.keep(&sentence, style, mulaw);
                }
                Err(error) => tracing::warn!(%error, "a fixed line could not be spoken in advance"),
            }
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
