//! The local voice: text in, mu-law telephone audio out, on a fixed pool of threads.
//!
//! SVOX Pico speaks about a hundred times faster than it is heard, so a few threads serve many calls. The unit
//! of work is one sentence: a worker speaks a sentence and puts the rest of the text at the end of the queue,
//! so that a long text never keeps others waiting. Audio leaves in pieces while Pico is still speaking.

mod data;
mod speaking;
mod text;
mod trim;

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use ringback_pocketsphinx::pico::PicoFault;
use speaking::{Job, Worker};

/// Utterances that may wait or be spoken at once in one pool; one more fails.
pub const QUEUE_UTTERANCES: usize = 256;

/// Why the voice cannot start.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// The voice's data files cannot be written or read.
    #[error("the voice's data cannot be kept in {}: {source}; give DATA_DIR a writable folder", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Pico refused its data.
    #[error(transparent)]
    Engine(#[from] PicoFault),
    /// No thread could be started.
    #[error("no thread for the voice: {0}")]
    Thread(std::io::Error),
}

/// Why a text was not spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unspoken(pub String);

/// How a text is spoken. Values outside the ranges are brought to the nearest one within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Speed in percent of the usual one, 20 to 500.
    pub speed_pct: u16,
    /// Pitch in percent of the usual one, 50 to 200.
    pub pitch_pct: u16,
    /// Loudness in percent of the usual one, 10 to 200. The usual one peaks at about -3.5 dB of full scale, half of
    /// what Pico calls 100: there it clips.
    pub volume_pct: u16,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            speed_pct: 100,
            pitch_pct: 100,
            volume_pct: 100,
        }
    }
}

/// What a sink is given, in order; after `Done` or `Failed` nothing more comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoicePiece {
    /// The next mu-law bytes at 8000 Hz, of any length but never none.
    Audio(Vec<u8>),
    /// The whole text was spoken.
    Done,
    /// The rest of the text will not be spoken, and why.
    Failed(String),
}

/// Takes the pieces of one utterance, on a thread of the pool: it must not block.
pub type Sink = Box<dyn FnMut(VoicePiece) + Send>;

/// A text being spoken. Dropping it stops the speech.
#[must_use = "dropping an utterance stops it"]
#[derive(Debug)]
pub struct Utterance {
    cancelled: Arc<AtomicBool>,
}

impl Utterance {
    /// Stops the speech within one chunk (40 ms of audio at most are still given to the sink, and no `Done`).
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

impl Drop for Utterance {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// A fixed number of threads that speak, one Pico engine each (2.5 MB).
pub struct VoicePool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for VoicePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoicePool")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

impl VoicePool {
    /// Writes the voice's data below `data_dir` (`models/pico/`, 1.4 MB, once), starts `threads` threads (at least
    /// one) and waits until each has loaded the voice.
    ///
    /// # Errors
    /// See [`VoiceError`].
    pub fn start(threads: usize, data_dir: &Path) -> Result<Self, VoiceError> {
        let files = data::install(data_dir)?;
        let mut pool = Self {
            queue: Arc::new(Queue::default()),
            threads: Vec::new(),
        };
        let (ready, started) = mpsc::channel();
        for index in 0..threads.max(1) {
            let (queue, files, ready) = (Arc::clone(&pool.queue), files.clone(), ready.clone());
            let thread = std::thread::Builder::new()
                .name(format!("voice-{index}"))
                .spawn(move || {
                    let worker = Worker::start(files);
                    let loaded = worker.as_ref().map(|_| ()).map_err(|fault| PicoFault {
                        step: fault.step,
                        detail: fault.detail.clone(),
                    });
                    if ready.send(loaded).is_err() {
                        return;
                    }
                    drop(ready);
                    if let Ok(worker) = worker {
                        queue.work(worker);
                    }
                })
                .map_err(VoiceError::Thread)?;
            pool.threads.push(thread);
        }
        drop(ready);
        for loaded in started {
            loaded?;
        }
        Ok(pool)
    }

    /// Speaks `text`: pieces of audio go to `sink` as they are made, then `Done` or `Failed`.
    ///
    /// The text is prepared for the ear first: what looks like markup is taken out and never interpreted,
    /// control characters and signs that cannot be spoken are dropped. A text of which nothing can be spoken is
    /// `Done` at once, unless it has letters that this voice does not know: that is `Failed`. Both are told
    /// before this call returns, and so is a full queue.
    pub fn speak(&self, text: &str, style: Style, mut sink: Sink) -> Utterance {
        let cancelled = Arc::new(AtomicBool::new(false));
        let utterance = Utterance {
            cancelled: Arc::clone(&cancelled),
        };
        let sentences = text::sentences(text);
        if sentences.is_empty() {
            sink(if text.chars().any(char::is_alphabetic) {
                VoicePiece::Failed("the text has no letter that the English voice knows".into())
            } else {
                VoicePiece::Done
            });
            return utterance;
        }
        if let Err(refused) = self
            .queue
            .offer(Job::new(sentences, style, sink, cancelled))
        {
            refused.fail(format!(
                "{QUEUE_UTTERANCES} utterances are waiting for the local voice already"
            ));
        }
        utterance
    }

    /// Texts that wait to be spoken, or are being spoken.
    pub fn waiting(&self) -> usize {
        self.queue.lock().open_jobs
    }

    /// Speaks `text` in the usual style and waits: mu-law at 8000 Hz. For fixed lines and tests.
    ///
    /// # Errors
    /// The reason of `Failed`.
    pub fn synthesize(&self, text: &str) -> Result<Vec<u8>, Unspoken> {
        self.synthesize_styled(text, Style::default())
    }

    /// [`VoicePool::synthesize`] in a style.
    ///
    /// # Errors
    /// The reason of `Failed`.
    pub fn synthesize_styled(&self, text: &str, style: Style) -> Result<Vec<u8>, Unspoken> {
        let (pieces, received) = mpsc::channel();
        let utterance = self.speak(
            text,
            style,
            Box::new(move |piece| {
                // The receiver lives until the last piece: below.
                let _ = pieces.send(piece);
            }),
        );
        let mut audio = Vec::new();
        let outcome = loop {
            match received.recv() {
                Ok(VoicePiece::Audio(bytes)) => audio.extend_from_slice(&bytes),
                Ok(VoicePiece::Done) => break Ok(audio),
                Ok(VoicePiece::Failed(why)) => break Err(Unspoken(why)),
                Err(mpsc::RecvError) => break Err(Unspoken("the voice was shut down".into())),
            }
        };
        drop(utterance);
        outcome
    }
}

impl Drop for VoicePool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker that panicked outside a job has nothing left to tell.
            let _ = thread.join();
        }
    }
}

/// The texts that wait, and how many there are counting those being spoken.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    wake: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Job>,
    open_jobs: usize,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.open_jobs >= QUEUE_UTTERANCES || state.closed {
            return Err(job);
        }
        state.open_jobs += 1;
        state.waiting.push_back(job);
        self.wake.notify_one();
        Ok(())
    }

    fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// The next sentence's job, or `None` when the pool closes.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self, mut worker: Worker) {
        while let Some(job) = self.next() {
            let unfinished = worker.speak_sentence(job);
            let mut state = self.lock();
            match unfinished {
                Some(job) => {
                    state.waiting.push_back(job);
                    self.wake.notify_one();
                }
                None => state.open_jobs -= 1,
            }
        }
    }
}
