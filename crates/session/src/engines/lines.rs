//! Fixed lines, spoken before calls come.

use std::sync::Arc;
use std::time::Duration;

use ringback_call::{Direction, PartId, Party, Policy, ReplyId, sentences};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Engines;
use super::voices::pico_style;
use crate::provider::Failure;
use crate::responder::parrot;
use crate::responder::script::ScriptRun;
use crate::scenario::{Responder, Scenario, TtsEngine};
use crate::setup::{call_spec, manner};
use crate::speakable;
use crate::tts::{self, Command, Fixed, Manner, Spoken, Vendor};

/// A provider gets this long to speak one line in advance.
const LINE: Duration = Duration::from_secs(10);

impl Engines {
    /// Speaks the fixed lines of a scenario into the cache, with the voice that speaks first in its calls. Blocks while they are
    /// spoken (about a hundredth of their length with the local voice); within a runtime.
    pub fn warm(&self, scenario: &Scenario) {
        let manner = manner(scenario);
        let lines = self.fixed_sentences(scenario, &manner);
        match self.speaking_list(Some(scenario)).front() {
            Some(engine @ TtsEngine::Provider { provider, .. }) => {
                let Some(vendor) = self.vendor(engine, &manner) else {
                    return;
                };
                let breaker = Arc::clone(self.breakers.of(*provider, Party::Tts));
                let speaking = self.warm_with(vendor, &breaker, lines);
                if let Err(failure) = Handle::current().block_on(speaking) {
                    let why = failure.detail;
                    tracing::warn!(why, "Error: fixed lines could not be spoken in advance");
                }
            }
            Some(TtsEngine::Pico) | None => self.warm_locally(&lines, &manner),
        }
    }

    /// Whether the lines of a scenario are spoken at no cost.
    pub fn warms_freely(&self, scenario: &Scenario) -> bool {
        self.speaking_list(Some(scenario)).front() == Some(&TtsEngine::Pico)
    }

    fn fixed_sentences(&self, scenario: &Scenario, manner: &Manner) -> Vec<String> {
        let directions = [Direction::Inbound, Direction::Outbound];
        let lines = directions
            .into_iter()
            .filter(|direction| scenario.direction.takes(*direction))
            .flat_map(|direction| self.fixed_lines(scenario, direction));
        let mut spoken: Vec<String> = lines
            .flat_map(|line| sentences(&line))
            .map(|sentence| speakable(&sentence, &manner.language).into_owned())
            .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
            .collect();
        spoken.sort();
        spoken.dedup();
        spoken
    }

    fn fixed_lines(&self, scenario: &Scenario, direction: Direction) -> Vec<String> {
        let vars = scenario.vars(direction, &self.config.company);
        let responder = self.responder(scenario);
        let spec = call_spec(scenario, responder, direction, &self.config.company);
        let mut lines = vec![spec.lines.apology, spec.lines.goodbye];
        lines.extend(spec.lines.idle);
        let callee = [spec.callee.voicemail, spec.callee.screening];
        lines.extend(callee.into_iter().filter_map(|policy| match policy {
            Policy::Message(line) | Policy::Say(line) => Some(line),
            Policy::Ignore | Policy::HangUp => None,
        }));
        lines.extend(spec.lines.tool_wait);
        match responder {
            Some(Responder::Script { script }) => {
                let script = Arc::clone(script);
                lines.push(
                    ScriptRun::new(script, vars, self.hearing(scenario))
                        .open()
                        .text,
                );
            }
            Some(Responder::Parrot) => lines.push(parrot::open(&vars, self.hears(scenario)).text),
            Some(Responder::Webhook(_) | Responder::Model(_)) | None => lines.extend(vars.greeting),
        }
        lines
    }

    fn warm_locally(&self, lines: &[String], manner: &Manner) {
        let style = pico_style(manner);
        let voice = tts::voice_of(style);
        for line in lines {
            if self.lines.find(&voice, line).is_some() {
                continue;
            }
            match self.voices.synthesize_styled(line, style) {
                Ok(mulaw) => self.lines.keep(&voice, line, mulaw),
                Err(error) => tracing::warn!(%error, "a fixed line could not be spoken in advance"),
            }
        }
    }

    async fn warm_with(
        &self,
        vendor: Vendor,
        breaker: &Arc<crate::provider::Breaker>,
        lines: Vec<String>,
    ) -> Result<(), Failure> {
        let voice = vendor.key();
        let fixed = Fixed::within(&self.config.data_dir);
        let missing = lines.into_iter().filter(|line| {
            if self.lines.find(&voice, line).is_none()
                && let Some(speech) = fixed.load(&voice, line)
            {
                self.lines.keep(&voice, line, speech);
            }
            self.lines.find(&voice, line).is_none()
        });
        let (commands, inlet) = mpsc::unbounded_channel();
        let (said, mut spoken) = mpsc::unbounded_channel();
        let speaking = vendor.speak(inlet, breaker, move |piece| {
            let _ = said.send(piece);
        });
        let asking = async {
            for (number, line) in (1_u32..).zip(missing) {
                let (reply, part) = (ReplyId(number), PartId(0));
                let text = line.clone();
                let _ = commands.send(Command::Speak { reply, part, text });
                let mut speech = Vec::new();
                while let Ok(Some(piece)) = timeout(LINE, spoken.recv()).await {
                    match piece {
                        Spoken::Audio { mulaw, .. } => speech.extend(mulaw),
                        Spoken::Words { .. } => {}
                        Spoken::Done { .. } => {
                            if let Err(error) = fixed.store(&voice, &line, &speech) {
                                tracing::warn!(%error, "a fixed line is not kept on disk");
                            }
                            self.lines.keep(&voice, &line, std::mem::take(&mut speech));
                            break;
                        }
                    }
                }
            }
            drop(commands);
        };
        let ((), over) = tokio::join!(asking, speaking);
        over
    }
}
