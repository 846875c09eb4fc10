//! What a scenario is, once read and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ringback_call::{CalleeSpec, Direction, Policy, Protection, TurnSettings};
use ringback_speech::language::Language;
use url::Url;

use super::template::{Template, Vars, destination_variable};
use super::tools::Toolkit;
use crate::provider::Provider;
use crate::responder::script::Script;
use crate::secret::Secret;

/// What answers or places a call: what it says, with which engines, and by which rules.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in addresses, `[a-z0-9-]`; for scenarios of files and built-in ones also their id.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Which calls it takes.
    pub direction: Directions,
    /// The language that is spoken, as `en-US`.
    pub language: String,
    /// Who it is and what it was told to do, for responders that understand instructions.
    pub persona: Persona,
    /// The first words of a call.
    pub greeting: Greeting,
    /// Values for `{names}` in its texts.
    pub variables: BTreeMap<String, String>,
    /// What hears, answers and speaks.
    pub engines: Engines,
    /// How it speaks.
    pub voice: Voice,
    /// Turn-taking.
    pub turn: TurnSettings,
    /// What a caller hears who says nothing for `turn.idle_ms`, in turn; without any the responder is asked. `None`: lines of
    /// our own, but for a script, which has its own.
    pub idle: Option<Vec<Template>>,
    /// When a call ends by itself; the longest call stands in `turn`.
    pub limits: Limits,
    /// What is kept of a call.
    pub recording: Recording,
    /// What happens when an engine fails.
    pub fallback: Fallback,
    /// Whether streams without our token may open it, from a user's own TwiML.
    pub foreign_streams: bool,
}

/// Which calls a scenario takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Directions {
    /// Only those that come in.
    Inbound,
    /// Only those that we place.
    Outbound,
    /// All.
    #[default]
    Both,
}

impl Directions {
    /// Whether a call of this direction is taken.
    pub fn takes(self, direction: Direction) -> bool {
        match self {
            Directions::Both => true,
            Directions::Inbound => direction == Direction::Inbound,
            Directions::Outbound => direction == Direction::Outbound,
        }
    }
}

/// Instructions for responders that understand them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persona {
    /// Who is speaking.
    pub persona: Option<String>,
    /// What it is to do.
    pub prompt: Option<String>,
    /// What it is to do in a call that comes in, instead of `prompt`.
    pub inbound: Option<String>,
    /// What it is to do in a call that we place, instead of `prompt`.
    pub outbound: Option<String>,
    /// What it may do beside speaking.
    pub toolkit: Toolkit,
}

/// The first words of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    /// In a call that comes in.
    pub inbound: Option<Template>,
    /// In a call that we place.
    pub outbound: Option<Template>,
    /// What must be announced, right after the greeting: that the call is recorded, for example.
    pub announce: Option<Template>,
    /// How much of it cannot be interrupted, where the scenario says so.
    pub protect: Option<Protection>,
    /// What is done instead where no person answers a call that we place.
    pub callee: CalleePolicy,
}

/// What is done where no person answers a call that we place. A text that is said may be `[keys 1]`: then keys are pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalleePolicy {
    /// How long it is watched for who answered, in milliseconds; 0 means not at all.
    pub listen_ms: u32,
    /// A machine that takes messages.
    pub voicemail: Answer,
    /// A machine whose mailbox is full.
    pub mailbox_full: Answer,
    /// A machine that asks who calls and why. `None`: it hears the greeting.
    pub screening: Option<Answer>,
    /// A machine that wants a key.
    pub menu: Answer,
    /// A fax.
    pub fax: Answer,
    /// A number that is not in service.
    pub unreachable: Answer,
}

/// What a machine gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What a person gets.
    Ignore,
    /// Nothing: the call ends.
    HangUp,
    /// This when it listens, and then the call ends.
    Message(Template),
    /// This when it has spoken, and the conversation goes on.
    Say(Template),
}

impl Default for CalleePolicy {
    fn default() -> Self {
        Self {
            listen_ms: CalleeSpec::usual().listen_ms,
            voicemail: Answer::HangUp,
            mailbox_full: Answer::HangUp,
            screening: None,
            menu: Answer::Ignore,
            fax: Answer::HangUp,
            unreachable: Answer::HangUp,
        }
    }
}

impl CalleePolicy {
    /// With its texts filled in for one call; `greeting` is what a machine that screens hears where it gets nothing else.
    pub(crate) fn spec(&self, vars: &Vars, greeting: Option<&str>) -> CalleeSpec {
        let policy = |answer: &Answer| match answer {
            Answer::Ignore => Policy::Ignore,
            Answer::HangUp => Policy::HangUp,
            Answer::Message(text) => Policy::Message(vars.render(text)),
            Answer::Say(text) => Policy::Say(vars.render(text)),
        };
        CalleeSpec {
            listen_ms: self.listen_ms,
            voicemail: policy(&self.voicemail),
            mailbox_full: policy(&self.mailbox_full),
            screening: match (&self.screening, greeting) {
                (Some(answer), _) => policy(answer),
                (None, Some(greeting)) => Policy::Say(greeting.to_owned()),
                (None, None) => Policy::Ignore,
            },
            menu: policy(&self.menu),
            fax: policy(&self.fax),
            unreachable: policy(&self.unreachable),
        }
    }
}

/// What hears, answers and speaks: each list is tried in order; `None` means the server's own list.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// What hears. An empty list means that callers answer by keypad alone.
    pub stt: Option<Vec<SttEngine>>,
    /// What answers.
    pub responders: Vec<Responder>,
    /// Whether the scenario names them, and in which order; else they are what its other parts make possible.
    pub names_responders: bool,
    /// What speaks.
    pub tts: Option<Vec<TtsEngine>>,
}

/// A recogniser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SttEngine {
    /// The local one, by PocketSphinx.
    PocketSphinx {
        /// Words worth listening for beside those that the responder expects.
        keyterms: Vec<String>,
    },
    /// Deepgram.
    Deepgram {
        /// Its model; `None` means the server's own choice.
        model: Option<String>,
        /// The language it is to hear, where that is not the scenario's; `multi` for several in one call.
        language: Option<String>,
        /// Words worth listening for.
        keyterms: Vec<String>,
    },
}

/// A voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TtsEngine {
    /// The local one, SVOX Pico.
    Pico,
    /// One of a provider.
    Provider {
        /// Which.
        provider: Provider,
        /// Its name or id there; `None` means the server's own choice.
        voice: Option<String>,
        /// `None` means the server's own choice.
        model: Option<String>,
    },
}

/// What answers a conversation.
#[derive(Clone, Debug)]
pub enum Responder {
    /// A script of states.
    Script {
        /// The script.
        script: Arc<Script>,
    },
    /// A user's own web service.
    Webhook(Webhook),
    /// It says what it heard.
    Parrot,
    /// A language model, told who it is by the scenario's persona and prompt.
    Model(Box<Model>),
}

/// How a language model is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Its name; `None` means the server's own choice.
    pub model: Option<String>,
    /// Which of OpenAI's two languages; `None`: what the model needs.
    pub api: Option<ModelApi>,
    /// The server, where it is another than the server's own choice, with its `/v1`.
    pub url: Option<Url>,
    /// Its key, where it is another.
    pub key: Option<SecretRef>,
    /// In per mille; `None`: not said.
    pub temperature_pm: Option<u16>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// `none`, `low` and so on; `None`: none where the model takes it.
    pub reasoning_effort: Option<String>,
    /// How long an answer to a common question may be used again, in s; 0: never.
    pub answer_cache_s: u32,
}

/// OpenAI's two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelApi {
    /// Chat Completions, which compatible servers speak too.
    Chat,
    /// Responses.
    Responses,
}

/// A user's own web service that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where each turn of the caller is posted.
    pub url: Url,
    /// Where the secret is that signs the requests; without one they are not signed.
    pub secret: Option<SecretRef>,
    /// The longest wait for an answer, in milliseconds.
    pub timeout_ms: u32,
    /// The largest answer, in bytes.
    pub max_bytes: u32,
    /// Whether the address may be a private one.
    pub allow_private: bool,
    /// Said when the service does not answer.
    pub fallback: Template,
}

/// Where a secret is kept. None can be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(PathBuf),
    /// In the database, sealed, for this scenario alone; it was opened when the scenario was read.
    Kept(KeptSecret),
}

/// A secret that is kept for a scenario. Two are the same if their names are: another text gets another name.
#[derive(Clone, Debug)]
pub struct KeptSecret {
    /// Its name, unique in the database.
    pub name: String,
    /// The secret.
    pub secret: Secret,
}

impl PartialEq for KeptSecret {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for KeptSecret {}

/// How a scenario speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The voice's name with its provider; `None` means the provider's own choice.
    pub voice: Option<String>,
    /// The pace, in percent of the voice's own.
    pub speed_pct: u16,
    /// Kept for engines that know it, in per mille.
    pub temperature_pm: Option<u16>,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            voice: None,
            speed_pct: 100,
            temperature_pm: None,
        }
    }
}

/// When a call ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The caller's longest silence, in seconds; 0 means never.
    pub max_silence_s: u32,
    /// What a call may cost, in millionths of the currency of the server's prices.
    pub max_cost_millionths: Option<u64>,
    /// Said before a call ends for silence or for its length.
    pub goodbye: Template,
}

/// What is kept of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Whether calls are recorded; `None` means as the server is set.
    pub on: Option<bool>,
    /// How the samples are written.
    pub format: RecordingFormat,
    /// 2: caller left, agent right; 1: both mixed.
    pub channels: u16,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            on: None,
            format: RecordingFormat::Pcm16,
            channels: 2,
        }
    }
}

/// How the samples of a recording are written, at 8000 Hz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordingFormat {
    /// 16 bits, linear.
    #[default]
    Pcm16,
    /// 8 bits, mu-law.
    Mulaw,
}

/// What happens when an engine fails for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// What is said.
    pub apology: Template,
    /// Where the caller is put through afterwards, E.164 or a SIP address; `None` means that the call ends.
    pub transfer: Option<String>,
    /// The number or address that texts know as `{transfer_to}`, whether or not a failure leads there.
    pub to: Option<String>,
}

impl Scenario {
    /// What its texts are filled with in one call: the company, its own variables, its greeting. More can be set.
    pub fn vars(&self, direction: Direction, company: &str) -> Vars {
        let mut vars = Vars::new(company, direction);
        vars.language = Language::of(&self.language).unwrap_or_default();
        for (name, value) in &self.variables {
            vars.set(name, value);
        }
        if let Some(to) = &self.fallback.to {
            vars.set("transfer_to", to);
        }
        for (name, to) in &self.persona.toolkit.destinations {
            vars.set(&destination_variable(name), to);
        }
        vars.greeting = self.greeting_of(&vars);
        vars
    }

    /// The first words of a call with these variables, announcement included.
    pub fn greeting_of(&self, vars: &Vars) -> Option<String> {
        let greeting = match vars.direction {
            Direction::Inbound => &self.greeting.inbound,
            Direction::Outbound => &self.greeting.outbound,
        };
        let parts: Vec<_> = [greeting, &self.greeting.announce]
            .into_iter()
            .flatten()
            .map(|text| vars.render(text))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// How much of the greeting cannot be interrupted: its first second, or all of what must be announced to a person we called.
    pub fn protection(&self, direction: Direction) -> Protection {
        self.greeting
            .protect
            .unwrap_or(match (direction, &self.greeting.announce) {
                (Direction::Outbound, Some(_)) => Protection::Whole,
                (Direction::Outbound, None) | (Direction::Inbound, _) => Protection::FirstSecond,
            })
    }

    /// The instructions that hold in this direction.
    pub fn prompt(&self, direction: Direction) -> Option<&str> {
        let own = match direction {
            Direction::Inbound => &self.persona.inbound,
            Direction::Outbound => &self.persona.outbound,
        };
        own.as_deref().or(self.persona.prompt.as_deref())
    }
}
