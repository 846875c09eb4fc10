//! A small table of times to come, each with its reason.

use serde::{Deserialize, Serialize};

use crate::at::At;

/// Why a call wants to be woken. The order decides between timers of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// The longest duration of the call.
    Duration,
    /// The longest silence of the caller.
    Silence,
    /// The closing sentence takes too long.
    Close,
    /// The carrier has not acknowledged audio for too long.
    Stalled,
    /// A reply must be audible by now.
    Overdue,
    /// An interruption must be decided by now.
    Verdict,
    /// The recogniser was asked about an interruption.
    Words,
    /// A protected stretch is over.
    Protect,
    /// The caller's turn may be over.
    Turn,
    /// Keys are complete after a pause.
    Keys,
    /// The reply has been heard, acknowledged or not.
    Heard,
    /// The caller has said nothing since.
    Idle,
    /// Audio is due, and no frame of the caller's came to send it with.
    Pace,
    /// A tool must have ended by now.
    Tool,
    /// A tool, or the words of a turn, take so long that the caller is asked for patience.
    Patience,
    /// A machine listens now, or was silent for long enough.
    Callee,
    /// Something of a reply that is being written must be spoken by now.
    Unspoken,
}

const REASONS: [Reason; 17] = [
    Reason::Duration,
    Reason::Silence,
    Reason::Close,
    Reason::Stalled,
    Reason::Overdue,
    Reason::Verdict,
    Reason::Words,
    Reason::Protect,
    Reason::Turn,
    Reason::Keys,
    Reason::Heard,
    Reason::Idle,
    Reason::Pace,
    Reason::Tool,
    Reason::Patience,
    Reason::Callee,
    Reason::Unspoken,
];

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    due: [Option<At>; REASONS.len()],
}

impl Timers {
    pub(crate) fn set(&mut self, reason: Reason, at: At) {
        self.due[reason as usize] = Some(at);
    }

    pub(crate) fn clear(&mut self, reason: Reason) {
        self.due[reason as usize] = None;
    }

    pub(crate) fn clear_all(&mut self) {
        self.due = Default::default();
    }

    pub(crate) fn is_set(&self, reason: Reason) -> bool {
        self.due[reason as usize].is_some()
    }

    /// The earliest, by time and then reason.
    pub(crate) fn next(&self) -> Option<(At, Reason)> {
        REASONS
            .iter()
            .filter_map(|&reason| self.due[reason as usize].map(|at| (at, reason)))
            .min()
    }

    /// Takes out the earliest that is due by `at`.
    pub(crate) fn take_due(&mut self, at: At) -> Option<Reason> {
        let (due, reason) = self.next()?;
        if due > at {
            return None;
        }
        self.clear(reason);
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        for (place, reason) in REASONS.iter().enumerate() {
            assert_eq!(*reason as usize, place);
        }
    }

    #[test]
    fn timers_of_one_time_fire_in_the_order_of_their_reasons() {
        let mut timers = Timers::default();
        timers.set(Reason::Idle, At(5));
        timers.set(Reason::Verdict, At(5));
        timers.set(Reason::Pace, At(4));
        let order: Vec<_> = std::iter::from_fn(|| timers.take_due(At(5))).collect();
        assert_eq!(order, [Reason::Pace, Reason::Verdict, Reason::Idle]);
    }
}
