//! The machine's monotonic clock, which all its processes share.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since a moment that is the same for all processes of the machine.
#[must_use]
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000 + part(now.tv_nsec) / 1000
}
