//! What stands before handlers, whatever they do.

use crate::rates::Limiter;

/// Turns away who asks too often.
#[derive(Debug, Default)]
pub struct Guards {
    /// Counts how often routes are used.
    pub limiter: Limiter,
}
