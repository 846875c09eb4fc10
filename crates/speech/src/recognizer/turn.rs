//! One turn of the caller: its sound, and what of it was decoded to which text.

use super::score::Taken;
use super::{Recognized, SpokenWord};
use crate::grammar::{Grammar, Interpretation, Meaning};

/// Sound of a turn that is kept to be decoded again, in bytes: 12 s of mu-law.
const KEPT: usize = 96_000;
/// A frame is no pause while it is at most this many times quieter than the loudest of the turn.
const QUIETER: u32 = 6;
/// Frames that may be quieter than the noise of the line, such as those before a stream's first sound, and one more.
const QUIET: usize = 3;
/// Frames after which it is known whether a line is noisy, 500 ms: a turn begins 300 ms before its first speech.
const SETTLED: u32 = 25;
/// Mean amplitude of the quietest frames from which on a line is noisy: speech is a hundred times louder at most.
const NOISY: u32 = 40;
/// Samples of a frame: 20 ms.
const FRAME: usize = 160;

/// A turn.
pub(super) struct Turn {
    from: u64,
    /// Its sound from the beginning, as long as that is short enough; else only what was not decoded.
    sound: Vec<u8>,
    whole: bool,
    /// How much of `sound` was decoded.
    decoded: usize,
    /// Whether speech came that was not decoded.
    spoken: bool,
    loudest: u32,
    /// Loudness of the quietest frames, ascending.
    quietest: [u32; QUIET],
    /// Frames of sound since its beginning.
    frames: u32,
    /// Whether the decoder is in an utterance.
    pub(super) open: bool,
    /// Bytes of sound in the utterance.
    pub(super) length: usize,
    places: Places,
    /// Text of earlier utterances that are not decoded again.
    earlier: String,
    text: String,
    confidence_pm: u16,
    sure: bool,
}

/// Where things lie in the ear, in samples.
struct Places {
    /// The first byte of the sound that is kept.
    sound: u64,
    /// The beginning of the utterance.
    utterance: u64,
    /// The words.
    words: Vec<SpokenWord>,
    /// How many of these are of earlier utterances.
    earlier: usize,
}

impl Turn {
    pub(super) fn new(from: u64) -> Self {
        Self {
            from,
            sound: Vec::new(),
            whole: true,
            decoded: 0,
            spoken: false,
            loudest: 0,
            quietest: [u32::MAX; QUIET],
            frames: 0,
            open: false,
            length: 0,
            places: Places {
                sound: from,
                utterance: from,
                words: Vec::new(),
                earlier: 0,
            },
            earlier: String::new(),
            text: String::new(),
            confidence_pm: 0,
            sure: false,
        }
    }

    /// Takes sound, which is given as mu-law and linear. True if there is speech that was not decoded.
    pub(super) fn take(&mut self, mulaw: &[u8], linear: &[i16]) -> bool {
        for frame in linear.chunks(FRAME) {
            let sum: u32 = frame
                .iter()
                .map(|sample| u32::from(sample.unsigned_abs()))
                .sum();
            let loud = sum / u32::try_from(frame.len()).unwrap_or(1);
            self.loudest = self.loudest.max(loud);
            self.frames = self.frames.saturating_add(1);
            if loud < self.quietest[QUIET - 1] {
                self.quietest[QUIET - 1] = loud;
                self.quietest.sort_unstable();
            }
            self.spoken |= loud > 0 && loud * QUIETER >= self.loudest;
        }
        self.sound.extend_from_slice(mulaw);
        if self.whole && self.sound.len() > KEPT {
            self.whole = false;
            self.places.sound += self.sound.drain(..self.decoded).len() as u64;
            self.decoded = 0;
        }
        if !self.whole && !self.open {
            // Only what comes shortly before speech is worth keeping.
            let excess = self.sound.len().saturating_sub(KEPT);
            self.places.sound += self.sound.drain(..excess).len() as u64;
        }
        self.spoken
    }

    /// How far the quietest of the turn lies under its loudest, in dB: 60 on a clean line, 27 in noise that is 20 dB
    /// under the speech.
    pub(super) fn range_db(&self) -> f64 {
        let quiet = self.quietest[QUIET - 1].clamp(1, self.loudest.max(1));
        20.0 * (f64::from(self.loudest.max(1)) / f64::from(quiet)).log10()
    }

    /// Whether even the quietest of the turn is noise. Known once it is long enough for a pause to show.
    pub(super) fn is_noisy(&self) -> bool {
        self.frames >= SETTLED && self.quietest[QUIET - 1] >= NOISY
    }

    /// What of the sound was not decoded yet; it is from now on.
    pub(super) fn unheard(&mut self) -> Vec<u8> {
        let rest = self.sound.split_off(self.decoded);
        if self.whole {
            self.sound.extend_from_slice(&rest);
        } else {
            self.places.sound += rest.len() as u64;
        }
        self.decoded = self.sound.len();
        self.spoken = false;
        rest
    }

    /// Whether there is speech that no utterance holds yet.
    pub(super) fn awaits_decoding(&self) -> bool {
        !self.open && self.spoken
    }

    /// Begins an utterance and gives the sound for it: that of the whole turn if `again`, or else what is new.
    pub(super) fn begin_utterance(&mut self, again: bool) -> Vec<u8> {
        self.open = true;
        self.length = 0;
        if again && self.whole {
            self.decoded = 0;
            self.earlier.clear();
            self.places.words.clear();
        } else {
            self.earlier.clone_from(&self.text);
        }
        self.places.earlier = self.places.words.len();
        self.places.utterance = self.places.sound + self.decoded as u64;
        self.unheard()
    }

    /// Ends the utterance with the text it gave, and whether that is a sentence beyond doubt.
    pub(super) fn close_utterance(&mut self, taken: Taken) {
        let Taken {
            text: latest,
            confidence_pm,
            sure,
            words,
        } = taken;
        self.open = false;
        self.text = self.joined(&latest);
        self.places.words.truncate(self.places.earlier);
        let begun = self.places.utterance;
        self.places
            .words
            .extend(words.into_iter().map(|word| SpokenWord {
                from: begun + word.from,
                until: begun + word.until,
                ..word
            }));
        self.confidence_pm = match (self.earlier.is_empty(), latest.is_empty()) {
            (false, true) => self.confidence_pm,
            (false, false) => self.confidence_pm.min(confidence_pm),
            (true, _) => confidence_pm,
        };
        self.sure = sure;
    }

    /// Forgets what was decoded, for something else is listened for.
    pub(super) fn forget(&mut self) {
        self.spoken |= self.open || self.decoded > 0;
        self.open = false;
        self.decoded = 0;
        self.earlier.clear();
        self.text.clear();
        self.places.earlier = 0;
        self.places.words.clear();
        self.confidence_pm = 0;
        self.sure = false;
    }

    /// The text of the turn, given the text of its latest utterance.
    pub(super) fn joined(&self, latest: &str) -> String {
        match (self.earlier.is_empty(), latest.is_empty()) {
            (true, _) => latest.to_string(),
            (false, true) => self.earlier.clone(),
            (false, false) => format!("{} {latest}", self.earlier),
        }
    }

    /// The answer to a request for the text so far.
    pub(super) fn answer(&self, grammar: Option<&Grammar>, finalize: u32) -> Recognized {
        let nothing = Interpretation {
            meaning: Meaning::Nothing,
            complete: false,
        };
        let understood = grammar.map_or(nothing, |grammar| grammar.interpret(&self.text));
        Recognized::Final {
            text: self.text.clone(),
            words: self.places.words.clone(),
            confidence_pm: self.confidence_pm,
            // Of a longer turn the beginning is no longer known to belong to the sentence.
            complete: understood.complete && self.sure && self.whole,
            meaning: understood.meaning,
            from: self.from,
            finalize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(frames: usize, hiss: i16) -> Turn {
        let mut turn = Turn::new(0);
        let linear: Vec<i16> = (0..frames * FRAME)
            .map(|at| if at % 2 == 0 { hiss } else { -hiss })
            .collect();
        turn.take(&vec![0xff; linear.len()], &linear);
        turn
    }

    #[test]
    fn a_line_is_noisy_when_it_is_never_quiet() {
        assert!(turn(25, 40).is_noisy());
        assert!(!turn(25, 39).is_noisy());
        let mut paused = turn(30, 4000);
        assert!(paused.is_noisy());
        paused.take(&[0xff; 3 * FRAME], &[8; 3 * FRAME]);
        assert!(!paused.is_noisy());
    }

    #[test]
    fn the_beginning_of_a_turn_does_not_tell_noise_from_speech() {
        assert!(!turn(24, 4000).is_noisy());
    }
}
