//! The agent's side of a recording, by position of the ear.

use std::collections::VecDeque;

use ringback_audio::g711;
use ringback_call::{At, SAMPLES_PER_MS};

/// Audio that follows what went before is put right behind it, unless they are this far apart, in samples.
const DRIFT: u64 = 400;
/// Half a second that is to be written, and what is sent ahead, in samples: with less the bytes would double.
const ROOM: usize = 6720;

#[derive(Default)]
pub(super) struct AgentTrack {
    /// From sample `taken` on.
    bytes: VecDeque<u8>,
    taken: u64,
    end: u64,
    end_at: At,
}

impl AgentTrack {
    /// Puts audio where the caller hears it: `ear` is the ear's position at `now`.
    pub(super) fn place(&mut self, ear: u64, now: At, starts: At, mulaw: &[u8]) {
        let by_ear = ear + samples(starts.since(now));
        let follows = starts == self.end_at && by_ear.abs_diff(self.end) <= DRIFT;
        let position = if follows { self.end } else { by_ear }.max(self.taken);
        let offset = usize::try_from(position - self.taken).unwrap_or(usize::MAX);
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(ROOM);
        }
        if self.bytes.len() < offset {
            self.bytes.resize(offset, g711::SILENCE);
        }
        self.bytes.truncate(offset);
        self.bytes.extend(mulaw);
        self.end = position + mulaw.len() as u64;
        self.end_at = starts.plus_samples(mulaw.len() as u64);
    }

    /// Nothing from `cut` on is heard: answers the position from which silence stands.
    pub(super) fn cut(&mut self, cut: At) -> u64 {
        let position = self.end.saturating_sub(samples(self.end_at.since(cut)));
        let offset = usize::try_from(position.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        self.bytes.truncate(offset);
        self.end = position;
        self.end_at = cut.min(self.end_at);
        position
    }

    /// Takes out `length` samples from `from` on; where fewer are given, silence follows them.
    pub(super) fn take(&mut self, from: u64, length: usize) -> Vec<u8> {
        debug_assert_eq!(from, self.taken);
        let there = length.min(self.bytes.len());
        let bytes = self.bytes.drain(..there).collect();
        if self.bytes.is_empty() {
            // An agent who listens needs no room to speak.
            self.bytes = VecDeque::new();
        }
        self.taken = from + length as u64;
        bytes
    }
}

fn samples(us: u64) -> u64 {
    us * SAMPLES_PER_MS / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_stands_where_it_is_heard_and_a_cut_silences_the_rest() {
        let mut track = AgentTrack::default();
        track.place(1000, At::from_ms(500), At::from_ms(510), &[1; 160]);
        track.place(1080, At::from_ms(510), At::from_ms(530), &[2; 160]);
        assert_eq!(track.cut(At::from_ms(540)), 1320);
        let bytes = track.take(0, 1500);
        assert_eq!(bytes[1079], g711::SILENCE);
        assert_eq!(
            (bytes[1080], bytes[1239], bytes[1240], bytes[1319]),
            (1, 1, 2, 2)
        );
        assert_eq!(bytes.len(), 1320, "silence follows");
    }

    #[test]
    fn a_cut_before_what_was_taken_says_where() {
        let mut track = AgentTrack::default();
        track.place(0, At(0), At(0), &[1; 1600]);
        assert_eq!(track.take(0, 800), vec![1; 800]);
        assert_eq!(track.cut(At::from_ms(50)), 400);
        assert!(track.take(800, 160).is_empty());
    }
}
