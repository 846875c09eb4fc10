//! How sure the decoder is: how well the sound fits the words.
//!
//! The decoder scores every state of the acoustic model in each frame, so the score of a path is relative to the
//! best sound there is: 0 fits perfectly, and speech that was bent to fit a grammar scores low.

use ringback_pocketsphinx::Segment;

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
const HESITATION: i64 = 22;
const LEAD: i64 = 12;
const TAIL: i64 = 9;
/// Thousandths of confidence for one point of score.
const SLOPE: i64 = 20;

/// The score of a sentence at which it is believed to be one of the grammar, on a clean line.
fn floor(answers: Answers) -> i64 {
    match answers {
        Answers::Phrases => -98,
        Answers::YesNo => -94,
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

/// Confidence in a sentence of a grammar, in thousandths: 500 is as low as is believed.
fn closed_pm(segments: &[Segment], answers: Answers, around: Around, range_db: f64) -> u16 {
    let cost = |there: bool, cost| if there { cost } else { 0 };
    let penalty = cost(around.hesitation, HESITATION)
        + cost(around.lead, LEAD)
        + cost(around.tail, TAIL)
        + noise(range_db)
        + floor(answers);
    scores(segments).map_or(0, |scores| {
        confidence(scores.mean + scores.worst / WORST_SHARE - penalty)
    })
}

/// What is taken for said.
pub(super) struct Taken {
    /// The words; empty if none are believed.
    pub(super) text: String,
    /// Confidence in them, in thousandths.
    pub(super) confidence_pm: u16,
    /// Whether they are a whole sentence of the grammar.
    pub(super) sentence: bool,
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
            text: heard.text,
            sentence: whole,
        };
    }
    let confidence = |heard: &Heard| {
        closed_pm(
            &heard.segments,
            grammar.answers(),
            grammar.around(&heard.text),
            range_db,
        )
    };
    let rejected = match sentence {
        Some(heard) => {
            let confidence_pm = confidence(&heard);
            if believed(confidence_pm) {
                return Taken {
                    text: heard.text,
                    confidence_pm,
                    sentence: true,
                };
            }
            confidence_pm
        }
        None => 0,
    };
    let confidence_pm = confidence(&so_far);
    let goes_on =
        believed(confidence_pm) && grammar.interpret(&so_far.text).meaning == Meaning::Nothing;
    match goes_on {
        true => Taken {
            text: so_far.text,
            confidence_pm,
            sentence: false,
        },
        false => Taken {
            text: String::new(),
            confidence_pm: rejected,
            sentence: false,
        },
    }
}

/// Whether words of a grammar with this confidence are believed.
fn believed(confidence_pm: u16) -> bool {
    confidence_pm >= 500
}

/// Whether it is a word and not silence or noise.
fn is_word(word: &str) -> bool {
    !word.starts_with(['<', '[', '+', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(believed(of(&[-75]).1) && !believed(of(&[-76]).1));
        assert!(believed(of(&[-60, -84]).1) && !believed(of(&[-60, -110]).1));
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
        let segments = [segment("yes", 30, -73)];
        let of = |db| closed_pm(&segments, Answers::YesNo, Around::default(), db);
        assert_eq!(of(60.0), of(42.0));
        assert!(believed(of(42.0)) && !believed(of(27.0)) && of(17.0) < of(27.0));
        assert_eq!(of(0.0), of(-20.0));
    }
}
