//! A context: a task that speaks its inputs one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringback_audio::RATE_HZ;
use ringback_wire::cartesia::{
    Generation, ServerMessage, Settings, TimedWord, Timestamps, write_chunk,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::Twin;
use super::super::knobs::Knobs;
use super::super::mark::Mark;
use super::super::place::Provider;
use super::super::refusal::Fault;
use super::super::socket::GARBAGE;
use super::super::sound::Format;
use super::super::voice::{Spoken, end_of_sentences, sentences};

/// Where text is held back when the client does not say for how long.
const USUAL_BUFFER_MS: u64 = 3000;
/// Sizes of pieces of audio, in samples at 8000 Hz, in turn: they are no multiples of a telephone's frame.
const PIECES: [usize; 3] = [997, 2003, 1511];

/// What a context is told.
#[derive(Debug)]
pub(super) enum Job {
    /// Text to speak, and whether it is the last.
    Input {
        text: String,
        last: bool,
    },
    Flush,
    Cancel,
}

/// What a context has for its socket.
#[derive(Debug)]
pub(super) enum Produced {
    /// A message, and the mark of the speech whose first audio it is.
    Text {
        text: String,
        begins: Option<Mark>,
    },
    Fault {
        context_id: String,
        fault: Fault,
    },
    Done {
        context_id: String,
    },
    /// The connection is to be dropped.
    Drop,
}

/// A context's end in the socket's loop. Dropping it ends the context without a word.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) settings: Settings,
    jobs: mpsc::UnboundedSender<Job>,
    cancelled: Arc<AtomicBool>,
}

impl Context {
    pub(super) fn begin(
        twin: &Arc<Twin>,
        settings: Settings,
        id: &str,
        (knobs, out): (Knobs, mpsc::Sender<Produced>),
    ) -> Self {
        let (jobs, told) = mpsc::unbounded_channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let speaker = Speaker {
            id: id.to_owned(),
            format: super::format(settings.output_format),
            hold: Duration::from_millis(settings.max_buffer_delay_ms.unwrap_or(USUAL_BUFFER_MS)),
            timestamps: settings.add_timestamps == Some(true),
            twin: Arc::clone(twin),
            knobs,
            out,
            cancelled: Arc::clone(&cancelled),
            text: String::new(),
            due: None,
            told_until: None,
            spoken: 0,
            flush_id: 1,
            sent: 0,
        };
        tokio::spawn(speaker.run(told));
        Self {
            settings,
            jobs,
            cancelled,
        }
    }

    /// Passes an input on.
    pub(super) fn tell(&self, input: &Generation) {
        if !input.transcript.is_empty() || !input.more {
            self.send(Job::Input {
                text: input.transcript.clone(),
                last: !input.more,
            });
        }
        if input.flush {
            self.send(Job::Flush);
        }
    }

    /// Nothing more is begun; what has begun is spoken.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.send(Job::Cancel);
    }

    fn send(&self, job: Job) {
        // A context that has just ended hears nothing any more.
        let _ = self.jobs.send(job);
    }
}

/// The socket is gone, or the context is over without a `done`.
struct Over;

struct Speaker {
    id: String,
    format: Format,
    hold: Duration,
    timestamps: bool,
    twin: Arc<Twin>,
    knobs: Knobs,
    out: mpsc::Sender<Produced>,
    cancelled: Arc<AtomicBool>,
    /// What is held back, and until when.
    text: String,
    due: Option<Instant>,
    /// When the context expires, once it has spoken.
    told_until: Option<Instant>,
    /// Samples at 8000 Hz.
    spoken: usize,
    flush_id: u64,
    sent: u64,
}

impl Speaker {
    async fn run(mut self, mut told: mpsc::UnboundedReceiver<Job>) {
        if self.knobs.half_open {
            while told.recv().await.is_some() {}
            return;
        }
        if let Some(status) = self.knobs.status {
            let fault = Fault::of_knob(Provider::Cartesia, status);
            let context_id = self.id.clone();
            let _ = self.out.send(Produced::Fault { context_id, fault }).await;
            return;
        }
        if self.obey(&mut told).await.is_ok() {
            sleep(Duration::from_millis(self.knobs.late_ms.unwrap_or(0))).await;
            let _ = self
                .out
                .send(Produced::Done {
                    context_id: self.id,
                })
                .await;
        }
    }

    async fn obey(&mut self, told: &mut mpsc::UnboundedReceiver<Job>) -> Result<(), Over> {
        loop {
            let job = match self.due.or(self.told_until) {
                None => told.recv().await,
                Some(until) => match timeout_at(until, told.recv()).await {
                    Ok(job) => job,
                    Err(_) if self.due.is_some() => {
                        self.speak_held().await?;
                        continue;
                    }
                    Err(_) => return Ok(()),
                },
            };
            match job.ok_or(Over)? {
                Job::Input { text, last } => {
                    self.input(&text, last).await?;
                    if last {
                        return Ok(());
                    }
                }
                Job::Flush => {
                    self.speak_held().await?;
                    self.flush_done().await?;
                }
                Job::Cancel => return Ok(()),
            }
        }
    }

    async fn input(&mut self, text: &str, last: bool) -> Result<(), Over> {
        self.text.push_str(text);
        if self.hold.is_zero() || last {
            self.speak_held().await?;
            if self.hold.is_zero() && !text.is_empty() {
                self.flush_done().await?;
            }
            return Ok(());
        }
        let rest = self.text.split_off(end_of_sentences(&self.text));
        let whole = std::mem::replace(&mut self.text, rest);
        self.due = (!self.text.trim().is_empty()).then(|| Instant::now() + self.hold);
        self.speak(&whole).await
    }

    async fn speak_held(&mut self) -> Result<(), Over> {
        self.due = None;
        let text = std::mem::take(&mut self.text);
        self.speak(&text).await
    }

    async fn speak(&mut self, text: &str) -> Result<(), Over> {
        for sentence in sentences(text) {
            if self.cancelled.load(Ordering::Acquire) {
                return Ok(());
            }
            let began = Instant::now();
            let spoken = self.twin.voice.speak(sentence).await;
            if self.sent == 0 {
                sleep(Duration::from_millis(self.knobs.delay_ms.unwrap_or(0))).await;
            }
            if !self.knobs.zero_bytes {
                let mark = Mark::last_in(sentence);
                self.give(&spoken, began.elapsed(), mark).await?;
            }
            self.told_until = Some(Instant::now() + self.twin.options.limits.cartesia_context);
        }
        Ok(())
    }

    async fn give(
        &mut self,
        spoken: &Spoken,
        step: Duration,
        mut mark: Option<Mark>,
    ) -> Result<(), Over> {
        if self.timestamps && !spoken.words.is_empty() {
            let times = ServerMessage::Timestamps(self.times(spoken));
            self.send(times.to_text(), None).await?;
        }
        self.spoken += spoken.samples.len();
        let mut audio = self.format.encode(&spoken.samples).map_err(|_| Over)?;
        if self.knobs.silence {
            audio = self.format.silence(audio.len());
        }
        let width = self.format.coding.bytes() * self.format.rate as usize / RATE_HZ as usize;
        let mut rest = audio.as_slice();
        for piece in PIECES.iter().cycle() {
            if rest.is_empty() {
                return Ok(());
            }
            let size = piece * width / self.format.coding.bytes() * self.format.coding.bytes();
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let mut text = String::new();
            write_chunk(
                &mut text,
                Some(&self.id),
                piece,
                (step, Some(self.flush_id)),
            );
            self.send(text, mark.take()).await?;
        }
        Ok(())
    }

    fn times(&self, spoken: &Spoken) -> Timestamps {
        let at = |sample: usize| Duration::from_micros((self.spoken + sample) as u64 * 125);
        let word = |word: &super::super::voice::SpokenWord| TimedWord {
            word: word.word.clone(),
            start: at(word.start),
            end: at(word.end),
        };
        Timestamps {
            context_id: Some(self.id.clone()),
            flush_id: Some(self.flush_id),
            words: spoken.words.iter().map(word).collect(),
        }
    }

    async fn flush_done(&mut self) -> Result<(), Over> {
        let context_id = Some(self.id.clone());
        let done = ServerMessage::FlushDone {
            context_id,
            flush_id: Some(self.flush_id),
        };
        self.flush_id += 1;
        self.send(done.to_text(), None).await
    }

    async fn send(&mut self, text: String, begins: Option<Mark>) -> Result<(), Over> {
        let text = if self.knobs.garbage {
            GARBAGE.to_owned()
        } else {
            text
        };
        self.out
            .send(Produced::Text { text, begins })
            .await
            .map_err(|_| Over)?;
        self.sent += 1;
        if self
            .knobs
            .disconnect_after
            .is_some_and(|limit| self.sent >= limit)
        {
            let _ = self.out.send(Produced::Drop).await;
            return Err(Over);
        }
        Ok(())
    }
}
