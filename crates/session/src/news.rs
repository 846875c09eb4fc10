//! What a live call tells whoever follows it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// A turn that was answered: latencies, usage and cost, as beside the recording. It comes again when more is known of it.
    Turn(Value),
    /// Something went wrong.
    Fault(Fault),
}

/// Follows a call. It is told in the call's own task, of files in the thread that writes all of them, and so must never wait.
#[derive(Clone)]
pub struct Follower(Option<Arc<dyn Fn(News) + Send + Sync>>);

impl Follower {
    /// Follows by this function.
    pub fn new(tell: impl Fn(News) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Nobody follows.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether anybody does.
    pub(crate) fn listens(&self) -> bool {
        self.0.is_some()
    }

    /// News is only made where somebody follows.
    pub(crate) fn tell(&self, news: impl FnOnce() -> News) {
        if let Some(tell) = &self.0 {
            tell(news());
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Follower")
    }
}
