//! How long to wait before the next attempt.

use std::time::Duration;

use aws_lc_rs::rand;

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that double, each shortened by up to a half so that calls do not come back together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let mut byte = [0];
        // Without randomness the wait is the whole one.
        let _ = rand::fill(&mut byte);
        self.wait(byte[0])
    }

    fn wait(&mut self, random: u8) -> Duration {
        let whole = LONGEST.min(FIRST * 2_u32.pow(self.attempts.min(8)));
        self.attempts += 1;
        whole - whole / 2 * u32::from(random) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_lose_up_to_a_half() {
        let waits = |random| {
            let mut backoff = Backoff::default();
            [0; 7].map(|_| backoff.wait(random).as_millis())
        };
        assert_eq!(waits(0), [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(waits(255), [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
