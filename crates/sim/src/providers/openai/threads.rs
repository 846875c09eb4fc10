//! Responses that are kept on the server, so that a request can go on from one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Responses that are kept; of more, the oldest are lost.
const MOST: usize = 1000;

/// The responses, with the number of turns behind each.
#[derive(Debug, Default)]
pub(in super::super) struct Threads(Mutex<VecDeque<(String, usize)>>);

impl Threads {
    fn kept(&self) -> MutexGuard<'_, VecDeque<(String, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, id: &str, turns: usize) {
        let mut kept = self.kept();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back((id.to_owned(), turns));
    }

    pub(super) fn turns(&self, id: &str) -> Option<usize> {
        self.kept()
            .iter()
            .find(|(kept, _)| kept == id)
            .map(|(_, turns)| *turns)
    }
}
