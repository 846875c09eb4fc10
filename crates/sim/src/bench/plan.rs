//! When callers begin and what they say: pure.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use crate::caller::clip::Clip;
use crate::caller::script::{Action, Step};

/// A turn of a conversation, in ms, by which callers are spread where nobody says otherwise.
const USUAL_TURN_MS: u64 = 7000;
/// How long a reply is waited for, ms.
const PATIENCE_MS: u64 = 8000;
/// The same for the greeting.
const GREETING_PATIENCE_MS: u64 = 15_000;
/// Every so manyth reply is interrupted.
const INTERRUPTED: u64 = 4;
/// When an interruption begins, in ms of the reply.
const INTO_REPLY_MS: u64 = 1000;
/// What a caller waits for behind a reply's last sound at least, ms: that is how its end is heard.
const QUIET_MS: u64 = 700;
/// The least pause between a reply and what is said next, ms.
const LEAST_PAUSE_MS: u64 = 300;
/// From the last begin until the measuring begins.
const SETTLE: Duration = Duration::from_secs(3);
/// What is left out at the end of the first call.
const BEFORE_END: Duration = Duration::from_millis(500);
/// The least time that is worth measuring.
const LEAST: Duration = Duration::from_secs(3);

/// When the callers of a run begin, and what of it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    calls: u32,
    length: Duration,
    stagger: Duration,
}

impl Schedule {
    /// So many calls of this length, each begun so long after the one before; by default they are spread over a turn of a
    /// conversation.
    ///
    /// # Errors
    /// When the first call would end before all have been live for a few seconds.
    pub fn new(calls: u32, length: Duration, stagger: Option<Duration>) -> anyhow::Result<Self> {
        let usual = Duration::from_millis(USUAL_TURN_MS.min(length.as_millis() as u64 / 4));
        let schedule = Self {
            calls,
            length,
            stagger: stagger.unwrap_or(usual / calls.max(1)),
        };
        let (from, to) = schedule.measured();
        ensure!(
            from + LEAST <= to,
            "{calls} calls of {} s, begun {} ms apart, are hardly live together: give more --seconds or less --stagger",
            length.as_secs(),
            schedule.stagger.as_millis()
        );
        Ok(schedule)
    }

    /// When a caller begins, from 0. Their frames are spread over 20 ms too, whatever the stagger.
    #[must_use]
    pub fn begins(&self, caller: u32) -> Duration {
        let frame = Duration::from_millis(20) * caller / self.calls.max(1);
        self.stagger * caller + frame
    }

    /// From when to when all callers are live and settled.
    #[must_use]
    pub fn measured(&self) -> (Duration, Duration) {
        let last = self.begins(self.calls.saturating_sub(1));
        let from = (last + SETTLE).min(last + self.length / 4);
        (from, self.length.saturating_sub(BEFORE_END))
    }

    /// How long the whole run takes.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.begins(self.calls.saturating_sub(1)) + self.length
    }
}

/// What all callers say; it is rendered once.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Said in turn.
    pub questions: Vec<Arc<Clip>>,
    /// Said into a reply.
    pub interruption: Arc<Clip>,
    /// What a reply lasts at least, ms; 0 where that is not known.
    pub reply_ms: u64,
}

impl Lines {
    /// The steps of a caller, enough for `seconds`. Speech fills at most the share `speech` of the time.
    #[must_use]
    pub fn steps(&self, caller: u32, seconds: u64, speech: f64) -> Vec<Step<Arc<Clip>>> {
        let step = |action| Step { line: 0, action };
        let wait = |timeout_ms| step(Action::WaitReply { timeout_ms });
        let mut steps = vec![wait(GREETING_PATIENCE_MS)];
        let (mut spent_ms, mut number) = (0, u64::from(caller));
        while spent_ms < seconds * 1000 && !self.questions.is_empty() {
            let index = usize::try_from(number).unwrap_or(0) % self.questions.len();
            let question = &self.questions[index];
            let is_interrupted = number % INTERRUPTED == INTERRUPTED - 1;
            let (mut said_ms, mut heard_ms) = (question.ms(), self.reply_ms + QUIET_MS);
            if is_interrupted {
                said_ms += self.interruption.ms();
                heard_ms += INTO_REPLY_MS;
            }
            let ms = pause_ms(said_ms, heard_ms, speech);
            steps.push(step(Action::Pause { ms }));
            steps.push(step(Action::Speak(Arc::clone(question))));
            if is_interrupted {
                steps.push(step(Action::BargeIn {
                    after_ms: INTO_REPLY_MS,
                    sound: Arc::clone(&self.interruption),
                }));
            }
            steps.push(wait(PATIENCE_MS));
            spent_ms += said_ms + heard_ms + ms;
            number += 1;
        }
        steps
    }
}

/// The pause with which speech of `said_ms` fills at most the share `speech` of a turn in which `heard_ms` pass otherwise.
fn pause_ms(said_ms: u64, heard_ms: u64, speech: f64) -> u64 {
    let turn = (said_ms as f64 / speech).ceil() as u64;
    turn.saturating_sub(said_ms + heard_ms).max(LEAST_PAUSE_MS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clip(ms: usize) -> Arc<Clip> {
        Arc::new(Clip {
            said: "x".into(),
            samples: vec![4000; ms * 8],
            sound: 0..ms * 8,
        })
    }

    #[test]
    fn calls_that_hardly_overlap_are_refused() {
        let seconds = Duration::from_secs;
        let error = Schedule::new(100, seconds(10), Some(Duration::from_millis(500))).unwrap_err();
        assert!(error.to_string().contains("--stagger"), "{error}");
        let schedule = Schedule::new(100, seconds(60), None).unwrap();
        assert_eq!(schedule.begins(0), Duration::ZERO);
        assert_eq!(schedule.begins(50), Duration::from_millis(3510));
    }

    #[test]
    fn every_fourth_reply_is_interrupted_but_not_by_all_callers_at_once() {
        let lines = Lines {
            questions: vec![clip(2000)],
            interruption: clip(1500),
            reply_ms: 2500,
        };
        let first = |caller| {
            let steps = lines.steps(caller, 60, 0.4);
            let turns = steps.iter().filter(|step| {
                matches!(
                    step.action,
                    Action::WaitReply { .. } | Action::BargeIn { .. }
                )
            });
            let mut turns = turns.skip(1);
            turns.position(|step| matches!(step.action, Action::BargeIn { .. }))
        };
        assert_eq!([0, 1, 2, 3].map(first), [3, 2, 1, 0].map(Some));
    }

    proptest! {
        #[test]
        fn measuring_lies_within_all_calls(calls in 1..200u32, length in 5..600u64, stagger in prop::option::of(0..2000u64)) {
            let length = Duration::from_secs(length);
            let Ok(schedule) = Schedule::new(calls, length, stagger.map(Duration::from_millis)) else {
                return Ok(());
            };
            let (from, to) = schedule.measured();
            prop_assert!(from >= schedule.begins(calls - 1));
            prop_assert!(to <= length && from < to);
            prop_assert!((1..calls).all(|caller| schedule.begins(caller) >= schedule.begins(caller - 1)));
            prop_assert!(schedule.lasts() >= length);
        }

        #[test]
        fn speech_never_fills_more_than_its_share(said in 1..10_000u64, heard in 0..20_000u64, speech in 0.01..1.0f64) {
            let turn = said + heard + pause_ms(said, heard, speech);
            prop_assert!(said as f64 <= speech * turn as f64 + 1e-6);
        }
    }
}
