//! How long the stages of turns took.

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use ringback_call::{At, Report, TurnEnd, TurnReport};

use super::{Counters, Histograms, Label, begin, counters, seconds};

const STAGES: [&str; 7] = [
    "words",
    "turn_end",
    "model",
    "clause",
    "voice",
    "response",
    "acknowledged",
];

#[derive(Debug)]
pub(super) struct Stages {
    turns: Counters,
    latency: Histograms,
}

fn latencies() -> Histogram {
    Histogram::new([
        0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0,
    ])
}

impl Stages {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let turns = counters(
            registry,
            "turns",
            "Turns of callers, by why they were taken to be over",
        );
        begin(&turns, TurnEnd::ALL.map(|cause| vec![cause_label(cause)]));
        let latency = seconds(
            registry,
            "latency",
            "How long a stage of a turn took",
            latencies,
        );
        begin(&latency, STAGES.map(|stage| vec![stage_label(stage)]));
        Self { turns, latency }
    }

    pub(super) fn observe(&self, report: &Report) {
        for turn in &report.turns {
            let labels = vec![cause_label(turn.cause)];
            self.turns.get_or_create(&labels).inc();
            for (stage, us) in stages(turn) {
                let labels = vec![stage_label(stage)];
                self.latency.get_or_create(&labels).observe(us as f64 / 1e6);
            }
        }
    }
}

fn cause_label(cause: TurnEnd) -> Label {
    ("cause", cause.name().into())
}

fn stage_label(stage: &'static str) -> Label {
    ("stage", stage.into())
}

/// What is known of a turn's stages, in microseconds.
fn stages(turn: &TurnReport) -> impl Iterator<Item = (&'static str, u64)> {
    let asked = turn.speculated.unwrap_or(turn.ended);
    let last = Some(turn.last_sound);
    let between = |from: Option<At>, until: Option<At>| Some(until?.since(from?));
    let known = [
        between(last, turn.words),
        between(last, Some(turn.ended)),
        between(Some(asked), turn.text),
        between(turn.text, turn.clause),
        between(turn.clause, turn.speech),
        between(last, turn.audible),
        between(last, turn.acknowledged),
    ];
    let known = STAGES.into_iter().zip(known);
    known.filter_map(|(stage, took)| Some((stage, took?)))
}
