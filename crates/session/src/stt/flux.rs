//! Deepgram's second generation, Flux: it follows turns, guesses their ends early and says when they are over.
//!
//! The core asks for nothing but the end of a turn that Flux does not find (`ForceEndTurn`). There is no `KeepAlive`: it would
//! end the session. Turns run on audio, and the ear fills its gaps, so a turn cannot stand still.

use ringback_call::TurnHint;
use ringback_wire::deepgram::flux::{
    self, Command as Control, Event, INTERNAL_SERVER_ERROR, MULTILINGUAL_MODEL, Query, TurnEvent,
    TurnInfo, UNPARSABLE_CLIENT_MESSAGE,
};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::deepgram::{Deepgram, GIVE_UP, KEEP_ALIVE, Listener, closed, samples};
use super::languages::flux_hint;
use super::sent::SentAudio;
use super::stream::{Block, Command, Heard, Inlet};
use crate::provider::{Answer, Failure, Provider, ProviderSocket};

/// How sure the end of a turn must be.
const END: f64 = 0.7;
/// How sure an early guess must be.
const EAGER: f64 = 0.5;
/// The silence that ends a turn whatever Flux thinks, in ms.
const TIMEOUT_MS: u32 = 1500;
/// Audio before a turn that a new socket hears again, so that the turn's first sound is whole, in samples: 1 s.
const BEFORE: u64 = 8000;

/// Where Flux is asked for a call.
pub(super) fn url(deepgram: &Deepgram) -> Result<Url, Failure> {
    let mut query = Query::telephone(&deepgram.model);
    query.eot_threshold = Some(END);
    query.eager_eot_threshold = Some(EAGER);
    query.eot_timeout_ms = Some(TIMEOUT_MS);
    query.keyterms.clone_from(&deepgram.keyterms);
    if deepgram.model == MULTILINGUAL_MODEL {
        query.language_hints = flux_hint(&deepgram.language).into_iter().collect();
    }
    let mut url = deepgram.access.socket_url(Provider::Deepgram, flux::PATH)?;
    url.set_query(Some(&query.to_query()));
    Ok(url)
}

/// What of the caller's audio has been dealt with, over all sockets.
pub(super) struct Listening<H> {
    inlet: Inlet,
    heard: H,
    /// Kept is the audio of the turn so far.
    sent: SentAudio,
    /// The text of the turn so far.
    text: String,
    /// Its words, each with its end in the ear, as far as Flux says where they are.
    words: Vec<(String, u64)>,
    /// How sure Flux is of them.
    confidence_pm: u16,
    /// Where the last turn ended in the ear.
    ended: Option<u64>,
    asked: Option<Asked>,
    /// This deployment knows `ForceEndTurn`.
    forces: bool,
    /// This socket has said something.
    answered: bool,
    dropped: bool,
}

/// A turn that is to end.
struct Asked {
    number: u32,
    upto: u64,
    sent: bool,
}

enum Next {
    Audio(Option<Block>),
    Command(Option<Command>),
    Answer(Result<Answer, Failure>),
    Quiet,
    Mute,
}

impl<H: FnMut(Heard)> Listening<H> {
    pub(super) fn new(inlet: Inlet, heard: H) -> Self {
        Self {
            inlet,
            heard,
            sent: SentAudio::default(),
            text: String::new(),
            words: Vec::new(),
            confidence_pm: 0,
            ended: None,
            asked: None,
            forces: true,
            answered: false,
            dropped: false,
        }
    }

    /// Sends the turn so far to a new socket, and the question that the old one did not answer.
    async fn catch_up(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.answered = false;
        self.keep_what_is_not_heard_again();
        self.text.clear();
        if let Some(asked) = &mut self.asked {
            asked.sent = false;
        }
        for block in self.sent.again() {
            socket.binary(block).await?;
        }
        self.force_if_due(socket).await
    }

    /// A new socket knows nothing of the turn but the audio that was kept: words before that are settled.
    fn keep_what_is_not_heard_again(&mut self) {
        let from = self.sent.kept_from();
        let before = self.words.partition_point(|(_, end)| *end <= from);
        let Some(&(_, until)) = self.words[..before].last() else {
            self.words.clear();
            return;
        };
        let words = self.words.drain(..).take(before).map(|(word, _)| word);
        let text = words.collect::<Vec<_>>().join(" ");
        (self.heard)(Heard {
            text,
            confidence_pm: self.confidence_pm,
            settled: true,
            until,
            answers: None,
            hint: None,
        });
    }

    async fn converse(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let mut quiet = Instant::now() + KEEP_ALIVE;
        let greeted_by = Instant::now() + GIVE_UP;
        loop {
            let next = tokio::select! {
                biased;
                command = self.inlet.commands.recv() => Next::Command(command),
                answer = socket.next() => Next::Answer(answer),
                block = self.inlet.audio.recv() => Next::Audio(block),
                () = sleep_until(greeted_by), if !self.answered => Next::Mute,
                () = sleep_until(quiet) => Next::Quiet,
            };
            match next {
                Next::Command(None) | Next::Audio(None) => {
                    self.dropped = true;
                    return Ok(());
                }
                Next::Command(Some(Command::Finalize { number, upto })) => {
                    self.asked = Some(Asked {
                        number,
                        upto,
                        sent: false,
                    });
                    self.force_if_due(socket).await?;
                }
                Next::Audio(Some(block)) => {
                    self.sent.push(&block);
                    socket.binary(block.mulaw).await?;
                    quiet = Instant::now() + KEEP_ALIVE;
                    self.force_if_due(socket).await?;
                }
                Next::Answer(answer) => self.take(answer?)?,
                Next::Mute => {
                    let what = format!("did not begin within {} s", GIVE_UP.as_secs());
                    return Err(Failure::unreachable(Provider::Deepgram, what));
                }
                Next::Quiet => {
                    socket.binary(self.sent.silence()).await?;
                    quiet = Instant::now() + KEEP_ALIVE;
                }
            }
        }
    }

    /// Ends the turn once all its audio is there.
    async fn force_if_due(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let position = self.sent.position();
        let Some(asked) = &mut self.asked else {
            return Ok(());
        };
        if asked.sent || position < asked.upto || !self.forces {
            return Ok(());
        }
        asked.sent = true;
        socket.text(Control::ForceEndTurn.to_text()).await
    }

    fn take(&mut self, answer: Answer) -> Result<(), Failure> {
        let text = match answer {
            Answer::Text(text) => text,
            Answer::Binary(_) => return Ok(()),
            Answer::Closed { code, reason } => return Err(closed(code, &reason)),
        };
        let event = flux::parse(&text)
            .map_err(|garbled| Failure::misbehaved(Provider::Deepgram, garbled))?;
        match event {
            Event::TurnInfo(info) => {
                self.answered = true;
                self.turn(&info);
            }
            Event::Connected { .. } => self.answered = true,
            Event::Error { code, .. } => return Err(self.refused(&code)),
            Event::ConfigureFailure { code, .. } | Event::Warning { code, .. } => {
                tracing::warn!(code, "Error of deepgram, which goes on");
            }
            Event::ConfigureSuccess { .. } | Event::Other(_) => {}
        }
        Ok(())
    }

    /// The session is over. A deployment that does not know `ForceEndTurn` is not told to again.
    fn refused(&mut self, code: &str) -> Failure {
        let forced = self.asked.as_ref().is_some_and(|asked| asked.sent);
        self.forces &= !(forced && code == UNPARSABLE_CLIENT_MESSAGE);
        let code: String = code.chars().filter(|c| !c.is_control()).take(60).collect();
        let what = format!("ended the session: {code}");
        if code == INTERNAL_SERVER_ERROR || !self.forces {
            Failure::unreachable(Provider::Deepgram, what)
        } else {
            Failure::refused(Provider::Deepgram, what)
        }
    }

    fn turn(&mut self, info: &TurnInfo) {
        let text = info.transcript.trim();
        let hint = match info.event {
            TurnEvent::EagerEndOfTurn => Some(TurnHint::Eager),
            TurnEvent::TurnResumed => Some(TurnHint::Resumed),
            TurnEvent::EndOfTurn => Some(TurnHint::Ended),
            TurnEvent::StartOfTurn | TurnEvent::Update | TurnEvent::Other(_) => None,
        };
        let window = self.sent.place(samples(info.audio_window_end));
        let ended = hint == Some(TurnHint::Ended);
        if ended && self.ended.replace(window) == Some(window) {
            // The same end again.
            return;
        }
        let news = text != self.text;
        text.clone_into(&mut self.text);
        let placed = info.words.iter().map_while(|word| {
            let end = self.sent.place(samples(word.end?));
            Some((word.word.clone(), end))
        });
        self.words = placed.collect();
        self.confidence_pm = confidence_pm(info);
        let answers = self
            .asked
            .take_if(|asked| ended && asked.sent)
            .map(|asked| asked.number);
        if ended {
            self.text.clear();
            self.words.clear();
            self.sent.forget(window);
        } else if text.is_empty() {
            self.sent.forget(window.saturating_sub(BEFORE));
        }
        if hint.is_some() || news {
            let last = info.words.last().and_then(|word| word.end);
            (self.heard)(Heard {
                text: text.to_owned(),
                confidence_pm: self.confidence_pm,
                settled: ended,
                until: last.map_or(window, |end| self.sent.place(samples(end))),
                answers,
                hint,
            });
        }
    }
}

impl<H: FnMut(Heard)> Listener for Listening<H> {
    async fn listen(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.catch_up(socket).await?;
        self.converse(socket).await
    }

    fn has_answered(&self) -> bool {
        self.answered
    }

    fn is_dropped(&self) -> bool {
        self.dropped || self.inlet.commands.is_closed()
    }
}

/// The mean of its words'.
fn confidence_pm(info: &TurnInfo) -> u16 {
    let sum: f64 = info.words.iter().map(|word| word.confidence).sum();
    let mean = sum / info.words.len().max(1) as f64;
    (mean * 1000.0).round().clamp(0.0, 1000.0) as u16
}
