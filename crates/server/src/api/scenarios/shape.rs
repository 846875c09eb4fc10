//! What scenarios look like, for the document of the API. What each field means is told in docs/scenarios.md.
#![expect(
    dead_code,
    reason = "it is the shape of bodies and answers, for the document"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A scenario to be kept, or what is to be changed of one. What is null is left out or removed.
#[derive(ToSchema)]
#[schema(as = ScenarioDraft, example = json!({
    "name": "Table line", "persona": "You answer for a restaurant.", "prompt": "Take reservations.", "voice_config": {"voice": "alloy", "speed": 1.0},
}))]
pub(super) struct Drafted {
    #[serde(flatten)]
    says: Says,
    #[serde(flatten)]
    conduct: Conduct,
    #[serde(flatten)]
    engines: ByWhat,
    /// Whether every user may use and read it.
    shared: Option<bool>,
}

/// A scenario that is kept here.
#[derive(ToSchema)]
#[schema(as = Scenario, example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "slug": "table-line", "name": "Table line", "owner": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b12",
    "shared": false, "version": 1, "created_at": "2026-11-20T09:15:02.123456Z", "updated_at": "2026-11-20T09:15:02.123456Z",
    "persona": "You answer for a restaurant.", "prompt": "Take reservations.", "voice_config": {"voice": "alloy", "speed": 1.0},
    "warnings": [{"loc": ["body", "voice_config", "voice"], "msg": "the local voice is \"pico\": this name is kept for other providers"}],
}))]
pub(super) struct Kept {
    #[serde(flatten)]
    about: AboutKept,
    #[serde(flatten)]
    says: Says,
    #[serde(flatten)]
    conduct: Conduct,
    #[serde(flatten)]
    engines: ByWhat,
    /// What its author should know.
    warnings: Vec<Remark>,
    /// What keeps it from use, where anything does.
    problems: Option<Vec<Remark>>,
}

/// Where a scenario stands that is kept here.
#[derive(ToSchema)]
struct AboutKept {
    /// Its id.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// Its name for people.
    name: String,
    /// Whose it is; `null` once the user is gone.
    owner: Option<String>,
    /// Whether every user may use and read it.
    shared: bool,
    /// The number of its newest version, from 1.
    version: u32,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

/// A scenario in the list of all that can be called.
#[derive(ToSchema)]
#[schema(as = ListedScenario, example = json!({
    "id": "survey", "slug": "survey", "name": "Survey", "source": "built-in", "direction": "both", "language": "en-US", "needs": [],
}))]
pub(super) struct Listed {
    /// Its id; of those that are built in or files, their slug.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// Its name for people.
    name: String,
    /// `stored`, `file` or `built-in`.
    source: String,
    /// `inbound`, `outbound` or `both`.
    direction: Option<String>,
    /// As `en-US`.
    language: Option<String>,
    /// What it needs of the server's settings to run.
    needs: Option<Vec<Need>>,
    #[serde(flatten)]
    stored: Stored,
}

/// More of a scenario that is kept here.
#[derive(ToSchema)]
struct Stored {
    /// Whose it is; `null` once the user is gone.
    owner: Option<String>,
    /// Whether every user may use and read it.
    shared: Option<bool>,
    /// The number of this version, from 1.
    version: Option<u32>,
    /// Who made this version; told of one version alone.
    created_by: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
    /// Whether calls can use it.
    usable: Option<bool>,
    /// What its author should know.
    warnings: Option<Vec<Remark>>,
    /// What keeps it from use, where anything does.
    problems: Option<Vec<Remark>>,
}

/// A scenario that can be called, with what it says where who asks may read it.
#[derive(ToSchema)]
#[schema(as = ShownScenario, example = json!({
    "id": "survey", "slug": "survey", "name": "Survey", "source": "built-in", "direction": "both", "language": "en-US", "needs": [],
}))]
pub(super) struct Shown {
    /// Its id; of those that are built in or files, their slug.
    id: String,
    /// `stored`, `file` or `built-in`; not told of one version alone.
    source: Option<String>,
    /// What it needs of the server's settings to run.
    needs: Option<Vec<Need>>,
    #[serde(flatten)]
    stored: Stored,
    #[serde(flatten)]
    says: Says,
    #[serde(flatten)]
    conduct: Conduct,
    #[serde(flatten)]
    engines: ByWhat,
}

/// A version of a scenario.
#[derive(ToSchema)]
#[schema(as = ScenarioVersion, example = json!({
    "version": 2, "created_at": "2026-11-20T09:15:02.123456Z", "created_by": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b12",
}))]
pub(super) struct Version {
    /// Its number, from 1.
    version: u32,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// Who made it.
    created_by: Option<String>,
}

/// What a scenario needs of the server's settings.
#[derive(ToSchema)]
#[schema(as = ScenarioNeed, example = json!({"for": "responder", "need": "OPENAI_API_KEY", "met": true}))]
struct Need {
    /// `responder`, `stt` or `secrets`.
    r#for: String,
    /// The setting.
    need: String,
    /// Whether it is there.
    met: bool,
}

/// Something about a scenario, and where.
#[derive(ToSchema)]
#[schema(as = ScenarioRemark, example = json!({"loc": ["body", "voice_config", "voice"], "msg": "no voice of this name is known"}))]
struct Remark {
    /// Where: `["body", "voice_config", "voice"]`. Numbers count elements of a list from 0.
    loc: Vec<Value>,
    /// One sentence.
    msg: String,
}

/// What a scenario says.
#[derive(ToSchema)]
#[schema(as = ScenarioWords)]
struct Says {
    /// Its name for people.
    name: Option<String>,
    /// Its name in addresses.
    slug: Option<String>,
    /// `inbound`, `outbound` or `both`.
    direction: Option<String>,
    /// As `en-US`.
    language: Option<String>,
    /// Who the agent is, for a language model.
    persona: Option<String>,
    /// What the agent does, for a language model.
    prompt: Option<String>,
    /// More for one direction.
    prompts: Option<Sides>,
    /// What is said first.
    greeting: Option<Sides>,
    /// What callers must know before.
    consent: Option<Consent>,
    /// What is said while a tool works: a text, or a list of texts that are said in turn.
    tool_wait: Option<Waits>,
    /// Names and their texts, for `{{name}}` in other texts.
    variables: Option<BTreeMap<String, Value>>,
    /// What a dialog without a model says: its states.
    script: Option<BTreeMap<String, Value>>,
}

/// A line, or lines in turn.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = ScenarioWaits, example = json!(["One moment, please.", "I am still working on it."]))]
enum Waits {
    One(String),
    More(Vec<String>),
}

/// How a scenario behaves.
#[derive(ToSchema)]
#[schema(as = ScenarioConduct)]
struct Conduct {
    /// When a turn is over, what interrupts.
    turn: Option<BTreeMap<String, Value>>,
    /// What is said into a silence.
    idle: Option<Idle>,
    /// What ends a call.
    limits: Option<Limits>,
    /// What is recorded.
    recording: Option<Recording>,
    /// What happens when nothing can answer.
    fallback: Option<Fallback>,
    /// What is done with machines that answer calls.
    callee: Option<BTreeMap<String, Value>>,
    /// Where callers can be put through, by name.
    destinations: Option<BTreeMap<String, Value>>,
    /// Whether media sockets of a user's own TwiML are taken.
    foreign_streams: Option<bool>,
}

/// By what a scenario hears, answers and speaks.
#[derive(ToSchema)]
#[schema(as = ScenarioEngines)]
struct ByWhat {
    /// `auto`, `cascade` or `realtime`.
    pipeline: Option<String>,
    /// Recognisers, in the order in which they are tried.
    stt: Option<Vec<Engine>>,
    /// Responders, in the order in which they are tried.
    responder: Option<Vec<Engine>>,
    /// Voices, in the order in which they are tried.
    tts: Option<Vec<Engine>>,
    /// Of the realtime pipeline.
    realtime: Option<Engine>,
    /// How the voice sounds.
    voice_config: Option<VoiceConfig>,
    /// What a language model may call.
    tools: Option<Vec<BTreeMap<String, Value>>>,
    /// Not read yet.
    mcp: Option<Value>,
    /// Not read yet.
    calendar: Option<Value>,
}

/// Texts for the two directions of calls.
#[derive(ToSchema)]
#[schema(as = ScenarioSides, example = json!({"inbound": "Good morning.", "outbound": "Good morning, this is the dentist."}))]
struct Sides {
    inbound: Option<String>,
    outbound: Option<String>,
}

/// What callers must know before.
#[derive(ToSchema)]
#[schema(as = ScenarioConsent, example = json!({"announce": "This call is recorded."}))]
struct Consent {
    /// What is said before the greeting.
    announce: Option<String>,
    /// Not read yet.
    ask: Option<String>,
}

/// What is said into a silence.
#[derive(ToSchema)]
#[schema(as = ScenarioIdle, example = json!({"after_ms": 8000, "prompts": ["Are you still there?"]}))]
struct Idle {
    /// After so many ms.
    after_ms: Option<u32>,
    /// One after the other, at most 10.
    prompts: Option<Vec<String>>,
}

/// What ends a call.
#[derive(ToSchema)]
#[schema(as = ScenarioLimits, example = json!({"max_call_s": 600, "max_silence_s": 60, "max_cost": 0.5, "goodbye": "I have to end here. Goodbye."}))]
struct Limits {
    /// After so many seconds.
    max_call_s: Option<u32>,
    /// After so many seconds without a word.
    max_silence_s: Option<u32>,
    /// When it has cost so much, in the currency of the price table.
    max_cost: Option<f64>,
    /// What is said then.
    goodbye: Option<String>,
}

/// What is recorded.
#[derive(ToSchema)]
#[schema(as = ScenarioRecording, example = json!({"on": true, "format": "wav", "channels": 2}))]
struct Recording {
    /// Whether.
    on: Option<bool>,
    /// As `wav`.
    format: Option<String>,
    /// 1 or 2.
    channels: Option<u8>,
}

/// What happens when nothing can answer.
#[derive(ToSchema)]
#[schema(as = ScenarioFallback, example = json!({"apology": "Something does not work here.", "then": "transfer", "to": "+15005550009"}))]
struct Fallback {
    /// What is said.
    apology: Option<String>,
    /// `hangup` or `transfer`.
    then: Option<String>,
    /// To whom.
    to: Option<String>,
}

/// An engine of a provider, with what else the provider knows.
#[derive(ToSchema)]
#[schema(as = ScenarioEngine, example = json!({"provider": "deepgram", "model": "nova-3"}))]
struct Engine {
    /// As `deepgram`, `openai`, `webhook`, `script`, `pico`.
    provider: String,
    /// The provider's name of a model.
    model: Option<String>,
    /// Fields of the provider's own.
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// How the voice sounds.
#[derive(ToSchema)]
#[schema(as = ScenarioVoice, example = json!({"voice": "f786b574-daa5-4673-aa0c-cbe3e8534c02", "speed": 1.0}))]
struct VoiceConfig {
    /// A provider's name of a voice.
    voice: Option<String>,
    /// 0.5 to 2.
    speed: Option<f64>,
    /// 0 to 2; of the realtime pipeline.
    temperature: Option<f64>,
}
