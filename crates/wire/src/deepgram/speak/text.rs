//! The body of a request.

use serde::Serialize;

use super::client::speakable;
use crate::deepgram::refusal::Fields;
use crate::deepgram::{Refusal, node};

/// What a request asks to be spoken, posted as `application/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// This text, at most [`super::MAX_CHARACTERS`].
    Here(String),
    /// The text at this URL.
    At(String),
}

impl Text {
    /// The body.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (text, url) = match self {
            Self::Here(text) => (Some(text.as_str()), None),
            Self::At(url) => (None, Some(url.as_str())),
        };
        node::write(&Wire { text, url })
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

/// Reads a body strictly, for the simulator: exactly one of `text` and `url`.
///
/// # Errors
/// [`Refusal`]: HTTP 413 for [`Refusal::TooLong`], 400 for all else.
pub fn parse_text(body: &str) -> Result<Text, Refusal> {
    let mut fields = Fields::read(body)?;
    let text = match (fields.text("text")?, fields.text("url")?) {
        (Some(text), None) => Text::Here(speakable(text)?),
        (None, Some(url)) => Text::At(url),
        (None, None) => {
            return Err(Refusal::Missing {
                kind: "the request",
                field: "text",
            });
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::Unexpected {
                kind: "the request",
                field: "url".to_owned(),
            });
        }
    };
    fields.finish()?;
    Ok(text)
}
