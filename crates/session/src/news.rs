//! What a live call tells whoever follows it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use ringback_call::Fault;
use serde_json::Value;

/// What has happened in a call. Times inside values are in ms since the media began.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The media has begun.
    Began {
        /// When.
        at: Timestamp,
        /// What hears, answers and speaks.
        engines: [&'static str; 3],
        /// Whether it is recorded; where not, nothing of what is said is to be kept either.
        recorded: bool,
    },
    /// The recording and the trace lie there and are being written.
    Files([PathBuf; 2]),
    /// What the caller seems to be saying; the words may still change.
    Hearing(String),
    /// A sentence that is on its way to the voice. Whether it is heard stands in a later line.
    Speaking(String),
    /// A line of the conversation as a transcript has it, new or changed since it was told.
    Line {
        /// Its place in the conversation, from 0.
        number: usize,
        /// As in the transcript.
        line: Value,
    },
    /// The conversation has this many lines: those after them were taken back, since the caller goes on.
    Lines(usize),
    /// A call of a tool as a transcript has it, new or changed since it was told.
    Tool {
        /// Its place among all calls of tools, from 0.
        number: usize,
        /// As in the transcript.
        line: Value,
    },
    /// A turn that was answered: latencies, usage and cost, as beside the recording. It comes again when more is known of it.
    Turn(Value),
    /// Something went wrong.
    Fault(Fault),
    /// How loud both were in the last 200 ms, in dBFS: -96 is silence. It is measured while somebody wants to know ([`Follower::metering`]).
    Level {
        /// What came from the caller.
        caller: f64,
        /// What the caller heard of the agent.
        agent: f64,
    },
}

/// Follows a call. It is told in the call's own task, of files in the thread that writes all of them, and so must never wait.
#[derive(Clone)]
pub struct Follower {
    tell: Option<Arc<dyn Fn(News) + Send + Sync>>,
    metering: Option<Arc<AtomicUsize>>,
}

impl Follower {
    /// Follows by this function.
    pub fn new(tell: impl Fn(News) + Send + Sync + 'static) -> Self {
        Self {
            tell: Some(Arc::new(tell)),
            metering: None,
        }
    }

    /// Nobody follows.
    pub fn none() -> Self {
        Self {
            tell: None,
            metering: None,
        }
    }

    /// The same, and so many want to know how loud it is; the number may change at any time.
    #[must_use]
    pub fn metering(self, wanted_by: Arc<AtomicUsize>) -> Self {
        Self {
            metering: Some(wanted_by),
            ..self
        }
    }

    /// Whether anybody wants to know how loud it is.
    pub(crate) fn meters(&self) -> bool {
        let wanted_by = self.metering.as_ref();
        wanted_by.is_some_and(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Whether anybody does.
    pub(crate) fn listens(&self) -> bool {
        self.tell.is_some()
    }

    /// News is only made where somebody follows.
    pub(crate) fn tell(&self, news: impl FnOnce() -> News) {
        if let Some(tell) = &self.tell {
            tell(news());
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Follower")
    }
}
