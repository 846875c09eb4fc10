//! What can speak to a caller, and starting it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ringback_call::Party;
use ringback_speech::language::Language;
use ringback_speech::voice::Style;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::{EngineStatus, Engines};
use crate::aloud::Unread;
use crate::provided::{Provided, Sender};
use crate::provider::{Account, Provider};
use crate::scenario::{Scenario, TtsEngine};
use crate::setup::manner;
use crate::tts::{self, Manner, Speaker, Started, Starts, Vendor, Voices, Wanted};

/// The local voice, as requests name it.
const LOCAL: &str = "pico";
/// How many times longer than in a call a voice is waited for outside of calls: nobody hears the silence.
const ALOUD_PATIENCE: u32 = 4;

impl Engines {
    pub(super) fn describe_voice(&self, engine: &TtsEngine) -> EngineStatus {
        EngineStatus {
            role: "tts",
            name: match engine {
                TtsEngine::Pico => "pico",
                TtsEngine::Provider { provider, .. } => provider.name(),
            },
            usable: true,
            why: String::new(),
        }
    }

    /// What can speak in a call of the scenario, in order; the local voice stands in for all.
    pub(super) fn speaking_list(&self, scenario: Option<&Scenario>) -> VecDeque<TtsEngine> {
        let manner = scenario.map_or_else(Manner::english, manner);
        let mut list = self.speaking(self.listed_voices(scenario), &manner);
        if !list.contains(&TtsEngine::Pico) {
            list.push_back(TtsEngine::Pico);
        }
        list
    }

    /// Those of the list that can speak in this manner. The local voice always can, should it sound odd.
    fn speaking(&self, list: &[TtsEngine], manner: &Manner) -> VecDeque<TtsEngine> {
        let usable = |engine: &&TtsEngine| match engine {
            TtsEngine::Pico => true,
            TtsEngine::Provider { .. } => self
                .vendor(engine, manner)
                .is_some_and(|vendor| vendor.speaks(&manner.language).is_ok()),
        };
        list.iter().filter(usable).cloned().collect()
    }

    pub(super) fn listed_voices<'a>(&'a self, scenario: Option<&'a Scenario>) -> &'a [TtsEngine] {
        let named = scenario.and_then(|scenario| scenario.engines.tts.as_ref());
        named.unwrap_or(&self.config.tts)
    }

    /// The voice of a provider that is set up.
    pub(super) fn vendor(&self, wanted: &TtsEngine, manner: &Manner) -> Option<Vendor> {
        let TtsEngine::Provider {
            provider,
            voice,
            model,
        } = wanted
        else {
            return None;
        };
        Some(Vendor::of(&Wanted {
            provider: *provider,
            account: self.account(*provider)?,
            voice: voice.as_deref(),
            model: model.as_deref(),
            manner,
            client: &self.client,
        }))
    }

    pub(super) fn account(&self, provider: Provider) -> Option<&Account> {
        let accounts = &self.config.accounts;
        match provider {
            Provider::Deepgram => accounts.deepgram.as_ref(),
            Provider::OpenAi => accounts.openai.as_ref(),
            Provider::Cartesia => accounts.cartesia.as_ref(),
            Provider::ElevenLabs => accounts.elevenlabs.as_ref(),
        }
    }

    /// The first of the list that is not known to be out of order. `None` when all shares of the local voice are taken and
    /// nothing else speaks.
    pub(super) fn first_voice(
        &self,
        mut list: VecDeque<TtsEngine>,
        manner: Manner,
        events: &Sender,
    ) -> Option<Voices> {
        let admitted = list.iter().position(|engine| self.admits(engine));
        let place = admitted.unwrap_or(0);
        let first = list.remove(place)?;
        let seat = Arc::clone(&self.voice_seats).try_acquire_owned().ok();
        if seat.is_none() && first == TtsEngine::Pico {
            return None;
        }
        let started = self.start(&first, &manner, 0, events)?;
        let lines = Arc::clone(&self.lines);
        let voices = Voices::new(started, list, manner, lines, events.clone(), seat);
        Some(voices.patient(self.patience))
    }

    /// What reads a text outside of calls: the configured voices that speak its language, or first the one of this name. The local voice
    /// speaks English alone.
    pub(crate) fn voices_for(
        &self,
        language: &str,
        voice: Option<&str>,
        events: &Sender,
    ) -> Result<Voices, Unread> {
        let manner = Manner {
            language: language.to_owned(),
            voice: voice.map(str::to_owned),
            patience: ALOUD_PATIENCE,
            ..Manner::english()
        };
        let local = Language::of(language) == Some(Language::English);
        let mut list = self.speaking(&self.config.tts, &manner);
        list.retain(|engine| *engine != TtsEngine::Pico || local);
        if local && !list.contains(&TtsEngine::Pico) {
            list.push_back(TtsEngine::Pico);
        }
        let named = match voice {
            None => None,
            Some(LOCAL) if local => Some(TtsEngine::Pico),
            Some(LOCAL) => {
                let what = format!("the voice {LOCAL} speaks English only: name one of a provider");
                return Err(Unread::Language(what));
            }
            Some(voice) => {
                let provider = tts::provider_of_voice(voice).ok_or(Unread::NoVoice)?;
                if self.account(provider).is_none() {
                    let name = provider.name().to_ascii_uppercase();
                    return Err(Unread::NoKey(format!("{name}_API_KEY")));
                }
                Some(TtsEngine::Provider {
                    provider,
                    voice: Some(voice.to_owned()),
                    model: None,
                })
            }
        };
        list.retain(|engine| Some(engine) != named.as_ref());
        if let Some(named) = named {
            if let Some(vendor) = self.vendor(&named, &manner) {
                vendor.speaks(language).map_err(Unread::Language)?;
            }
            list.push_front(named);
        }
        if list.is_empty() {
            let what = format!(
                "no voice of TTS that is set up here speaks {language}: the local one speaks English only"
            );
            return Err(Unread::Language(what));
        }
        let voices = self.first_voice(list, manner, events);
        voices.map(Voices::apart).ok_or(Unread::Busy)
    }
}

impl Starts for Engines {
    fn admits(&self, wanted: &TtsEngine) -> bool {
        match wanted {
            TtsEngine::Pico => true,
            TtsEngine::Provider { provider, .. } => {
                let breaker = self.breakers.of(*provider, Party::Tts);
                breaker.admits(Instant::now())
            }
        }
    }

    fn start(
        &self,
        wanted: &TtsEngine,
        manner: &Manner,
        engine: u32,
        events: &Sender,
    ) -> Option<Started> {
        let provider = match wanted {
            TtsEngine::Pico => {
                let style = pico_style(manner);
                let pool = Arc::clone(&self.voices);
                let local = tts::Local::new(pool, style, engine, events.clone());
                return Some(Started {
                    speaker: Speaker::Local(local),
                    name: "pico",
                    model: String::new(),
                    voice: tts::voice_of(style),
                    health: None,
                });
            }
            TtsEngine::Provider { provider, .. } => *provider,
        };
        let vendor = self.vendor(wanted, manner)?;
        let (commands, inlet) = mpsc::unbounded_channel();
        let breaker = self.breakers.of(provider, Party::Tts);
        let breaker = Arc::new(breaker.with_more_patience(manner.patience));
        let (key, model, events) = (vendor.key(), vendor.model().to_owned(), events.clone());
        let speaking = async move {
            let said = |spoken| {
                let _ = events.send(Provided::Spoken { engine, spoken });
            };
            if let Err(failure) = vendor.speak(inlet, &breaker, said).await {
                breaker.failed(Instant::now(), failure.kind, failure.retry_after);
                let _ = events.send(Provided::Mute { engine, failure });
            }
        };
        tokio::spawn(speaking.in_current_span());
        Some(Started {
            speaker: Speaker::Stream(commands),
            name: provider.name(),
            model,
            voice: key,
            health: Some((provider, Arc::clone(self.breakers.of(provider, Party::Tts)))),
        })
    }
}

/// How the local voice speaks in this manner.
pub(super) fn pico_style(manner: &Manner) -> Style {
    Style {
        speed_pct: manner.speed_pct,
        ..Style::default()
    }
}
