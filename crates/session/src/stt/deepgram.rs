//! Deepgram's first generation of streaming recognition: the whole of the caller's audio goes there as it comes, the local
//! detector says when to finalize.
//!
//! A socket that breaks is opened again, and the audio of which no final words had come is sent again, so that nothing the
//! caller said meanwhile is lost. What stays broken for [`GIVE_UP`] is given up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringback_audio::g711::SILENCE;
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::listen::{
    self, Command as Control, Endpointing, Event, Query, Results,
};
use ringback_wire::deepgram::{API_KEY_SCHEME, AUTHORIZATION, may_reconnect};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::stream::{Block, Command, Heard, Inlet};
use crate::provider::{Access, Answer, Backoff, Breaker, Failure, Provider, ProviderSocket, open};

/// A recogniser that is away for longer is given up.
const GIVE_UP: Duration = Duration::from_secs(2);
/// So long the answer to a `Finalize` is waited for. Then what there is counts: Deepgram need not answer.
const FLUSH: Duration = Duration::from_millis(400);
/// Without audio for so long the socket is kept open by a message; before the first audio, by silence (a socket that never
/// had any is closed whatever is said).
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// A socket that has said nothing to so much audio, in samples (3 s), when it is asked, hears nothing.
const DEAF_SAMPLES: u64 = 24_000;
/// Interim words come once a second: a socket that was silent for so long when it is asked is opened again.
const DEAF: Duration = Duration::from_secs(7);
/// Audio that is kept for a new socket, in samples: 8 s.
const KEPT: usize = 64_000;
/// Silence that stands for audio which is not there yet: 80 ms, in samples.
const SILENT_BLOCK: usize = 640;

/// What is asked of Deepgram for one call.
#[derive(Clone, Debug)]
pub(crate) struct Deepgram {
    pub(crate) access: Access,
    pub(crate) model: String,
    /// As `en-US`.
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
        let (url, headers) = (self.url()?, self.headers()?);
        let mut listening = Listening::new(inlet, heard);
        let mut backoff = Backoff::default();
        let mut away = Instant::now();
        loop {
            let failure = match open(Provider::Deepgram, &url, &headers, refusal).await {
                Ok(mut socket) => {
                    let over = match listening.catch_up(&mut socket).await {
                        Ok(()) => listening.converse(&mut socket).await,
                        Err(failure) => Err(failure),
                    };
                    if listening.answered {
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

    fn url(&self) -> Result<Url, Failure> {
        let mut query = Query::telephone(&self.model);
        query.language = Some(self.language.clone());
        query.interim_results = true;
        query.endpointing = Some(Endpointing::After(300));
        query.utterance_end_ms = Some(1000);
        query.formatting.punctuate = true;
        query.keyterms.clone_from(&self.keyterms);
        let mut url = self.access.socket_url(Provider::Deepgram, listen::PATH)?;
        url.set_query(Some(&query.to_query()));
        Ok(url)
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let value = HeaderValue::from_str(&format!("{API_KEY_SCHEME}{}", key.expose()))
                .map_err(|_| Failure::refused(Provider::Deepgram, "has a key that is no text"))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

fn refusal(body: &str) -> String {
    HttpError::read(body.as_bytes()).message
}

async fn farewell(mut socket: ProviderSocket) {
    if socket.text(Control::CloseStream.to_text()).await.is_ok() {
        socket.close().await;
    }
}

/// What of the caller's audio has been dealt with, over all sockets.
struct Listening<H> {
    inlet: Inlet,
    heard: H,
    /// Audio of which no final words have come, and where it begins in the ear.
    kept: VecDeque<u8>,
    kept_from: u64,
    /// The ear's position less the socket's, in samples.
    origin: i64,
    /// Samples sent on this socket.
    sent: u64,
    interim: Option<Heard>,
    asked: Option<Asked>,
    /// Words before this position were taken already, as an interim.
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
            kept: VecDeque::new(),
            kept_from: 0,
            origin: 0,
            sent: 0,
            interim: None,
            asked: None,
            taken: 0,
            answered: false,
            last_answer: Instant::now(),
            dropped: false,
        }
    }

    /// Whether the call's side is gone.
    fn is_dropped(&self) -> bool {
        self.dropped || self.inlet.commands.is_closed()
    }

    /// Sends what was kept to a new socket, and the question that the old one did not answer.
    async fn catch_up(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.sent = 0;
        self.answered = false;
        self.last_answer = Instant::now();
        self.interim = None;
        self.origin = self.kept_from as i64;
        if let Some(asked) = &mut self.asked {
            asked.due = None;
        }
        let kept: Vec<u8> = self.kept.iter().copied().collect();
        for block in kept.chunks(SILENT_BLOCK) {
            socket.binary(block.to_vec()).await?;
            self.sent += block.len() as u64;
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
                    self.send(socket, block).await?;
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

    async fn send(&mut self, socket: &mut ProviderSocket, block: Block) -> Result<(), Failure> {
        let Block { start, mulaw } = block;
        if self.kept_from + self.kept.len() as u64 != start {
            // A gap in the ear, or the first audio: what comes after it is at another offset.
            self.kept.clear();
            self.kept_from = start;
        }
        self.origin = start as i64 - self.sent as i64;
        self.kept.extend(&mulaw);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.forget(self.kept_from + surplus as u64);
        self.sent += mulaw.len() as u64;
        socket.binary(mulaw).await
    }

    /// Audio before this position is not wanted again.
    fn forget(&mut self, upto: u64) {
        let length = upto
            .saturating_sub(self.kept_from)
            .min(self.kept.len() as u64);
        self.kept.drain(..length as usize);
        self.kept_from += length;
    }

    /// The position of the ear up to which audio was sent.
    fn position(&self) -> u64 {
        self.place(self.sent)
    }

    fn place(&self, samples: u64) -> u64 {
        u64::try_from(self.origin + samples as i64).unwrap_or(0)
    }

    async fn ask_if_due(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        let position = self.position();
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
        if self.sent > 0 {
            return socket.text(Control::KeepAlive.to_text()).await;
        }
        self.sent += SILENT_BLOCK as u64;
        self.origin -= SILENT_BLOCK as i64;
        socket.binary(vec![SILENCE; SILENT_BLOCK]).await
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
        let until = self.place(samples(results.start + results.duration));
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
        };
        if heard.settled {
            self.interim = None;
            self.forget(until);
        } else if !heard.text.is_empty() {
            self.interim = Some(heard.clone());
        }
        if !heard.text.is_empty() || heard.answers.is_some() {
            (self.heard)(heard);
        }
    }

    /// The question was not answered in time: what there is counts, unless the socket seems to be deaf.
    fn flush_by_time(&mut self) -> Result<(), Failure> {
        if !self.answered && self.sent >= DEAF_SAMPLES {
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

fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros() * 8 / 1000).unwrap_or(u64::MAX)
}

fn closed(code: Option<u16>, reason: &str) -> Failure {
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
