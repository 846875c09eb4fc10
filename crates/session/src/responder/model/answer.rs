//! The answer of a model while it comes: what is handed on, and the bounds of time and length.

use std::time::Duration;

use reqwest::Response;
use ringback_wire::sse::Decoder;
use tokio::time::{Instant, timeout_at};

use super::tab::Sending;
use super::{chat, fault, responses};
use crate::provider::{Failure, Provider};
use crate::speakable;

/// A server that writes nothing for so long in the middle of an answer is gone.
const STALL: Duration = Duration::from_secs(4);
/// After its last word, so long the rest of a stream is waited for: the usage, and the end of the body, which lets the connection be
/// used again.
const TAIL: Duration = Duration::from_millis(250);
/// No answer on the telephone is longer, in characters; thoughts and arguments count.
const MOST_CHARACTERS: usize = 20_000;

/// What a model writes, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// It has begun: words or a call are coming.
    Began,
    /// More words to speak.
    Text(String),
    /// A call of a tool, complete.
    Call {
        id: String,
        name: String,
        /// Normally a JSON object, but a model may write anything.
        arguments: String,
    },
    /// The answer is complete.
    End(Finish),
}

/// Why an answer has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// All is said.
    Stop,
    /// Tools are called.
    Calls,
    /// The model's own bound of tokens was reached.
    Length,
    /// The provider held the rest back.
    Filtered,
    /// We stopped an answer without end.
    Cut,
    /// In the server's own word.
    Other(String),
}

/// A call as it is handed on.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Where a stream is after an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// More is to come.
    Going,
    /// All is said, but the usage may still come.
    Finished,
    /// Nothing more comes.
    Over,
}

/// Hands on what a model writes.
pub(super) struct Writer<'a> {
    wrote: &'a mut (dyn FnMut(Wrote) + Send),
    /// The request, which is over when the writer is dropped.
    pub(super) sending: Sending,
    characters: usize,
    begun: bool,
    spoken: bool,
    /// What came before the first word.
    held: String,
    /// Something came since this was last looked at.
    moved: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(wrote: &'a mut (dyn FnMut(Wrote) + Send), sending: Sending) -> Self {
        Self {
            wrote,
            sending,
            characters: 0,
            begun: false,
            spoken: false,
            held: String::new(),
            moved: false,
        }
    }

    pub(super) fn begin(&mut self) {
        self.moved = true;
        if !self.begun {
            self.begun = true;
            (self.wrote)(Wrote::Began);
        }
    }

    /// Words to speak. Space before the first of them and what is over the bound are left out; marks and pictures before it wait for
    /// it, and without any word nothing was written.
    pub(super) fn text(&mut self, piece: &str) {
        let room = MOST_CHARACTERS - self.characters;
        let end = piece
            .char_indices()
            .nth(room)
            .map_or(piece.len(), |at| at.0);
        let piece = &piece[..end];
        self.unspoken(piece.chars().count());
        if self.spoken {
            if !piece.is_empty() {
                (self.wrote)(Wrote::Text(piece.to_owned()));
            }
            return;
        }
        self.held.push_str(piece);
        // Whatever the language: it only decides how numbers and signs are said.
        if piece.chars().any(char::is_alphanumeric) && !speakable(&self.held, "").is_empty() {
            self.begin();
            self.spoken = true;
            let held = std::mem::take(&mut self.held);
            (self.wrote)(Wrote::Text(held.trim_start().to_owned()));
        }
    }

    /// So many characters came that nobody hears.
    pub(super) fn unspoken(&mut self, characters: usize) {
        self.moved |= characters > 0;
        self.sending.received(characters);
        self.characters = MOST_CHARACTERS.min(self.characters + characters);
    }

    fn is_full(&self) -> bool {
        self.characters == MOST_CHARACTERS
    }

    /// The answer is complete, or cut.
    pub(super) fn close(mut self, calls: Vec<Call>, finish: Option<Finish>) -> Result<(), Failure> {
        let finish = if self.is_full() {
            Finish::Cut
        } else {
            finish.ok_or_else(fault::broken_off)?
        };
        if !self.spoken && calls.is_empty() {
            return Err(fault::wordless(&finish));
        }
        let called = !calls.is_empty() && finish != Finish::Cut;
        for call in calls {
            self.begin();
            (self.wrote)(Wrote::Call {
                id: call.id,
                name: call.name,
                arguments: call.arguments,
            });
        }
        (self.wrote)(Wrote::End(if called { Finish::Calls } else { finish }));
        Ok(())
    }
}

/// What has been read of a stream, in either language.
pub(super) enum Reading {
    Chat(chat::Reading),
    Responses(responses::Reading),
}

impl Reading {
    fn take(&mut self, data: &str, writer: &mut Writer<'_>) -> Result<Stage, Failure> {
        match self {
            Self::Chat(reading) => reading.take(data, writer),
            Self::Responses(reading) => reading.take(data, writer),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Chat(reading) => reading.is_complete(),
            Self::Responses(reading) => reading.is_complete(),
        }
    }

    fn close(self, writer: Writer<'_>) -> Result<(), Failure> {
        match self {
            Self::Chat(reading) => reading.close(writer),
            Self::Responses(reading) => reading.close(writer),
        }
    }
}

/// How long the first word is waited for.
#[derive(Clone, Copy)]
pub(super) struct First {
    pub(super) at: Instant,
    pub(super) bound: Duration,
}

/// Reads a stream to its end. What ends it early closes the connection, because the response is dropped.
pub(super) async fn read(
    mut response: Response,
    mut reading: Reading,
    mut writer: Writer<'_>,
    first: First,
) -> Result<(), Failure> {
    let mut decoder = Decoder::default();
    let mut until = first.at;
    loop {
        let chunk = match timeout_at(until, response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(_)) | Err(_) if reading.is_complete() => None,
            Ok(Err(error)) => return Err(fault::broken(&error)),
            Err(_) if writer.begun => return Err(fault::late("go on with", STALL)),
            Err(_) => return Err(fault::late("begin", first.bound)),
        };
        let Some(chunk) = chunk else {
            if let Some(event) = decoder.finish() {
                reading.take(&event.data, &mut writer)?;
            }
            return reading.close(writer);
        };
        let bounds = decoder.push(&chunk);
        while let Some(event) = decoder.poll() {
            let stage = reading.take(&event.data, &mut writer)?;
            if writer.is_full() {
                return reading.close(writer);
            }
            if stage == Stage::Over {
                reading.close(writer)?;
                drain(response).await;
                return Ok(());
            }
            if std::mem::take(&mut writer.moved) && writer.begun {
                until = Instant::now() + STALL;
            }
            if stage == Stage::Finished {
                until = until.min(Instant::now() + TAIL);
            }
        }
        bounds.map_err(fault::garbled)?;
    }
}

/// Reads what is left of a body that has ended, for the sake of its connection.
async fn drain(mut response: Response) {
    let until = Instant::now() + TAIL;
    while let Ok(Ok(Some(_))) = timeout_at(until, response.chunk()).await {}
}

/// A body that is no stream, up to a bound.
pub(super) async fn body(mut response: Response, until: Instant) -> String {
    const MOST: usize = 64 * 1024;
    let mut body = Vec::new();
    while body.len() < MOST {
        match timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    body.truncate(MOST);
    String::from_utf8_lossy(&body).into_owned()
}

/// A failure of the provider that all models here speak the language of.
pub(super) const PROVIDER: Provider = Provider::OpenAi;
