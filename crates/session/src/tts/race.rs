//! Who of several voices speaks a reply, and when the next is asked beside those that have not begun.
//!
//! All voices have one patience for the first sound of a reply, so that the caller hears it within 2 s however many of
//! them never begin. Who begins first speaks; the others are let go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringback_call::At;

use super::bill::Bill;
use super::stream::Spoken;
use super::voices::Started;
use crate::provider::{Breaker, Failure, Provider};

/// The voice of this machine is asked so long after the caller's last sound at the latest, in ms.
const AUDIBLE_BY: u64 = 1600;
/// It stands back for so long at the most, and so long at the least, in ms.
const LONGEST: u64 = 1200;
const LEAST: u64 = 700;
/// Of twelve parts of that time so many are the first voice's own, and after so many more the next is asked.
const OWN: u64 = 7;
const NEXT: u64 = 3;
/// Whoever has not begun after this time, in ms, has failed.
const SLOW: u64 = 700;

/// What all calls know of a provider's voice.
pub(crate) type Health = (Provider, Arc<Breaker>);

/// One of the voices that were asked for the same sentences.
pub(super) struct Racer {
    pub(super) voice: Started,
    /// Which of the call's voices it is.
    pub(super) engine: u32,
    /// When it was asked for what it has not begun.
    pub(super) asked: At,
    /// What it told of words before anything was heard of it.
    pub(super) held: Vec<Spoken>,
    pub(super) bill: Bill,
}

impl Racer {
    pub(super) fn new(voice: Started, engine: u32, asked: At) -> Self {
        Self {
            voice,
            engine,
            asked,
            held: Vec::new(),
            bill: Bill::default(),
        }
    }

    /// It lost against another. None where nobody can be blamed.
    pub(super) fn overtaken(&self, at: At, patience: u32) -> Option<Failure> {
        let (provider, breaker) = self.voice.health.as_ref()?;
        let ms = at.ms_since(self.asked);
        let what = format!("did not begin to speak within {ms} ms");
        let failure = Failure::unreachable(*provider, what);
        if ms >= SLOW * u64::from(patience) {
            breaker.failed(Instant::now(), failure.kind, None);
        }
        Some(failure)
    }
}

/// The wait for the first sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    since: At,
    /// Until the voice of this machine is asked, in ms.
    whole: u64,
}

impl Wait {
    /// `waited`: since the caller's last sound. `patience`: how many times longer than usual.
    pub(super) fn new(since: At, waited: Duration, patience: u32) -> Self {
        let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let left = AUDIBLE_BY.saturating_sub(waited).clamp(LEAST, LONGEST);
        Self {
            since,
            whole: left * u64::from(patience),
        }
    }

    /// When the next is asked beside so many.
    pub(super) fn beside(self, racing: usize) -> At {
        let more = racing.saturating_sub(1) as u64;
        self.since.plus_ms(self.whole * (OWN + NEXT * more) / 12)
    }

    /// When the voice of this machine is asked, whoever else is.
    pub(super) fn over(self) -> At {
        self.since.plus_ms(self.whole)
    }
}
