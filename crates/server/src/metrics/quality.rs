//! How well calls went: see [`ringback_session::quality`].

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, linear_buckets};
use prometheus_client::registry::{Registry, Unit};
use ringback_session::Ended;

use super::counter;

#[derive(Debug)]
pub(super) struct Figures {
    score: Histogram,
    replies: Counter,
    interruptions: Counter,
    resumptions: Counter,
    said: Counter,
    unheard: Counter,
    reprompts: Counter,
    answered_turns: Counter,
    slow_replies: Counter,
    unclear: Counter,
    dead_air: Counter<f64, AtomicU64>,
}

impl Figures {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let score = Histogram::new(linear_buckets(10.0, 10.0, 10));
        registry.register(
            "call_quality",
            "How well calls went, 0 to 100",
            score.clone(),
        );
        let dead_air = Counter::default();
        registry.register_with_unit(
            "dead_air",
            "Pauses of more than 2 s in which nobody was heard",
            Unit::Seconds,
            dead_air.clone(),
        );
        Self {
            score,
            dead_air,
            replies: counter(registry, "replies", "Lines that the agent spoke"),
            interruptions: counter(
                registry,
                "interruptions",
                "Lines at which the caller took the floor",
            ),
            resumptions: counter(
                registry,
                "resumptions",
                "Lines that went on because it was no interruption",
            ),
            said: counter(
                registry,
                "said_characters",
                "Characters that agents wanted to say",
            ),
            unheard: counter(
                registry,
                "unheard_characters",
                "Of these, those that callers did not hear",
            ),
            reprompts: counter(registry, "reprompts", "Lines that asked the same again"),
            answered_turns: counter(
                registry,
                "answered_turns",
                "Turns of callers whose reply was heard",
            ),
            slow_replies: counter(
                registry,
                "slow_replies",
                "Of these, those that were heard after more than 1.5 s",
            ),
            unclear: counter(
                registry,
                "unclear_speech",
                "Stretches of speech that were not understood",
            ),
        }
    }

    pub(super) fn observe(&self, ended: &Ended) {
        self.resumptions.inc_by(ended.report.resumes.into());
        self.unclear.inc_by(ended.report.unclear.len() as u64);
        let Some(quality) = &ended.quality else {
            return;
        };
        self.score.observe(quality.score.into());
        self.replies.inc_by(quality.replies.into());
        self.interruptions.inc_by(quality.interruptions.into());
        self.said.inc_by(quality.said_characters);
        self.unheard.inc_by(quality.unheard_characters);
        self.reprompts.inc_by(quality.reprompts.into());
        self.answered_turns.inc_by(quality.answered_turns.into());
        self.slow_replies.inc_by(quality.slow_replies.into());
        self.dead_air.inc_by(quality.dead_air_ms as f64 / 1e3);
    }
}
