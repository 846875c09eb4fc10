//! What Deepgram answers.

use std::time::Duration;

use serde::Serialize;

use crate::Garbled;
use crate::deepgram::node::Node;

/// A text frame of Deepgram. `sequence_id` counts all of them from 0; 0 where it is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The first message: the session can be trusted.
    Connected {
        /// Deepgram's id of the session.
        request_id: String,
        /// The number of this message.
        sequence_id: u64,
    },
    /// The turn as it is now; boxed because it is large.
    TurnInfo(Box<TurnInfo>),
    /// `Configure` took effect: what holds now.
    ConfigureSuccess {
        /// Deepgram's id of the session.
        request_id: String,
        /// The number of this message.
        sequence_id: u64,
        /// When a turn ends.
        thresholds: Thresholds,
        /// The keyterms.
        keyterms: Vec<String>,
        /// The language hints.
        language_hints: Vec<String>,
        /// Digits for number words.
        numerals: Option<bool>,
    },
    /// `Configure` was rejected; the session goes on as it was.
    ConfigureFailure {
        /// Deepgram's id of the session.
        request_id: String,
        /// The number of this message.
        sequence_id: u64,
        /// Deepgram's word for why, empty where it is missing.
        code: String,
        /// Why, for people.
        description: String,
    },
    /// Something is odd; the session goes on.
    Warning {
        /// Deepgram's id of the session.
        request_id: String,
        /// The number of this message.
        sequence_id: u64,
        /// Deepgram's word for it.
        code: String,
        /// What, for people.
        description: String,
    },
    /// The session ends.
    Error {
        /// The number of this message.
        sequence_id: u64,
        /// Deepgram's word for it, such as [`super::INTERNAL_SERVER_ERROR`].
        code: String,
        /// What went wrong, for people.
        description: String,
    },
    /// A kind that is not known here; to be ignored.
    Other(String),
}

/// The turn as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnInfo {
    /// Deepgram's id of the session.
    pub request_id: String,
    /// The number of this message.
    pub sequence_id: u64,
    /// What happened.
    pub event: TurnEvent,
    /// Which turn, from 0; it rises after each `EndOfTurn`.
    pub turn_index: u64,
    /// Where the audio of this turn begins.
    pub audio_window_start: Duration,
    /// How far audio was heard.
    pub audio_window_end: Duration,
    /// The whole text of the turn so far.
    pub transcript: String,
    /// Its words.
    pub words: Vec<Word>,
    /// How sure the end of the turn is, 0 to 1; 0 where it is missing.
    pub end_of_turn_confidence: f64,
    /// Why the turn ended, on [`TurnEvent::EndOfTurn`] only.
    pub trigger: Option<Trigger>,
    /// The languages heard, most frequent first, with [`super::MULTILINGUAL_MODEL`].
    pub languages: Vec<String>,
    /// The hints that were given for this turn.
    pub languages_hinted: Vec<String>,
}

/// A word of a turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// With punctuation and capitals.
    pub word: String,
    /// 0 to 1; 0 where it is missing.
    pub confidence: f64,
    /// Where it begins.
    pub start: Option<Duration>,
    /// Where it ends.
    pub end: Option<Duration>,
}

/// What happened in a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEvent {
    /// Speech began.
    StartOfTurn,
    /// Nothing but time went on, about every 0.25 s of audio.
    Update,
    /// The turn is probably over; only with `eager_eot_threshold`. Its transcript is never empty.
    EagerEndOfTurn,
    /// It was not: the speaker went on. Only after [`Self::EagerEndOfTurn`].
    TurnResumed,
    /// The turn is over, with the text of the last [`Self::EagerEndOfTurn`] if there was one.
    EndOfTurn,
    /// A word that is not known here.
    Other(String),
}

impl TurnEvent {
    fn from_word(word: &str) -> Self {
        match word {
            "StartOfTurn" => Self::StartOfTurn,
            "Update" => Self::Update,
            "EagerEndOfTurn" => Self::EagerEndOfTurn,
            "TurnResumed" => Self::TurnResumed,
            "EndOfTurn" => Self::EndOfTurn,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Deepgram's word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::StartOfTurn => "StartOfTurn",
            Self::Update => "Update",
            Self::EagerEndOfTurn => "EagerEndOfTurn",
            Self::TurnResumed => "TurnResumed",
            Self::EndOfTurn => "EndOfTurn",
            Self::Other(word) => word,
        }
    }
}

/// Why a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The model was sure.
    Model,
    /// The client sent `ForceEndTurn`.
    Manual,
    /// `eot_timeout_ms` passed.
    Timeout,
    /// A word that is not known here.
    Other(String),
}

impl Trigger {
    fn from_word(word: &str) -> Self {
        match word {
            "model" => Self::Model,
            "manual" => Self::Manual,
            "timeout" => Self::Timeout,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Deepgram's word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Model => "model",
            Self::Manual => "manual",
            Self::Timeout => "timeout",
            Self::Other(word) => word,
        }
    }
}

/// When a turn ends, as in [`super::Query`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Thresholds {
    /// How sure an end of turn must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eot_threshold: Option<f64>,
    /// How sure an early guess must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eager_eot_threshold: Option<f64>,
    /// The silence, in ms, that ends a turn anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eot_timeout_ms: Option<u32>,
}

/// Reads a text frame of Deepgram. What is missing is empty, zero or false.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with a `type`, or if `TurnInfo` has no `event`.
pub fn parse(text: &str) -> Result<Event, Garbled> {
    let (kind, node) = Node::message(text)?;
    let sequence_id = node.get("sequence_id").count().unwrap_or_default();
    Ok(match kind.as_str() {
        "Connected" => Event::Connected {
            request_id: node.owned("request_id"),
            sequence_id,
        },
        "TurnInfo" => Event::TurnInfo(Box::new(turn_info(&node, sequence_id)?)),
        "ConfigureSuccess" => Event::ConfigureSuccess {
            request_id: node.owned("request_id"),
            sequence_id,
            thresholds: thresholds(node.get("thresholds")),
            keyterms: node.get("keyterms").texts(),
            language_hints: node.get("language_hints").texts(),
            numerals: node.get("numerals").flag(),
        },
        "ConfigureFailure" => Event::ConfigureFailure {
            request_id: node.owned("request_id"),
            sequence_id,
            code: node
                .maybe("code")
                .or_else(|| node.maybe("error_code"))
                .unwrap_or_default(),
            description: node.owned("description"),
        },
        "Warning" => Event::Warning {
            request_id: node.owned("request_id"),
            sequence_id,
            code: node.owned("code"),
            description: node.owned("description"),
        },
        "Error" => Event::Error {
            sequence_id,
            code: node.owned("code"),
            description: node.owned("description"),
        },
        _ => Event::Other(kind),
    })
}

fn thresholds(node: &Node<'_>) -> Thresholds {
    Thresholds {
        eot_threshold: node.get("eot_threshold").float(),
        eager_eot_threshold: node.get("eager_eot_threshold").float(),
        eot_timeout_ms: node.get("eot_timeout_ms").count_u32(),
    }
}

fn turn_info(node: &Node<'_>, sequence_id: u64) -> Result<TurnInfo, Garbled> {
    let event = node.get("event").text().ok_or(Garbled::Missing {
        kind: "TurnInfo",
        field: "event",
    })?;
    let seconds = |name| node.get(name).seconds().unwrap_or_default();
    Ok(TurnInfo {
        request_id: node.owned("request_id"),
        sequence_id,
        event: TurnEvent::from_word(event),
        turn_index: node.get("turn_index").count().unwrap_or_default(),
        audio_window_start: seconds("audio_window_start"),
        audio_window_end: seconds("audio_window_end"),
        transcript: node.owned("transcript"),
        words: node.get("words").items().iter().map(word).collect(),
        end_of_turn_confidence: node
            .get("end_of_turn_confidence")
            .float()
            .unwrap_or_default(),
        trigger: node.get("trigger").text().map(Trigger::from_word),
        languages: node.get("languages").texts(),
        languages_hinted: node.get("languages_hinted").texts(),
    })
}

fn word(node: &Node<'_>) -> Word {
    Word {
        word: node.owned("word"),
        confidence: node.get("confidence").float().unwrap_or_default(),
        start: node.get("start").seconds(),
        end: node.get("end").seconds(),
    }
}

impl Event {
    /// The text frame as Deepgram writes it. ([`Event::Other`] is nothing but its kind.)
    #[must_use]
    pub fn to_text(&self) -> String {
        super::write::text(self)
    }
}
