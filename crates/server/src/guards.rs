//! What stands before handlers, whatever they do.

use crate::blocks::Blocks;
use crate::captcha::Captcha;
use crate::rates::Limiter;

/// Turns away who is shut out, asks too often, or may be a machine.
#[derive(Debug, Default)]
pub struct Guards {
    /// Which addresses are shut out.
    pub blocks: Blocks,
    /// Counts how often routes are used.
    pub limiter: Limiter,
    /// What who registers or signs in must have solved.
    pub captcha: Captcha,
}
