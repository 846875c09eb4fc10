//! From what a call says of itself to spans. No number, no word: only who, when and how much.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;
use ringback_call::{
    At, Direction, EndCause, Line, Party, Report, Speaker, ToolLine, TurnReport, Usage,
};
use ringback_session::Ended;
use uuid::Uuid;

/// What is known of a call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Our id of the call.
    pub call_id: Uuid,
    /// Twilio's id of the call.
    pub call_sid: &'a str,
    /// The scenario's slug.
    pub scenario: &'a str,
    /// Who called whom.
    pub direction: Direction,
    /// How it went.
    pub ended: &'a Ended,
}

/// One span that is to be made.
struct Plan {
    name: String,
    kind: SpanKind,
    span: (At, At),
    attributes: Vec<KeyValue>,
    error: Option<&'static str>,
}

impl Plan {
    fn of(name: impl Into<String>, kind: SpanKind, span: (At, At)) -> Self {
        Self {
            name: name.into(),
            kind,
            span,
            attributes: Vec::new(),
            error: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(name, value));
        self
    }
}

struct Maker<'a> {
    tracer: &'a SdkTracer,
    started: SystemTime,
}

impl Maker<'_> {
    /// Makes a span and ends it; answers the context of its children.
    fn make(&self, parent: &Context, plan: Plan) -> Context {
        let time = |at: At| self.started + Duration::from_micros(at.0);
        let (from, until) = plan.span;
        let mut span = SpanBuilder::from_name(plan.name)
            .with_kind(plan.kind)
            .with_start_time(time(from))
            .with_attributes(plan.attributes)
            .start_with_context(self.tracer, parent);
        if let Some(error) = plan.error {
            span.set_status(Status::error(error));
        }
        let context = parent.with_remote_span_context(span.span_context().clone());
        span.end_with_timestamp(time(until.max(from)));
        context
    }
}

/// The trace of a call: the call, its turns, and what was asked of others in each.
pub(super) fn emit(tracer: &SdkTracer, facts: &Facts<'_>) {
    let maker = Maker {
        tracer,
        started: facts.ended.started.into(),
    };
    let report = &facts.ended.report;
    let root = maker.make(&Context::new(), call(facts));
    let mut answered: Vec<(u32, Context)> = Vec::new();
    for turn in &report.turns {
        let context = maker.make(&root, turn_plan(turn, report));
        for request in requests(turn, facts.ended) {
            maker.make(&context, request);
        }
        answered.push((turn.turn.0, context));
    }
    for tool in &report.tools {
        let turn = answered.iter().find(|(turn, _)| *turn == tool.turn.0);
        let parent = turn.map_or(&root, |(_, context)| context);
        maker.make(parent, tool_plan(tool, report.ended));
    }
}

fn call(facts: &Facts<'_>) -> Plan {
    let ended = facts.ended;
    let direction = match facts.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let name = format!("call {direction}");
    let mut plan = Plan::of(name, SpanKind::Server, (At::default(), ended.report.ended))
        .with("call.id", facts.call_id.to_string())
        .with("call.sid", facts.call_sid.to_owned())
        .with("call.scenario", facts.scenario.to_owned())
        .with("call.direction", direction)
        .with("call.end", ended.cause.name())
        .with("call.turns", whole(ended.report.turns.len() as u64))
        .with("call.interruptions", i64::from(ended.report.yields))
        .with("call.faults", whole(ended.report.faults.len() as u64));
    if let Some(quality) = &ended.quality {
        plan = plan
            .with("call.quality", i64::from(quality.score))
            .with("call.dead_air_ms", whole(quality.dead_air_ms));
    }
    if let Some(bill) = &ended.bill {
        plan = plan
            .with("call.cost", bill.total())
            .with("call.currency", bill.currency.clone());
    }
    if ended.failed.is_some() || ended.cause == EndCause::Fault {
        plan.error = Some("the call broke");
    }
    plan
}

fn turn_plan(turn: &TurnReport, report: &Report) -> Plan {
    let line = |speaker: Speaker| {
        let of_turn = move |line: &&Line| line.turn == turn.turn && line.speaker == speaker;
        report.lines.iter().filter(of_turn)
    };
    let begun = line(Speaker::Caller).map(|line| line.from).min();
    let from = begun.unwrap_or(turn.last_sound).min(turn.last_sound);
    let replied = line(Speaker::Agent).map(|line| line.until).max();
    let known = [turn.text, turn.speech, turn.audible, replied];
    let until = known.into_iter().flatten().fold(turn.ended, At::max);
    let number = turn.turn.0;
    let mut plan = Plan::of(format!("turn {number}"), SpanKind::Internal, (from, until))
        .with("turn.number", i64::from(number))
        .with("turn.end", turn.cause.name())
        .with("turn.end_ms", whole(turn.ended.ms_since(turn.last_sound)));
    if let Some(audible) = turn.acknowledged.or(turn.audible) {
        let waited = audible.ms_since(turn.last_sound);
        plan = plan.with("turn.response_ms", whole(waited));
    }
    if let Some(by) = turn.answered_by {
        plan = plan.with("turn.answered_by", by.name());
    }
    plan
}

/// What was asked of the recogniser, the model and the voice in a turn, each until its first answer.
fn requests(turn: &TurnReport, ended: &Ended) -> impl Iterator<Item = Plan> {
    let asked = turn.speculated.unwrap_or(turn.ended);
    let heard = turn.finalized.unwrap_or(turn.last_sound);
    let [hears, answers, speaks] = &ended.engines;
    let spans = [
        (Party::Stt, "hear", hears, Some(heard), turn.words),
        (Party::Responder, "answer", answers, Some(asked), turn.text),
        (Party::Tts, "speak", speaks, turn.clause, turn.speech),
    ];
    let of = turn.turn;
    let usage = move |party: Party| {
        let mut entries = ended.report.usage.iter();
        let found = entries.find(|entry| entry.turn == of && entry.usage.party == party);
        found.map(|entry| &entry.usage)
    };
    spans
        .into_iter()
        .filter_map(move |(party, verb, engine, from, until)| {
            let used = usage(party);
            let engine = used.map_or(engine.as_str(), |used| used.provider.as_str());
            let name = format!("{verb} {engine}");
            let plan = Plan::of(name, SpanKind::Client, (from?, until?))
                .with("role", party.name())
                .with("provider", engine.to_owned());
            Some(match used {
                Some(used) => with_usage(plan, used),
                None => plan,
            })
        })
}

fn with_usage(plan: Plan, used: &Usage) -> Plan {
    let amounts = [
        ("usage.requests", u64::from(used.requests)),
        ("gen_ai.usage.input_tokens", used.input_tokens),
        ("gen_ai.usage.output_tokens", used.output_tokens),
        ("usage.characters", used.characters),
        ("usage.audio_ms", used.audio_ms),
    ];
    let known = amounts.into_iter().filter(|(_, amount)| *amount > 0);
    let plan = known.fold(plan, |plan, (name, amount)| plan.with(name, whole(amount)));
    if used.model.is_empty() {
        return plan;
    }
    plan.with("gen_ai.request.model", used.model.clone())
}

fn tool_plan(tool: &ToolLine, ended: At) -> Plan {
    let name = format!("execute_tool {}", tool.call.name);
    let span = (tool.from, tool.until.unwrap_or(ended));
    let mut plan =
        Plan::of(name, SpanKind::Client, span).with("gen_ai.tool.name", tool.call.name.clone());
    if tool.result.as_ref().is_none_or(|result| result.failed) {
        plan.error = Some("the tool failed, or was given up");
    }
    plan
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
