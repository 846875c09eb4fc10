//! How many calls there were, and how they ended.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use ringback_call::{Callee, Direction, Intent};
use ringback_session::Ended;

use super::{Counters, Histograms, Refused, counters, counters_of, direction_label, seconds};

#[derive(Debug)]
pub(super) struct Calls {
    attempted: Counters,
    refused: Counters,
    answered: Counters,
    ended: Counters,
    transferred: Counters,
    callees: Counters,
    bytes: Counters,
    duration: Histograms,
}

fn durations() -> Histogram {
    let minutes = [2, 3, 5, 10, 20, 30, 60].map(|minutes| f64::from(minutes * 60));
    let seconds = [2.0, 5.0, 10.0, 20.0, 30.0, 60.0];
    Histogram::new(seconds.into_iter().chain(minutes))
}

impl Calls {
    pub(super) fn register(registry: &mut Registry) -> Self {
        Self {
            attempted: counters(
                registry,
                "calls_attempted",
                "Calls that came or were placed",
            ),
            refused: counters(
                registry,
                "calls_refused",
                "Calls that were refused before they were answered",
            ),
            answered: counters(
                registry,
                "calls_answered",
                "Calls whose media socket was opened",
            ),
            ended: counters(registry, "calls_ended", "Answered calls that are over"),
            transferred: counters(
                registry,
                "calls_transferred",
                "Calls that ended by being put through",
            ),
            callees: counters(
                registry,
                "callees",
                "Who answered calls that were placed, as far as it is known",
            ),
            bytes: counters_of(
                registry,
                "media",
                "Text messages on media sockets, as seen by the server",
                Unit::Bytes,
            ),
            duration: seconds(
                registry,
                "call_duration",
                "From the first to the last moment of the media",
                durations,
            ),
        }
    }

    pub(super) fn attempted(&self, direction: Direction) {
        one(&self.attempted, direction).inc();
    }

    pub(super) fn refused(&self, direction: Direction, why: Refused) {
        let labels = vec![direction_label(direction), ("reason", why.name().into())];
        self.refused.get_or_create(&labels).inc();
    }

    pub(super) fn answered(&self, direction: Direction) {
        one(&self.answered, direction).inc();
    }

    pub(super) fn ended(&self, direction: Direction, ended: Option<&Ended>) {
        let end = ended.map_or("broken", |ended| ended.cause.name());
        let labels = vec![direction_label(direction), ("end", end.into())];
        self.ended.get_or_create(&labels).inc();
        let Some(ended) = ended else {
            return;
        };
        if matches!(ended.intent, Intent::Transfer(_)) {
            one(&self.transferred, direction).inc();
        }
        if let Some(callee) = ended.report.callee {
            let labels = vec![("callee", callee_name(callee).into())];
            self.callees.get_or_create(&labels).inc();
        }
        for (way, bytes) in [
            ("in", ended.traffic.bytes_in),
            ("out", ended.traffic.bytes_out),
        ] {
            let labels = vec![("way", way.into())];
            self.bytes.get_or_create(&labels).inc_by(bytes);
        }
        let lasted = ended.report.ended.ms() as f64 / 1e3;
        let labels = vec![direction_label(direction)];
        self.duration.get_or_create(&labels).observe(lasted);
    }
}

fn one(family: &Counters, direction: Direction) -> Counter {
    family.get_or_create_owned(&vec![direction_label(direction)])
}

fn callee_name(callee: Callee) -> &'static str {
    match callee {
        Callee::Human => "human",
        Callee::Voicemail => "voicemail",
        Callee::MailboxFull => "mailbox_full",
        Callee::Menu => "menu",
        Callee::Screening => "screening",
        Callee::Fax => "fax",
        Callee::Unreachable => "unreachable",
    }
}
