//! The outbox: the bytes of synthesised speech, until they cannot be wanted again.

use std::collections::BTreeMap;

use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_call::{PartId, Piece, ReplyId};

/// A sample louder than this is audible: -40 dB of full scale.
const AUDIBLE: i16 = 327;

#[derive(Default)]
struct Part {
    /// Whole frames from sample `base` on.
    bytes: Vec<u8>,
    base: usize,
    /// What does not fill a frame yet.
    rest: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Outbox {
    parts: BTreeMap<(ReplyId, PartId), Part>,
    scratch: Vec<i16>,
}

impl Outbox {
    /// Opens a part; speech for parts that are not open is dropped.
    pub(crate) fn open(&mut self, reply: ReplyId, part: PartId) {
        self.parts.insert((reply, part), Part::default());
    }

    /// Puts speech in. Answers the piece of whole frames that is new, if there is one.
    pub(crate) fn put(&mut self, reply: ReplyId, part: PartId, mulaw: &[u8]) -> Option<Piece> {
        let open = self.parts.get_mut(&(reply, part))?;
        open.rest.extend_from_slice(mulaw);
        let whole = open.rest.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        if whole == 0 {
            return None;
        }
        let start = open.bytes.len();
        open.bytes.extend(open.rest.drain(..whole));
        self.scratch.clear();
        g711::decode_into(&open.bytes[start..], &mut self.scratch);
        Some(Piece {
            reply,
            part,
            samples: u32::try_from(whole).unwrap_or(u32::MAX),
            audible: self
                .scratch
                .iter()
                .position(|sample| sample.unsigned_abs() > AUDIBLE.unsigned_abs())
                .and_then(|position| u32::try_from(position).ok()),
            levels: self.scratch.chunks(FRAME_SAMPLES).map(level).collect(),
            origin: 0,
        })
    }

    /// The part has all its speech: its last frame is filled up with silence.
    pub(crate) fn finish(&mut self, reply: ReplyId, part: PartId) -> Option<Piece> {
        let rest = self.parts.get(&(reply, part))?.rest.len();
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
        part.bytes.get(start..start + samples as usize)
    }

    /// Drops the samples of a part before `upto`, and all parts of the reply before it.
    pub(crate) fn forget(&mut self, reply: ReplyId, part: PartId, upto: u32) {
        self.parts
            .retain(|&(of, id), _| of > reply || (of == reply && id >= part));
        if let Some(part) = self.parts.get_mut(&(reply, part)) {
            let drop = (upto as usize)
                .saturating_sub(part.base)
                .min(part.bytes.len());
            part.bytes.drain(..drop);
            part.base += drop;
        }
    }

    /// Drops a reply, and whatever came before it.
    pub(crate) fn drop_reply(&mut self, reply: ReplyId) {
        self.parts.retain(|&(of, _), _| of > reply);
    }
}

/// The loudness of a frame in dB above the quietest code, 0 to 96.
fn level(frame: &[i16]) -> u8 {
    let energy: u64 = frame
        .iter()
        .map(|&sample| u64::from(sample.unsigned_abs()).pow(2))
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
