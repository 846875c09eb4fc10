//! What a client says on the socket.

use serde::Serialize;

use super::{MAX_CHARACTERS, TEXT_TOO_LONG, UNKNOWN_COMMAND};
use crate::deepgram::refusal::Fields;
use crate::deepgram::{Closing, Refusal, node};

/// A text frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// More text to speak, at most [`MAX_CHARACTERS`].
    Speak {
        /// The text.
        text: String,
    },
    /// Speak what is buffered now; answered by `Flushed` after its audio.
    Flush,
    /// Throw away what is buffered; answered by `Cleared`.
    Clear,
    /// Speak what is buffered, then close.
    Close,
}

impl Command {
    /// The text frame.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Speak { text } => node::write(&Wire {
                r#type: "Speak",
                text,
            }),
            Self::Flush => node::write_kind("Flush"),
            Self::Clear => node::write_kind("Clear"),
            Self::Close => node::write_kind("Close"),
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// Reads a text frame of a client strictly, for the simulator.
///
/// # Errors
/// [`Refusal`], upon which Deepgram closes with [`closing`].
pub fn parse_command(text: &str) -> Result<Command, Refusal> {
    let mut fields = Fields::read(text)?;
    let command = match fields.kind(["Speak", "Flush", "Clear", "Close"])? {
        "Speak" => Command::Speak {
            text: speakable(fields.required_text("text")?)?,
        },
        "Flush" => Command::Flush,
        "Clear" => Command::Clear,
        _ => Command::Close,
    };
    fields.finish()?;
    Ok(command)
}

/// How Deepgram closes after a message it refuses.
#[must_use]
pub fn closing(refusal: &Refusal) -> Closing {
    match refusal {
        Refusal::TooLong { .. } => TEXT_TOO_LONG,
        Refusal::Json { .. }
        | Refusal::UnknownType(_)
        | Refusal::Missing { .. }
        | Refusal::Unexpected { .. }
        | Refusal::WrongShape { .. } => UNKNOWN_COMMAND,
    }
}

pub(super) fn speakable(text: String) -> Result<String, Refusal> {
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(Refusal::TooLong {
            characters,
            most: MAX_CHARACTERS,
        });
    }
    Ok(text)
}
