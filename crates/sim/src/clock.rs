//! The machine's monotonic clock, which all its processes share.

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Microseconds since a moment that is the same for all processes of the machine.
#[must_use]
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000 + part(now.tv_nsec) / 1000
}

/// A moment of this process on that clock.
#[must_use]
pub fn monotonic_us_of(moment: Instant) -> u64 {
    let (now, now_us) = (Instant::now(), monotonic_us());
    let micros = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    match now.checked_duration_since(moment) {
        Some(ago) => now_us.saturating_sub(micros(ago)),
        None => now_us.saturating_add(micros(moment - now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moment_keeps_its_distance_on_the_shared_clock() {
        let moment = Instant::now();
        let one = monotonic_us_of(moment);
        let two = monotonic_us_of(moment + Duration::from_millis(1500));
        assert!(two.abs_diff(one + 1_500_000) < 50_000, "{one} {two}");
        assert!(one <= monotonic_us());
    }
}
