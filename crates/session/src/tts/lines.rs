//! The cache of fixed lines: greetings, apologies and goodbyes are spoken once and kept as mu-law.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_audio::FRAME_SAMPLES;
use ringback_audio::g711::SILENCE;
use ringback_speech::voice::Style;

/// The most that is kept, in bytes of mu-law: about half an hour of speech.
const ROOM: usize = 16 << 20;

type Key = (String, u16, u16, u16);

/// Spoken sentences by text and style.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: BTreeMap<Key, Arc<[u8]>>,
    bytes: usize,
}

impl Lines {
    pub(crate) fn find(&self, text: &str, style: Style) -> Option<Arc<[u8]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lines.get(&key(text, style)).cloned()
    }

    /// Keeps a line, its last frame filled up with silence. False if there is no room.
    pub(crate) fn keep(&self, text: &str, style: Style, mut mulaw: Vec<u8>) -> bool {
        mulaw.resize(mulaw.len().next_multiple_of(FRAME_SAMPLES), SILENCE);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + mulaw.len() > ROOM {
            return false;
        }
        let length = mulaw.len();
        let old = kept.lines.insert(key(text, style), mulaw.into());
        kept.bytes += length;
        kept.bytes -= old.map_or(0, |old| old.len());
        true
    }
}

fn key(text: &str, style: Style) -> Key {
    (
        text.to_owned(),
        style.speed_pct,
        style.pitch_pct,
        style.volume_pct,
    )
}
