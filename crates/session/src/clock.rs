//! The clock of one call.

use std::time::Duration;

use ringback_call::At;
use tokio::time::Instant;

/// Times since the call was made, from the runtime's clock: tests may pause it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn at(&self) -> At {
        At(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn instant(&self, at: At) -> Instant {
        self.start + Duration::from_micros(at.0)
    }
}
