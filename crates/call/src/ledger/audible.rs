//! When the caller hears something of the reply, by what was sent.

use std::collections::VecDeque;

use super::FRAME;
use crate::at::At;

/// A frame is audible from this level on, in dB above the quietest code: about -50 dB of full scale.
const AUDIBLE_DB: u8 = 42;
/// Stretches that are remembered: more than a carrier can have before it plays them, so that a clear finds the last before it.
const MOST_STRETCHES: usize = 128;

/// When the caller hears the reply.
#[derive(Clone, Debug, Default)]
pub(super) struct Audible {
    /// It begins, by the model.
    pub(super) at: Option<At>,
    /// The same by the first mark behind it.
    pub(super) acknowledged: Option<At>,
    /// Stretches without a quiet frame, by the model.
    stretches: VecDeque<(At, At)>,
}

impl Audible {
    /// Frames of these levels are heard from `starts` on; one of which the level is not known counts as audible.
    pub(super) fn play(&mut self, starts: At, levels: &[u8], frames: usize) {
        for frame in 0..frames {
            if levels.get(frame).is_some_and(|&level| level < AUDIBLE_DB) {
                continue;
            }
            let from = starts.plus_samples(frame as u64 * u64::from(FRAME));
            let until = from.plus_samples(u64::from(FRAME));
            match self.stretches.back_mut() {
                Some((_, end)) if *end >= from => *end = until,
                Some(_) | None => self.stretches.push_back((from, until)),
            }
        }
        while self.stretches.len() > MOST_STRETCHES {
            self.stretches.pop_front();
        }
    }

    /// From then on nothing is heard.
    pub(super) fn cut(&mut self, at: At) {
        while self.stretches.back().is_some_and(|(from, _)| *from >= at) {
            self.stretches.pop_back();
        }
        if let Some((_, until)) = self.stretches.back_mut() {
            *until = (*until).min(at);
        }
    }

    /// Behind the last of it.
    pub(super) fn until(&self) -> Option<At> {
        self.stretches.back().map(|(_, until)| *until)
    }
}
