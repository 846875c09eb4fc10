//! Deepgram's streaming recognition: the whole of the caller's audio goes there as it comes. In the first generation, which is
//! here, the local detector says when to finalize; Flux, the second, has a file of its own.
//!
//! A socket that breaks is opened again, and the audio of which no final words had come is sent again, so that nothing the
//! caller said meanwhile is lost. What stays broken for [`GIVE_UP`] is given up.

use std::sync::Arc;
use std::time::Duration;

use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::listen::{
    self, Command as Control, Endpointing, Event, Query, Results,
};
use ringback_wire::deepgram::{API_KEY_SCHEME, AUTHORIZATION, may_reconnect};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::flux;
use super::languages::nova_code;
use super::sent::SentAudio;
use super::stream::{Block, Command, Heard, Inlet};
use crate::provider::{
    Access, Answer, Backoff, Breaker, Failure, Provider, ProviderSocket, Refusal, open,
};

/// A recogniser that is away for longer is given up.
pub(super) const GIVE_UP: Duration = Duration::from_secs(2);
/// So long the answer to a `Finalize` is waited for. Then what there is counts: Deepgram need not answer.
const FLUSH: Duration = Duration::from_millis(400);
/// Without audio for so long the socket is kept open by a message; before the first audio, by silence (a socket that never
/// had any is closed whatever is said).
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// A socket that has said nothing to so much audio, in samples (3 s), when it is asked, hears nothing.
const DEAF_SAMPLES: u64 = 24_000;
/// Interim words come once a second: a socket that was silent for so long when it is asked is opened again.
const DEAF: Duration = Duration::from_secs(7);

/// What is asked of Deepgram for one call.
#[derive(Clone, Debug)]
pub(crate) struct Deepgram {
    pub(crate) access: Access,
    pub(crate) model: String,
    /// As `en-US`; `multi` for several in one call.
    pub(crate) language: String,
    /// Words worth listening for.
    pub(crate) keyterms: Vec<String>,
}

impl Deepgram {
    /// Listens until the call's side is dropped. What it hears goes to `heard`.
    ///
    /// # Errors
    /// A refusal, or what kept it away for too long. All audio since the last final words is lost then.
    pub(crate) async fn listen(
        &self,
        inlet: Inlet,
        breaker: &Arc<Breaker>,
        heard: impl FnMut(Heard) + Send,
    ) -> Result<(), Failure> {
        if self.leads() {
            let url = flux::url(self)?;
            return self
                .keep_listening(&url, flux::Listening::new(inlet, heard), breaker)
                .await;
        }
        let url = self.url()?;
        self.keep_listening(&url, Listening::new(inlet, heard), breaker)
            .await
    }

    /// Whether it finds the ends of turns itself.
    pub(crate) fn leads(&self) -> bool {
        self.model.starts_with("flux")
    }

    async fn keep_listening(
        &self,
        url: &Url,
        mut listening: impl Listener,
        breaker: &Arc<Breaker>,
    ) -> Result<(), Failure> {
        let headers = self.headers()?;
        let mut backoff = Backoff::default();
        let mut away = Instant::now();
        loop {
            let failure = match open(Provider::Deepgram, url, &headers, refusal).await {
                Ok(mut socket) => {
                    let over = listening.listen(&mut socket).await;
                    if listening.has_answered() {
                        breaker.succeeded();
                        backoff = Backoff::default();
                        away = Instant::now();
                    }
                    match over {
                        Ok(()) => {
                            farewell(socket).await;
                            return Ok(());
                        }
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            if !failure.passing || away.elapsed() >= GIVE_UP || listening.is_dropped() {
                return Err(failure);
            }
            tracing::info!(why = failure.detail, "deepgram is asked again");
            sleep(backoff.next()).await;
        }
    }

    pub(super) fn url(&self) -> Result<Url, Failure> {
        let mut query = Query::telephone(&self.model);
        query.language = Some(nova_code(&self.language));
        query.interim_results = true;
        query.endpointing = Some(Endpointing::After(300));
        query.utterance_end_ms = Some(1000);
        query.formatting.punctuate = true;
        query.keyterms.clone_from(&self.keyterms);
        let mut url = self.access.socket_url(Provider::Deepgram, listen::PATH)?;
        url.set_query(Some(&query.to_query()));
        Ok(url)
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let value = HeaderValue::from_str(&format!("{API_KEY_SCHEME}{}", key.expose()))
                .map_err(|_| Failure::refused(Provider::Deepgram, "has a key that is no text"))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

pub(super) fn refusal(body: &str) -> Refusal {
    let error = HttpError::read(body.as_bytes());
    Refusal {
        code: error.code,
        words: error.message,
    }
}

async fn farewell(mut socket: ProviderSocket) {
    if socket.text(Control::CloseStream.to_text()).await.is_ok() {
        socket.close().await;
    }
}

/// What listens on one socket after another.
pub(super) trait Listener {
    /// Listens on a socket until the call's side is dropped, beginning with what the last socket did not answer.
    ///
    /// # Errors
    /// What broke.
    async fn listen(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure>;

    /// Whether this socket has said something.
    fn has_answered(&self) -> bool;

    /// Whether the call's side is gone.
    fn is_dropped(&self) -> bool;
}

/// What of the caller's audio has been dealt with, over all sockets.
struct Listening<H> {
    inlet: Inlet,
    heard: H,
    /// Kept is the audio of which no final words have come.
    sent: SentAudio,
    interim: Option<Heard>,
    asked: Option<Asked>,
    /// Words before this position were taken already.
    taken: u64,
    /// This socket has said something, and when.
    answered: bool,
    last_answer: Instant,
    dropped: bool,
}

/// A question that is to be answered.
struct Asked {
    number: u32,
    upto: u64,
    /// When it was sent, and so when it counts as answered.
    due: Option<Instant>,
}

enum Next {
    Audio(Option<Block>),
    Command(Option<Command>),
    Answer(Result<Answer, Failure>),
    Due,
    Quiet,
}

impl<H: FnMut(Heard)> Listening<H> {
    fn new(inlet: Inlet, heard: H) -> Self {
        Self {
            inlet,
            heard,
            sent: SentAudio::default(),
            interim: None,
            asked: None,
            taken: 0,
            answered: false,
            last_answer: Instant::now(),
            dropped: false,
        }
    }

    /// Sends what was kept to a new socket, and the question that the old one did not answer.
    async fn catch_up(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.answered = false;
        self.last_answer = Instant::now();
        self.interim = None;
        if let Some(asked) = &mut self.asked {
            asked.due = None;
        }
        for block in self.sent.again() {
            socket.binary(block).await?;
        }
        self.ask_if_due(socket).await
    }

    /// Listens on a socket until the call's side is dropped.
    async fn converse(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let mut quiet = Instant::now() + KEEP_ALIVE;
        loop {
            let due = self.asked.as_ref().and_then(|asked| asked.due);
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
                    self.asked = Some(Asked {
                        number,
                        upto,
                        due: None,
                    });
                    self.ask_if_due(socket).await?;
                }
                Next::Audio(Some(block)) => {
                    self.sent.push(&block);
                    socket.binary(block.mulaw).await?;
                    quiet = Instant::now() + KEEP_ALIVE;
                    self.ask_if_due(socket).await?;
                }
                Next::Answer(answer) => self.take(answer?)?,
                Next::Due => self.flush_by_time()?,
                Next::Quiet => {
                    self.keep_alive(socket).await?;
                    quiet = Instant::now() + KEEP_ALIVE;
                }
            }
        }
    }

    async fn ask_if_due(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let position = self.sent.position();
        let Some(asked) = &mut self.asked else {
            return Ok(());
        };
        if asked.due.is_some() || position < asked.upto {
            return Ok(());
        }
        asked.due = Some(Instant::now() + FLUSH);
        socket
            .text(Control::Finalize { channel: None }.to_text())
            .await
    }

    async fn keep_alive(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        if self.sent.is_empty() {
            return socket.binary(self.sent.silence()).await;
        }
        socket.text(Control::KeepAlive.to_text()).await
    }

    fn take(&mut self, answer: Answer) -> Result<(), Failure> {
        let text = match answer {
            Answer::Text(text) => text,
            Answer::Binary(_) => return Ok(()),
            Answer::Closed { code, reason } => return Err(closed(code, &reason)),
        };
        let event = listen::parse(&text)
            .map_err(|garbled| Failure::misbehaved(Provider::Deepgram, garbled))?;
        self.answered = true;
        self.last_answer = Instant::now();
        match event {
            Event::Results(results) => self.results(&results),
            Event::Error { description, .. } => {
                tracing::warn!(description, "Error of deepgram, which goes on");
            }
            Event::ConfigureFailure { description, .. } => {
                tracing::warn!(description, "Error: deepgram keeps its settings");
            }
            Event::UtteranceEnd { .. }
            | Event::SpeechStarted { .. }
            | Event::Metadata(_)
            | Event::ConfigureSuccess { .. }
            | Event::Other(_) => {}
        }
        Ok(())
    }

    fn results(&mut self, results: &Results) {
        let until = self.sent.place(samples(results.start + results.duration));
        let confidence = results
            .alternatives
            .first()
            .map_or(0.0, |best| best.confidence);
        let flushed = results.from_finalize;
        let answers = self
            .asked
            .take_if(|asked| flushed && asked.due.is_some())
            .map(|asked| asked.number);
        let taken = until <= self.taken;
        let heard = Heard {
            text: if taken {
                String::new()
            } else {
                results.transcript().trim().to_owned()
            },
            confidence_pm: (confidence * 1000.0).round().clamp(0.0, 1000.0) as u16,
            settled: results.is_final || flushed,
            until,
            answers,
            hint: None,
        };
        if heard.settled {
            // Some finals come twice.
            self.taken = self.taken.max(until);
            self.interim = None;
            self.sent.forget(until);
        } else if !heard.text.is_empty() {
            self.interim = Some(heard.clone());
        }
        if !heard.text.is_empty() || heard.answers.is_some() {
            (self.heard)(heard);
        }
    }

    /// The question was not answered in time: what there is counts, unless the socket seems to be deaf.
    fn flush_by_time(&mut self) -> Result<(), Failure> {
        if !self.answered && self.sent.samples() >= DEAF_SAMPLES {
            return Err(Failure::gone(format!(
                "{} takes audio and answers nothing",
                Provider::Deepgram.name()
            )));
        }
        if self.last_answer.elapsed() >= DEAF {
            // The question is asked again on the next socket.
            return Err(Failure::unreachable(
                Provider::Deepgram,
                format!("has said nothing for {} s", DEAF.as_secs()),
            ));
        }
        let Some(asked) = self.asked.take() else {
            return Ok(());
        };
        let heard = match self.interim.take() {
            Some(interim) => {
                self.taken = interim.until;
                interim
            }
            None => Heard {
                text: String::new(),
                confidence_pm: 0,
                settled: true,
                until: asked.upto,
                answers: None,
                hint: None,
            },
        };
        (self.heard)(Heard {
            settled: true,
            answers: Some(asked.number),
            ..heard
        });
        Ok(())
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

pub(super) fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros() * 8 / 1000).unwrap_or(u64::MAX)
}

pub(super) fn closed(code: Option<u16>, reason: &str) -> Failure {
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    let what = match code {
        Some(code) => format!("closed its socket with {code} {reason}"),
        None => "ended its socket".to_owned(),
    };
    // A normal end in the middle of a call is no end that we asked for.
    match code {
        Some(code) if code != 1000 && !may_reconnect(code) => {
            Failure::refused(Provider::Deepgram, what.trim_end())
        }
        Some(_) | None => Failure::unreachable(Provider::Deepgram, what.trim_end()),
    }
}
