//! What a client sends on `stream-input`, the socket for one text.

use serde::Serialize;

use super::Refusal;
use super::voice_settings::{Opening, VoiceSettings, WireOpening, schedule};
use crate::demand::Fields;

/// A message after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SingleMessage {
    /// Text to speak, best ended with a space.
    Text {
        /// The text; not empty, not a single space.
        text: String,
        /// True speaks all that has come, however short.
        flush: bool,
        /// True tries to speak what has come if it is not too short.
        try_trigger_generation: bool,
    },
    /// Keeps the socket open.
    KeepAlive {
        /// True speaks all that has come, however short.
        flush: bool,
    },
    /// Speaks the rest and ends the stream.
    End,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    flush: bool,
    #[serde(skip_serializing_if = "is_false")]
    try_trigger_generation: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl SingleMessage {
    /// The message as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let message = match self {
            Self::Text {
                text,
                flush,
                try_trigger_generation,
            } => WireMessage {
                text,
                flush: *flush,
                try_trigger_generation: *try_trigger_generation,
            },
            Self::KeepAlive { flush } => WireMessage {
                text: " ",
                flush: *flush,
                try_trigger_generation: false,
            },
            Self::End => WireMessage {
                text: "",
                flush: false,
                try_trigger_generation: false,
            },
        };
        serde_json::to_string(&message).unwrap_or_default()
    }
}

impl Opening {
    /// The first message of `stream-input`.
    #[must_use]
    pub fn to_text(&self) -> String {
        #[derive(Serialize)]
        struct Message<'a> {
            text: &'static str,
            #[serde(flatten)]
            opening: WireOpening<'a>,
        }
        let message = Message {
            text: " ",
            opening: WireOpening::of(self),
        };
        serde_json::to_string(&message).unwrap_or_default()
    }
}

/// Reads the first message of a socket as strictly as the provider does: its text is exactly one space.
///
/// # Errors
/// [`Refusal`]
pub fn parse_opening(text: &str) -> Result<Opening, Refusal> {
    let mut fields = Fields::parse(text)?;
    if fields.required_text("text")? != " " {
        return Err(Refusal::value(
            "text",
            "one space in the first message",
            "another text",
        ));
    }
    for flag in ["flush", "try_trigger_generation"] {
        fields.truth(flag)?;
    }
    drop(fields.take("pronunciation_dictionary_locators"));
    let opening = Opening::of(&mut fields)?;
    fields.finish()?;
    Ok(opening)
}

/// Reads a message after the first as strictly as the provider does. Settings may be repeated, not changed.
///
/// # Errors
/// [`Refusal`]
pub fn parse_single(text: &str, opening: &Opening) -> Result<SingleMessage, Refusal> {
    let mut fields = Fields::parse(text)?;
    let text = fields.required_text("text")?;
    let flush = fields.truth("flush")?.unwrap_or(false);
    let try_trigger_generation = fields.truth("try_trigger_generation")?.unwrap_or(false);
    let settings = VoiceSettings::of(&mut fields)?;
    if settings.is_some() && settings != opening.voice_settings {
        return Err(Refusal::Changed {
            field: "voice_settings",
        });
    }
    for field in ["generation_config", "generator_config"] {
        let schedule = schedule(&mut fields, field)?;
        if schedule.is_some() && schedule != opening.chunk_length_schedule {
            return Err(Refusal::Changed { field });
        }
    }
    fields.finish()?;
    Ok(match text.as_str() {
        "" => SingleMessage::End,
        " " => SingleMessage::KeepAlive { flush },
        _ => SingleMessage::Text {
            text,
            flush,
            try_trigger_generation,
        },
    })
}
