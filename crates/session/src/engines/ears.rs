//! What can hear a call, and starting it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ringback_call::Party;
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
        let named = scenario.and_then(|scenario| scenario.engines.stt.as_ref());
        let usable = |engine: &&SttEngine| match engine {
            SttEngine::PocketSphinx { .. } => self.recognizers.is_ok(),
            SttEngine::Deepgram { .. } => self.config.accounts.deepgram.is_some(),
        };
        let list = named.unwrap_or(&self.config.stt).iter();
        list.filter(usable).cloned().collect()
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
