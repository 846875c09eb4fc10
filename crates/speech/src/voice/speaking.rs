//! One sentence at a time: a job is a text on its way through the pool, a worker is a thread's engine.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringback_audio::g711;
use ringback_audio::resample::Resampler;
use ringback_pocketsphinx::pico::{self, Pico, PicoFault};

use super::data::VoiceFiles;
use super::trim::{TAIL_OF_SENTENCE, TAIL_OF_TEXT, Trimmer};
use super::{Sink, Style, VoicePiece};

/// Samples of 16 kHz asked of Pico at once: 40 ms. A cancelled job stops after as many.
const CHUNK: usize = 640;

/// A text that is being spoken: what is left of it, and how.
pub(super) struct Job {
    sentences: VecDeque<String>,
    style: Style,
    sink: Sink,
    cancelled: Arc<AtomicBool>,
    /// Carries the filter's memory from one sentence to the next; made when the first is spoken.
    resampler: Option<Box<Resampler>>,
}

impl Job {
    pub(super) fn new(
        sentences: VecDeque<String>,
        style: Style,
        sink: Sink,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        Self {
            sentences,
            style,
            sink,
            cancelled,
            resampler: None,
        }
    }

    /// Tells the sink that the rest is not spoken.
    pub(super) fn fail(mut self, why: String) {
        (self.sink)(VoicePiece::Failed(why));
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}

/// How one sentence ended.
enum Ended {
    Spoken,
    Cancelled,
}

/// One thread's engine.
pub(super) struct Worker {
    files: VoiceFiles,
    /// `None` after a fault: opened afresh for the next sentence.
    pico: Option<Pico>,
}

impl Worker {
    pub(super) fn start(files: VoiceFiles) -> Result<Self, PicoFault> {
        let pico = Some(open(&files)?);
        Ok(Self { files, pico })
    }

    /// Speaks the next sentence of a job and gives the job back when sentences are left.
    pub(super) fn speak_sentence(&mut self, mut job: Job) -> Option<Job> {
        if job.is_cancelled() {
            return None;
        }
        let spoken = catch_unwind(AssertUnwindSafe(|| self.sentence(&mut job)));
        let why = match spoken {
            Ok(Ok(Ended::Spoken)) if job.sentences.is_empty() => {
                // A sink that panics has its audio already; the thread must live on.
                let _ = catch_unwind(AssertUnwindSafe(|| (job.sink)(VoicePiece::Done)));
                return None;
            }
            Ok(Ok(Ended::Spoken)) => return Some(job),
            Ok(Ok(Ended::Cancelled)) => return None,
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "the local voice panicked".to_owned(),
        };
        self.pico = None;
        let _ = catch_unwind(AssertUnwindSafe(|| job.fail(why)));
        None
    }

    fn sentence(&mut self, job: &mut Job) -> Result<Ended, PicoFault> {
        let Some(sentence) = job.sentences.pop_front() else {
            return Ok(Ended::Spoken);
        };
        let pico = self.ready()?;
        let tail = if job.sentences.is_empty() {
            TAIL_OF_TEXT
        } else {
            TAIL_OF_SENTENCE
        };
        let text = marked_up(&sentence, job.style);
        let mut unput = text.as_bytes();
        let mut chunk = [0i16; CHUNK];
        let mut trimmer = Trimmer::default();
        let mut audible = Vec::with_capacity(CHUNK);
        loop {
            if job.is_cancelled() {
                return Ok(Ended::Cancelled);
            }
            if !unput.is_empty() {
                unput = &unput[pico.put(unput)?..];
            }
            let (count, more) = pico.pull(&mut chunk)?;
            trimmer.push(&chunk[..count], &mut audible);
            let ended = !more && unput.is_empty();
            if ended {
                trimmer.finish(tail, &mut audible);
            }
            deliver(job, &mut audible, ended);
            if ended {
                return Ok(Ended::Spoken);
            }
        }
    }

    /// The engine, empty of whatever was spoken or cancelled before: so a sentence sounds the same each time (the
    /// noise in Pico's voice goes on from one text to the next otherwise), for 20 us.
    fn ready(&mut self) -> Result<&mut Pico, PicoFault> {
        let mut pico = match self.pico.take() {
            Some(pico) => pico,
            None => open(&self.files)?,
        };
        if pico.reset().is_err() {
            pico = open(&self.files)?;
        }
        Ok(self.pico.insert(pico))
    }
}

/// Hands the sink what has gathered, once it is 40 ms or the sentence has ended.
fn deliver(job: &mut Job, audible: &mut Vec<i16>, sentence_ended: bool) {
    if audible.len() < CHUNK && !sentence_ended {
        return;
    }
    if job.resampler.is_none() {
        job.resampler = Resampler::new(pico::RATE_HZ, ringback_audio::RATE_HZ)
            .ok()
            .map(Box::new);
    }
    let Some(resampler) = &mut job.resampler else {
        return;
    };
    let mut linear = Vec::with_capacity(audible.len() / 2 + 64);
    resampler.process(audible, &mut linear);
    audible.clear();
    if sentence_ended && job.sentences.is_empty() {
        resampler.finish(&mut linear);
    }
    if linear.is_empty() {
        return;
    }
    let mut mulaw = Vec::with_capacity(linear.len());
    g711::encode_into(&linear, &mut mulaw);
    (job.sink)(VoicePiece::Audio(mulaw));
}

fn open(files: &VoiceFiles) -> Result<Pico, PicoFault> {
    Pico::open(&files.text_analysis, &files.signal_generation)
}

/// The sentence with its style. Levels are absolute and stay until the next ones, so nothing is closed: a closing
/// tag behind the last word costs Pico's intonation and half a second.
fn marked_up(sentence: &str, style: Style) -> String {
    format!(
        "<volume level=\"{}\"><speed level=\"{}\"><pitch level=\"{}\">{sentence}\0",
        style.volume_pct.clamp(10, 200) / 2,
        style.speed_pct.clamp(20, 500),
        style.pitch_pct.clamp(50, 200),
    )
}
