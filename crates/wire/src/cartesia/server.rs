//! What the provider sends on the socket, and as the data of its events over HTTP.

use std::borrow::Cow;
use std::time::Duration;

use base64_simd::STANDARD;
use serde::Deserialize;

use super::error::{ApiError, Body};
use crate::Garbled;
use crate::loose::{Loose, sane_time};
use crate::twilio::media::{push_base64, push_json_string};

/// A message of the provider. The context is `None` where none is named: over HTTP, and in an error that belongs to none.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage<'a> {
    /// A piece of audio.
    Chunk(Chunk<'a>),
    /// When words are spoken.
    Timestamps(Timestamps),
    /// When phonemes are spoken.
    PhonemeTimestamps(Timestamps),
    /// All audio before a flush has been sent. Without buffering one comes for every input.
    FlushDone {
        /// The context.
        context_id: Option<String>,
        /// Which flush, from 1.
        flush_id: Option<u64>,
    },
    /// All audio of the context has been sent.
    Done {
        /// The context.
        context_id: Option<String>,
    },
    /// The context or the whole connection has failed.
    Error {
        /// The context, where it is about one.
        context_id: Option<String>,
        /// What is wrong.
        error: ApiError,
    },
    /// A kind that is not known here; to be ignored.
    Other(Cow<'a, str>),
}

impl ServerMessage<'_> {
    /// The context the message belongs to.
    #[must_use]
    pub fn context_id(&self) -> Option<&str> {
        match self {
            Self::Chunk(chunk) => chunk.context_id.as_deref(),
            Self::Timestamps(times) | Self::PhonemeTimestamps(times) => times.context_id.as_deref(),
            Self::FlushDone { context_id, .. }
            | Self::Done { context_id }
            | Self::Error { context_id, .. } => context_id.as_deref(),
            Self::Other(_) => None,
        }
    }
}

/// A piece of audio.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk<'a> {
    /// The context.
    pub context_id: Option<Cow<'a, str>>,
    /// Base64 of the audio in the format that was asked for, still encoded.
    pub data: Cow<'a, str>,
    /// Which flush it belongs to, from 1.
    pub flush_id: Option<u64>,
    /// How long the provider worked on it; nothing where it does not say.
    pub step_time: Duration,
}

impl Chunk<'_> {
    /// Appends the audio to `out`; allocates only where its capacity is too small.
    ///
    /// # Errors
    /// [`Garbled::Payload`] if the data is not padded base64; `out` is then as before.
    pub fn decode_into(&self, out: &mut Vec<u8>) -> Result<(), Garbled> {
        STANDARD
            .decode_append(self.data.as_bytes(), out)
            .map(drop)
            .map_err(|_| Garbled::Payload {
                length: self.data.len(),
            })
    }
}

/// When words or phonemes are spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Timestamps {
    /// The context.
    pub context_id: Option<String>,
    /// Which flush they belong to, from 1.
    pub flush_id: Option<u64>,
    /// In the order they are spoken. Tags that were in the text appear as words.
    pub words: Vec<TimedWord>,
}

/// One word or phoneme and when it is spoken, from the beginning of the context's audio.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedWord {
    /// The word.
    pub word: String,
    /// Its beginning.
    pub start: Duration,
    /// Its end.
    pub end: Duration,
}

/// Reads one text message of the provider, or the data of one event. Unknown fields and kinds are accepted.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with a `type`, or a chunk without data.
pub fn parse_server(text: &str) -> Result<ServerMessage<'_>, Garbled> {
    let message: Wire<'_> =
        serde_json::from_str(text).map_err(|error| Garbled::from_json("speech", &error))?;
    let Some(kind) = message.kind.text() else {
        return Err(Garbled::Shape {
            kind: "speech",
            line: 1,
            column: text.len(),
        });
    };
    let context_id = message.context_id.text();
    let flush_id = message.flush_id.count();
    let timed = |times: Option<WireTimes>, context_id: Option<Cow<'_, str>>| Timestamps {
        context_id: context_id.map(Cow::into_owned),
        flush_id,
        words: times.map(WireTimes::words).unwrap_or_default(),
    };
    Ok(match &*kind {
        "chunk" => ServerMessage::Chunk(Chunk {
            context_id,
            data: message.data.text().ok_or(Garbled::Shape {
                kind: "chunk",
                line: 1,
                column: text.len(),
            })?,
            flush_id,
            step_time: sane_time(message.step_time.number().unwrap_or(0.0) / 1000.0),
        }),
        "timestamps" => ServerMessage::Timestamps(timed(message.word_timestamps, context_id)),
        "phoneme_timestamps" => {
            ServerMessage::PhonemeTimestamps(timed(message.phoneme_timestamps, context_id))
        }
        "flush_done" => ServerMessage::FlushDone {
            context_id: context_id.map(Cow::into_owned),
            flush_id,
        },
        "done" => ServerMessage::Done {
            context_id: context_id.map(Cow::into_owned),
        },
        "error" => ServerMessage::Error {
            context_id: context_id.map(Cow::into_owned),
            error: ApiError {
                status: message
                    .status_code
                    .count()
                    .and_then(|status| u16::try_from(status).ok()),
                code: message.error_code.owned(),
                title: message.title.owned(),
                message: message.message.owned(),
                request_id: message.request_id.owned(),
                doc_url: message.doc_url.owned(),
            }
            .or_line(message.error.text().as_deref()),
        },
        _ => ServerMessage::Other(kind),
    })
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    context_id: Loose<'a>,
    #[serde(borrow, default)]
    data: Loose<'a>,
    #[serde(borrow, default)]
    status_code: Loose<'a>,
    #[serde(borrow, default)]
    step_time: Loose<'a>,
    #[serde(borrow, default)]
    flush_id: Loose<'a>,
    word_timestamps: Option<WireTimes>,
    phoneme_timestamps: Option<WireTimes>,
    #[serde(borrow, default)]
    error: Loose<'a>,
    #[serde(borrow, default)]
    error_code: Loose<'a>,
    #[serde(borrow, default)]
    title: Loose<'a>,
    #[serde(borrow, default)]
    message: Loose<'a>,
    #[serde(borrow, default)]
    request_id: Loose<'a>,
    #[serde(borrow, default)]
    doc_url: Loose<'a>,
}

#[derive(Deserialize, serde::Serialize)]
struct WireTimes {
    #[serde(alias = "phonemes", default)]
    words: Vec<String>,
    #[serde(default)]
    start: Vec<f64>,
    #[serde(default)]
    end: Vec<f64>,
}

impl WireTimes {
    fn words(self) -> Vec<TimedWord> {
        let times = self.start.into_iter().zip(self.end);
        let words = self.words.into_iter().zip(times);
        words
            .map(|(word, (start, end))| TimedWord {
                word,
                start: sane_time(start),
                end: sane_time(end),
            })
            .collect()
    }
}

/// Writes a `chunk` with the bytes of `audio` into `out`, whose old content is discarded.
pub fn write_chunk(
    out: &mut String,
    context_id: Option<&str>,
    audio: &[u8],
    (step_time, flush_id): (Duration, Option<u64>),
) {
    open(out, "chunk", context_id);
    out.push_str(r#","data":""#);
    push_base64(out, audio);
    out.push('"');
    close_chunk(out, step_time, flush_id);
}

fn close_chunk(out: &mut String, step_time: Duration, flush_id: Option<u64>) {
    use std::fmt::Write as _;
    #[allow(clippy::cast_precision_loss, reason = "a step is far below 2^53 ns")]
    let time = step_time.as_nanos() as f64 / 1e6;
    let written = write!(out, r#","done":false,"status_code":206,"step_time":{time}"#);
    debug_assert!(written.is_ok(), "a String takes everything");
    push_flush_id(out, flush_id);
    out.push('}');
}

fn open(out: &mut String, kind: &str, context_id: Option<&str>) {
    out.clear();
    out.push_str(r#"{"type":"#);
    push_json_string(out, kind);
    if let Some(context_id) = context_id {
        out.push_str(r#","context_id":"#);
        push_json_string(out, context_id);
    }
}

fn push_flush_id(out: &mut String, flush_id: Option<u64>) {
    if let Some(flush_id) = flush_id {
        out.push_str(r#","flush_id":"#);
        out.push_str(&flush_id.to_string());
    }
}

impl ServerMessage<'_> {
    /// The message as the provider writes it since version 2026-03-01.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Chunk(chunk) => {
                open(&mut out, "chunk", chunk.context_id.as_deref());
                out.push_str(r#","data":"#);
                push_json_string(&mut out, &chunk.data);
                close_chunk(&mut out, chunk.step_time, chunk.flush_id);
            }
            Self::Timestamps(times) => {
                times.write(&mut out, ("timestamps", "word_timestamps", "words"))
            }
            Self::PhonemeTimestamps(times) => {
                times.write(
                    &mut out,
                    ("phoneme_timestamps", "phoneme_timestamps", "phonemes"),
                );
            }
            Self::FlushDone {
                context_id,
                flush_id,
            } => {
                open(&mut out, "flush_done", context_id.as_deref());
                out.push_str(r#","done":false,"flush_done":true"#);
                push_flush_id(&mut out, *flush_id);
                out.push_str(r#","status_code":206}"#);
            }
            Self::Done { context_id } => {
                open(&mut out, "done", context_id.as_deref());
                out.push_str(r#","done":true,"status_code":200}"#);
            }
            Self::Error { context_id, error } => {
                open(&mut out, "error", context_id.as_deref());
                push_error_status(&mut out, error);
                let body = serde_json::to_string(&Body::of(error)).unwrap_or_default();
                out.push(',');
                out.push_str(body.trim_start_matches('{'));
            }
            Self::Other(kind) => {
                open(&mut out, kind, None);
                out.push('}');
            }
        }
        out
    }

    /// An error as it was written before version 2026-03-01; any other message as [`Self::to_text`].
    #[must_use]
    pub fn to_old_text(&self) -> String {
        let Self::Error { context_id, error } = self else {
            return self.to_text();
        };
        let mut out = String::new();
        open(&mut out, "error", context_id.as_deref());
        push_error_status(&mut out, error);
        out.push_str(r#","error":"#);
        push_json_string(&mut out, &error.line());
        out.push('}');
        out
    }
}

fn push_error_status(out: &mut String, error: &ApiError) {
    out.push_str(r#","done":true"#);
    if let Some(status) = error.status {
        out.push_str(r#","status_code":"#);
        out.push_str(&status.to_string());
    }
}

impl Timestamps {
    fn write(&self, out: &mut String, (kind, field, list): (&str, &str, &str)) {
        let times = |time: fn(&TimedWord) -> Duration| -> Vec<f64> {
            self.words
                .iter()
                .map(|word| time(word).as_secs_f64())
                .collect()
        };
        let words: Vec<_> = self.words.iter().map(|word| word.word.as_str()).collect();
        let body = serde_json::json!({
            list: words,
            "start": times(|word| word.start),
            "end": times(|word| word.end),
        });
        open(out, kind, self.context_id.as_deref());
        out.push_str(r#","done":false,"status_code":206"#);
        push_flush_id(out, self.flush_id);
        out.push_str(&format!(r#","{field}":{body}}}"#));
    }
}
