//! What Deepgram answers.

use std::time::Duration;

use serde::Serialize;

use crate::Garbled;
use crate::deepgram::node::Node;

/// A text frame of Deepgram.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// What was said in a stretch of audio; boxed because it is large.
    Results(Box<Results>),
    /// A gap of `utterance_end_ms` after words.
    UtteranceEnd {
        /// Which channel, from 0.
        channel: u32,
        /// How many channels there are.
        channels: u32,
        /// Where the last word ended. `None` where it is missing or negative; it is then written as -1.
        last_word_end: Option<Duration>,
    },
    /// Speech began. It can come again without an end between.
    SpeechStarted {
        /// Which channel, from 0.
        channel: u32,
        /// How many channels there are.
        channels: u32,
        /// When.
        timestamp: Duration,
    },
    /// The summary after `CloseStream`; possibly also at other times.
    Metadata(Metadata),
    /// `Configure` took effect.
    ConfigureSuccess {
        /// Deepgram's id of the stream.
        request_id: String,
        /// The keyterms in effect, if they were replaced.
        keyterms: Option<Vec<String>>,
    },
    /// `Configure` was rejected; the stream goes on as it was.
    ConfigureFailure {
        /// Deepgram's id of the stream.
        request_id: String,
        /// Why.
        code: ConfigureFault,
        /// Why, for people.
        description: String,
    },
    /// Something went wrong; by itself not the end of the stream.
    Error {
        /// The category, such as [`super::SCHEMA_ERROR`].
        variant: String,
        /// What went wrong, for people.
        description: String,
        /// The client's message that was not understood.
        message: Option<String>,
    },
    /// A kind that is not known here; to be ignored.
    Other(String),
}

/// What was said in a stretch of audio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// Which channel, from 0.
    pub channel: u32,
    /// How many channels there are.
    pub channels: u32,
    /// Where the stretch begins.
    pub start: Duration,
    /// How long it is.
    pub duration: Duration,
    /// The text of this stretch will not change.
    pub is_final: bool,
    /// An utterance is over; implies `is_final`.
    pub speech_final: bool,
    /// The answer to `Finalize`. Its transcript may be empty: the flush is done.
    pub from_finalize: bool,
    /// The readings, best first; normally one.
    pub alternatives: Vec<Alternative>,
    /// Who answers.
    pub metadata: ResultsMetadata,
}

impl Results {
    /// The text of the best reading, often empty.
    #[must_use]
    pub fn transcript(&self) -> &str {
        self.alternatives
            .first()
            .map_or("", |alternative| &alternative.transcript)
    }
}

/// A reading of a stretch of audio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alternative {
    /// The text, often empty.
    pub transcript: String,
    /// 0 to 1; 0 where it is missing.
    pub confidence: f64,
    /// The languages heard, with `language=multi`.
    pub languages: Vec<String>,
    /// The words.
    pub words: Vec<Word>,
}

/// A word of a reading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// Bare and in small letters.
    pub word: String,
    /// Where it begins.
    pub start: Duration,
    /// Where it ends.
    pub end: Duration,
    /// 0 to 1; 0 where it is missing.
    pub confidence: f64,
    /// With punctuation and capitals, where these were asked for.
    pub punctuated_word: Option<String>,
    /// Which speaker, with diarization.
    pub speaker: Option<u32>,
    /// Which language, with `language=multi`.
    pub language: Option<String>,
}

/// Who answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultsMetadata {
    /// Deepgram's id of the stream.
    pub request_id: String,
    /// The model.
    pub model_info: ModelInfo,
    /// The model's id.
    pub model_uuid: String,
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// Such as `general-nova-3`.
    pub name: String,
    /// Such as `2026-01-15.0`.
    pub version: String,
    /// Such as `nova-3`.
    pub arch: String,
}

/// The summary of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Deepgram's id of the stream.
    pub request_id: String,
    /// Of the audio.
    pub sha256: String,
    /// When the stream began, ISO 8601.
    pub created: String,
    /// How much audio there was.
    pub duration: Duration,
    /// How many channels there were; 0 if no audio came.
    pub channels: u32,
}

/// Why a `Configure` was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigureFault {
    /// The model takes no keyterms in the middle of a stream.
    KeytermsNotSupported,
    /// More than [`super::MAX_KEYTERM_TOKENS`].
    KeytermLimitExceeded,
    /// Another `Configure` still waits for its answer.
    AlreadyPending,
    /// Deepgram's own trouble.
    InternalError,
    /// A word that is not known here.
    Other(String),
}

impl ConfigureFault {
    fn from_word(word: &str) -> Self {
        match word {
            "CONFIGURE_KEYTERMS_NOT_SUPPORTED" => Self::KeytermsNotSupported,
            "CONFIGURE_KEYTERM_LIMIT_EXCEEDED" => Self::KeytermLimitExceeded,
            "CONFIGURE_ALREADY_PENDING" => Self::AlreadyPending,
            "CONFIGURE_INTERNAL_ERROR" => Self::InternalError,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Deepgram's word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::KeytermsNotSupported => "CONFIGURE_KEYTERMS_NOT_SUPPORTED",
            Self::KeytermLimitExceeded => "CONFIGURE_KEYTERM_LIMIT_EXCEEDED",
            Self::AlreadyPending => "CONFIGURE_ALREADY_PENDING",
            Self::InternalError => "CONFIGURE_INTERNAL_ERROR",
            Self::Other(word) => word,
        }
    }
}

/// Reads a text frame of Deepgram. What is missing is empty, zero or false.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with a `type`, or if `Results` hold no `channel`.
pub fn parse(text: &str) -> Result<Event, Garbled> {
    let (kind, node) = Node::message(text)?;
    Ok(match kind.as_str() {
        "Results" => Event::Results(Box::new(results(&node)?)),
        "UtteranceEnd" => {
            let (channel, channels) = channel_of(node.get("channel"));
            Event::UtteranceEnd {
                channel,
                channels,
                last_word_end: node.get("last_word_end").seconds(),
            }
        }
        "SpeechStarted" => {
            let (channel, channels) = channel_of(node.get("channel"));
            Event::SpeechStarted {
                channel,
                channels,
                timestamp: node.get("timestamp").seconds().unwrap_or_default(),
            }
        }
        "Metadata" => Event::Metadata(Metadata {
            request_id: node.owned("request_id"),
            sha256: node.owned("sha256"),
            created: node.owned("created"),
            duration: node.get("duration").seconds().unwrap_or_default(),
            channels: node.get("channels").count_u32().unwrap_or_default(),
        }),
        "ConfigureSuccess" => Event::ConfigureSuccess {
            request_id: node.owned("request_id"),
            keyterms: node.present("keyterms").map(Node::texts),
        },
        "ConfigureFailure" => Event::ConfigureFailure {
            request_id: node.owned("request_id"),
            code: ConfigureFault::from_word(node.get("code").text().unwrap_or_default()),
            description: node.owned("description"),
        },
        "Error" => Event::Error {
            variant: node.owned("variant"),
            description: node.owned("description"),
            message: node.maybe("message"),
        },
        _ => Event::Other(kind),
    })
}

fn channel_of(node: &Node<'_>) -> (u32, u32) {
    let number = |index: usize| node.items().get(index).and_then(Node::count_u32);
    (number(0).unwrap_or(0), number(1).unwrap_or(1))
}

fn results(node: &Node<'_>) -> Result<Results, Garbled> {
    let channel_node = node.present("channel").ok_or(Garbled::Missing {
        kind: "Results",
        field: "channel",
    })?;
    let (channel, channels) = channel_of(node.get("channel_index"));
    let flag = |name| node.get(name).flag().unwrap_or_default();
    let alternatives = channel_node.get("alternatives").items();
    let metadata = node.get("metadata");
    let model_info = metadata.get("model_info");
    Ok(Results {
        channel,
        channels,
        start: node.get("start").seconds().unwrap_or_default(),
        duration: node.get("duration").seconds().unwrap_or_default(),
        is_final: flag("is_final"),
        speech_final: flag("speech_final"),
        from_finalize: flag("from_finalize"),
        alternatives: alternatives.iter().map(alternative).collect(),
        metadata: ResultsMetadata {
            request_id: metadata.owned("request_id"),
            model_info: ModelInfo {
                name: model_info.owned("name"),
                version: model_info.owned("version"),
                arch: model_info.owned("arch"),
            },
            model_uuid: metadata.owned("model_uuid"),
        },
    })
}

pub(super) fn alternative(node: &Node<'_>) -> Alternative {
    Alternative {
        transcript: node.owned("transcript"),
        confidence: node.get("confidence").float().unwrap_or_default(),
        languages: node.get("languages").texts(),
        words: node.get("words").items().iter().map(word).collect(),
    }
}

fn word(node: &Node<'_>) -> Word {
    Word {
        word: node.owned("word"),
        start: node.get("start").seconds().unwrap_or_default(),
        end: node.get("end").seconds().unwrap_or_default(),
        confidence: node.get("confidence").float().unwrap_or_default(),
        punctuated_word: node.maybe("punctuated_word"),
        speaker: node.get("speaker").count_u32(),
        language: node.maybe("language"),
    }
}

impl Event {
    /// The text frame as Deepgram writes it. ([`Event::Other`] is nothing but its kind.)
    #[must_use]
    pub fn to_text(&self) -> String {
        super::write::text(self)
    }
}
