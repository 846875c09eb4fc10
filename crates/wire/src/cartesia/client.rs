//! What a client sends on the socket: inputs of contexts, and cancels.

use super::settings::Settings;
use super::{ApiVersion, Refusal};
use crate::demand::Fields;

/// A message of a client, taken strictly.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// Text to speak.
    Generation(Box<Generation>),
    /// No more is to be made for a context.
    Cancel {
        /// The context.
        context_id: String,
    },
}

/// A request to speak, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// What all inputs of the context repeat.
    pub settings: Settings,
    /// The context.
    pub context_id: String,
    /// The text, joined verbatim with what the context has; may be empty.
    pub transcript: String,
    /// True if more text will follow.
    pub more: bool,
    /// True if what was sent so far is to be spoken and closed with a `flush_done`.
    pub flush: bool,
}

impl Generation {
    /// The part of the message that differs from input to input.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        Input {
            context_id: &self.context_id,
            transcript: &self.transcript,
            more: self.more,
            flush: self.flush,
        }
    }

    /// True if the message has no text and only ends its context.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.transcript.is_empty() && !self.more
    }

    /// Refuses an input whose settings differ from those its context began with. Of an end nothing is demanded:
    /// the official client closes a context with settings of its own when it was not told them beforehand.
    ///
    /// # Errors
    /// [`Refusal::Changed`]
    pub fn must_continue(&self, first: &Settings) -> Result<(), Refusal> {
        if self.is_end() {
            return Ok(());
        }
        self.settings.must_repeat(first)
    }
}

/// One input of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Input<'a> {
    /// The text, joined verbatim with what the context has: keep the spaces between sentences.
    pub transcript: &'a str,
    /// The context; never used again when it has ended.
    pub context_id: &'a str,
    /// True if more text will follow.
    #[serde(rename = "continue")]
    pub more: bool,
    /// True to mark a boundary in the audio with a `flush_done`; the text is then empty and `more` true.
    #[serde(skip_serializing_if = "is_false")]
    pub flush: bool,
}

impl<'a> Input<'a> {
    /// A text that others follow.
    #[must_use]
    pub const fn part(context_id: &'a str, transcript: &'a str) -> Self {
        Self {
            transcript,
            context_id,
            more: true,
            flush: false,
        }
    }

    /// The only or last text of a context; empty where the last text was not known to be the last.
    #[must_use]
    pub const fn last(context_id: &'a str, transcript: &'a str) -> Self {
        Self {
            transcript,
            context_id,
            more: false,
            flush: false,
        }
    }

    /// A boundary: all before it is spoken, the audio after it carries the next `flush_id`.
    #[must_use]
    pub const fn flush(context_id: &'a str) -> Self {
        Self {
            transcript: "",
            context_id,
            more: true,
            flush: true,
        }
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Settings {
    /// The message that sends `input` on the socket.
    #[must_use]
    pub fn to_text(&self, input: Input<'_>) -> String {
        #[derive(serde::Serialize)]
        struct Message<'a> {
            #[serde(flatten)]
            settings: &'a Settings,
            #[serde(flatten)]
            input: Input<'a>,
        }
        let message = Message {
            settings: self,
            input,
        };
        serde_json::to_string(&message).unwrap_or_default()
    }
}

/// Writes the message that cancels a context into `out`, whose old content is discarded.
pub fn write_cancel(out: &mut String, context_id: &str) {
    out.clear();
    out.push_str(r#"{"context_id":"#);
    crate::twilio::media::push_json_string(out, context_id);
    out.push_str(r#","cancel":true}"#);
}

/// Reads one text message of a client as strictly as the provider does: the documented fields, their types and ranges,
/// nothing else. That inputs of one context agree is asked of [`Generation::must_continue`].
///
/// # Errors
/// [`Refusal`]
pub fn parse_client(text: &str, version: &ApiVersion) -> Result<ClientMessage, Refusal> {
    let mut fields = Fields::parse(text)?;
    if fields.has("cancel") {
        return cancel(fields);
    }
    let settings = Settings::of(&mut fields, version)?;
    let generation = Generation {
        settings,
        context_id: fields.required_name("context_id")?,
        transcript: fields.required_text("transcript")?,
        more: fields.truth("continue")?.unwrap_or(false),
        flush: fields.truth("flush")?.unwrap_or(false),
    };
    fields.finish()?;
    Ok(ClientMessage::Generation(Box::new(generation)))
}

fn cancel(mut fields: Fields) -> Result<ClientMessage, Refusal> {
    let context_id = fields.required_name("context_id")?;
    if fields.truth("cancel")? != Some(true) {
        return Err(Refusal::value("cancel", "true", "false"));
    }
    fields.finish()?;
    Ok(ClientMessage::Cancel { context_id })
}
