//! Proving that engines work, each with a real request: what is to be checked, and what came of it.

use std::time::Duration;

use ringback_call::FaultKind;

use crate::provider::{Blame, Failure};
use crate::responder::model::Model;
use crate::scenario::{self, Responder, Scenario};
use crate::stt::Deepgram;
use crate::tts::Vendor;

/// One engine in one role, as calls would use it.
pub struct Check {
    /// `stt`, `responder` or `tts`.
    pub role: &'static str,
    /// The engine's name, as scenarios spell it.
    pub engine: &'static str,
    /// The model; empty for local engines.
    pub model: String,
    /// The voice, where one is chosen beside the model.
    pub voice: Option<String>,
    /// The language that is asked for, as `en-US`; empty where none is.
    pub language: String,
    /// Whether a scenario names a server or a key of its own for it.
    pub foreign: bool,
    /// The scenarios that want it so; empty where the server's own settings do.
    pub scenarios: Vec<String>,
    pub(crate) work: Work,
}

/// What is done to prove it.
pub(crate) enum Work {
    Deepgram(Deepgram),
    PocketSphinx,
    Model(Box<Model>),
    Voice(Box<Vendor>),
    Pico,
    /// It cannot even be asked.
    Unready(Trouble),
}

/// Why an engine does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Of what kind it is.
    pub kind: FaultKind,
    /// What has to be changed, where that is known.
    pub blame: Option<Blame>,
    /// In one line, beginning with the engine's name; no secret.
    pub detail: String,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self {
            kind: failure.kind,
            blame: failure.blame,
            detail: failure.detail,
        }
    }
}

/// What came of one check.
pub struct Checked {
    /// What was checked.
    pub check: Check,
    /// Whether it works.
    pub result: Result<(), Trouble>,
    /// From the request to the first word, the first sound or the first message, connecting included.
    pub first: Option<Duration>,
    /// From the request to its end.
    pub total: Duration,
}

/// Who wants an engine.
#[derive(Clone, Copy)]
pub(crate) enum Wish<'a> {
    /// The server's own settings, for calls of this scenario.
    Server(&'a Scenario),
    Scenario(&'a Scenario),
}

impl<'a> Wish<'a> {
    pub(crate) fn scenario(self) -> &'a Scenario {
        match self {
            Self::Server(scenario) | Self::Scenario(scenario) => scenario,
        }
    }

    /// The language models that are wanted.
    pub(crate) fn models(self) -> Vec<scenario::Model> {
        match self {
            Self::Server(_) => vec![scenario::Model::default()],
            Self::Scenario(scenario) => {
                let model = |responder: &Responder| match responder {
                    Responder::Model(model) => Some((**model).clone()),
                    Responder::Script { .. } | Responder::Webhook(_) | Responder::Parrot => None,
                };
                let responders = scenario.engines.responders.iter();
                responders.filter_map(model).collect()
            }
        }
    }
}

/// What is to be checked, each thing once, in the order in which calls would try it.
#[derive(Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    /// Adds a check, or the scenario that wants it to the one that is the same.
    pub(crate) fn add(&mut self, wish: Wish<'_>, mut check: Check) {
        let slug = match wish {
            Wish::Server(_) => None,
            Wish::Scenario(scenario) => Some(scenario.slug.clone()),
        };
        let same = |one: &&mut Check| one.is_as(&check);
        match (self.0.iter_mut().find(same), slug) {
            (Some(known), Some(slug)) if !known.scenarios.is_empty() => known.scenarios.push(slug),
            (Some(_), _) => {}
            (None, slug) => {
                check.scenarios.extend(slug);
                self.0.push(check);
            }
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Check> {
        self.0
    }
}

impl Check {
    fn is_as(&self, other: &Self) -> bool {
        let same = |field: fn(&Self) -> &str| field(self) == field(other);
        same(|check| check.role)
            && same(|check| check.engine)
            && same(|check| &check.model)
            && same(|check| &check.language)
            && self.voice == other.voice
            && self.work.is_of(&other.work)
    }
}

impl Work {
    /// Whether the same server is asked with the same key and in the same language of the wire.
    fn is_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Model(one), Self::Model(other)) => {
                let key =
                    |model: &Model| model.access.key.as_ref().map(|key| key.expose().to_owned());
                one.access.url == other.access.url && one.api == other.api && key(one) == key(other)
            }
            (Self::Unready(one), Self::Unready(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}
