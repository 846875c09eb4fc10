//! What can hear a call, and starting it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ringback_call::Party;
use ringback_speech::language::Language;
use ringback_speech::recognizer::Recognized;
use tracing::Instrument as _;

use super::{EngineStatus, Engines};
use crate::provided::{Provided, Sender};
use crate::provider::Provider;
use crate::scenario::{Scenario, SttEngine};
use crate::stt::{self, Ears, Stream, Stt};

impl Engines {
    pub(super) fn describe_ears(&self, engine: &SttEngine) -> EngineStatus {
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
    pub(super) fn hearing_list(&self, scenario: Option<&Scenario>) -> VecDeque<SttEngine> {
        let language = scenario.map_or("en", |scenario| scenario.language.as_str());
        let usable = |engine: &&SttEngine| {
            let ready = match engine {
                SttEngine::PocketSphinx { .. } => self.recognizers.is_ok(),
                SttEngine::Deepgram { .. } => self.config.accounts.deepgram.is_some(),
            };
            ready && self.hears_language(engine, language).is_ok()
        };
        self.listed_ears(scenario)
            .iter()
            .filter(usable)
            .cloned()
            .collect()
    }

    pub(super) fn listed_ears<'a>(&'a self, scenario: Option<&'a Scenario>) -> &'a [SttEngine] {
        let named = scenario.and_then(|scenario| scenario.engines.stt.as_ref());
        named.unwrap_or(&self.config.stt)
    }

    /// Whether a recogniser knows the language; else which does not, and what it knows.
    pub(super) fn hears_language(&self, engine: &SttEngine, language: &str) -> Result<(), String> {
        match engine {
            SttEngine::PocketSphinx { .. } if Language::of(language) == Some(Language::English) => {
                Ok(())
            }
            SttEngine::PocketSphinx { .. } => Err("pocketsphinx hears English only".to_owned()),
            SttEngine::Deepgram {
                model,
                language: own,
                ..
            } => {
                let account = self.config.accounts.deepgram.as_ref();
                let Some(model) = model.as_ref().or(account.map(|account| &account.model)) else {
                    return Ok(());
                };
                stt::hears(model, own.as_deref().unwrap_or(language))
                    .map_err(|why| format!("deepgram's {model} {why}"))
            }
        }
    }

    /// The first of the list that is not known to be out of order and is free; if all are out of order, the first.
    pub(super) fn first_ears(
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
            SttEngine::Deepgram { .. } => {
                self.breakers.of(Provider::Deepgram, Party::Stt).admits(now)
            }
        }
    }

    /// Deepgram as the list wants it, where it is set up; `None` for another engine.
    pub(super) fn deepgram(&self, wanted: &SttEngine, language: &str) -> Option<stt::Deepgram> {
        let SttEngine::Deepgram {
            model,
            language: own,
            keyterms,
        } = wanted
        else {
            return None;
        };
        let account = self.config.accounts.deepgram.as_ref()?;
        Some(stt::Deepgram {
            access: account.access.clone(),
            model: model.as_ref().unwrap_or(&account.model).clone(),
            language: own.as_deref().unwrap_or(language).to_owned(),
            keyterms: keyterms.clone(),
        })
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
            SttEngine::Deepgram { .. } => {
                let deepgram = self.deepgram(wanted, language)?;
                let (stream, inlet) = Stream::new(deepgram.leads());
                let model = deepgram.model.clone();
                let breaker = Arc::clone(self.breakers.of(Provider::Deepgram, Party::Stt));
                let hearing = async move {
                    let heard = |heard| {
                        let _ = events.send(Provided::Heard { engine, heard });
                    };
                    if let Err(failure) = deepgram.listen(inlet, &breaker, heard).await {
                        breaker.failed(Instant::now(), failure.kind, failure.retry_after);
                        let _ = events.send(Provided::Deaf { engine, failure });
                    }
                };
                tokio::spawn(hearing.in_current_span());
                Some(Stt::Stream { stream, model })
            }
        }
    }
}
