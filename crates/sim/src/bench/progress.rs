//! A line that shows how far a run is, where somebody looks.

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Characters of the bar.
const WIDTH: usize = 30;

/// The line, on standard error if that is a terminal.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    calls: u32,
}

impl Progress {
    /// Of a run with so many calls.
    #[must_use]
    pub fn of(calls: u32) -> Self {
        Self {
            shown: std::io::stderr().is_terminal(),
            calls,
        }
    }

    /// Says what goes on before and behind the calls.
    pub fn say(&self, what: &str) {
        self.write(&format!("{:>4} calls  {what}", self.calls));
    }

    /// Shows how far it is.
    pub fn at(&self, passed: Duration, whole: Duration) {
        self.write(&format!("{:>4} calls  {}", self.calls, bar(passed, whole)));
    }

    fn write(&self, line: &str) {
        if self.shown {
            // What cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn bar(passed: Duration, whole: Duration) -> String {
    let share = (passed.as_secs_f64() / whole.as_secs_f64().max(0.001)).clamp(0.0, 1.0);
    let full = (share * WIDTH as f64) as usize;
    format!(
        "[{}{}] {} of {} s",
        "#".repeat(full),
        ".".repeat(WIDTH - full),
        passed.as_secs().min(whole.as_secs()),
        whole.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_stays_full() {
        let seconds = Duration::from_secs;
        assert_eq!(
            bar(seconds(0), seconds(10)),
            format!("[{}] 0 of 10 s", ".".repeat(30))
        );
        assert_eq!(
            bar(seconds(5), seconds(10)),
            format!("[{}{}] 5 of 10 s", "#".repeat(15), ".".repeat(15))
        );
        assert_eq!(
            bar(seconds(12), seconds(10)),
            format!("[{}] 10 of 10 s", "#".repeat(30))
        );
    }
}
