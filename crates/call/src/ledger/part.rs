//! A sentence of a reply: its text, its speech, and how the two correspond.

use super::FRAME;

/// A part of which at most this many samples (1.5 s) were heard is spoken again from its beginning.
pub(super) const WHOLE_PART: u32 = 12_000;
/// Else speech goes on at the quietest frame of this many samples (300 ms) before the cut.
pub(super) const LOOK_BACK: u32 = 2400;

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
        let end = self
            .text
            .char_indices()
            .rfind(|&(index, character)| character.is_whitespace() && index <= bytes)
            .map_or(0, |(index, _)| index);
        self.text[..end].trim_end()
    }

    /// The words that the voice had spoken by a sample. It may count them otherwise than the text, where it reads out a
    /// number: then the same share of them counts.
    fn words_by_time(&self, sample: u32) -> Option<&str> {
        if self.ends.is_empty() {
            return None;
        }
        let words = self.text.split_whitespace().count();
        let spoken = self.ends.iter().filter(|&&end| end <= sample).count();
        let told_all = self.finished && (sample >= self.samples || spoken == self.ends.len());
        if told_all {
            return Some(&self.text);
        }
        let whole = if self.finished {
            self.ends.len()
        } else {
            self.ends.len().max(words)
        };
        Some(first_words(&self.text, words * spoken / whole))
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

/// The text up to the end of its `count`th word.
fn first_words(text: &str, count: usize) -> &str {
    let mut words = 0;
    let mut inside = false;
    for (index, character) in text.char_indices() {
        let space = character.is_whitespace();
        if inside && space && words == count {
            return &text[..index];
        }
        if !inside && !space {
            if words == count {
                return text[..index].trim_end();
            }
            words += 1;
        }
        inside = !space;
    }
    text
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
