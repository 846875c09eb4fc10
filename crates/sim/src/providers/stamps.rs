//! When marked utterances passed: for measuring what a server adds between one provider and the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::mark::Mark;
use crate::clock::monotonic_us;

/// Stamps that are kept; of more, the first.
const MOST: usize = 400_000;
/// How often it is looked whether the program is punctual.
const PULSE: Duration = Duration::from_millis(20);

/// Where an utterance passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "point", rename_all = "snake_case")]
pub enum Point {
    /// The recogniser's final transcript is about to leave.
    Final,
    /// The model's request has come: its head.
    Asked,
    /// So many words of the model's answer have been handed to the socket.
    Wrote {
        /// From the beginning.
        words: usize,
    },
    /// The voice's request has come.
    Speak {
        /// Its words.
        words: usize,
    },
    /// The first audio of it is about to leave.
    Audio,
}

/// One point of one utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The machine's monotonic clock, in microseconds.
    pub at_us: u64,
    /// The number of the utterance's mark.
    pub mark: u32,
    /// Where it passed.
    #[serde(flatten)]
    pub point: Point,
}

/// What `GET /sim/stamps` answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// In the order in which they were made.
    pub stamps: Vec<Stamp>,
    /// How late the program itself was at worst with what it had to do every 20 ms, in ms: stamps are as doubtful.
    pub late_ms: f64,
    /// How often it was over 10 ms late.
    pub over_10_ms: u64,
}

/// All stamps.
#[derive(Debug, Default)]
pub(super) struct Stamps(Mutex<Stamped>);

impl Stamps {
    fn stamped(&self) -> MutexGuard<'_, Stamped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Stamped {
        self.stamped().clone()
    }

    pub(super) fn reset(&self) {
        *self.stamped() = Stamped::default();
    }

    /// It passes now.
    pub(super) fn add(&self, mark: Mark, point: Point) {
        self.add_at(monotonic_us(), mark, point);
    }

    pub(super) fn add_at(&self, at_us: u64, mark: Mark, point: Point) {
        let mut stamped = self.stamped();
        if stamped.stamps.len() < MOST {
            let mark = mark.number();
            stamped.stamps.push(Stamp { at_us, mark, point });
        }
    }

    fn late(&self, ms: f64) {
        let mut stamped = self.stamped();
        stamped.late_ms = stamped.late_ms.max(ms);
        stamped.over_10_ms += u64::from(ms > 10.0);
    }

    /// Looks how punctual the program is, for ever.
    pub(super) async fn watch(&self) {
        let mut due = Instant::now();
        loop {
            due += PULSE;
            sleep_until(due).await;
            self.late(due.elapsed().as_secs_f64() * 1000.0);
            due = due.max(Instant::now() - PULSE);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_flat_json_and_read_again() {
        let stamps = Stamps::default();
        stamps.add_at(5, Mark::numbered(3), Point::Final);
        stamps.add_at(7, Mark::numbered(3), Point::Speak { words: 4 });
        stamps.late(12.5);
        let text = serde_json::to_string(&stamps.all()).unwrap();
        assert_eq!(
            text,
            r#"{"stamps":[{"at_us":5,"mark":3,"point":"final"},{"at_us":7,"mark":3,"point":"speak","words":4}],"late_ms":12.5,"over_10_ms":1}"#
        );
        let read: Stamped = serde_json::from_str(&text).unwrap();
        assert_eq!(read, stamps.all());
        stamps.reset();
        assert_eq!(stamps.all(), Stamped::default());
    }
}
