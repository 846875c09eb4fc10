//! Text on its way to speech: held back by the schedule of lengths, spoken sentence by sentence.

use std::time::Duration;

use ringback_wire::elevenlabs::{Audio, CHUNK_LENGTH_SCHEDULE, Opening, TimedChar, write_audio};
use tokio::time::sleep;

use super::super::Twin;
use super::super::socket::{Broken, Socket};
use super::super::voice::{Spoken, sentences};
use super::Asked;

/// The text of one stream or context.
#[derive(Debug, Default)]
pub(super) struct Utterance {
    text: String,
    schedule: Vec<u64>,
    spoken: usize,
}

impl Utterance {
    pub(super) fn new(opening: &Opening) -> Self {
        let schedule = opening.chunk_length_schedule.clone();
        Self {
            schedule: schedule.unwrap_or(CHUNK_LENGTH_SCHEDULE.to_vec()),
            ..Self::default()
        }
    }

    /// Takes text, and gives what is to be spoken now: all of it, or nothing.
    pub(super) fn push(&mut self, text: &str, at_once: bool) -> String {
        self.text.push_str(text);
        let last = self.schedule.len().saturating_sub(1);
        let least = self
            .schedule
            .get(self.spoken.min(last))
            .copied()
            .unwrap_or_default();
        if at_once || self.text.chars().count() as u64 >= least {
            return self.rest();
        }
        String::new()
    }

    /// All that was not spoken.
    pub(super) fn rest(&mut self) -> String {
        self.spoken += 1;
        std::mem::take(&mut self.text)
    }
}

/// Speaks a text on a socket.
pub(super) async fn speak(
    (socket, twin, asked): (&mut Socket, &Twin, &Asked),
    context_id: Option<&str>,
    text: &str,
) -> Result<(), Broken> {
    for sentence in sentences(text) {
        let spoken = twin.voice.speak(sentence).await;
        let Ok(mut audio) = asked.format.encode(&spoken.samples) else {
            continue;
        };
        if socket.knobs.silence {
            audio = asked.format.silence(audio.len());
        }
        if socket.knobs.zero_bytes || audio.is_empty() {
            continue;
        }
        let delay = socket.knobs.delay_ms.take();
        sleep(Duration::from_millis(delay.unwrap_or(0))).await;
        let times =
            (asked.query.sync_alignment == Some(true)).then(|| characters(sentence, &spoken));
        let frame = Audio {
            context_id: context_id.map(Into::into),
            alignment: times.clone(),
            normalized_alignment: times,
            ..Audio::default()
        };
        let mut message = String::new();
        write_audio(&mut message, &audio, &frame);
        socket.text(message).await?;
    }
    Ok(())
}

/// Each character of a sentence: those of a word share its time, space takes none.
pub(super) fn characters(sentence: &str, spoken: &Spoken) -> Vec<TimedChar> {
    let mut times = Vec::new();
    let mut words = spoken.words.iter();
    let mut word: Vec<TimedChar> = Vec::new();
    let mut last_end = 0;
    for (index, part) in sentence.split(char::is_whitespace).enumerate() {
        if index > 0 {
            times.push(TimedChar {
                character: " ".to_owned(),
                start_ms: last_end,
                duration_ms: 0,
            });
        }
        let count = part.chars().count() as u64;
        let Some(spoken) = (count > 0).then(|| words.next()).flatten() else {
            continue;
        };
        let (start, end) = (spoken.start as u64 / 8, spoken.end as u64 / 8);
        let place = |number: u64| start + (end - start) * number / count;
        word.extend(part.chars().zip(0..).map(|(character, number)| TimedChar {
            character: character.to_string(),
            start_ms: place(number),
            duration_ms: place(number + 1) - place(number),
        }));
        times.append(&mut word);
        last_end = end;
    }
    times
}
