//! Listening over one socket after another: what both of Deepgram's generations have in common.
//!
//! A socket that breaks is opened again, and the audio of which no final words had come is sent again, so that nothing the
//! caller said meanwhile is lost. What stays broken for [`GIVE_UP`], or breaks again and again, is given up (`trouble.rs`), sooner
//! where another recogniser stands by.

use std::sync::Arc;
use std::time::Duration;

use ringback_call::TurnHint;
use ringback_wire::deepgram::listen::Command as Control;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use url::Url;

use super::deepgram::{closed, refusal};
use super::sent::SentAudio;
use super::stream::{Block, Command, Heard, Inlet};
use super::trouble::{Broken, Trouble};
use crate::provider::{Answer, Backoff, Breaker, Failure, Provider, ProviderSocket, open};

/// A recogniser that is away for longer is given up.
pub(super) const GIVE_UP: Duration = Duration::from_secs(2);
/// A socket without audio for so long is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// The end of a stretch is told in hundredths of a second: so many samples it may be off.
pub(super) const ROUNDED: u64 = 80;
/// Questions without an answer that are remembered.
const MOST_EARLIER: usize = 16;

/// What is a generation's own.
pub(super) trait Generation: Send {
    /// A new socket is open, which knows nothing of what was said on others.
    fn begin(&mut self, talk: &mut Talk<'_>);

    /// It is asked for the words so far: by what message, where it can be asked.
    fn question(&mut self) -> Option<String>;

    /// What keeps a socket open that has no audio.
    fn keep_alive(&self, sent: &mut SentAudio) -> Keep;

    /// Audio of the caller's went out.
    ///
    /// # Errors
    /// The socket is of no more use.
    fn sent(&mut self, mulaw: &[u8]) -> Result<(), Failure>;

    /// Takes a message.
    ///
    /// # Errors
    /// The socket is of no more use.
    fn take(&mut self, text: &str, talk: &mut Talk<'_>) -> Result<(), Failure>;

    /// When [`Self::overdue`] is to be called.
    fn due(&self, talk: &Talk<'_>) -> Option<Instant>;

    /// What was due did not come.
    ///
    /// # Errors
    /// The socket is of no more use.
    fn overdue(&mut self, talk: &mut Talk<'_>) -> Result<(), Failure>;

    /// Whether this socket listens, as far as can be known.
    fn has_begun(&self) -> bool;

    /// Whether this socket had words, and they are settled.
    fn has_helped(&self) -> bool;
}

/// What keeps a socket open.
pub(super) enum Keep {
    Audio(Vec<u8>),
    Message(String),
}

/// What of the caller's audio has been dealt with, over all sockets.
pub(super) struct Talk<'a> {
    heard: &'a mut (dyn FnMut(Heard) + Send),
    /// Kept is the audio that a new socket has to hear.
    pub(super) sent: SentAudio,
    pub(super) asked: Option<Asked>,
    /// Questions to this socket that were asked before and have no answer.
    earlier: Vec<Asked>,
}

/// A question that is to be answered.
pub(super) struct Asked {
    pub(super) number: u32,
    pub(super) upto: u64,
    /// When this socket was asked.
    pub(super) at: Option<Instant>,
}

impl Talk<'_> {
    /// Something was heard.
    pub(super) fn hear(&mut self, heard: Heard) {
        (self.heard)(heard);
    }

    /// What is not final will be heard on a new socket.
    fn hear_again(&mut self) {
        let until = self.sent.position();
        self.hear(Heard {
            text: String::new(),
            confidence_pm: 0,
            words: Vec::new(),
            settled: false,
            until,
            answers: None,
            hint: Some(TurnHint::Again),
        });
    }

    /// It is asked for its words up to a position.
    fn ask(&mut self, number: u32, upto: u64) {
        let at = None;
        let before = self.asked.replace(Asked { number, upto, at });
        self.no_longer(before);
    }

    /// This question is not the one that is to be answered now, but an answer may still come.
    pub(super) fn no_longer(&mut self, asked: Option<Asked>) {
        self.earlier
            .extend(asked.filter(|asked| asked.at.is_some()));
        let surplus = self.earlier.len().saturating_sub(MOST_EARLIER);
        self.earlier.drain(..surplus);
    }

    /// The number of the question that an answer is to, if this socket was asked.
    pub(super) fn answered(&mut self) -> Option<u32> {
        self.earlier.clear();
        let asked = self.asked.take_if(|asked| asked.at.is_some());
        asked.map(|asked| asked.number)
    }

    /// The same by where the answer's audio ends. Questions are answered in turn, but not all of them.
    pub(super) fn answered_upto(&mut self, until: u64) -> Option<u32> {
        let mut earlier = self.earlier.iter();
        match earlier.position(|asked| until <= asked.upto + ROUNDED) {
            Some(nth) => self.earlier.drain(..=nth).next_back(),
            None => return self.answered(),
        }
        .map(|asked| asked.number)
    }
}

/// A recogniser of one call, over all its sockets.
pub(super) struct Listening<'a, G> {
    inlet: Inlet,
    talk: Talk<'a>,
    generation: G,
    trouble: Trouble,
    dropped: bool,
}

enum Next {
    Audio(Option<Block>),
    Command(Option<Command>),
    Answer(Result<Answer, Failure>),
    Due,
    Quiet,
}

impl<'a, G: Generation> Listening<'a, G> {
    pub(super) fn new(
        inlet: Inlet,
        generation: G,
        heard: &'a mut (dyn FnMut(Heard) + Send),
    ) -> Self {
        Self {
            inlet,
            talk: Talk {
                heard,
                sent: SentAudio::default(),
                asked: None,
                earlier: Vec::new(),
            },
            generation,
            trouble: Trouble::default(),
            dropped: false,
        }
    }

    /// Listens until the call's side is dropped.
    ///
    /// # Errors
    /// A refusal, or what kept it away for too long.
    pub(super) async fn keep_on(
        mut self,
        url: &Url,
        headers: &HeaderMap,
        breaker: &Arc<Breaker>,
    ) -> Result<(), Failure> {
        let mut backoff = Backoff::default();
        loop {
            let mut broken = Broken::of(Instant::now());
            let failure = match open(Provider::Deepgram, url, headers, refusal).await {
                Ok(mut socket) => {
                    broken.opened = Some(Instant::now());
                    let over = self.listen(&mut socket).await;
                    broken.began = self.generation.has_begun();
                    broken.helped = self.generation.has_helped();
                    match over {
                        Ok(()) => {
                            if broken.began {
                                breaker.succeeded();
                            }
                            farewell(socket).await;
                            return Ok(());
                        }
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            let now = Instant::now();
            if broken.helped || broken.is_steady(now) {
                breaker.succeeded();
                backoff = Backoff::default();
            }
            broken.owes = self.talk.sent.has_speech_upto(u64::MAX);
            let enough = self.trouble.is_too_much(broken, now);
            if !failure.passing || enough || self.is_dropped() {
                return Err(failure);
            }
            if broken.owes {
                self.talk.hear_again();
            }
            tracing::info!(why = failure.detail, "deepgram is asked again");
            sleep(backoff.next()).await;
        }
    }

    fn is_dropped(&self) -> bool {
        self.dropped || self.inlet.commands.is_closed()
    }

    /// Listens on a socket, beginning with what the last one did not answer.
    async fn listen(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.generation.begin(&mut self.talk);
        self.talk.earlier.clear();
        if let Some(asked) = &mut self.talk.asked {
            asked.at = None;
        }
        for block in self.talk.sent.again() {
            self.generation.sent(&block)?;
            socket.binary(block).await?;
        }
        self.ask_if_due(socket).await?;
        self.converse(socket).await
    }

    async fn converse(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let mut quiet = Instant::now() + KEEP_ALIVE;
        loop {
            let due = self.generation.due(&self.talk);
            let next = tokio::select! {
                biased;
                command = self.inlet.commands.recv() => Next::Command(command),
                answer = socket.next() => Next::Answer(answer),
                block = self.inlet.audio.recv() => Next::Audio(block),
                () = sleep_until(due.unwrap_or(quiet)), if due.is_some() => Next::Due,
                () = sleep_until(quiet) => Next::Quiet,
            };
            match next {
                Next::Command(None) | Next::Audio(None) => {
                    self.dropped = true;
                    return Ok(());
                }
                Next::Command(Some(Command::Finalize { number, upto })) => {
                    self.talk.ask(number, upto);
                    self.ask_if_due(socket).await?;
                }
                Next::Command(Some(Command::NewTurn)) => self.trouble.new_turn(),
                Next::Command(Some(Command::Relieved)) => self.trouble.relieved(),
                Next::Audio(Some(block)) => {
                    self.talk.sent.push(&block);
                    self.generation.sent(&block.mulaw)?;
                    socket.binary(block.mulaw).await?;
                    quiet = Instant::now() + KEEP_ALIVE;
                    self.ask_if_due(socket).await?;
                }
                Next::Answer(answer) => match answer? {
                    Answer::Text(text) => self.generation.take(&text, &mut self.talk)?,
                    Answer::Binary(_) => {}
                    Answer::Closed { code, reason } => return Err(closed(code, &reason)),
                },
                Next::Due => self.generation.overdue(&mut self.talk)?,
                Next::Quiet => {
                    match self.generation.keep_alive(&mut self.talk.sent) {
                        Keep::Audio(silence) => socket.binary(silence).await?,
                        Keep::Message(text) => socket.text(text).await?,
                    }
                    quiet = Instant::now() + KEEP_ALIVE;
                }
            }
        }
    }

    /// Asks once all the audio is there that the question is about.
    async fn ask_if_due(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let position = self.talk.sent.position();
        let Some(asked) = &mut self.talk.asked else {
            return Ok(());
        };
        if asked.at.is_some() || position < asked.upto {
            return Ok(());
        }
        let Some(question) = self.generation.question() else {
            return Ok(());
        };
        asked.at = Some(Instant::now());
        socket.text(question).await
    }
}

async fn farewell(mut socket: ProviderSocket) {
    // The same word in both generations.
    if socket.text(Control::CloseStream.to_text()).await.is_ok() {
        socket.close().await;
    }
}
