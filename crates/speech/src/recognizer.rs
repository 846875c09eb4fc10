//! Local speech recognition: a fixed number of decoders, each on a thread of its own, leased to one call at a time.
//!
//! A turn of the caller begins with [`Recognizer::begin`]. Audio is decoded while it comes. At a pause
//! [`Recognizer::finalize`] asks for the text of the turn so far; if the caller goes on, audio simply follows, and
//! the next answer is the text of the whole turn again: it replaces the one before. [`Recognizer::end_turn`] closes it.
//!
//! No call here waits for the decoder. Audio that finds the queue full pushes out the oldest.

mod ear;
mod mailbox;
mod score;
mod turn;
mod worker;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use ringback_pocketsphinx::{DecoderError, Library, LoadError, Model};

use crate::grammar::{Grammar, Meaning};
use mailbox::{Command, Mailbox};
use worker::Worker;

/// What a lease's sink is told, on the decoder's thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognized {
    /// The words of the turn so far, when they changed; a guess that is often withdrawn.
    Partial {
        /// The words.
        text: String,
    },
    /// The answer to one call of [`Recognizer::finalize`].
    Final {
        /// The words of the whole turn; empty if nothing was said, or nothing that the grammar expects.
        text: String,
        /// How well the sound fits the words, in thousandths; under 500 the words of a grammar are not given.
        confidence_pm: u16,
        /// Whether the text is a whole answer beyond doubt, so that there is nothing to wait for.
        complete: bool,
        /// What it means.
        meaning: Meaning,
        /// The words with their places, of the same text.
        words: Vec<SpokenWord>,
        /// Ear sample at which the turn began.
        from: u64,
        /// Which call of `finalize` this answers.
        finalize: u32,
    },
    /// The decoder failed. It is rebuilt, and the next turn can be heard again.
    Failed {
        /// What failed.
        why: String,
    },
}

/// A word and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenWord {
    /// The word.
    pub word: String,
    /// Ear sample at which it begins, to 10 ms.
    pub from: u64,
    /// Ear sample at which it ends.
    pub until: u64,
    /// How well the sound fits it, in thousandths.
    pub confidence_pm: u16,
}

/// Receives what was recognised. It is called on the decoder's thread and must not wait.
pub type Sink = Box<dyn FnMut(Recognized) + Send>;

/// Why there is no recogniser.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The library is missing.
    #[error(transparent)]
    Library(#[from] LoadError),
    /// A model is missing, or cannot be loaded.
    #[error(transparent)]
    Model(#[from] DecoderError),
    /// A thread cannot be started.
    #[error("no thread for speech recognition can be started: {0}")]
    Thread(std::io::Error),
    /// A thread ended while it loaded its models.
    #[error("a thread for speech recognition ended while it started")]
    Died,
}

/// Decoders that are not leased, and the threads of all.
struct Shared {
    free: Mutex<VecDeque<Arc<Mailbox>>>,
}

/// A fixed number of decoders.
pub struct RecognizerPool {
    shared: Arc<Shared>,
    threads: Vec<(Arc<Mailbox>, JoinHandle<()>)>,
}

impl RecognizerPool {
    /// Starts so many decoders (one at least) with Debian's American English, and waits until they are loaded.
    ///
    /// Each takes about 35 MB, and 70 MB more once it has heard an open expectation.
    ///
    /// # Errors
    /// [`Unavailable`] names what is missing and what to install.
    pub fn start(count: usize) -> Result<Self, Unavailable> {
        Self::start_with(count, &Model::debian(), None)
    }

    /// The same with the library of a folder, instead of the system's.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn start_from(count: usize, library: Option<&Path>) -> Result<Self, Unavailable> {
        Self::start_with(count, &Model::debian(), library)
    }

    /// The same with the models of another directory.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn start_with(
        count: usize,
        model: &Model,
        library: Option<&Path>,
    ) -> Result<Self, Unavailable> {
        let library = Arc::new(Library::load_from(library)?);
        let shared = Arc::new(Shared {
            free: Mutex::default(),
        });
        let mut pool = Self {
            shared,
            threads: Vec::new(),
        };
        let (ready, started) = mpsc::channel();
        for number in 0..count.max(1) {
            let mailbox = Arc::new(Mailbox::default());
            let worker = Worker::new(Arc::clone(&library), model.clone(), Arc::clone(&mailbox));
            let (shared, ready) = (Arc::clone(&pool.shared), ready.clone());
            let thread = std::thread::Builder::new()
                .name(format!("recognizer-{number}"))
                .spawn(move || worker.run(&ready, &shared))
                .map_err(Unavailable::Thread)?;
            pool.threads.push((mailbox, thread));
        }
        drop(ready);
        for _ in &pool.threads {
            started.recv().map_err(|_| Unavailable::Died)??;
        }
        Ok(pool)
    }

    /// Takes a free decoder for a call; `None` if there is none. Dropping the lease gives it back.
    pub fn lease(&self, sink: Sink) -> Option<Recognizer> {
        let mailbox = self.shared.free().pop_back()?;
        mailbox.send(Command::Lease(sink));
        Some(Recognizer {
            mailbox,
            shared: Arc::clone(&self.shared),
        })
    }

    /// Decoders that can be leased now.
    pub fn free(&self) -> usize {
        self.shared.free().len()
    }

    /// All decoders.
    pub fn count(&self) -> usize {
        self.threads.len()
    }
}

impl Drop for RecognizerPool {
    fn drop(&mut self) {
        for (mailbox, _) in &self.threads {
            mailbox.close();
        }
        for (_, thread) in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for RecognizerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "RecognizerPool({} of {} free)",
            self.free(),
            self.count()
        )
    }
}

impl Shared {
    fn free(&self) -> MutexGuard<'_, VecDeque<Arc<Mailbox>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a decoder back that has yet to forget its last caller: any other is leased before it.
    fn give_back(&self, mailbox: Arc<Mailbox>) {
        self.free().push_front(mailbox);
    }

    /// A free decoder is fresh. It is leased next, because it has its models at hand.
    fn is_fresh(&self, mailbox: &Arc<Mailbox>) {
        let mut free = self.free();
        if let Some(at) = free.iter().position(|other| Arc::ptr_eq(other, mailbox)) {
            free.remove(at);
            free.push_back(Arc::clone(mailbox));
        }
    }
}

/// A decoder, leased to one call.
pub struct Recognizer {
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
}

impl Recognizer {
    /// What is listened for from the next turn on; within a turn it is heard again from its start.
    pub fn expect(&self, grammar: Arc<Grammar>) {
        self.mailbox.send(Command::Expect(grammar));
    }

    /// A turn begins at this ear sample. A turn that was not ended is abandoned.
    pub fn begin(&self, ear_sample: u64) {
        self.mailbox.send(Command::Begin(ear_sample));
    }

    /// The caller's sound, mu-law 8 kHz, any length; outside a turn it is not heard.
    pub fn audio(&self, mulaw: &[u8]) {
        self.mailbox.audio(mulaw);
    }

    /// Asks for the text of the turn so far. The answer bears the same number.
    pub fn finalize(&self, id: u32) {
        self.mailbox.send(Command::Finalize(id));
    }

    /// The turn is over.
    pub fn end_turn(&self) {
        self.mailbox.send(Command::EndTurn);
    }

    /// Bytes of sound that were dropped because the decoder did not keep up.
    pub fn dropped(&self) -> u64 {
        self.mailbox.dropped()
    }
}

impl Drop for Recognizer {
    fn drop(&mut self) {
        self.mailbox.release();
        // What its thread has yet to do for this takes less time than the next call's greeting.
        self.shared.give_back(Arc::clone(&self.mailbox));
    }
}

impl std::fmt::Debug for Recognizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recognizer(leased)")
    }
}
