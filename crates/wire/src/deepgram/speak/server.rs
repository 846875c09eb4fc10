//! What Deepgram answers on the socket besides audio.

use serde::Serialize;

use crate::Garbled;
use crate::deepgram::node::{self, Node};

/// A text frame of Deepgram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Who speaks.
    Metadata {
        /// Deepgram's id of the session.
        request_id: String,
        /// Such as `aura-2-thalia-en`.
        model_name: String,
        /// Such as `2025-04-07.0`.
        model_version: String,
        /// The model's id.
        model_uuid: String,
        /// The ids of further models that helped.
        additional_model_uuids: Vec<String>,
    },
    /// All audio of a `Flush` was sent.
    Flushed {
        /// Which answer; 0 where it is missing.
        sequence_id: u64,
    },
    /// What was buffered is gone; what comes now is new.
    Cleared {
        /// Which answer; 0 where it is missing.
        sequence_id: u64,
    },
    /// Something was not done, such as a `Flush` too many; the session goes on.
    Warning {
        /// Deepgram's word for it.
        code: String,
        /// What, for people.
        description: String,
    },
    /// A kind that is not known here; to be ignored.
    Other(String),
}

/// Reads a text frame of Deepgram. What is missing is empty or zero.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with a `type`.
pub fn parse(text: &str) -> Result<Event, Garbled> {
    let (kind, node) = Node::message(text)?;
    let sequence_id = node.get("sequence_id").count().unwrap_or_default();
    Ok(match kind.as_str() {
        "Metadata" => Event::Metadata {
            request_id: node.owned("request_id"),
            model_name: node.owned("model_name"),
            model_version: node.owned("model_version"),
            model_uuid: node.owned("model_uuid"),
            additional_model_uuids: node.get("additional_model_uuids").texts(),
        },
        "Flushed" => Event::Flushed { sequence_id },
        "Cleared" => Event::Cleared { sequence_id },
        "Warning" => Event::Warning {
            code: node.owned("code"),
            description: node.owned("description"),
        },
        _ => Event::Other(kind),
    })
}

impl Event {
    /// The text frame as Deepgram writes it. ([`Event::Other`] is nothing but its kind.)
    #[must_use]
    pub fn to_text(&self) -> String {
        let message = match self {
            Self::Metadata {
                request_id,
                model_name,
                model_version,
                model_uuid,
                additional_model_uuids,
            } => Message::Metadata {
                request_id,
                model_name,
                model_version,
                model_uuid,
                additional_model_uuids,
            },
            Self::Flushed { sequence_id } => Message::Flushed {
                sequence_id: *sequence_id,
            },
            Self::Cleared { sequence_id } => Message::Cleared {
                sequence_id: *sequence_id,
            },
            Self::Warning { code, description } => Message::Warning { code, description },
            Self::Other(kind) => return node::write_kind(kind),
        };
        node::write(&message)
    }
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Message<'a> {
    Metadata {
        request_id: &'a str,
        model_name: &'a str,
        model_version: &'a str,
        model_uuid: &'a str,
        additional_model_uuids: &'a [String],
    },
    Flushed {
        sequence_id: u64,
    },
    Cleared {
        sequence_id: u64,
    },
    Warning {
        code: &'a str,
        description: &'a str,
    },
}
