//! The engines of a server: started once, shared by all calls.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ringback_call::{Direction, sentences};
use ringback_speech::grammar::{Dictionary, Expect, Grammar};
use ringback_speech::recognizer::{Recognized, RecognizerPool};
use ringback_speech::voice::{Style, VoiceError, VoicePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::provided::{Provided, Receiver, Sender};
use crate::provider::{Accounts, Breaker};
use crate::record::Writer;
use crate::responder::parrot;
use crate::responder::script::{Hearing, ScriptRun};
use crate::responder::webhook::Webhook;
use crate::scenario::{Responder, Scenario, SttEngine};
use crate::setup::{call_spec, style};
use crate::stt::{self, Ears, Stream, Stt};
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
    /// The providers that are set up.
    pub accounts: Accounts,
    /// What hears where a scenario names nothing, in the order in which it is tried.
    pub stt: Vec<SttEngine>,
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
    deepgram_hears: Arc<Breaker>,
    recognizers: Result<RecognizerPool, String>,
    dictionary: Option<Dictionary>,
    grammars: Mutex<BTreeMap<String, Option<Arc<Grammar>>>>,
    voice_seats: Arc<Semaphore>,
}

/// What a call occupies: what hears it, and a share of a voice. Dropping it gives them back.
pub struct Seats {
    pub(crate) ears: Ears,
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
            deepgram_hears: Arc::default(),
            voice_seats: Arc::new(Semaphore::new(config.voices.max(1) * CALLS_A_VOICE)),
            config,
        })
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
        engines.extend([
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
        ]);
        engines
    }

    fn describe_ears(&self, engine: &SttEngine) -> EngineStatus {
        let (name, why) = match engine {
            SttEngine::PocketSphinx { .. } => {
                let missing = self.recognizers.as_ref().err();
                let why = missing.map(|why| format!("{why}; callers answer by keypad"));
                ("pocketsphinx", why)
            }
            SttEngine::Deepgram { .. } => ("deepgram", None),
        };
        EngineStatus {
            role: "stt",
            name,
            usable: why.is_none(),
            why: why.unwrap_or_default(),
        }
    }

    /// What can hear a call of the scenario, in order. Nothing: callers answer by keypad alone.
    fn hearing_list(&self, scenario: Option<&Scenario>) -> VecDeque<SttEngine> {
        let named = scenario.and_then(|scenario| scenario.engines.stt.as_ref());
        let usable = |engine: &&SttEngine| match engine {
            SttEngine::PocketSphinx { .. } => self.recognizers.is_ok(),
            SttEngine::Deepgram { .. } => self.config.accounts.deepgram.is_some(),
        };
        let list = named.unwrap_or(&self.config.stt).iter();
        list.filter(usable).cloned().collect()
    }

    /// Takes what a call of the scenario occupies; `None` means that none is free: refuse the call before it is answered. What
    /// providers hear with is opened now, while the telephone rings: within a runtime.
    pub fn admit(&self, scenario: &Scenario) -> Option<Seats> {
        self.seats(self.hearing_list(Some(scenario)), &scenario.language)
    }

    fn seats(&self, list: VecDeque<SttEngine>, language: &str) -> Option<Seats> {
        let voice = Arc::clone(&self.voice_seats).try_acquire_owned().ok()?;
        let events: (Sender, Receiver) = mpsc::unbounded_channel();
        let ears = if list.is_empty() {
            Ears::none()
        } else {
            self.first_ears(list, language, &events.0)?
        };
        Some(Seats {
            ears,
            events,
            voice,
        })
    }

    /// The first of the list that is not known to be out of order and is free; if all are out of order, the first.
    fn first_ears(
        &self,
        mut list: VecDeque<SttEngine>,
        language: &str,
        events: &Sender,
    ) -> Option<Ears> {
        let now = Instant::now();
        let mut passed = VecDeque::new();
        while let Some(engine) = list.pop_front() {
            if self.admits(&engine, now)
                && let Some(stt) = self.start_ears(&engine, language, 0, events)
            {
                return Some(Ears::new(Some(stt), list, language.to_owned()));
            }
            passed.push_back(engine);
        }
        let engine = passed.pop_front()?;
        let stt = self.start_ears(&engine, language, 0, events)?;
        Some(Ears::new(Some(stt), passed, language.to_owned()))
    }

    fn admits(&self, engine: &SttEngine, now: Instant) -> bool {
        match engine {
            SttEngine::PocketSphinx { .. } => true,
            SttEngine::Deepgram { .. } => self.deepgram_hears.admits(now),
        }
    }

    /// Starts a recogniser for a call; `None` if none is free. `engine` counts those of the call.
    pub(crate) fn start_ears(
        &self,
        wanted: &SttEngine,
        language: &str,
        engine: u32,
        events: &Sender,
    ) -> Option<Stt> {
        let events = events.clone();
        match wanted {
            SttEngine::PocketSphinx { .. } => {
                let pool = self.recognizers.as_ref().ok()?;
                let sink = Box::new(move |recognized: Recognized| {
                    let _ = events.send(Provided::Recognized(recognized));
                });
                Some(Stt::Local(stt::Local::new(pool.lease(sink)?)))
            }
            SttEngine::Deepgram { model, keyterms } => {
                let account = self.config.accounts.deepgram.as_ref()?;
                let deepgram = stt::Deepgram {
                    access: account.access.clone(),
                    model: model.as_ref().unwrap_or(&account.model).clone(),
                    language: language.to_owned(),
                    keyterms: keyterms.clone(),
                };
                let (stream, inlet) = Stream::new();
                let breaker = Arc::clone(&self.deepgram_hears);
                tokio::spawn(async move {
                    let heard = |heard| {
                        let _ = events.send(Provided::Heard { engine, heard });
                    };
                    if let Err(failure) = deepgram.listen(inlet, &breaker, heard).await {
                        breaker.failed(Instant::now(), failure.kind, failure.retry_after);
                        let _ = events.send(Provided::Deaf { engine, failure });
                    }
                });
                Some(Stt::Stream(stream))
            }
        }
    }

    /// Takes what a call without a scenario occupies: a decoder and a share of a voice.
    pub fn admit_open(&self) -> Option<Seats> {
        self.seats(self.hearing_list(None), "en-US")
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
        if !self.hearing_list(Some(scenario)).is_empty() {
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
