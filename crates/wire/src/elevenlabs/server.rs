//! What the provider sends on both sockets.

use std::borrow::Cow;

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::Garbled;
use crate::loose::Loose;
use crate::twilio::media::{push_base64, push_json_string};

/// A message of the provider. The context is `None` on `stream-input` and for the default context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// A piece of audio; boxed because of its alignments.
    Audio(Box<Audio<'a>>),
    /// All audio of the stream or context has been sent.
    Final {
        /// The context.
        context_id: Option<String>,
    },
    /// Something is wrong; the socket closes next.
    Error {
        /// The context, where it is about one.
        context_id: Option<String>,
        /// What is wrong.
        error: ApiError,
    },
    /// Neither audio nor end nor error; to be ignored.
    Other,
}

/// A piece of audio.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audio<'a> {
    /// The context.
    pub context_id: Option<Cow<'a, str>>,
    /// Base64 of the audio in the format that was asked for, still encoded.
    pub audio: Cow<'a, str>,
    /// When the characters of the text are spoken; `None` where they were not asked for or are not known.
    pub alignment: Option<Vec<TimedChar>>,
    /// When the characters of the text in words are spoken.
    pub normalized_alignment: Option<Vec<TimedChar>>,
    /// True if no more audio follows.
    pub is_final: bool,
}

/// A character and when it is spoken, from the beginning of its piece of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedChar {
    /// The character.
    pub character: String,
    /// Its beginning, in ms.
    pub start_ms: u64,
    /// Its length, in ms.
    pub duration_ms: u64,
}

impl Audio<'_> {
    /// Appends the audio to `out`; allocates only where its capacity is too small.
    ///
    /// # Errors
    /// [`Garbled::Payload`] if it is not padded base64; `out` is then as before.
    pub fn decode_into(&self, out: &mut Vec<u8>) -> Result<(), Garbled> {
        STANDARD
            .decode_append(self.audio.as_bytes(), out)
            .map(drop)
            .map_err(|_| Garbled::Payload {
                length: self.audio.len(),
            })
    }
}

/// Reads one text message of the provider. Unknown fields are accepted.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object.
pub fn parse_server(text: &str) -> Result<ServerMessage<'_>, Garbled> {
    let message: Wire<'_> =
        serde_json::from_str(text).map_err(|error| Garbled::from_json("speech", &error))?;
    let context_id = message.context_id.text();
    let is_final = message.is_final.is_true();
    if let Some(audio) = message.audio.text() {
        return Ok(ServerMessage::Audio(Box::new(Audio {
            context_id,
            audio,
            alignment: message.alignment.map(WireAlignment::characters),
            normalized_alignment: message.normalized_alignment.map(WireAlignment::characters),
            is_final,
        })));
    }
    let context_id = context_id.map(Cow::into_owned);
    let error = ApiError {
        close_code: message
            .code
            .count()
            .and_then(|code| u16::try_from(code).ok()),
        code: message.error.owned(),
        message: message.message.owned(),
        ..ApiError::default()
    }
    .tidy();
    Ok(if error.code.is_some() || error.message.is_some() {
        ServerMessage::Error { context_id, error }
    } else if is_final {
        ServerMessage::Final { context_id }
    } else {
        ServerMessage::Other
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default, alias = "context_id")]
    context_id: Loose<'a>,
    #[serde(borrow, default)]
    audio: Loose<'a>,
    #[serde(borrow, default, alias = "is_final")]
    is_final: Loose<'a>,
    #[serde(borrow)]
    alignment: Option<WireAlignment<'a>>,
    #[serde(borrow)]
    normalized_alignment: Option<WireAlignment<'a>>,
    #[serde(borrow, default)]
    error: Loose<'a>,
    #[serde(borrow, default)]
    message: Loose<'a>,
    #[serde(borrow, default)]
    code: Loose<'a>,
}

/// The durations are spelled one way in the specification and the other way by the service.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlignment<'a> {
    #[serde(borrow)]
    chars: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    char_start_times_ms: Option<Vec<Loose<'a>>>,
    #[serde(borrow)]
    chars_durations_ms: Option<Vec<Loose<'a>>>,
    #[serde(borrow)]
    char_durations_ms: Option<Vec<Loose<'a>>>,
}

impl WireAlignment<'_> {
    fn characters(self) -> Vec<TimedChar> {
        let chars = self.chars.unwrap_or_default();
        let starts = self.char_start_times_ms.unwrap_or_default();
        let durations = self.chars_durations_ms.or(self.char_durations_ms);
        let durations = durations.unwrap_or_default();
        let rows = chars.into_iter().zip(starts).zip(durations);
        rows.map(|((character, start), duration)| TimedChar {
            character: character.into_owned(),
            start_ms: whole_ms(&start),
            duration_ms: whole_ms(&duration),
        })
        .collect()
    }
}

/// Whole milliseconds; nothing for what is none. The conversion saturates.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, as meant"
)]
fn whole_ms(value: &Loose<'_>) -> u64 {
    value
        .count()
        .unwrap_or_else(|| value.number().unwrap_or(0.0).round() as u64)
}

/// Writes a message with the bytes of `audio` into `out`, whose old content is discarded; `frame` gives all but the
/// audio.
pub fn write_audio(out: &mut String, audio: &[u8], frame: &Audio<'_>) {
    out.clear();
    out.push_str(r#"{"audio":""#);
    push_base64(out, audio);
    out.push('"');
    frame.close(out);
}

impl Audio<'_> {
    fn close(&self, out: &mut String) {
        out.push_str(if self.is_final {
            r#","isFinal":true"#
        } else {
            r#","isFinal":null"#
        });
        push_context(out, self.context_id.as_deref());
        let many = self.context_id.is_some();
        for (name, alignment) in [
            ("normalizedAlignment", &self.normalized_alignment),
            ("alignment", &self.alignment),
        ] {
            let written = alignment
                .as_ref()
                .map(|characters| WrittenAlignment::of(characters, many));
            let json = serde_json::to_string(&written).unwrap_or_default();
            out.push_str(&format!(r#","{name}":{json}"#));
        }
        out.push('}');
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAlignment<'a> {
    chars: Vec<&'a str>,
    char_start_times_ms: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chars_durations_ms: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    char_durations_ms: Option<Vec<u64>>,
}

impl<'a> WrittenAlignment<'a> {
    fn of(characters: &'a [TimedChar], many: bool) -> Self {
        let durations: Vec<_> = characters.iter().map(|one| one.duration_ms).collect();
        let (multi, single) = if many {
            (Some(durations), None)
        } else {
            (None, Some(durations))
        };
        Self {
            chars: characters
                .iter()
                .map(|one| one.character.as_str())
                .collect(),
            char_start_times_ms: characters.iter().map(|one| one.start_ms).collect(),
            chars_durations_ms: single,
            char_durations_ms: multi,
        }
    }
}

fn push_context(out: &mut String, context_id: Option<&str>) {
    if let Some(context_id) = context_id {
        out.push_str(r#","contextId":"#);
        push_json_string(out, context_id);
    }
}

impl ServerMessage<'_> {
    /// The context the message belongs to.
    #[must_use]
    pub fn context_id(&self) -> Option<&str> {
        match self {
            Self::Audio(audio) => audio.context_id.as_deref(),
            Self::Final { context_id } | Self::Error { context_id, .. } => context_id.as_deref(),
            Self::Other => None,
        }
    }

    /// The message as the provider writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Audio(audio) => {
                out.push_str(r#"{"audio":"#);
                push_json_string(&mut out, &audio.audio);
                audio.close(&mut out);
            }
            Self::Final { context_id } => {
                out.push_str(r#"{"isFinal":true"#);
                push_context(&mut out, context_id.as_deref());
                out.push_str(if context_id.is_some() {
                    "}"
                } else {
                    r#","audio":null}"#
                });
            }
            Self::Error { context_id, error } => {
                out.push_str(&error.to_message());
                out.pop();
                push_context(&mut out, context_id.as_deref());
                out.push('}');
            }
            Self::Other => out.push_str("{}"),
        }
        out
    }
}
