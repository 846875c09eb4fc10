//! How long the stages of turns took.

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use ringback_call::{At, Report, TurnReport};

use super::{Counters, Histograms, counters, seconds};

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
        Self {
            turns: counters(
                registry,
                "turns",
                "Turns of callers, by why they were taken to be over",
            ),
            latency: seconds(
                registry,
                "latency",
                "How long a stage of a turn took",
                latencies,
            ),
        }
    }

    pub(super) fn observe(&self, report: &Report) {
        for turn in &report.turns {
            let labels = vec![("cause", turn.cause.name().into())];
            self.turns.get_or_create(&labels).inc();
            for (stage, us) in stages(turn) {
                let labels = vec![("stage", stage.into())];
                self.latency.get_or_create(&labels).observe(us as f64 / 1e6);
            }
        }
    }
}

/// What is known of a turn's stages, in microseconds.
fn stages(turn: &TurnReport) -> impl Iterator<Item = (&'static str, u64)> {
    let asked = turn.speculated.unwrap_or(turn.ended);
    let last = Some(turn.last_sound);
    let between = |from: Option<At>, until: Option<At>| Some(until?.since(from?));
    let known = [
        ("words", between(last, turn.words)),
        ("turn_end", between(last, Some(turn.ended))),
        ("model", between(Some(asked), turn.text)),
        ("clause", between(turn.text, turn.clause)),
        ("voice", between(turn.clause, turn.speech)),
        ("response", between(last, turn.audible)),
        ("acknowledged", between(last, turn.acknowledged)),
    ];
    known
        .into_iter()
        .filter_map(|(stage, took)| Some((stage, took?)))
}
