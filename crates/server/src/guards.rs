//! What stands before handlers, whatever they do.

use crate::blocks::Blocks;
use crate::rates::Limiter;

/// Turns away who is shut out or asks too often.
#[derive(Debug, Default)]
pub struct Guards {
    /// Which addresses are shut out.
    pub blocks: Blocks,
    /// Counts how often routes are used.
    pub limiter: Limiter,
}
