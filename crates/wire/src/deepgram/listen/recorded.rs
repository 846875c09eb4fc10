//! Recognition of a recording: the audio is posted to the path of the socket, and the answer has all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::server::{Alternative, ModelInfo, alternative};
use super::write;
use crate::Garbled;
use crate::deepgram::node::{self, Node};

/// What was said in a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// Deepgram's id of the request.
    pub request_id: String,
    /// Of the audio.
    pub sha256: String,
    /// When it was asked for, ISO 8601.
    pub created: String,
    /// How much audio there was.
    pub duration: Duration,
    /// How many channels the audio has.
    pub channels: u32,
    /// The models that heard it, each with its id.
    pub models: Vec<(String, ModelInfo)>,
    /// What was said; one entry, or with `multichannel=true` one for each channel.
    pub results: Vec<Channel>,
}

/// What was said in one channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Channel {
    /// The readings, best first; normally one.
    pub alternatives: Vec<Alternative>,
    /// As a code, with `detect_language=true`.
    pub detected_language: Option<String>,
}

/// Reads the answer. What is missing is empty or zero.
///
/// # Errors
/// [`Garbled`] if it is no JSON, or has no `results` with `channels`.
pub fn parse_transcript(text: &str) -> Result<Transcript, Garbled> {
    const KIND: &str = "Deepgram";
    let node = Node::read(text).map_err(|error| Garbled::from_json(KIND, &error))?;
    let results = node.get("results").present("channels");
    let results = results.ok_or(Garbled::Missing {
        kind: KIND,
        field: "results.channels",
    })?;
    let metadata = node.get("metadata");
    let info = metadata.get("model_info");
    let model = |id: String| {
        let info = info.get(&id);
        let named = ModelInfo {
            name: info.owned("name"),
            version: info.owned("version"),
            arch: info.owned("arch"),
        };
        (id, named)
    };
    Ok(Transcript {
        request_id: metadata.owned("request_id"),
        sha256: metadata.owned("sha256"),
        created: metadata.owned("created"),
        duration: metadata.get("duration").seconds().unwrap_or_default(),
        channels: metadata.get("channels").count_u32().unwrap_or_default(),
        models: metadata
            .get("models")
            .texts()
            .into_iter()
            .map(model)
            .collect(),
        results: results.items().iter().map(channel).collect(),
    })
}

fn channel(node: &Node<'_>) -> Channel {
    let alternatives = node.get("alternatives").items();
    Channel {
        alternatives: alternatives.iter().map(alternative).collect(),
        detected_language: node.maybe("detected_language"),
    }
}

impl Transcript {
    /// The answer as Deepgram writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let info = |(id, model): &(String, ModelInfo)| (id.clone(), model.clone());
        node::write(&Message {
            metadata: MetadataMessage {
                transaction_key: "deprecated",
                request_id: &self.request_id,
                sha256: &self.sha256,
                created: &self.created,
                duration: self.duration.as_secs_f64(),
                channels: self.channels,
                models: self.models.iter().map(|(id, _)| id.as_str()).collect(),
                model_info: self.models.iter().map(info).collect(),
            },
            results: ResultsMessage {
                channels: self.results.iter().map(ChannelMessage::of).collect(),
            },
        })
    }
}

#[derive(Serialize)]
struct Message<'a> {
    metadata: MetadataMessage<'a>,
    results: ResultsMessage<'a>,
}

#[derive(Serialize)]
struct MetadataMessage<'a> {
    transaction_key: &'static str,
    request_id: &'a str,
    sha256: &'a str,
    created: &'a str,
    duration: f64,
    channels: u32,
    models: Vec<&'a str>,
    model_info: BTreeMap<String, ModelInfo>,
}

#[derive(Serialize)]
struct ResultsMessage<'a> {
    channels: Vec<ChannelMessage<'a>>,
}

#[derive(Serialize)]
struct ChannelMessage<'a> {
    alternatives: Vec<write::AlternativeMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detected_language: Option<&'a str>,
}

impl<'a> ChannelMessage<'a> {
    fn of(channel: &'a Channel) -> Self {
        Self {
            alternatives: channel
                .alternatives
                .iter()
                .map(write::alternative)
                .collect(),
            detected_language: channel.detected_language.as_deref(),
        }
    }
}
