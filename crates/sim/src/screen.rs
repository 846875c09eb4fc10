//! The live transcript.

use std::io::Write;

use crate::conversation::Moment;
use crate::report::transcript_line;

/// Where lines go as they happen.
pub struct Screen {
    out: Option<Box<dyn Write + Send>>,
    shown: usize,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// A screen on `out`; `None` shows nothing.
    #[must_use]
    pub fn new(out: Option<Box<dyn Write + Send>>) -> Self {
        Self { out, shown: 0 }
    }

    /// Shows the moments that are new.
    pub fn show(&mut self, moments: &[Moment]) {
        let fresh = moments.get(self.shown..).unwrap_or(&[]);
        self.shown = moments.len();
        let Some(out) = &mut self.out else {
            return;
        };
        for line in fresh.iter().filter_map(transcript_line) {
            // A reader that has gone does not end the call.
            let _ = writeln!(out, "{line}");
        }
    }
}
