//! What a client says besides audio.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::deepgram::Refusal;
use crate::deepgram::node;
use crate::deepgram::refusal::Fields;

/// A text frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Resets the idle timer; there is no answer.
    KeepAlive,
    /// Decode what is buffered now. Usually answered by `Results` with `from_finalize`, but not where little is buffered.
    Finalize {
        /// Which channel; every one if it is left out.
        channel: Option<u32>,
    },
    /// Decode what is buffered, send the last `Results` and `Metadata`, close.
    CloseStream,
    /// Change the stream's settings. Answered by exactly one `ConfigureSuccess` or `ConfigureFailure`.
    Configure(Configure),
}

/// New settings of a stream; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configure {
    /// Replaces all keyterms, `nova-3` only; an empty list clears them.
    pub keyterms: Option<Vec<String>>,
    /// Features to switch on or off, by their query name, such as `numerals`.
    pub features: BTreeMap<String, bool>,
}

impl Command {
    /// The text frame.
    #[must_use]
    pub fn to_text(&self) -> String {
        let message = match self {
            Self::KeepAlive => Wire::of("KeepAlive"),
            Self::Finalize { channel } => Wire {
                channel: *channel,
                ..Wire::of("Finalize")
            },
            Self::CloseStream => Wire::of("CloseStream"),
            Self::Configure(Configure { keyterms, features }) => Wire {
                keyterms: keyterms.as_deref(),
                features: Some(features).filter(|features| !features.is_empty()),
                ..Wire::of("Configure")
            },
        };
        node::write(&message)
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyterms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<&'a BTreeMap<String, bool>>,
}

impl Wire<'_> {
    fn of(kind: &'static str) -> Self {
        Self {
            r#type: kind,
            channel: None,
            keyterms: None,
            features: None,
        }
    }
}

/// Reads a text frame of a client strictly, for the simulator.
///
/// # Errors
/// [`Refusal`], which Deepgram answers by an `Error` of variant [`super::SCHEMA_ERROR`].
pub fn parse_command(text: &str) -> Result<Command, Refusal> {
    let mut fields = Fields::read(text)?;
    let command = match fields.kind(["KeepAlive", "Finalize", "CloseStream", "Configure"])? {
        "KeepAlive" => Command::KeepAlive,
        "Finalize" => Command::Finalize {
            channel: fields.count("channel")?,
        },
        "CloseStream" => Command::CloseStream,
        _ => Command::Configure(Configure {
            keyterms: fields.texts("keyterms")?,
            features: fields
                .flags("features")?
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }),
    };
    fields.finish()?;
    Ok(command)
}
