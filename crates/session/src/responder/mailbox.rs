//! A responder that is not here: utterances wait in a mailbox, and lines come from outside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_call::ReplyId;

/// Utterances of the caller that nobody has taken yet.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    letters: Arc<Mutex<VecDeque<(ReplyId, String)>>>,
}

impl Mailbox {
    /// Takes the oldest utterance. Never waits.
    pub fn take(&self) -> Option<String> {
        self.lock().pop_front().map(|(_, text)| text)
    }

    pub(crate) fn put(&self, reply: ReplyId, text: String) {
        self.lock().push_back((reply, text));
    }

    /// The caller went on speaking: what they said before comes again, with the rest.
    pub(crate) fn take_back(&self, reply: ReplyId) {
        self.lock().retain(|&(of, _)| of != reply);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(ReplyId, String)>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
