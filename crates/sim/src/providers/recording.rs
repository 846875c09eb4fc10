//! Everything that is said in a file, for the twins that are sent whole ones.

use std::time::Duration;

use ringback_audio::wav::Wav;

use super::Twin;
use super::ear::{Answer, Ear, NoEar, punctuated};
use super::sound::{Coding, Format};
use super::voice::shares;

/// Samples of a second.
const SECOND: f64 = 8000.0;
/// The pause behind which a turn of a file ends, in samples.
const PAUSE: u64 = 4000;
/// Speech without a pause is cut here, in samples: a decoder holds 12 s that it has not heard yet.
const LONGEST: u64 = 64_000;

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The length of the file.
    pub(super) duration_s: f64,
    pub(super) text: String,
    pub(super) words: Vec<HeardWord>,
    /// The lowest of all turns, 0 to 1.
    pub(super) confidence: f64,
}

/// A word, with its punctuation, and its time in the file.
#[derive(Debug)]
pub(super) struct HeardWord {
    pub(super) word: String,
    pub(super) start_s: f64,
    pub(super) end_s: f64,
}

/// Hears a file, all its channels together.
pub(super) async fn hear(twin: &Twin, wav: &Wav) -> Result<Heard, NoEar> {
    let format = Format {
        coding: Coding::Pcm16,
        rate: wav.rate_hz,
    };
    let mut ear = twin.ears().await.open(format, 1)?;
    let samples = wav.to_mono();
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    let mut heard = Heard {
        duration_s: wav.frames() as f64 / f64::from(wav.rate_hz.max(1)),
        confidence: 1.0,
        ..Heard::default()
    };
    ear.take(&bytes);
    // The end of a turn is noticed in the silence behind it.
    ear.take(&vec![0; wav.rate_hz as usize * 2]);
    while let Some(step) = ear.step() {
        let length = ear.sound().map_or(0, |(from, to)| to - from);
        if step.quiet.is_some_and(|quiet| quiet >= PAUSE) || length >= LONGEST {
            take_turn(&mut ear, &mut heard).await;
        }
    }
    take_turn(&mut ear, &mut heard).await;
    Ok(heard)
}

async fn take_turn(ear: &mut Ear, heard: &mut Heard) {
    let Some((from, to)) = ear.sound() else {
        return;
    };
    let wanted = ear.ask();
    ear.end_turn();
    let answered = async {
        while let Some(answer) = ear.answers.recv().await {
            if let Answer::Final {
                id,
                text,
                confidence,
            } = answer
                && id == wanted
            {
                return (punctuated(&text), confidence);
            }
        }
        (String::new(), 0.0)
    };
    let answered = tokio::time::timeout(Duration::from_secs(60), answered).await;
    let (text, confidence) = answered.unwrap_or_default();
    if text.is_empty() {
        return;
    }
    let seconds = |sample: usize| sample as f64 / SECOND;
    let words = shares(&text, from as usize, to as usize).into_iter();
    heard.words.extend(words.map(|word| HeardWord {
        start_s: seconds(word.start),
        end_s: seconds(word.end),
        word: word.word,
    }));
    heard.confidence = heard.confidence.min(confidence);
    if !heard.text.is_empty() {
        heard.text.push(' ');
    }
    heard.text.push_str(&text);
}
