//! What a client says besides audio.

use serde::Serialize;

use super::Thresholds;
use super::query::check_language_hints;
use crate::deepgram::node;
use crate::deepgram::refusal::Fields;
use crate::deepgram::{BadQuery, Refusal};

/// A text frame of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Decode what is buffered, send the last `Update`s, close; no `EndOfTurn` comes.
    CloseStream,
    /// End the turn now; ignored if there is none. Deployments older than August 2026 take it for a broken message.
    ForceEndTurn,
    /// Change the session's settings. Answered by `ConfigureSuccess` or `ConfigureFailure`; only one may be unanswered.
    Configure(Configure),
}

/// New settings of a session; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configure {
    /// When a turn ends.
    pub thresholds: Thresholds,
    /// Replaces all keyterms; an empty list clears them.
    pub keyterms: Option<Vec<String>>,
    /// Replaces all language hints, [`super::MULTILINGUAL_MODEL`] only.
    pub language_hints: Option<Vec<String>>,
    /// Digits for number words.
    pub numerals: Option<bool>,
}

impl Configure {
    /// Judges the values as they are judged in the query, for a session of `model`.
    ///
    /// # Errors
    /// [`BadQuery`], which Deepgram answers by a `ConfigureFailure`.
    pub fn check(&self, model: &str) -> Result<(), BadQuery> {
        let Thresholds {
            eot_threshold,
            eager_eot_threshold,
            eot_timeout_ms,
        } = self.thresholds;
        if eot_threshold.is_some_and(|value| !(0.5..=1.0).contains(&value)) {
            return Err(BadQuery::value("eot_threshold", "0.5 to 1.0"));
        }
        if eager_eot_threshold.is_some_and(|value| !(0.3..=0.9).contains(&value)) {
            return Err(BadQuery::value("eager_eot_threshold", "0.3 to 0.9"));
        }
        if eot_timeout_ms.is_some_and(|value| !(500..=60_000).contains(&value)) {
            return Err(BadQuery::value("eot_timeout_ms", "500 to 60000"));
        }
        check_language_hints(model, self.language_hints.as_deref().unwrap_or_default())
    }
}

impl Command {
    /// The text frame.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::CloseStream => node::write_kind("CloseStream"),
            Self::ForceEndTurn => node::write_kind("ForceEndTurn"),
            Self::Configure(configure) => node::write(&Wire {
                r#type: "Configure",
                thresholds: Some(&configure.thresholds)
                    .filter(|thresholds| **thresholds != Thresholds::default()),
                keyterms: configure.keyterms.as_deref(),
                language_hints: configure.language_hints.as_deref(),
                numerals: configure.numerals,
            }),
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thresholds: Option<&'a Thresholds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyterms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_hints: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerals: Option<bool>,
}

/// Reads a text frame of a client strictly, for the simulator: `KeepAlive` is refused like any other unknown kind.
/// Whether the values of a `Configure` are in bounds is [`Configure::check`]'s to say.
///
/// # Errors
/// [`Refusal`], which Deepgram answers by an `Error` with the code [`super::UNPARSABLE_CLIENT_MESSAGE`], and the end.
pub fn parse_command(text: &str) -> Result<Command, Refusal> {
    let mut fields = Fields::read(text)?;
    let command = match fields.kind(["CloseStream", "ForceEndTurn", "Configure"])? {
        "CloseStream" => Command::CloseStream,
        "ForceEndTurn" => Command::ForceEndTurn,
        _ => Command::Configure(configure(&mut fields)?),
    };
    fields.finish()?;
    Ok(command)
}

fn configure(fields: &mut Fields<'_>) -> Result<Configure, Refusal> {
    let thresholds = match fields.object("thresholds")? {
        None => Thresholds::default(),
        Some(mut inner) => {
            let thresholds = Thresholds {
                eot_threshold: inner.number("eot_threshold")?,
                eager_eot_threshold: inner.number("eager_eot_threshold")?,
                eot_timeout_ms: inner.count("eot_timeout_ms")?,
            };
            inner.finish()?;
            thresholds
        }
    };
    Ok(Configure {
        thresholds,
        keyterms: fields.one_or_more_texts("keyterms")?,
        language_hints: fields.texts("language_hints")?,
        numerals: fields.flag("numerals")?,
    })
}
