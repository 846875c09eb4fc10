//! Takes Pico's silence off: it leads with 25 to 65 ms and trails a full stop with 450 to 650 ms.

/// Pico's silence is noise of less than this (98 at most was seen at its own full volume).
const AUDIBLE: u16 = 120;
/// Samples of 16 kHz kept before the first sound of a sentence: 50 ms.
const LEAD: usize = 800;
/// Kept inside a sentence: 1 s. Pico never pauses longer but for text that is mostly signs.
const INNER: usize = 16_000;

/// Silence kept after the last sound of a text: 150 ms.
pub(super) const TAIL_OF_TEXT: usize = 2_400;
/// Silence kept between the sentences of a text: 300 ms, and the next one's lead. Pico itself pauses for 500.
pub(super) const TAIL_OF_SENTENCE: usize = 4_800;

/// The trimmer of one sentence. Silence is held until it is known whether sound follows.
#[derive(Debug, Default)]
pub(super) struct Trimmer {
    held: Vec<i16>,
    sounded: bool,
}

impl Trimmer {
    pub(super) fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let audible = |sample: &i16| sample.unsigned_abs() > AUDIBLE;
        let Some(last) = samples.iter().rposition(audible) else {
            self.hold(samples);
            return;
        };
        if self.sounded {
            out.append(&mut self.held);
            out.extend_from_slice(&samples[..=last]);
        } else {
            let first = samples.iter().position(audible).unwrap_or(last);
            self.hold(&samples[..first]);
            out.append(&mut self.held);
            out.extend_from_slice(&samples[first..=last]);
            self.sounded = true;
        }
        self.hold(&samples[last + 1..]);
    }

    /// Ends the sentence with at most `tail` samples of silence.
    pub(super) fn finish(&mut self, tail: usize, out: &mut Vec<i16>) {
        if self.sounded {
            self.held.truncate(tail);
            out.append(&mut self.held);
        }
        *self = Self::default();
    }

    fn hold(&mut self, silence: &[i16]) {
        self.held.extend_from_slice(silence);
        if self.sounded {
            self.held.truncate(INNER);
        } else if self.held.len() > LEAD {
            self.held.drain(..self.held.len() - LEAD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trimmed(parts: &[&[i16]], tail: usize) -> Vec<i16> {
        let mut trimmer = Trimmer::default();
        let mut out = Vec::new();
        for part in parts {
            trimmer.push(part, &mut out);
        }
        trimmer.finish(tail, &mut out);
        out
    }

    #[test]
    fn lead_and_tail_are_cut_and_a_pause_inside_stays() {
        let (quiet, loud) = (vec![5i16; 4000], vec![900i16; 10]);
        let out = trimmed(&[&quiet, &loud, &quiet, &loud, &quiet], TAIL_OF_TEXT);
        assert_eq!(out.len(), LEAD + 10 + 4000 + 10 + TAIL_OF_TEXT);
        assert_eq!(&out[LEAD..LEAD + 10], &loud[..]);
    }

    #[test]
    fn a_sentence_without_sound_leaves_nothing() {
        assert!(trimmed(&[&[7; 9000]], TAIL_OF_TEXT).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn how_the_sound_is_cut_into_pieces_changes_nothing(
            samples in proptest::collection::vec(prop_oneof![3 => -50i16..50, 1 => -20_000i16..20_000], 0..3000),
            cut in 1usize..400,
        ) {
            let whole = trimmed(&[&samples], 100);
            let pieces: Vec<&[i16]> = samples.chunks(cut).collect();
            prop_assert_eq!(trimmed(&pieces, 100), whole);
        }
    }
}
