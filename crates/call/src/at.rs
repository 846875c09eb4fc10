//! Two clocks: the time of the call and the position in the caller's audio.

use serde::{Deserialize, Serialize};

/// Samples of telephone audio in a millisecond (8000 Hz).
pub const SAMPLES_PER_MS: u64 = 8;

/// A time: microseconds since [`crate::Call::new`]. It is handed in with every event and never decreases.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct At(pub u64);

impl At {
    /// The time `ms` milliseconds after the call was made.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * 1000)
    }

    /// Whole milliseconds since the call was made.
    pub const fn ms(self) -> u64 {
        self.0 / 1000
    }

    /// This time and `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// This time less `ms` milliseconds, not before the beginning.
    #[must_use]
    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms * 1000))
    }

    /// This time and the length of `samples` samples.
    #[must_use]
    pub const fn plus_samples(self, samples: u64) -> Self {
        Self(
            self.0
                .saturating_add(samples.saturating_mul(1000) / SAMPLES_PER_MS),
        )
    }

    /// Microseconds from `earlier` to this time, 0 if it is not earlier.
    pub const fn since(self, earlier: At) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds from `earlier` to this time, 0 if it is not earlier.
    pub const fn ms_since(self, earlier: At) -> u64 {
        self.since(earlier) / 1000
    }
}

/// A position in the caller's audio: samples at 8000 Hz since the stream began, gaps filled.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ear(pub u64);

impl Ear {
    /// Milliseconds of audio from `earlier` to this position, 0 if it is not earlier.
    pub const fn ms_since(self, earlier: Ear) -> u64 {
        self.0.saturating_sub(earlier.0) / SAMPLES_PER_MS
    }
}
