//! What is told of a call by itself: the shape of answers, for the document of the API. The values come from the files and rows of the
//! call, as they stand there.
#![expect(dead_code, reason = "it is the shape of answers, for the document")]

use utoipa::ToSchema;

use super::{About, directions};

/// A call by itself.
#[derive(ToSchema)]
#[schema(as = CallInFull, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "completed",
    "direction": "inbound", "from": "+15005550001", "to": "+15005550006", "scenario": "front-desk", "created": "2026-11-20T09:15:01.9Z",
    "started": "2026-11-20T09:15:02.123456Z", "ended": "2026-11-20T09:16:40.5Z", "reason": "the caller hung up",
    "engines": ["deepgram", "openai", "cartesia"], "cost": {"currency": "USD", "total": 0.041}, "currency": "USD",
    "turns": [{"turn": 1, "cause": "wait", "turn_end_ms": 300, "audible_ms": 640}], "faults": [], "interruptions": 1,
}))]
pub(super) struct InFull {
    #[serde(flatten)]
    about: About,
    /// What it cost; `null` where nothing has a price.
    cost: Option<Cost>,
    #[serde(flatten)]
    figures: Figures,
}

/// A call that ended just now.
#[derive(ToSchema)]
#[schema(as = CallFigures, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "scenario": "front-desk",
    "direction": "inbound", "from": "+15•••01", "to": "+15•••06", "turns": [{"turn": 1, "cause": "wait", "audible_ms": 640}],
}))]
pub(super) struct Lately {
    /// Our id.
    call_id: Option<String>,
    /// Twilio's.
    call_sid: Option<String>,
    /// The scenario's slug.
    scenario: Option<String>,
    /// Who called whom.
    #[schema(schema_with = directions)]
    direction: Option<String>,
    /// The caller, masked.
    from: Option<String>,
    /// Who was called, masked.
    to: Option<String>,
    /// When the media began.
    #[schema(format = DateTime)]
    started: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// What heard, answered and spoke.
    engines: Option<Vec<String>>,
    /// What it cost; `null` where nothing has a price.
    cost: Option<Cost>,
    #[serde(flatten)]
    figures: Figures,
}

/// How a call went. Of one that goes on, the turns and faults alone.
#[derive(ToSchema)]
struct Figures {
    /// Samples of the caller's that came too late and were dropped.
    late_samples: Option<u64>,
    /// What went wrong in the server.
    failed: Option<String>,
    /// Why the conversation ended: `hung_up`, `responder`, `idle`, `duration`, `cost`, `fault`, `finish`, `callee`, `operator`.
    cause: Option<String>,
    /// What followed: `continue`, `hang_up` or `transfer`.
    intent: Option<String>,
    /// To where the caller was put through, a number masked.
    transferred_to: Option<String>,
    /// Who answered a call that was placed: `human`, `voicemail`.
    callee: Option<String>,
    /// The caller's turns.
    turns: Vec<TurnFigures>,
    /// All that was used, by turn; 0 is the greeting.
    usage: Option<Vec<Used>>,
    /// What went wrong, in order.
    faults: Option<Vec<FaultTold>>,
    /// Calls of tools, in order; without arguments and results where the call is not recorded.
    tools: Option<Vec<ToolTold>>,
    /// Interruptions that took the floor.
    interruptions: Option<u32>,
    /// Interruptions after which the reply went on.
    resumptions: Option<u32>,
    /// How well it went; `null` where nobody said anything.
    quality: Option<Rating>,
}

/// A turn of the caller: times are ms since their last sound, but for `last_sound_ms`, which counts from the media's beginning.
#[derive(ToSchema)]
#[schema(example = json!({"turn": 1, "cause": "wait", "last_sound_ms": 5120, "finalize_ms": 120, "words_ms": 210, "turn_end_ms": 300, "text_ms": 480, "clause_ms": 530, "speech_ms": 620, "audible_ms": 640, "answered_by": "reply", "acknowledged_ms": 710}))]
struct TurnFigures {
    #[serde(flatten)]
    heard: Heard,
    #[serde(flatten)]
    answered: Answered,
}

/// How a turn was heard.
#[derive(ToSchema)]
struct Heard {
    /// Its number, from 1.
    turn: Option<u32>,
    /// Why it was taken to be over: `wait`, `complete`, `filler`, `cap`, `keys`, `recogniser`.
    cause: Option<String>,
    /// The caller's last sound.
    last_sound_ms: Option<u64>,
    /// The recogniser was asked for its words.
    finalize_ms: Option<u64>,
    /// Its final words.
    words_ms: Option<u64>,
    /// The responder was asked before the turn was over.
    speculated_ms: Option<u64>,
    /// The turn was over.
    turn_end_ms: Option<u64>,
}

/// How a turn was answered.
#[derive(ToSchema)]
struct Answered {
    /// The first text of the reply.
    text_ms: Option<u64>,
    /// The first clause went to the voice.
    clause_ms: Option<u64>,
    /// The first speech.
    speech_ms: Option<u64>,
    /// The first audible sample after the turn, whatever it was of, by our own count.
    audible_ms: Option<u64>,
    /// What it was of: `reply`; `filler`, which asks for patience while a tool runs; `apology` for a reply that failed; `line`, any other
    /// fixed line.
    answered_by: Option<String>,
    /// The same by the carrier's word.
    acknowledged_ms: Option<u64>,
    /// What the turn used.
    usage: Option<Vec<Used>>,
    /// What that cost.
    cost: Option<f64>,
}

/// What one engine did for one turn.
#[derive(ToSchema)]
#[schema(example = json!({"turn": 1, "party": "responder", "provider": "openai", "model": "gpt-6-luna", "requests": 1, "input_tokens": 640, "cached_tokens": 512, "output_tokens": 21, "characters": 0, "audio_ms": 0, "estimated": false, "cost": 0.0003}))]
struct Used {
    /// The turn.
    turn: u32,
    /// `stt`, `responder` or `tts`.
    party: String,
    /// Who.
    provider: String,
    /// With which model.
    model: String,
    /// How often it was asked, failed and closed requests included.
    requests: u32,
    /// Tokens read.
    input_tokens: u64,
    /// Of these, those that the provider had in its cache.
    cached_tokens: u64,
    /// Tokens written.
    output_tokens: u64,
    /// Characters spoken.
    characters: u64,
    /// Audio heard, in ms.
    audio_ms: u64,
    /// Tokens, or some of them, were not counted by the model's server but estimated by characters.
    estimated: Option<bool>,
    /// What it cost; `null` without a price.
    cost: Option<f64>,
}

/// What a call cost.
#[derive(ToSchema)]
#[schema(as = CallCost, example = json!({"currency": "USD", "total": 0.041, "stt": 0.012, "responder": 0.004, "tts": 0.011, "carrier": 0.014, "unpriced": []}))]
struct Cost {
    /// ISO 4217.
    currency: Option<String>,
    /// All together.
    total: f64,
    /// Recognisers.
    stt: Option<f64>,
    /// Models.
    responder: Option<f64>,
    /// Voices.
    tts: Option<f64>,
    /// The carrier's leg.
    carrier: Option<f64>,
    /// `provider/model` of what was used and has no price.
    unpriced: Option<Vec<String>>,
}

/// What went wrong.
#[derive(ToSchema)]
#[schema(as = CallFault, example = json!({"party": "tts", "kind": "unreachable", "detail": "cartesia does not answer: elevenlabs speaks", "at": "2026-11-20T09:15:20.5Z"}))]
struct FaultTold {
    /// Whose fault it is: the carrier's, the recogniser's (`stt`), the responder's, the voice's (`tts`), ours.
    party: String,
    /// `refused`, `misbehaved`, `unreachable` or `misconfigured`.
    kind: String,
    /// One sentence.
    detail: String,
    /// When; told while the call goes on.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// How well a call went.
#[derive(ToSchema)]
#[schema(as = CallQuality, example = json!({"score": 92, "replies": 6, "interruptions": 1, "said_characters": 480, "unheard_characters": 36, "reprompts": 0, "dead_air_ms": 1200, "answered_turns": 5, "slow_replies": 0}))]
struct Rating {
    /// 0 to 100, which is a call without faults.
    score: u8,
    /// Lines of the agent.
    replies: u32,
    /// Of these, lines at which the caller took the floor.
    interruptions: u32,
    /// Characters that the agent wanted to say.
    said_characters: u64,
    /// Of these, those that the caller did not hear.
    unheard_characters: u64,
    /// Lines in which the agent asked the same again.
    reprompts: u32,
    /// How long nobody was heard, neither the agent nor the other side, be it a machine: pauses of more than 2 s, in ms.
    dead_air_ms: u64,
    /// Turns after which something was heard: the reply, a filler, an apology.
    answered_turns: u32,
    /// Of these, those after which it was heard late: after more than 1.5 s.
    slow_replies: u32,
}

/// What was said in a call.
#[derive(ToSchema)]
#[schema(as = Transcript, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11",
    "lines": [{"speaker": "agent", "turn": 0, "from_ms": 0, "until_ms": 1500, "said": "Good morning.", "heard": "Good morning.", "digits": "", "interrupted": false}],
}))]
pub(super) struct Transcript {
    /// Our id.
    call_id: String,
    /// In order.
    lines: Vec<Line>,
    /// The caller's turns; of a call that goes on, those that were answered so far.
    turns: Option<Vec<TurnFigures>>,
}

/// A line of a transcript. One of a tool has its name, arguments and result instead of words.
#[derive(ToSchema)]
#[schema(as = TranscriptLine, example = json!({"speaker": "agent", "turn": 1, "from_ms": 5760, "until_ms": 8200, "said": "Gladly. On which day?", "heard": "Gladly. On which day?", "digits": "", "interrupted": false}))]
struct Line {
    /// `caller`, `agent`, `tool`, or `whisper` for a hint that nobody heard.
    speaker: String,
    /// The turn that it belongs to.
    turn: Option<u32>,
    /// From when, in ms since the media began.
    from_ms: Option<u64>,
    /// Until when: of an agent's line, until its last audible sample that was heard.
    until_ms: Option<u64>,
    /// What was to be said.
    said: Option<String>,
    /// What was heard.
    heard: Option<String>,
    /// Keys that were pressed.
    digits: Option<String>,
    /// Whether the caller took the floor while it was said. One that ended early for another reason (a hang-up, a voice that broke off, a
    /// reply of which no more came) is not interrupted: what was not heard of it lacks in `heard`.
    interrupted: Option<bool>,
    /// Whether it was not understood.
    unclear: Option<bool>,
    #[serde(flatten)]
    tool: ToolCalled,
}

/// A call of a tool.
#[derive(ToSchema)]
#[schema(as = CallTool, example = json!({"turn": 2, "from_ms": 9120, "until_ms": 9480, "name": "book", "arguments": "{\"at\":\"8\"}", "result": "table 7", "outcome": "answered", "failed": false}))]
struct ToolTold {
    /// The caller's turn that led to it.
    turn: u32,
    /// When it was called, in ms since the media began.
    from_ms: u64,
    /// When it had ended, which may be after the call; `null` where that is not known.
    until_ms: Option<u64>,
    #[serde(flatten)]
    tool: ToolCalled,
}

/// A tool that was called.
#[derive(ToSchema)]
struct ToolCalled {
    /// The tool.
    name: Option<String>,
    /// What it was called with, normally JSON.
    arguments: Option<String>,
    /// What it answered.
    result: Option<String>,
    /// What is known of it: `answered`; `failed`; `unknown` where nobody waited any longer, so that it may have been carried out or
    /// not; `running` in events alone.
    outcome: Option<String>,
    /// Whether it is known to have failed.
    failed: Option<bool>,
}
