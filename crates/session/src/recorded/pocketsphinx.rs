//! The recogniser of this machine hears a recording, phrase by phrase: each ends with a pause.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ringback_audio::resample::Resampler;
use ringback_audio::{FRAME_SAMPLES, RATE_HZ, g711};
use ringback_speech::detector::{Detector, DetectorConfig, Edge};
use ringback_speech::grammar::Grammar;
use ringback_speech::recognizer::{Recognized, Recognizer};
use ringback_speech::vad::VadModel;
use tokio_util::sync::CancellationToken;

use super::sound::{Container, Recording, Sound};
use super::{Hearer, Transcript, Unheard, Word, seconds, usage};

/// The longest recording, in ms: it occupies a decoder that a call could have.
const LONGEST_MS: u64 = 600_000;
/// Sound before the onset that is decoded too, in samples: 300 ms.
const BEFORE: usize = 2400;
/// The silence that ends a phrase, in samples: 500 ms.
const PAUSE: u64 = 4000;
/// A phrase without one is cut here, in samples: a decoder's queue holds 12 s.
const LONGEST: u64 = 64_000;
/// The longest wait for the words of a phrase.
const PATIENCE: Duration = Duration::from_secs(60);

/// What this machine hears in a file; blocking. `heard` brings what the recogniser says.
pub(crate) fn hear(
    (recording, sound): (&Recording, &Sound),
    recognizer: Recognizer,
    (grammar, heard): (Arc<Grammar>, Receiver<Recognized>),
    stop: &CancellationToken,
) -> Result<Transcript, Unheard> {
    let mut resampler = check(sound)?;
    recognizer.expect(grammar);
    let mut listener = Listener::new(recognizer, heard);
    let mut at_rate = Vec::new();
    recording.for_each_piece(sound, |samples| {
        if stop.is_cancelled() {
            return Err(Unheard::Absent("nobody waits for it any more".to_owned()));
        }
        at_rate.clear();
        resampler.process(samples, &mut at_rate);
        listener.take(&at_rate)
    })?;
    at_rate.clear();
    resampler.finish(&mut at_rate);
    listener.take(&at_rate)?;
    listener.finish()?;
    let words = listener.words;
    let spelled: Vec<&str> = words.iter().map(|word| word.word.as_str()).collect();
    let duration_s = sound.ms.map(seconds);
    Ok(Transcript {
        text: spelled.join(" "),
        language: Some("en".to_owned()),
        duration_s,
        words,
        used: Some(usage(Hearer::Local, "", duration_s)),
    })
}

/// Whether it can be heard here; with what brings it to the telephone's rate.
fn check(sound: &Sound) -> Result<Resampler, Unheard> {
    let rate_hz = match sound.container {
        Container::Wav(head) => head.rate_hz,
        Container::Mulaw => RATE_HZ,
        Container::Flac | Container::Mp3 | Container::Mp4 | Container::Ogg | Container::Webm => {
            return Err(Unheard::Format(format!(
                "pocketsphinx hears WAV and bare mu-law, and this is {}: convert it, or name another provider",
                sound.container.names().0
            )));
        }
    };
    if sound.ms.is_some_and(|ms| ms > LONGEST_MS) {
        return Err(Unheard::TooMuch(format!(
            "pocketsphinx hears recordings of at most {} s: cut it, or name another provider",
            LONGEST_MS / 1000
        )));
    }
    Resampler::new(rate_hz, RATE_HZ).map_err(|error| Unheard::Format(error.to_string()))
}

struct Listener {
    recognizer: Recognizer,
    heard: Receiver<Recognized>,
    detector: Detector,
    /// Samples that do not fill a frame yet.
    rest: Vec<i16>,
    /// What was heard last, mu-law.
    memory: VecDeque<u8>,
    /// Where the open phrase begins, and where its silence does.
    phrase: Option<(u64, Option<u64>)>,
    asked: u32,
    words: Vec<Word>,
}

impl Listener {
    fn new(recognizer: Recognizer, heard: Receiver<Recognized>) -> Self {
        Self {
            recognizer,
            heard,
            detector: Detector::new(DetectorConfig::default()),
            rest: Vec::new(),
            memory: VecDeque::with_capacity(BEFORE + FRAME_SAMPLES),
            phrase: None,
            asked: 0,
            words: Vec::new(),
        }
    }

    fn take(&mut self, samples: &[i16]) -> Result<(), Unheard> {
        self.rest.extend_from_slice(samples);
        let rest = std::mem::take(&mut self.rest);
        let mut frames = rest.chunks_exact(FRAME_SAMPLES);
        for frame in &mut frames {
            if let Ok(frame) = <&[i16; FRAME_SAMPLES]>::try_from(frame) {
                self.hear(frame)?;
            }
        }
        self.rest.extend_from_slice(frames.remainder());
        Ok(())
    }

    fn hear(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Result<(), Unheard> {
        let mulaw = frame.map(g711::encode);
        self.memory.extend(mulaw);
        let spare = self.memory.len().saturating_sub(BEFORE);
        self.memory.drain(..spare);
        if self.phrase.is_some() {
            self.recognizer.audio(&mulaw);
        }
        self.detector.push(frame);
        self.detector.run(VadModel::embedded());
        let end = self.detector.position();
        while let Some(edge) = self.detector.poll() {
            match (edge.edge, &mut self.phrase) {
                (Edge::Onset | Edge::Resumed, None) => self.begin(end),
                (Edge::Onset | Edge::Resumed, Some((_, quiet))) => *quiet = None,
                (Edge::Lull | Edge::Pause | Edge::Offset, Some((_, quiet))) => {
                    quiet.get_or_insert(edge.sample);
                }
                (Edge::Lull | Edge::Pause | Edge::Offset, None)
                | (Edge::Sustained | Edge::Prolonged, _) => {}
            }
        }
        match self.phrase {
            Some((_, Some(quiet))) if end.saturating_sub(quiet) >= PAUSE => self.end_phrase(),
            Some((from, _)) if end.saturating_sub(from) >= LONGEST => {
                self.end_phrase()?;
                self.begin(end);
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn begin(&mut self, end: u64) {
        let from = end.saturating_sub(self.memory.len() as u64);
        self.phrase = Some((from, None));
        self.recognizer.begin(from);
        self.recognizer.audio(self.memory.make_contiguous());
    }

    fn end_phrase(&mut self) -> Result<(), Unheard> {
        self.phrase = None;
        // What follows is heard by itself: what was decoded must not come again before it.
        self.memory.clear();
        self.asked += 1;
        self.recognizer.finalize(self.asked);
        let words = self.answer()?;
        self.recognizer.end_turn();
        self.words.extend(words);
        Ok(())
    }

    fn answer(&self) -> Result<Vec<Word>, Unheard> {
        let failed = |why: &str| Err(Unheard::misbehaved(format!("pocketsphinx {why}")));
        loop {
            match self.heard.recv_timeout(PATIENCE) {
                Ok(Recognized::Final {
                    words, finalize, ..
                }) if finalize == self.asked => {
                    let at = |sample: u64| sample as f64 / f64::from(RATE_HZ);
                    let words = words.into_iter().map(|word| Word {
                        word: word.word,
                        start_s: at(word.from),
                        end_s: at(word.until),
                        confidence: Some(f64::from(word.confidence_pm) / 1000.0),
                    });
                    return Ok(words.collect());
                }
                Ok(Recognized::Final { .. } | Recognized::Partial { .. }) => {}
                Ok(Recognized::Failed { why }) => return failed(&why),
                Err(RecvTimeoutError::Timeout) => return failed("did not answer in time"),
                Err(RecvTimeoutError::Disconnected) => return failed("ended without an answer"),
            }
        }
    }

    /// The recording is over: silence shows the end of its last phrase.
    fn finish(&mut self) -> Result<(), Unheard> {
        self.rest
            .resize(self.rest.len().next_multiple_of(FRAME_SAMPLES), 0);
        let rest = std::mem::take(&mut self.rest);
        self.take(&rest)?;
        for _ in 0..=PAUSE / FRAME_SAMPLES as u64 {
            if self.phrase.is_none() {
                return Ok(());
            }
            self.hear(&[0; FRAME_SAMPLES])?;
        }
        match self.phrase {
            Some(_) => self.end_phrase(),
            None => Ok(()),
        }
    }
}
