//! The cache of spoken lines: greetings, apologies and whatever else was spoken before by the same voice, as mu-law.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ringback_audio::FRAME_SAMPLES;
use ringback_audio::g711::SILENCE;

/// The most that is kept, in bytes of mu-law: about half an hour of speech.
const ROOM: usize = 16 << 20;
/// A longer line is not kept, in bytes of mu-law: 20 s.
const LONGEST: usize = 160_000;

/// Spoken sentences by voice and text. When there is no more room the oldest make it.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: BTreeMap<Key, Arc<[u8]>>,
    order: VecDeque<Key>,
    bytes: usize,
}

/// Who speaks, in which manner, and what.
type Key = (String, String);

impl Lines {
    pub(crate) fn find(&self, voice: &str, text: &str) -> Option<Arc<[u8]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (voice.to_owned(), text.to_owned());
        kept.lines.get(&key).cloned()
    }

    /// Keeps a line, its last frame filled up with silence, unless it is too long or there already.
    pub(crate) fn keep(&self, voice: &str, text: &str, mut mulaw: Vec<u8>) {
        mulaw.resize(mulaw.len().next_multiple_of(FRAME_SAMPLES), SILENCE);
        let key = (voice.to_owned(), text.to_owned());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if mulaw.is_empty() || mulaw.len() > LONGEST || kept.lines.contains_key(&key) {
            return;
        }
        while kept.bytes + mulaw.len() > ROOM
            && let Some(oldest) = kept.order.pop_front()
        {
            let line = kept.lines.remove(&oldest);
            kept.bytes -= line.map_or(0, |line| line.len());
        }
        kept.bytes += mulaw.len();
        kept.order.push_back(key.clone());
        kept.lines.insert(key, mulaw.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_voice_and_text_in_whole_frames() {
        let lines = Lines::default();
        lines.keep("pico", "Hello.", vec![1; 200]);
        assert_eq!(
            lines.find("pico", "Hello.").map(|line| line.len()),
            Some(320)
        );
        assert_eq!(lines.find("another", "Hello."), None);
        assert_eq!(lines.find("pico", "Hello"), None);
    }

    #[test]
    fn the_oldest_lines_make_room_and_long_ones_are_not_kept() {
        let lines = Lines::default();
        lines.keep("pico", "long", vec![1; LONGEST + 1]);
        assert_eq!(lines.find("pico", "long"), None);
        let fit = ROOM / LONGEST;
        for number in 0..=fit {
            lines.keep("pico", &number.to_string(), vec![1; LONGEST]);
        }
        assert_eq!(lines.find("pico", "0"), None);
        assert!(lines.find("pico", "1").is_some());
        assert!(lines.find("pico", &fit.to_string()).is_some());
    }
}
