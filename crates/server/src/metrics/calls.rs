//! How many calls there were, and how they ended.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use ringback_call::{Callee, Direction, EndCause, Intent};
use ringback_session::Ended;

use super::{
    Counters, Histograms, Label, Refused, begin, counters, counters_of, direction_label, seconds,
};

/// The end of a call of which nothing is known.
const BROKEN: &str = "broken";

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
        let calls = Self::of(registry);
        calls.begin();
        calls
    }

    fn of(registry: &mut Registry) -> Self {
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

    fn begin(&self) {
        let callees = Callee::ALL.map(callee_label);
        begin(&self.callees, callees.map(|callee| vec![callee]));
        begin(&self.bytes, ["in", "out"].map(|way| vec![way_label(way)]));
        let ends = EndCause::ALL.map(EndCause::name);
        for direction in Direction::ALL.map(direction_label) {
            for family in [&self.attempted, &self.answered, &self.transferred] {
                begin(family, [vec![direction.clone()]]);
            }
            begin(&self.duration, [vec![direction.clone()]]);
            for why in Refused::ALL {
                begin(&self.refused, [vec![direction.clone(), reason_label(why)]]);
            }
            for end in ends.into_iter().chain([BROKEN]) {
                begin(&self.ended, [vec![direction.clone(), end_label(end)]]);
            }
        }
    }

    pub(super) fn attempted(&self, direction: Direction) {
        one(&self.attempted, direction).inc();
    }

    pub(super) fn refused(&self, direction: Direction, why: Refused) {
        let labels = vec![direction_label(direction), reason_label(why)];
        self.refused.get_or_create(&labels).inc();
    }

    pub(super) fn answered(&self, direction: Direction) {
        one(&self.answered, direction).inc();
    }

    pub(super) fn ended(&self, direction: Direction, ended: Option<&Ended>) {
        let end = ended.map_or(BROKEN, |ended| ended.cause.name());
        let labels = vec![direction_label(direction), end_label(end)];
        self.ended.get_or_create(&labels).inc();
        let Some(ended) = ended else {
            return;
        };
        if matches!(ended.intent, Intent::Transfer(_)) {
            one(&self.transferred, direction).inc();
        }
        if let Some(callee) = ended.report.callee {
            let labels = vec![callee_label(callee)];
            self.callees.get_or_create(&labels).inc();
        }
        for (way, bytes) in [
            ("in", ended.traffic.bytes_in),
            ("out", ended.traffic.bytes_out),
        ] {
            let labels = vec![way_label(way)];
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

fn reason_label(why: Refused) -> Label {
    ("reason", why.name().into())
}

fn end_label(end: &'static str) -> Label {
    ("end", end.into())
}

fn way_label(way: &'static str) -> Label {
    ("way", way.into())
}

fn callee_label(callee: Callee) -> Label {
    let name = match callee {
        Callee::Human => "human",
        Callee::Voicemail => "voicemail",
        Callee::MailboxFull => "mailbox_full",
        Callee::Menu => "menu",
        Callee::Screening => "screening",
        Callee::Fax => "fax",
        Callee::Unreachable => "unreachable",
    };
    ("callee", name.into())
}
