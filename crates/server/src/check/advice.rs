//! What to do about an engine that does not work, in the names of the settings.

use ringback_call::FaultKind;
use ringback_session::check::{Check, Trouble};
use ringback_session::provider::{Blame, Provider};

/// What to do; empty where the trouble says it itself.
pub(super) fn advice(check: &Check, trouble: &Trouble, proxied: bool) -> String {
    if Provider::of_name(check.engine).is_none() {
        return String::new();
    }
    let place = Place(check);
    match trouble.blame {
        Some(Blame::Key) => place.key(),
        Some(Blame::Quota) => {
            let other = match check.role {
                "stt" => "or put another recogniser first (STT)",
                "tts" => "or put another voice first (TTS)",
                _ => "or have another model answer",
            };
            format!("add credit to the account at {}, {other}", check.engine)
        }
        Some(Blame::Rate) => format!(
            "try again later, or raise what the account may ask of {} at a time",
            check.engine
        ),
        Some(Blame::Model) => place.model(),
        Some(Blame::Voice) => place.voice(),
        Some(Blame::Address) => format!("{} leads elsewhere: correct it", place.address()),
        None => match trouble.kind {
            FaultKind::Unreachable => {
                let socket = check.role != "responder" && check.engine != "openai";
                let proxy = if proxied && socket {
                    "; sockets do not go through HTTPS_PROXY"
                } else {
                    ""
                };
                format!(
                    "check {} and the network, or try again{proxy}",
                    place.address()
                )
            }
            FaultKind::Misbehaved => "the fault is the provider's: try again later".to_owned(),
            FaultKind::Refused => "the provider says why".to_owned(),
            FaultKind::Misconfigured => String::new(),
        },
    }
}

/// Where the settings of an engine stand.
struct Place<'a>(&'a Check);

impl Place<'_> {
    fn variable(&self, of: &str) -> String {
        format!("{}_{of}", self.0.engine.to_ascii_uppercase())
    }

    fn scenario(&self) -> Option<String> {
        let names = &self.0.scenarios;
        let word = if names.len() == 1 {
            "scenario"
        } else {
            "scenarios"
        };
        (!names.is_empty()).then(|| format!("the {word} {}", names.join(", ")))
    }

    fn key(&self) -> String {
        match self.scenario() {
            Some(scenario) if self.0.foreign => format!("correct the model's `key` in {scenario}"),
            Some(_) | None => format!(
                "set {} to a key that is valid and may do this",
                self.variable("API_KEY")
            ),
        }
    }

    fn address(&self) -> String {
        match self.scenario() {
            Some(scenario) if self.0.foreign => format!("the model's `url` in {scenario}"),
            Some(_) | None if self.0.engine == "openai" => "OPENAI_BASE_URL".to_owned(),
            Some(_) | None => self.variable("URL"),
        }
    }

    fn model(&self) -> String {
        // The variables of these name what hears and what answers.
        let speaks_by_scenario =
            self.0.role == "tts" && matches!(self.0.engine, "deepgram" | "openai");
        let variable = self.variable("MODEL");
        match self.scenario() {
            Some(scenario) if speaks_by_scenario || self.0.foreign => {
                format!("name another model in {scenario}")
            }
            Some(scenario) => {
                format!("name another model or language in {scenario}, or change {variable}")
            }
            None if speaks_by_scenario => {
                "name another voice in the scenario's list `tts`".to_owned()
            }
            None if self.0.role == "responder" => format!("change {variable}"),
            None => format!("change {variable}, or the language of the default scenario"),
        }
    }

    fn voice(&self) -> String {
        let has_variable = matches!(self.0.engine, "cartesia" | "elevenlabs");
        let variable = self.variable("VOICE_ID");
        match self.scenario() {
            Some(scenario) if has_variable => {
                format!("name another voice in {scenario}, or change {variable}")
            }
            Some(scenario) => format!("name another voice in {scenario}"),
            None if has_variable => {
                format!("change {variable}, or the voice of the default scenario")
            }
            None => "name another voice in the scenario's list `tts`".to_owned(),
        }
    }
}
