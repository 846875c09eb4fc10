//! The figures of a call as JSON: latencies in ms, what was used, what it cost.

use ringback_call::{AnsweredBy, At, Line, Outcome, Report, ToolLine, TurnReport, TurnUsage};
use serde_json::{Value, json};

use crate::prices::{Bill, Prices};

/// The turns, each with its latencies from the caller's last sound on, what it used and what that cost.
pub(super) fn turns(report: &Report, prices: &Prices) -> Value {
    let turns = report.turns.iter();
    turns.map(|of| turn(of, &report.usage, prices)).collect()
}

/// One turn; `usage` is the call's.
pub(crate) fn turn(turn: &TurnReport, usage: &[TurnUsage], prices: &Prices) -> Value {
    let mut value = latencies(turn);
    let own: Vec<_> = usage
        .iter()
        .filter(|entry| entry.turn == turn.turn)
        .collect();
    let costs: Option<Vec<f64>> = own.iter().map(|entry| prices.cost(&entry.usage)).collect();
    let cost = costs.filter(|_| !prices.is_empty());
    value["usage"] = own.into_iter().map(|entry| used(entry, prices)).collect();
    value["cost"] = json!(cost.map(|costs| money(costs.iter().sum())));
    value
}

fn latencies(turn: &TurnReport) -> Value {
    let since = |at: Option<At>| at.map(|at| at.ms_since(turn.last_sound));
    json!({
        "turn": turn.turn,
        "cause": turn.cause.name(),
        "last_sound_ms": turn.last_sound.ms(),
        "finalize_ms": since(turn.finalized),
        "words_ms": since(turn.words),
        "speculated_ms": since(turn.speculated),
        "turn_end_ms": since(Some(turn.ended)),
        "text_ms": since(turn.text),
        "clause_ms": since(turn.clause),
        "speech_ms": since(turn.speech),
        "audible_ms": since(turn.audible),
        "answered_by": turn.answered_by.map(AnsweredBy::name),
        "acknowledged_ms": since(turn.acknowledged),
    })
}

/// Everything that was used, by turn.
pub(super) fn usage(report: &Report, prices: &Prices) -> Value {
    report
        .usage
        .iter()
        .map(|entry| used(entry, prices))
        .collect()
}

fn used(entry: &TurnUsage, prices: &Prices) -> Value {
    let mut value = json!(entry);
    value["party"] = json!(entry.usage.party.name());
    value["cost"] = json!(prices.cost(&entry.usage).map(money));
    value
}

/// Calls of tools, in order.
pub(super) fn tools(report: &Report) -> Value {
    let told = report.tools.iter().map(|line| {
        let mut value = tool(line, true);
        if let Some(fields) = value.as_object_mut() {
            fields.remove("speaker");
        }
        value
    });
    told.collect()
}

/// What went wrong, in order.
pub(super) fn faults(report: &Report) -> Value {
    let faults = report.faults.iter();
    let told = faults.map(|fault| {
        json!({"party": fault.party.name(), "kind": fault.kind.name(), "detail": fault.detail})
    });
    told.collect()
}

/// The bill; null where there are no prices.
pub(super) fn bill(bill: &Bill, prices: &Prices) -> Value {
    if prices.is_empty() {
        return Value::Null;
    }
    json!({
        "currency": bill.currency,
        "total": money(bill.total()),
        "stt": money(bill.stt),
        "responder": money(bill.responder),
        "tts": money(bill.tts),
        "carrier": money(bill.carrier),
        "unpriced": bill.unpriced,
    })
}

/// What was said and heard as a line of the transcript.
pub(crate) fn line(line: &Line) -> Value {
    json!({
        "speaker": line.speaker,
        "turn": line.turn,
        "from_ms": line.from.ms(),
        "until_ms": line.until.ms(),
        "said": line.said,
        "heard": line.heard,
        "digits": line.digits,
        "interrupted": line.cut,
        "unclear": false,
    })
}

/// A call of a tool as a line of the transcript. Of one that still runs when the call is over nothing will be known.
pub(crate) fn tool(line: &ToolLine, over: bool) -> Value {
    let result = line.result.as_ref();
    let outcome = match line.outcome() {
        Outcome::Running if over => Outcome::Unknown,
        outcome @ (Outcome::Running | Outcome::Answered | Outcome::Failed | Outcome::Unknown) => {
            outcome
        }
    };
    json!({
        "speaker": "tool",
        "turn": line.turn,
        "from_ms": line.from.ms(),
        "until_ms": line.until.map(At::ms),
        "name": line.call.name,
        "arguments": line.call.arguments,
        "result": result.map(|result| &result.text),
        "outcome": outcome.name(),
        "failed": outcome == Outcome::Failed,
    })
}

/// To the millionth, so that no dust of binary fractions stands there.
fn money(amount: f64) -> f64 {
    (amount * 1e6).round() / 1e6
}
