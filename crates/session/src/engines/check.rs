//! Which engines calls would use, and the requests that prove them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ringback_audio::g711::{self, SILENCE};
use ringback_call::{FaultKind, PartId, ReplyId};
use ringback_speech::grammar::Expect;
use ringback_speech::recognizer::Recognized;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Engines;
use super::voices::pico_style;
use crate::check::{Check, Checked, Checks, Trouble, Wish, Work};
use crate::provider::{Breaker, Failure, Provider};
use crate::responder::model::{Prompt, Tab, Turn, Wrote};
use crate::scenario::{self, Scenario, SttEngine, TtsEngine};
use crate::setup::manner;
use crate::tts::{Command, Spoken, Vendor};

/// What voices say, in every language.
const WORD: &str = "Hello.";
/// What the local recogniser is to hear.
const HEARD: &str = "yes";
/// Silence around it, in samples: 300 ms.
const AROUND: usize = 2400;
/// A sample over this level is audible: -50 dBFS.
const AUDIBLE: u16 = 103;

/// When something began, and when its first piece came.
struct Clock {
    begun: Instant,
    first: Option<Duration>,
}

impl Clock {
    fn first(&mut self) {
        let begun = self.begun;
        self.first.get_or_insert_with(|| begun.elapsed());
    }
}

impl Engines {
    /// What calls would use, each thing once, in the order in which it would be tried: by the server's own settings, for calls of
    /// `default`, and by the scenarios.
    pub fn checks(&self, default: &Scenario, scenarios: &[Arc<Scenario>]) -> Vec<Check> {
        let mut checks = Checks::default();
        let own = std::iter::once(Wish::Server(default));
        let named = scenarios.iter().map(|scenario| Wish::Scenario(scenario));
        let wishes: Vec<Wish<'_>> = own.chain(named).collect();
        for wish in &wishes {
            self.ears_of(*wish, &mut checks);
        }
        for wish in &wishes {
            self.models_of(*wish, &mut checks);
        }
        for wish in &wishes {
            self.voices_of(*wish, &mut checks);
        }
        checks.into_vec()
    }

    fn ears_of(&self, wish: Wish<'_>, checks: &mut Checks) {
        let scenario = wish.scenario();
        let list = match wish {
            Wish::Server(_) => &self.config.stt,
            Wish::Scenario(scenario) => scenario.engines.stt.as_ref().unwrap_or(&self.config.stt),
        };
        for engine in list {
            let check = match engine {
                SttEngine::PocketSphinx { .. } => local("stt", "pocketsphinx", Work::PocketSphinx),
                SttEngine::Deepgram { .. } => {
                    let Some(deepgram) = self.deepgram(engine, &scenario.language) else {
                        continue;
                    };
                    Check {
                        model: deepgram.model.clone(),
                        language: deepgram.language.clone(),
                        ..local("stt", Provider::Deepgram.name(), Work::Deepgram(deepgram))
                    }
                }
            };
            checks.add(wish, check);
        }
    }

    fn models_of(&self, wish: Wish<'_>, checks: &mut Checks) {
        for wanted in wish.models() {
            if self.has_model(&wanted) {
                checks.add(wish, self.model_check(&wanted));
            }
        }
    }

    fn model_check(&self, wanted: &scenario::Model) -> Check {
        let foreign = wanted.url.is_some() || wanted.key.is_some();
        match self.try_model(wanted) {
            Ok(model) => Check {
                model: model.model.clone(),
                foreign,
                ..local(
                    "responder",
                    Provider::OpenAi.name(),
                    Work::Model(Box::new(model)),
                )
            },
            Err(why) => {
                let trouble = Trouble {
                    kind: FaultKind::Misconfigured,
                    blame: None,
                    detail: format!("{} {why}", Provider::OpenAi.name()),
                };
                Check {
                    model: wanted.model.clone().unwrap_or_default(),
                    foreign,
                    ..local("responder", Provider::OpenAi.name(), Work::Unready(trouble))
                }
            }
        }
    }

    fn voices_of(&self, wish: Wish<'_>, checks: &mut Checks) {
        let manner = manner(wish.scenario());
        let list = match wish {
            Wish::Server(_) => &self.config.tts,
            Wish::Scenario(scenario) => scenario.engines.tts.as_ref().unwrap_or(&self.config.tts),
        };
        for engine in list {
            let TtsEngine::Provider { provider, .. } = engine else {
                checks.add(wish, local("tts", "pico", Work::Pico));
                continue;
            };
            let Some(vendor) = self.vendor(engine, &manner) else {
                continue;
            };
            let (model, voice, language) = vendor.names();
            let check = Check {
                model,
                voice,
                language,
                ..local("tts", provider.name(), Work::Voice(Box::new(vendor)))
            };
            checks.add(wish, check);
        }
    }

    /// Carries the checks out, each within `patience`: engines at once, the several wishes for one of them one after another,
    /// because accounts bound how much is asked at a time.
    pub async fn run_checks(
        self: &Arc<Self>,
        checks: Vec<Check>,
        patience: Duration,
    ) -> Vec<Checked> {
        let mut lanes: Vec<Vec<(usize, Check)>> = Vec::new();
        for (place, check) in checks.into_iter().enumerate() {
            let of = |lane: &&mut Vec<(usize, Check)>| {
                lane.first().is_some_and(|(_, first)| {
                    (first.role, first.engine) == (check.role, check.engine)
                })
            };
            match lanes.iter_mut().find(of) {
                Some(lane) => lane.push((place, check)),
                None => lanes.push(vec![(place, check)]),
            }
        }
        let lanes = lanes.into_iter().map(async |lane| {
            let mut done = Vec::new();
            for (place, check) in lane {
                done.push((place, self.run_check(check, patience).await));
            }
            done
        });
        let mut done: Vec<_> = join_all(lanes).await.into_iter().flatten().collect();
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, checked)| checked).collect()
    }

    async fn run_check(self: &Arc<Self>, check: Check, patience: Duration) -> Checked {
        let mut clock = Clock {
            begun: Instant::now(),
            first: None,
        };
        let working = self.prove(&check.work, &mut clock);
        let result = timeout(patience, working).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f64();
            Err(Trouble {
                kind: FaultKind::Unreachable,
                blame: None,
                detail: format!("{} was not done within {seconds} s", check.engine),
            })
        });
        Checked {
            check,
            result,
            first: clock.first,
            total: clock.begun.elapsed(),
        }
    }

    async fn prove(self: &Arc<Self>, work: &Work, clock: &mut Clock) -> Result<(), Trouble> {
        match work {
            Work::Deepgram(deepgram) => Ok(deepgram.try_out(|| clock.first()).await?),
            Work::Model(model) => {
                let mut wrote = |wrote: Wrote| {
                    if wrote == Wrote::Began {
                        clock.first();
                    }
                };
                let tab = Tab::default();
                Ok(model
                    .answer(&self.client, &prompt(), &tab, &mut wrote)
                    .await?)
            }
            Work::Voice(vendor) => Ok(speak(vendor, clock).await?),
            Work::PocketSphinx | Work::Pico => {
                let engines = Arc::clone(self);
                let ears = matches!(work, Work::PocketSphinx);
                let proving = spawn_blocking(move || {
                    if ears {
                        engines.hear_locally()
                    } else {
                        engines.speak_locally().map(drop)
                    }
                });
                let proved = proving.await.unwrap_or_else(|error| Err(error.to_string()));
                let name = if ears { "pocketsphinx" } else { "pico" };
                proved.map_err(|why| Trouble {
                    kind: FaultKind::Misbehaved,
                    blame: None,
                    detail: format!("{name} {why}"),
                })
            }
            Work::Unready(trouble) => Err(trouble.clone()),
        }
    }

    /// Speech of the local voice, mu-law.
    fn speak_locally(&self) -> Result<Vec<u8>, String> {
        let style = pico_style(&crate::tts::Manner {
            speed_pct: 100,
            ..Default::default()
        });
        let spoken = self.voices.synthesize_styled(HEARD, style);
        let mulaw = spoken.map_err(|error| format!("does not speak: {error}"))?;
        let audible = |&byte: &u8| g711::decode(byte).unsigned_abs() > AUDIBLE;
        if mulaw.iter().any(audible) {
            Ok(mulaw)
        } else {
            Err("speaks silence".to_owned())
        }
    }

    /// Has a decoder hear the local voice.
    fn hear_locally(&self) -> Result<(), String> {
        let pool = self.recognizers.as_ref().map_err(String::clone)?;
        let speech = self
            .speak_locally()
            .map_err(|why| format!("has nothing to hear: pico {why}"))?;
        let grammar = self.grammar(&Expect::YesNo);
        let grammar = grammar.ok_or("cannot compile a grammar: its dictionary is missing")?;
        let (said, heard) = std::sync::mpsc::channel();
        let sink = Box::new(move |recognized| {
            let _ = said.send(recognized);
        });
        let recognizer = pool.lease(sink).ok_or("has no decoder free")?;
        recognizer.expect(grammar);
        recognizer.begin(0);
        for piece in [&[SILENCE; AROUND][..], &speech, &[SILENCE; AROUND]] {
            recognizer.audio(piece);
        }
        recognizer.finalize(1);
        for recognized in heard {
            match recognized {
                Recognized::Partial { .. } => {}
                Recognized::Final { text, .. } if text.contains(HEARD) => return Ok(()),
                Recognized::Final { text, .. } => {
                    return Err(format!("heard \"{text}\" in the place of \"{HEARD}\""));
                }
                Recognized::Failed { why } => return Err(why),
            }
        }
        Err("ended without an answer".to_owned())
    }
}

fn local(role: &'static str, engine: &'static str, work: Work) -> Check {
    Check {
        role,
        engine,
        model: String::new(),
        voice: None,
        language: String::new(),
        foreign: false,
        scenarios: Vec::new(),
        work,
    }
}

fn prompt() -> Prompt {
    Prompt {
        system: "This is a test of the line. Answer with one word.".to_owned(),
        turns: vec![Turn::Caller("Say the word ready.".to_owned())],
        tools: Vec::new(),
    }
}

async fn speak(vendor: &Vendor, clock: &mut Clock) -> Result<(), Failure> {
    let (commands, inlet) = mpsc::unbounded_channel();
    let (said, mut spoken) = mpsc::unbounded_channel();
    let breaker = Arc::new(Breaker::default());
    let speaking = vendor.speak(inlet, &breaker, move |piece| {
        let _ = said.send(piece);
    });
    let listening = async {
        let _ = commands.send(Command::Speak {
            reply: ReplyId(1),
            part: PartId(0),
            text: WORD.to_owned(),
        });
        while let Some(piece) = spoken.recv().await {
            match piece {
                Spoken::Audio { .. } => clock.first(),
                Spoken::Words { .. } => {}
                Spoken::Done { .. } => break,
            }
        }
        drop(commands);
    };
    let ((), over) = tokio::join!(listening, speaking);
    over
}
