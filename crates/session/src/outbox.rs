//! The outbox: the bytes of synthesised speech, until they cannot be wanted again.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_call::{PartId, Piece, ReplyId};

/// A sample louder than this is audible: -40 dB of full scale.
const AUDIBLE: u16 = 327;

enum Speech {
    Made(Vec<u8>),
    /// A line of the cache, which all calls that say it share.
    Line(Arc<[u8]>),
}

impl Deref for Speech {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Line(line) => line,
        }
    }
}

impl Speech {
    fn extend(&mut self, mulaw: &[u8]) {
        match self {
            Self::Made(bytes) => bytes.extend_from_slice(mulaw),
            Self::Line(line) => *self = Self::Made([line, mulaw].concat()),
        }
    }
}

struct Part {
    /// From sample `base` on.
    speech: Speech,
    base: usize,
    /// The whole frames before this sample were told of.
    told: usize,
}

impl Part {
    fn end(&self) -> usize {
        self.base + self.speech.len()
    }
}

#[derive(Default)]
pub(crate) struct Outbox {
    parts: BTreeMap<(ReplyId, PartId), Part>,
}

impl Outbox {
    /// Opens a part; speech for parts that are not open is dropped.
    pub(crate) fn open(&mut self, reply: ReplyId, part: PartId) {
        let empty = Part {
            speech: Speech::Made(Vec::new()),
            base: 0,
            told: 0,
        };
        self.parts.insert((reply, part), empty);
    }

    /// How many parts there are, and how many samples of speech they hold.
    pub(crate) fn held(&self) -> (usize, usize) {
        let samples = self.parts.values().map(|part| part.speech.len()).sum();
        (self.parts.len(), samples)
    }

    /// Puts speech in. Answers the piece of whole frames that is new, if there is one.
    pub(crate) fn put(&mut self, reply: ReplyId, part: PartId, mulaw: &[u8]) -> Option<Piece> {
        self.parts.get_mut(&(reply, part))?.speech.extend(mulaw);
        self.tell(reply, part)
    }

    /// Puts a whole line of the cache in, as [`Outbox::put`] would, without a copy.
    pub(crate) fn put_line(
        &mut self,
        reply: ReplyId,
        part: PartId,
        line: Arc<[u8]>,
    ) -> Option<Piece> {
        let open = self.parts.get_mut(&(reply, part))?;
        if open.end() == 0 {
            open.speech = Speech::Line(line);
        } else {
            open.speech.extend(&line);
        }
        self.tell(reply, part)
    }

    fn tell(&mut self, reply: ReplyId, part: PartId) -> Option<Piece> {
        let open = self.parts.get_mut(&(reply, part))?;
        let whole = open.end() / FRAME_SAMPLES * FRAME_SAMPLES;
        let new = &open.speech[open.told - open.base..whole - open.base];
        if new.is_empty() {
            return None;
        }
        open.told = whole;
        Some(Piece {
            reply,
            part,
            samples: u32::try_from(new.len()).unwrap_or(u32::MAX),
            audible: new
                .iter()
                .position(|&byte| g711::decode(byte).unsigned_abs() > AUDIBLE)
                .and_then(|position| u32::try_from(position).ok()),
            levels: new.chunks(FRAME_SAMPLES).map(level).collect(),
            origin: 0,
        })
    }

    /// The part has all its speech: its last frame is filled up with silence.
    pub(crate) fn finish(&mut self, reply: ReplyId, part: PartId) -> Option<Piece> {
        let rest = self.parts.get(&(reply, part))?.end() % FRAME_SAMPLES;
        if rest == 0 {
            return None;
        }
        self.put(reply, part, &[g711::SILENCE; FRAME_SAMPLES][rest..])
    }

    /// Samples of a part; `None` if they are not all there.
    pub(crate) fn read(
        &self,
        reply: ReplyId,
        part: PartId,
        from: u32,
        samples: u32,
    ) -> Option<&[u8]> {
        let part = self.parts.get(&(reply, part))?;
        let start = (from as usize).checked_sub(part.base)?;
        part.speech[..part.told - part.base].get(start..start + samples as usize)
    }

    /// Drops the samples of a part before `upto`, and all parts of the reply before it.
    pub(crate) fn forget(&mut self, reply: ReplyId, part: PartId, upto: u32) {
        self.parts
            .retain(|&(of, id), _| of > reply || (of == reply && id >= part));
        if let Some(part) = self.parts.get_mut(&(reply, part))
            && let Speech::Made(bytes) = &mut part.speech
        {
            let drop = (upto as usize).min(part.told).saturating_sub(part.base);
            bytes.drain(..drop);
            part.base += drop;
        }
    }

    /// Drops a reply, and whatever came before it.
    pub(crate) fn drop_reply(&mut self, reply: ReplyId) {
        self.parts.retain(|&(of, _), _| of > reply);
    }
}

/// The loudness of a frame in dB above the quietest code, 0 to 96.
fn level(frame: &[u8]) -> u8 {
    let energy: u64 = frame
        .iter()
        .map(|&byte| u64::from(g711::decode(byte).unsigned_abs()).pow(2))
        .sum();
    let mean = energy / frame.len().max(1) as u64;
    // 3 dB an octave of power, which is near enough to find the quietest frame.
    u8::try_from(mean.checked_ilog2().map_or(0, |log| (log + 1) * 3)).unwrap_or(96)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const REPLY: ReplyId = ReplyId(1);
    const PART: PartId = PartId(0);

    #[test]
    fn speech_leaves_in_whole_frames_and_the_last_is_filled_up() {
        let mut outbox = Outbox::default();
        outbox.open(REPLY, PART);
        assert_eq!(outbox.put(REPLY, PART, &[0x80; 100]), None);
        let piece = outbox.put(REPLY, PART, &[0x80; 100]).unwrap();
        assert_eq!(
            (piece.samples, piece.audible, piece.levels.len()),
            (160, Some(0), 1)
        );
        let last = outbox.finish(REPLY, PART).unwrap();
        assert_eq!(last.samples, 160);
        let bytes = outbox.read(REPLY, PART, 160, 160).unwrap();
        assert_eq!(bytes[..40], [0x80; 40]);
        assert_eq!(bytes[40..], [g711::SILENCE; 120]);
    }

    #[test]
    fn forgotten_samples_cannot_be_read_and_later_ones_can() {
        let mut outbox = Outbox::default();
        outbox.open(REPLY, PART);
        outbox.put(REPLY, PART, &[0x90; 480]).unwrap();
        outbox.forget(REPLY, PART, 160);
        assert_eq!(outbox.read(REPLY, PART, 0, 160), None);
        assert_eq!(outbox.read(REPLY, PART, 160, 320).unwrap().len(), 320);
        outbox.forget(REPLY, PartId(1), 0);
        assert_eq!(outbox.read(REPLY, PART, 160, 160), None);
    }

    #[test]
    fn a_line_of_the_cache_is_told_and_read_as_speech_that_was_made_for_the_call() {
        let line: Vec<u8> = (0..500).map(|n| (n % 251) as u8).collect();
        let (mut made, mut kept) = (Outbox::default(), Outbox::default());
        made.open(REPLY, PART);
        kept.open(REPLY, PART);
        let told = made.put(REPLY, PART, &line);
        assert_eq!(kept.put_line(REPLY, PART, line.into()), told);
        assert_eq!(
            kept.read(REPLY, PART, 320, 160),
            made.read(REPLY, PART, 320, 160)
        );
        assert_eq!(kept.read(REPLY, PART, 480, 20), None, "no whole frame yet");
        assert_eq!(kept.finish(REPLY, PART), made.finish(REPLY, PART));
        assert_eq!(
            kept.read(REPLY, PART, 0, 640),
            made.read(REPLY, PART, 0, 640)
        );
        kept.forget(REPLY, PartId(1), 0);
        assert_eq!(kept.read(REPLY, PART, 0, 160), None);
    }

    #[test]
    fn speech_for_a_dead_reply_is_dropped() {
        let mut outbox = Outbox::default();
        outbox.open(REPLY, PART);
        outbox.drop_reply(REPLY);
        assert_eq!(outbox.put(REPLY, PART, &[0x80; 160]), None);
    }

    #[test]
    fn silence_is_quiet_and_inaudible() {
        let mut outbox = Outbox::default();
        outbox.open(REPLY, PART);
        let piece = outbox.put(REPLY, PART, &[g711::SILENCE; 160]).unwrap();
        assert_eq!((piece.audible, piece.levels), (None, vec![0]));
    }
}
