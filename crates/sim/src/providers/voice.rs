//! The voice of every speech twin: SVOX Pico, with times of words.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use ringback_audio::{RATE_HZ, g711};
use ringback_speech::voice::VoicePool;

use super::mark::Mark;
use crate::loudness::{self, AUDIBLE_RMS};

/// Length of a letter that the voice does not know: it is hummed, in samples.
const HUM: usize = 600;

/// Texts whose speech is kept.
const MOST_KEPT: usize = 100;

/// A word and when it is spoken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpokenWord {
    pub(super) word: String,
    /// Samples at 8000 Hz from the beginning of the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A spoken text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spoken {
    /// 8000 Hz.
    pub(super) samples: Vec<i16>,
    pub(super) words: Vec<SpokenWord>,
}

/// The voice.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pool: Arc<VoicePool>,
    /// Marked texts without their marks: they are spoken once, so that many calls cost little.
    kept: Arc<Mutex<BTreeMap<String, Vec<i16>>>>,
}

impl Voice {
    /// Starts it; blocking.
    pub(super) fn start(threads: usize, data: &Path) -> anyhow::Result<Self> {
        let pool = VoicePool::start(threads, data).context("the voice of the simulator")?;
        Ok(Self {
            pool: Arc::new(pool),
            kept: Arc::default(),
        })
    }

    /// Speaks a text: all of it is there when this returns. A text without letters gives no samples; letters that
    /// the voice does not know are hummed. Marks are left out.
    pub(super) async fn speak(&self, text: &str) -> Spoken {
        if Mark::last_in(text).is_none() {
            return self.make(text).await;
        }
        let plain = Mark::stripped(text);
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(&plain).cloned();
        let samples = match known {
            Some(samples) => samples,
            None => {
                let samples = self.make(&plain).await.samples;
                let mut kept = kept();
                if kept.len() < MOST_KEPT {
                    kept.insert(plain, samples.clone());
                }
                samples
            }
        };
        Spoken {
            words: timed(text, &samples),
            samples,
        }
    }

    async fn make(&self, text: &str) -> Spoken {
        let (pool, text) = (Arc::clone(&self.pool), text.to_owned());
        let spoken = tokio::task::spawn_blocking(move || {
            let samples = match pool.synthesize(&text) {
                Ok(mulaw) => mulaw.into_iter().map(g711::decode).collect(),
                Err(_) => hum(text.chars().filter(|letter| letter.is_alphabetic()).count()),
            };
            Spoken {
                words: timed(&text, &samples),
                samples,
            }
        });
        spoken.await.unwrap_or_default()
    }
}

fn hum(letters: usize) -> Vec<i16> {
    let step = std::f64::consts::TAU * 220.0 / f64::from(RATE_HZ);
    let sample = |n: usize| ((n as f64 * step).sin() * 4000.0) as i16;
    (0..letters * HUM).map(sample).collect()
}

/// The words of a text in the audible part of its samples, each as long as its share of the letters.
fn timed(text: &str, samples: &[i16]) -> Vec<SpokenWord> {
    let sound = loudness::audible(samples, AUDIBLE_RMS).unwrap_or(0..samples.len());
    shares(text, sound.start, sound.end)
}

/// The words of a text from `start` to `end`, each as long as its share of the letters.
pub(super) fn shares(text: &str, start: usize, end: usize) -> Vec<SpokenWord> {
    if start == end {
        return Vec::new();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let weight = |word: &str| word.chars().count() + 1;
    let total: usize = words.iter().map(|word| weight(word)).sum();
    let length = end.saturating_sub(start);
    let mut done = 0;
    let place = |done: usize| start + length * done / total.max(1);
    words
        .into_iter()
        .map(|word| {
            let begin = place(done);
            done += weight(word);
            SpokenWord {
                word: word.to_owned(),
                start: begin,
                end: place(done),
            }
        })
        .collect()
}

/// Cuts a text behind each end of a sentence that space follows: each part can be spoken before the next. Space at the
/// end stays with the last part; a text of space alone has none.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    while let Some(next) = end_of_sentence(&text[end..]) {
        end += next;
        if text[end..].trim().is_empty() {
            break;
        }
        parts.push(&text[start..end]);
        start = end;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Where the last sentence ends that space follows; 0 if none does.
pub(super) fn end_of_sentences(text: &str) -> usize {
    let mut end = 0;
    while let Some(next) = end_of_sentence(&text[end..]) {
        end += next;
    }
    end
}

fn end_of_sentence(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().zip(text.chars().skip(1));
    let (at, mark) = characters.find_map(|((at, mark), next)| {
        let ends = matches!(mark, '.' | '!' | '?' | '…' | '。' | '！' | '？');
        (ends && next.is_whitespace()).then_some((at, mark))
    })?;
    Some(at + mark.len_utf8())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn words_lie_in_order_within_the_sound_of_their_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let voice = Voice::start(1, dir.path()).unwrap();
        let spoken = voice.speak("Your table is booked for Friday.").await;
        assert!(
            (8000..32_000).contains(&spoken.samples.len()),
            "{}",
            spoken.samples.len()
        );
        let words: Vec<_> = spoken.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(words, ["Your", "table", "is", "booked", "for", "Friday."]);
        assert!(
            spoken
                .words
                .windows(2)
                .all(|two| two[0].end == two[1].start && two[0].start < two[0].end)
        );
        assert!(spoken.words[5].end <= spoken.samples.len());
        assert_eq!(voice.speak("🙂").await, Spoken::default());
        let hummed = voice.speak("你好").await;
        assert_eq!(hummed.samples.len(), 2 * HUM);
        assert!(loudness::rms(&hummed.samples) > 1000.0);
    }

    #[test]
    fn a_text_is_cut_behind_sentences_only() {
        assert_eq!(
            sentences("One. Two! 3.5 is it? "),
            ["One.", " Two!", " 3.5 is it? "]
        );
        assert_eq!(sentences("No end"), ["No end"]);
        assert!(sentences("  ").is_empty());
        assert_eq!(end_of_sentences("One. Two! Thr"), 9);
        assert_eq!(end_of_sentences("One."), 0);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_by_cutting(text in ".{0,80}") {
            let cut: Vec<_> = sentences(&text).into_iter().flat_map(str::split_whitespace).collect();
            if !text.trim().is_empty() {
                prop_assert_eq!(sentences(&text).concat(), text.as_str());
            }
            prop_assert!(end_of_sentences(&text) <= text.len());
            prop_assert_eq!(cut, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
