//! What a client sends on `multi-stream-input`, the socket for many contexts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::voice_settings::{Opening, WireOpening};
use super::{MAX_OPEN_CONTEXTS, Refusal};
use crate::demand::Fields;

/// A message. A `context_id` of `None` is the default context.
#[derive(Debug, Clone, PartialEq)]
pub enum MultiMessage {
    /// Text to speak, best ended with a space. The first message of a context should be one space.
    Text {
        /// The context; a name that is not open opens one.
        context_id: Option<String>,
        /// The text; not empty.
        text: String,
        /// True speaks all that has come, however short.
        flush: bool,
        /// Only in the first message of a context.
        opening: Opening,
    },
    /// Keeps a context open; it is opened if it is not.
    KeepAlive {
        /// The context.
        context_id: Option<String>,
    },
    /// Speaks what has come, however short; the context is opened if it is not.
    Flush {
        /// The context.
        context_id: Option<String>,
    },
    /// Ends a context; what is not yet spoken is dropped unless it was flushed. Its end is told by a final message.
    CloseContext {
        /// The context.
        context_id: Option<String>,
    },
    /// Speaks the rest of all contexts and closes the socket.
    CloseSocket,
}

#[derive(Default, Serialize)]
struct WireMessage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_id: Option<&'a str>,
    #[serde(flatten)]
    opening: Option<WireOpening<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flush: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_context: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_socket: Option<bool>,
}

impl MultiMessage {
    /// The context the message is about; `None` for [`Self::CloseSocket`], an inner `None` for the default context.
    #[must_use]
    pub fn context(&self) -> Option<Option<&str>> {
        match self {
            Self::Text { context_id, .. }
            | Self::KeepAlive { context_id }
            | Self::Flush { context_id }
            | Self::CloseContext { context_id } => Some(context_id.as_deref()),
            Self::CloseSocket => None,
        }
    }

    /// The message as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let context_id = self.context().flatten();
        let mut message = WireMessage {
            context_id,
            ..WireMessage::default()
        };
        match self {
            Self::Text {
                text,
                flush,
                opening,
                ..
            } => {
                message.text = Some(text);
                message.flush = flush.then_some(true);
                message.opening = Some(WireOpening::of(opening));
            }
            Self::KeepAlive { .. } => message.text = Some(""),
            Self::Flush { .. } => message.flush = Some(true),
            Self::CloseContext { .. } => message.close_context = Some(true),
            Self::CloseSocket => message.close_socket = Some(true),
        }
        serde_json::to_string(&message).unwrap_or_default()
    }
}

/// Reads one message as strictly as the provider does: the documented fields and their types, nothing else. What it means
/// for the socket is asked of [`OpenContexts`].
///
/// # Errors
/// [`Refusal`]
pub fn parse_multi(text: &str) -> Result<MultiMessage, Refusal> {
    let mut fields = Fields::parse(text)?;
    let context_id = fields.name("context_id")?;
    let text = fields.text("text")?;
    let flush = fields.truth("flush")?.unwrap_or(false);
    let close_context = fields.truth("close_context")?.unwrap_or(false);
    let close_socket = fields.truth("close_socket")?.unwrap_or(false);
    drop(fields.take("pronunciation_dictionary_locators"));
    let opening = Opening::of(&mut fields)?;
    fields.finish()?;
    if close_socket {
        return Ok(MultiMessage::CloseSocket);
    }
    if close_context {
        return Ok(MultiMessage::CloseContext { context_id });
    }
    match text {
        Some(text) if !text.is_empty() => Ok(MultiMessage::Text {
            context_id,
            text,
            flush,
            opening,
        }),
        Some(_) | None if flush => Ok(MultiMessage::Flush { context_id }),
        Some(_) => Ok(MultiMessage::KeepAlive { context_id }),
        None => Err(Refusal::Missing { field: "text" }),
    }
}

/// The contexts that are open on one socket, as the provider counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenContexts(BTreeSet<Option<String>>);

impl OpenContexts {
    /// Takes a message into account; true if it has opened its context. A closed context counts until
    /// [`Self::finished`].
    ///
    /// # Errors
    /// [`Refusal::Changed`] for settings after the first message of a context, [`Refusal::TooManyContexts`] beyond
    /// [`MAX_OPEN_CONTEXTS`]. Either way the provider closes the socket with [`super::VIOLATION_CLOSE_CODE`].
    pub fn admit(&mut self, message: &MultiMessage) -> Result<bool, Refusal> {
        let Some(context) = message.context() else {
            return Ok(false);
        };
        let context = context.map(str::to_owned);
        if self.0.contains(&context) {
            let repeats =
                matches!(message, MultiMessage::Text { opening, .. } if !opening.is_empty());
            let field = "voice_settings or generation_config";
            return if repeats {
                Err(Refusal::Changed { field })
            } else {
                Ok(false)
            };
        }
        if matches!(message, MultiMessage::CloseContext { .. }) {
            return Ok(false);
        }
        if self.0.len() >= MAX_OPEN_CONTEXTS {
            return Err(Refusal::TooManyContexts {
                most: MAX_OPEN_CONTEXTS,
            });
        }
        self.0.insert(context);
        Ok(true)
    }

    /// A context's final message was sent.
    pub fn finished(&mut self, context_id: Option<&str>) {
        self.0.remove(&context_id.map(str::to_owned));
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if none is open; only then is a [`MultiMessage::CloseSocket`] acted on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
