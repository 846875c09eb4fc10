//! How sure the decoder is: how well the sound fits the words.
//!
//! The decoder scores every state of the acoustic model in each frame, so the score of a path is relative to the
//! best sound there is: 0 fits perfectly, and speech that was bent to fit a grammar scores low.

use ringback_pocketsphinx::Segment;

/// Mean score of a frame at which the words of a grammar are believed. Measured with the program of
/// `docs/local-speech.md`.
const MEAN_FLOOR: i64 = -63;
/// The same for the worst word of an utterance.
const WORST_FLOOR: i64 = -105;
/// Thousandths of confidence for one point of score.
const SLOPE: i64 = 20;

/// Confidence in thousandths: 500 is as low as is believed.
pub(super) fn confidence_pm(segments: &[Segment]) -> u16 {
    let words = segments.iter().filter(|segment| is_word(&segment.word));
    let (mut frames, mut sum, mut worst) = (0, 0, 0);
    for word in words {
        let length = i64::from(word.last.saturating_sub(word.first)) + 1;
        frames += length;
        sum += i64::from(word.acoustic);
        worst = worst.min(i64::from(word.acoustic) / length);
    }
    if frames == 0 {
        return 0;
    }
    let above = (sum / frames - MEAN_FLOOR).min(worst - WORST_FLOOR);
    u16::try_from((500 + SLOPE * above).clamp(1, 1000)).unwrap_or(1)
}

/// Whether words of a grammar with this confidence are believed.
pub(super) fn believed(confidence_pm: u16) -> bool {
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

    #[test]
    fn confidence_falls_with_the_score_and_silence_does_not_count() {
        let of = |scores: &[i32]| {
            let mut segments = vec![segment("<sil>", 50, -200)];
            segments.extend(scores.iter().map(|score| segment("yes", 30, *score)));
            confidence_pm(&segments)
        };
        assert_eq!(of(&[]), 0);
        assert!(of(&[-35]) > of(&[-50]));
        assert!(believed(of(&[-63])) && !believed(of(&[-64])));
        assert!(believed(of(&[-20, -105])) && !believed(of(&[-20, -106])));
        assert_eq!((of(&[0]), of(&[-300])), (1000, 1));
    }
}
