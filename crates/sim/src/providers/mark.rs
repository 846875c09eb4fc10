//! Words by which an utterance is followed from the recogniser over the model to the voice.

/// How a mark begins.
const HEAD: &str = "xo";
/// Four syllables of six bits each.
const CONSONANTS: &[u8; 16] = b"bcdfghjklmnprstv";
const VOWELS: &[u8; 4] = b"aeiu";
const SYLLABLES: u32 = 4;
/// Marks begin anew after so many.
const COUNT: u32 = 1 << (6 * SYLLABLES);

/// What stands in a scripted line for the mark of the utterance.
pub(crate) const PLACE: &str = "{mark}";

/// The mark of one utterance: a word that occurs in no language, such as `xobabebide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u32);

impl Mark {
    /// The mark of this number.
    pub(crate) fn numbered(number: u32) -> Self {
        Self(number % COUNT)
    }

    /// Its number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// It as a word.
    pub(crate) fn word(self) -> String {
        let syllable = |place: u32| {
            let bits = (self.0 >> (6 * place)) & 63;
            let consonant = CONSONANTS[(bits >> 2) as usize];
            [consonant, VOWELS[(bits & 3) as usize]].map(char::from)
        };
        let letters = (0..SYLLABLES).rev().flat_map(syllable);
        HEAD.chars().chain(letters).collect()
    }

    /// The last mark in a text.
    pub(crate) fn last_in(text: &str) -> Option<Self> {
        text.split(|letter: char| !letter.is_alphabetic())
            .rev()
            .find_map(Self::of_word)
    }

    /// A text without its marks.
    pub(crate) fn stripped(text: &str) -> String {
        let plain = text
            .split_whitespace()
            .filter(|word| Self::last_in(word).is_none());
        plain.collect::<Vec<_>>().join(" ")
    }

    fn of_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let syllables = word.strip_prefix(HEAD)?.as_bytes();
        if syllables.len() != 2 * SYLLABLES as usize {
            return None;
        }
        let number = syllables.chunks_exact(2).try_fold(0, |number, syllable| {
            let consonant = CONSONANTS.iter().position(|one| *one == syllable[0])?;
            let vowel = VOWELS.iter().position(|one| *one == syllable[1])?;
            Some(number << 6 | (consonant << 2 | vowel) as u32)
        })?;
        Some(Self(number))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_mark_counts_and_other_words_are_none() {
        let (one, two) = (Mark::numbered(7), Mark::numbered(70_000));
        let text = format!("For {}, and: {}.", one.word(), two.word());
        assert_eq!(Mark::last_in(&text), Some(two));
        assert_eq!(Mark::last_in("An xobiscuit, an ox and xo."), None);
        assert_eq!(Mark::stripped(&text), "For and:");
    }

    proptest! {
        #[test]
        fn a_mark_is_read_as_it_was_written_capitals_or_not(number in 0..COUNT) {
            let mark = Mark::numbered(number);
            let word = mark.word();
            prop_assert_eq!(Mark::last_in(&word), Some(mark));
            prop_assert_eq!(Mark::last_in(&format!("({}!)", word.to_uppercase())), Some(mark));
        }
    }
}
