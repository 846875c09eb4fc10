//! How sure the decoder is: how well the sound fits the words.
//!
//! The decoder scores every state of the acoustic model in each frame, so the score of a path is relative to the
//! best sound there is: 0 fits perfectly, and speech that was bent to fit a grammar scores low.

use ringback_pocketsphinx::Segment;

use super::SpokenWord;
use super::ear::{Finished, Heard};
use crate::grammar::{Answers, Around, Grammar, Meaning};

/// Mean score of a frame at which words of the free vocabulary are believed. Measured, as all of these, with the program
/// of `docs/local-speech.md`.
const FREE_MEAN: i64 = -63;
/// The same for the worst word of an utterance.
const FREE_WORST: i64 = -105;
/// The worst word of a sentence of a grammar counts this much less than the mean.
const WORST_SHARE: i64 = 4;
/// What words around the answer cost: where there were none, they are what a noise or the beginning of other words was
/// bent to.
const HESITATION: i64 = 24;
const LEAD: i64 = 14;
const TAIL: i64 = 9;
/// Thousandths of confidence for one point of score.
const SLOPE: i64 = 20;
/// Confidence in thousandths from which on an answer is beyond doubt.
const SURE: u16 = 660;

/// The score of a sentence at which it is believed to be one of the grammar, on a clean line.
fn floor(answers: Answers) -> i64 {
    match answers {
        Answers::Phrases => -100,
        Answers::YesNo => -96,
        Answers::Numbers => -95,
        Answers::Strings => -88,
    }
}

/// Between the quietest and the loudest of a turn: with less than this in dB it is noisy.
const CLEAN_DB: f64 = 42.0;
/// Points that a sentence must score more for each dB less. Noise makes all words sound alike.
const NOISE: f64 = 0.25;

/// Points of score that the noise of a line takes off.
fn noise(range_db: f64) -> i64 {
    (NOISE * (CLEAN_DB - range_db).clamp(0.0, CLEAN_DB)).round() as i64
}

/// Scores of the words of an utterance.
struct Scores {
    mean: i64,
    worst: i64,
}

fn scores(segments: &[Segment]) -> Option<Scores> {
    let (mut frames, mut sum, mut worst) = (0, 0, 0);
    for word in segments.iter().filter(|segment| is_word(&segment.word)) {
        let length = i64::from(word.last.saturating_sub(word.first)) + 1;
        frames += length;
        sum += i64::from(word.acoustic);
        worst = worst.min(i64::from(word.acoustic) / length);
    }
    (frames > 0).then(|| Scores {
        mean: sum / frames,
        worst,
    })
}

fn confidence(above: i64) -> u16 {
    u16::try_from((500 + SLOPE * above).clamp(1, 1000)).unwrap_or(1)
}

/// Confidence in words of the free vocabulary, in thousandths: 500 is as low as is believed.
fn free_pm(segments: &[Segment]) -> u16 {
    scores(segments).map_or(0, |scores| {
        confidence((scores.mean - FREE_MEAN).min(scores.worst - FREE_WORST))
    })
}

/// How far the score of words of a grammar is above the least that is believed; `None` without words.
fn closed(segments: &[Segment], answers: Answers, around: Around, range_db: f64) -> Option<i64> {
    let cost = |there: bool, cost| if there { cost } else { 0 };
    let penalty = cost(around.hesitation, HESITATION)
        + cost(around.lead, LEAD)
        + cost(around.tail, TAIL)
        + noise(range_db)
        + floor(answers);
    scores(segments).map(|scores| scores.mean + scores.worst / WORST_SHARE - penalty)
}

/// By how many points for each frame of the sentence the best words so far fit the sound better, if they mean something
/// else: "that" for a sentence "feedback". An answer of the grammar is hardly ever beaten by much, other speech often.
fn rival(grammar: &Grammar, so_far: &Heard, sentence: &Heard) -> i64 {
    let meaning = |heard: &Heard| grammar.interpret(&heard.text).meaning;
    let alike = so_far.text == sentence.text
        || (meaning(so_far) != Meaning::Nothing && meaning(so_far) == meaning(sentence));
    if alike {
        0
    } else {
        lead(&so_far.segments, &sentence.segments)
    }
}

/// By how many points for each frame of words of the second path the first is better. The end of an utterance adds some
/// frames, which the last stretch stands for.
fn lead(path: &[Segment], other: &[Segment]) -> i64 {
    let length = |segment: &Segment| i64::from(segment.last.saturating_sub(segment.first)) + 1;
    let frames = |path: &[Segment]| path.iter().map(length).sum::<i64>();
    let total = |path: &[Segment]| -> i64 {
        path.iter()
            .map(|segment| i64::from(segment.acoustic) + i64::from(segment.language))
            .sum()
    };
    let words = other.iter().filter(|segment| is_word(&segment.word));
    let Some(last) = other.last() else { return 0 };
    let added = (frames(other) - frames(path)) * i64::from(last.acoustic) / length(last);
    let better = total(path) + added - total(other);
    better.max(0) / words.map(length).sum::<i64>().max(1)
}

/// What a sentence loses for each point by which other words fit the sound better. Of single digits scraps of other words
/// often do ("i" of "five"), and in noise of any short answer.
fn rivalry(answers: Answers, range_db: f64) -> i64 {
    match answers {
        Answers::Numbers => 0,
        Answers::Phrases | Answers::YesNo | Answers::Strings if range_db < CLEAN_DB => 1,
        Answers::Phrases | Answers::YesNo | Answers::Strings => 2,
    }
}

/// What is taken for said.
pub(super) struct Taken {
    /// The words; empty if none are believed.
    pub(super) text: String,
    /// Confidence in them, in thousandths.
    pub(super) confidence_pm: u16,
    /// Whether they are a whole sentence of the grammar, beyond doubt.
    pub(super) sure: bool,
    /// Each of them, counted in samples since the utterance began.
    pub(super) words: Vec<SpokenWord>,
}

/// Samples of a frame of the decoder: 10 ms.
const FRAME: u64 = 80;

/// The words of a path. Another pronunciation is the same word. The decoder counts frames on from one utterance to the next, but
/// a path covers all of its own.
fn words(path: &[Segment]) -> Vec<SpokenWord> {
    let origin = path.first().map_or(0, |segment| segment.first);
    let spoken = path.iter().filter(|segment| is_word(&segment.word));
    let word = |segment: &Segment| {
        let length = segment.last.saturating_sub(segment.first) + 1;
        let bare = segment.word.split_once('(').map(|(bare, _)| bare);
        let score = i64::from(segment.acoustic) / i64::from(length);
        SpokenWord {
            word: bare.unwrap_or(&segment.word).to_owned(),
            from: u64::from(segment.first.saturating_sub(origin)) * FRAME,
            until: u64::from(segment.first.saturating_sub(origin) + length) * FRAME,
            confidence_pm: confidence(score - FREE_WORST),
        }
    };
    spoken.map(word).collect()
}

/// Decides what of an utterance is taken for said.
///
/// A sentence of the grammar that is not believed may be one that goes on: "four two" of four digits. Several
/// words so far are taken then, if they are believed and are no answer: an answer that is not a sentence would be a guess.
pub(super) fn judge(grammar: &Grammar, range_db: f64, finished: Finished) -> Taken {
    let Finished { so_far, sentence } = finished;
    if grammar.is_open() {
        let whole = sentence.is_some();
        let heard = sentence.unwrap_or(so_far);
        return Taken {
            confidence_pm: free_pm(&heard.segments),
            words: words(&heard.segments),
            text: heard.text,
            sure: whole,
        };
    }
    let around = |heard: &Heard| grammar.around(&heard.text);
    let above = |heard: &Heard| closed(&heard.segments, grammar.answers(), around(heard), range_db);
    let rejected = match sentence {
        Some(heard) => {
            let lost = rivalry(grammar.answers(), range_db) * rival(grammar, &so_far, &heard);
            let confidence_pm = above(&heard).map_or(0, |above| confidence(above - lost));
            if believed(confidence_pm) {
                return Taken {
                    confidence_pm,
                    sure: beyond_doubt(confidence_pm, around(&heard)),
                    words: words(&heard.segments),
                    text: heard.text,
                };
            }
            confidence_pm
        }
        None => 0,
    };
    let confidence_pm = above(&so_far).map_or(0, confidence);
    let goes_on =
        believed(confidence_pm) && grammar.interpret(&so_far.text).meaning == Meaning::Nothing;
    match goes_on {
        true => Taken {
            words: words(&so_far.segments),
            text: so_far.text,
            confidence_pm,
            sure: false,
        },
        false => Taken {
            text: String::new(),
            confidence_pm: rejected,
            sure: false,
            words: Vec::new(),
        },
    }
}

/// Whether words of a grammar with this confidence are believed.
fn believed(confidence_pm: u16) -> bool {
    confidence_pm >= 500
}

/// Whether an answer with this confidence needs no time for second thoughts. Words around it are often what the beginning
/// of another sentence was bent to.
fn beyond_doubt(confidence_pm: u16, around: Around) -> bool {
    confidence_pm >= SURE && !around.hesitation && !around.lead
}

/// Whether it is a word and not silence or noise.
fn is_word(word: &str) -> bool {
    !word.starts_with(['<', '[', '+', '('])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Dictionary, Expect};

    fn segment(word: &str, frames: u32, score: i32) -> Segment {
        Segment {
            word: word.into(),
            first: 10,
            last: 9 + frames,
            acoustic: score * i32::try_from(frames).unwrap_or(0),
            language: 0,
        }
    }

    /// A clean line, in dB from its quietest to its loudest.
    const CLEAN: f64 = 60.0;

    fn closed_pm(segments: &[Segment], answers: Answers, around: Around, range_db: f64) -> u16 {
        closed(segments, answers, around, range_db).map_or(0, confidence)
    }

    #[test]
    fn confidence_falls_with_the_score_and_silence_does_not_count() {
        let of = |scores: &[i32]| {
            let mut segments = vec![segment("<sil>", 50, -200)];
            segments.extend(scores.iter().map(|score| segment("yes", 30, *score)));
            let closed = closed_pm(&segments, Answers::YesNo, Around::default(), CLEAN);
            (free_pm(&segments), closed)
        };
        assert_eq!(of(&[]), (0, 0));
        assert!(of(&[-35]).0 > of(&[-50]).0 && of(&[-65]).1 > of(&[-70]).1);
        assert!(believed(of(&[-63]).0) && !believed(of(&[-64]).0));
        assert!(believed(of(&[-20, -105]).0) && !believed(of(&[-20, -106]).0));
        assert!(believed(of(&[-77]).1) && !believed(of(&[-78]).1));
        assert!(believed(of(&[-60, -84]).1) && !believed(of(&[-60, -112]).1));
        assert_eq!((of(&[0]), of(&[-300])), ((1000, 1000), (1, 1)));
    }

    #[test]
    fn words_around_an_answer_make_it_doubtful() {
        let of = |around| closed_pm(&[segment("yes", 30, -66)], Answers::YesNo, around, CLEAN);
        let none = Around::default();
        assert!(believed(of(none)));
        for around in [
            Around {
                hesitation: true,
                ..none
            },
            Around {
                lead: true,
                tail: true,
                ..none
            },
        ] {
            assert!(!believed(of(around)), "{around:?}");
        }
        let tail = Around { tail: true, ..none };
        assert!(believed(of(tail)) && of(tail) < of(none));
    }

    #[test]
    fn the_more_easily_an_answer_is_taken_the_surer_it_must_be() {
        let segments = [segment("four", 30, -74)];
        let of = |answers| closed_pm(&segments, answers, Around::default(), CLEAN);
        assert!(
            of(Answers::Phrases) > of(Answers::Numbers)
                && of(Answers::Numbers) > of(Answers::Strings)
        );
        assert!(believed(of(Answers::Numbers)) && !believed(of(Answers::Strings)));
    }

    #[test]
    fn in_noise_an_answer_must_be_surer() {
        let segments = [segment("yes", 30, -75)];
        let of = |db| closed_pm(&segments, Answers::YesNo, Around::default(), db);
        assert_eq!(of(60.0), of(42.0));
        assert!(believed(of(42.0)) && !believed(of(27.0)) && of(17.0) < of(27.0));
        assert_eq!(of(0.0), of(-20.0));
    }

    fn heard(text: &str, segments: Vec<Segment>) -> Heard {
        Heard {
            text: text.into(),
            segments,
        }
    }

    fn yes_or_no() -> Grammar {
        let dictionary = Dictionary::load_default().unwrap_or_else(|error| panic!("{error}"));
        Grammar::compile(&Expect::YesNo, &dictionary).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_sentence_that_other_words_fit_better_is_doubted() {
        let grammar = yes_or_no();
        let taken = |so_far: &str, score| {
            let sentence = Some(heard("yes", vec![segment("yes", 30, -66)]));
            let so_far = heard(so_far, vec![segment("that", 30, score)]);
            judge(&grammar, CLEAN, Finished { so_far, sentence })
        };
        let alone = taken("yes", -66);
        assert_eq!((alone.text.as_str(), alone.sure), ("yes", true));
        assert_eq!(taken("well", -66).confidence_pm, alone.confidence_pm);
        assert_eq!(taken("yeah", -40).confidence_pm, alone.confidence_pm);
        assert!(taken("well", -64).confidence_pm < alone.confidence_pm);
        let bent = taken("that's", -56);
        assert!(bent.text != "yes" && !bent.sure, "{}", bent.confidence_pm);
    }

    #[test]
    fn other_words_count_for_less_in_noise_and_not_against_single_digits() {
        for answers in [Answers::Phrases, Answers::YesNo, Answers::Strings] {
            assert_eq!([CLEAN, 41.9].map(|db| rivalry(answers, db)), [2, 1]);
        }
        assert_eq!(rivalry(Answers::Numbers, CLEAN), 0);
        let grammar = yes_or_no();
        let taken = |db| {
            let sentence = Some(heard("yes", vec![segment("yes", 30, -66)]));
            let so_far = heard("that's", vec![segment("that", 30, -58)]);
            judge(&grammar, db, Finished { so_far, sentence }).text == "yes"
        };
        assert_eq!([CLEAN, CLEAN_DB - 2.0].map(taken), [false, true]);
    }

    #[test]
    fn frames_that_the_end_adds_make_no_rival() {
        let sentence = [segment("yes", 30, -60), segment("<sil>", 14, -25)];
        let same = [segment("that", 30, -60), segment("<sil>", 10, -25)];
        let better = [segment("that", 30, -50), segment("<sil>", 10, -25)];
        assert_eq!((lead(&same, &sentence), lead(&better, &sentence)), (0, 10));
        assert_eq!((lead(&sentence, &better), lead(&same, &[])), (0, 0));
    }

    #[test]
    fn an_answer_with_words_before_it_or_little_confidence_is_not_beyond_doubt() {
        let none = Around::default();
        let tail = Around { tail: true, ..none };
        assert!(beyond_doubt(SURE, none) && beyond_doubt(1000, tail));
        let lead = Around { lead: true, ..none };
        let hesitation = Around {
            hesitation: true,
            ..none
        };
        assert!(!beyond_doubt(SURE - 1, none));
        assert!(!beyond_doubt(1000, lead) && !beyond_doubt(1000, hesitation));
    }
}
