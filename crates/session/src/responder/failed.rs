//! Why a webhook's fallback took the place of its answer, for who asked in writing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Responder;

/// Why, if it did. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Failed(Arc<Mutex<Option<String>>>);

impl Failed {
    /// For another question, of which nothing is known yet.
    pub(super) fn afresh(&self) -> Self {
        *self.lock() = None;
        self.clone()
    }

    pub(super) fn because(&self, detail: String) {
        *self.lock() = Some(detail);
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Responder {
    /// Why its own fallback took the place of its last answer; `None` where it did not.
    pub(crate) fn failed(&self) -> Option<String> {
        let Self::Webhook(hooked) = self else {
            return None;
        };
        hooked.failed.lock().clone()
    }
}
