//! A sentence of a reply: its text, its speech, and how the two correspond.

use super::FRAME;

/// A part of which at most this many samples (1.5 s) were heard is spoken again from its beginning.
pub(super) const WHOLE_PART: u32 = 12_000;
/// Else speech goes on at the quietest frame of this many samples (300 ms) before the cut.
pub(super) const LOOK_BACK: u32 = 2400;
/// More letters in a row than this are no word that somebody says, but for one.
const LONGEST_WORD: usize = 40;

/// A position in a reply: a part and a sample in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) part: usize,
    pub(crate) sample: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) samples: u32,
    pub(super) levels: Vec<u8>,
    pub(super) audible: Option<u32>,
    pub(super) finished: bool,
    /// There was nothing to say in it.
    pub(super) void: bool,
    pub(super) forgotten: u32,
    /// Where the voice's words end, in samples, as far as it told.
    pub(super) ends: Vec<u32>,
}

impl Part {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            samples: 0,
            levels: Vec::new(),
            audible: None,
            finished: false,
            void: false,
            forgotten: 0,
            ends: Vec::new(),
        }
    }

    /// Its text, unless the voice had no speech for it.
    pub(super) fn said(&self) -> &str {
        if self.finished && self.samples == 0 {
            ""
        } else {
            &self.text
        }
    }

    /// The whole words that end before a sample: by the voice's times where it told them, else by proportion of the length.
    pub(super) fn words_upto(&self, sample: u32) -> &str {
        if sample > 0
            && let Some(words) = self.words_by_time(sample)
        {
            return words;
        }
        // Unfinished speech is taken to be as long as its text at 14 characters a second.
        let spoken = if self.finished {
            self.samples
        } else {
            let guess = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
            self.samples.max(guess.saturating_mul(8000 / 14))
        };
        if sample == 0 {
            return "";
        }
        if sample >= spoken {
            return &self.text;
        }
        let bytes = (self.text.len() as u64 * u64::from(sample) / u64::from(spoken)) as usize;
        let ends = ends_of_words(&self.text);
        let heard = ends.partition_point(|&end| end <= bytes);
        first_words(&self.text, &ends[..heard])
    }

    /// The words that the voice had spoken by a sample. It may count them otherwise than the text, where it reads out a
    /// number: then the same share of them counts.
    fn words_by_time(&self, sample: u32) -> Option<&str> {
        if self.ends.is_empty() {
            return None;
        }
        let words = ends_of_words(&self.text);
        let spoken = self.ends.iter().filter(|&&end| end <= sample).count();
        let told_all = self.finished && (sample >= self.samples || spoken == self.ends.len());
        if told_all {
            return Some(&self.text);
        }
        let whole = if self.finished {
            self.ends.len()
        } else {
            self.ends.len().max(words.len())
        };
        let heard = words.len() * spoken / whole;
        Some(first_words(&self.text, &words[..heard.min(words.len())]))
    }

    /// Where speech that was cut at a sample goes on without a loss.
    pub(super) fn back_from(&self, cut: u32) -> u32 {
        if cut <= WHOLE_PART {
            0
        } else {
            quietest(&self.levels, cut)
        }
        .max(self.forgotten)
    }
}

/// The text up to the end of the last of these words.
fn first_words<'a>(text: &'a str, ends: &[usize]) -> &'a str {
    ends.last().map_or("", |&end| &text[..end])
}

/// Where the words of a text end, in bytes. A sign of a script that is written without spaces is a word, and what is longer than any word
/// is cut.
fn ends_of_words(text: &str) -> Vec<usize> {
    let (mut ends, mut length) = (Vec::new(), 0);
    for (index, character) in text.char_indices() {
        let sign = character >= '\u{2e80}';
        if length > 0 && (sign || character.is_whitespace()) {
            ends.push(index);
            length = 0;
        }
        if sign || length == LONGEST_WORD {
            ends.push(index + character.len_utf8());
            length = 0;
        } else if !character.is_whitespace() {
            length += 1;
        }
    }
    if length > 0 {
        ends.push(text.len());
    }
    ends
}

/// The beginning of the quietest frame of the 300 ms before `cut`; of equals the last.
fn quietest(levels: &[u8], cut: u32) -> u32 {
    let last = (cut / FRAME) as usize;
    let first = (cut.saturating_sub(LOOK_BACK) / FRAME) as usize;
    (first..last.min(levels.len()))
        .min_by_key(|&frame| (levels[frame], std::cmp::Reverse(frame)))
        .map_or(cut / FRAME * FRAME, |frame| {
            u32::try_from(frame).unwrap_or(0) * FRAME
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str, samples: u32) -> Part {
        Part {
            samples,
            finished: true,
            levels: vec![60; (samples / FRAME) as usize],
            ..Part::new(text)
        }
    }

    #[test]
    fn only_whole_words_count_as_heard() {
        let part = part("one two three", 13_000);
        assert_eq!(part.words_upto(0), "");
        assert_eq!(part.words_upto(2000), "");
        assert_eq!(part.words_upto(3000), "one");
        assert_eq!(part.words_upto(12_999), "one two");
        assert_eq!(part.words_upto(13_000), "one two three");
    }

    #[test]
    fn a_voice_that_tells_its_times_is_believed() {
        let timed = |ends: &[u32], finished| Part {
            ends: ends.to_vec(),
            finished,
            ..part("one  two three", 13_000)
        };
        let slow_start = timed(&[9000, 10_000, 12_000], true);
        assert_eq!(slow_start.words_upto(0), "");
        assert_eq!(slow_start.words_upto(8999), "");
        assert_eq!(slow_start.words_upto(9000), "one");
        assert_eq!(slow_start.words_upto(11_999), "one  two");
        assert_eq!(slow_start.words_upto(12_000), "one  two three");
        // What it did not tell yet is not heard, and words that it reads out stand for their share.
        assert_eq!(timed(&[4000], false).words_upto(12_000), "one");
        let six = timed(&[1000, 2000, 3000, 4000, 5000, 6000], true);
        assert_eq!(six.words_upto(1999), "");
        assert_eq!(six.words_upto(2000), "one");
        assert_eq!(six.words_upto(5999), "one  two");
    }

    #[test]
    fn of_unfinished_speech_no_more_words_count_than_its_pace_allows() {
        let part = Part {
            samples: 3000,
            finished: false,
            ..part("one two three four five six", 3000)
        };
        assert_eq!(part.words_upto(3000), "one");
    }

    #[test]
    fn what_is_written_without_spaces_is_heard_sign_by_sign() {
        let text = "今天天气很好，我们去公园。";
        let part = part(text, 13_000);
        assert_eq!(part.words_upto(6500), "今天天气很好");
        let timed = Part {
            ends: vec![3000, 6500, 13_000],
            ..part
        };
        assert_eq!(timed.words_upto(6500), "今天天气很好，我");
        assert_eq!(timed.words_upto(2999), "");
    }

    #[test]
    fn letters_without_end_are_no_single_word() {
        let part = part(&"x".repeat(400), 100_000);
        assert_eq!(part.words_upto(50_000).len(), 164);
        assert_eq!(part.words_upto(5000).len(), 0);
    }

    #[test]
    fn words_of_many_bytes_are_cut_at_characters() {
        let part = part("Grüße äöü ßßß", 1300);
        for sample in 0..=1300 {
            assert!(part.text.starts_with(part.words_upto(sample)));
        }
    }

    #[test]
    fn a_short_part_goes_on_from_its_beginning() {
        assert_eq!(part("one two", 20_000).back_from(12_000), 0);
    }

    #[test]
    fn a_long_part_goes_on_at_its_quietest_frame_before_the_cut() {
        let mut part = part("one two", 20_000);
        part.levels[70] = 10;
        part.levels[50] = 0;
        assert_eq!(part.back_from(12_480), 70 * FRAME);
    }
}
