//! The messages of Deepgram, spelled and ordered as it spells and orders them.

use std::time::Duration;

use serde::Serialize;

use super::server::{Event, Thresholds, Trigger, TurnInfo, Word};
use crate::deepgram::node;

/// The text frame of an event.
pub(super) fn text(event: &Event) -> String {
    let message = match event {
        Event::Connected {
            request_id,
            sequence_id,
        } => Message::Connected {
            request_id,
            sequence_id: *sequence_id,
        },
        Event::TurnInfo(turn) => Message::TurnInfo(turn_message(turn)),
        Event::ConfigureSuccess {
            request_id,
            sequence_id,
            thresholds,
            keyterms,
            language_hints,
            numerals,
        } => Message::ConfigureSuccess {
            request_id,
            sequence_id: *sequence_id,
            thresholds: *thresholds,
            keyterms,
            language_hints,
            numerals: *numerals,
        },
        Event::ConfigureFailure {
            request_id,
            sequence_id,
            code,
            description,
        } => Message::ConfigureFailure {
            request_id,
            sequence_id: *sequence_id,
            code,
            description,
        },
        Event::Warning {
            request_id,
            sequence_id,
            code,
            description,
        } => Message::Warning {
            request_id,
            sequence_id: *sequence_id,
            code,
            description,
        },
        Event::Error {
            sequence_id,
            code,
            description,
        } => Message::Error {
            sequence_id: *sequence_id,
            code,
            description,
        },
        Event::Other(kind) => return node::write_kind(kind),
    };
    node::write(&message)
}

fn turn_message(turn: &TurnInfo) -> TurnMessage<'_> {
    TurnMessage {
        request_id: &turn.request_id,
        sequence_id: turn.sequence_id,
        event: turn.event.word(),
        turn_index: turn.turn_index,
        audio_window_start: turn.audio_window_start.as_secs_f64(),
        audio_window_end: turn.audio_window_end.as_secs_f64(),
        transcript: &turn.transcript,
        words: turn.words.iter().map(word).collect(),
        end_of_turn_confidence: turn.end_of_turn_confidence,
        trigger: turn.trigger.as_ref().map(Trigger::word),
        languages: &turn.languages,
        languages_hinted: &turn.languages_hinted,
    }
}

fn word(word: &Word) -> WordMessage<'_> {
    WordMessage {
        word: &word.word,
        confidence: word.confidence,
        start: word.start.map(|start| Duration::as_secs_f64(&start)),
        end: word.end.map(|end| Duration::as_secs_f64(&end)),
    }
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Message<'a> {
    Connected {
        request_id: &'a str,
        sequence_id: u64,
    },
    TurnInfo(TurnMessage<'a>),
    ConfigureSuccess {
        request_id: &'a str,
        sequence_id: u64,
        thresholds: Thresholds,
        keyterms: &'a [String],
        language_hints: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        numerals: Option<bool>,
    },
    ConfigureFailure {
        request_id: &'a str,
        sequence_id: u64,
        code: &'a str,
        description: &'a str,
    },
    Warning {
        request_id: &'a str,
        sequence_id: u64,
        code: &'a str,
        description: &'a str,
    },
    Error {
        sequence_id: u64,
        code: &'a str,
        description: &'a str,
    },
}

#[derive(Serialize)]
struct TurnMessage<'a> {
    request_id: &'a str,
    sequence_id: u64,
    event: &'a str,
    turn_index: u64,
    audio_window_start: f64,
    audio_window_end: f64,
    transcript: &'a str,
    words: Vec<WordMessage<'a>>,
    end_of_turn_confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    languages: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    languages_hinted: &'a [String],
}

#[derive(Serialize)]
struct WordMessage<'a> {
    word: &'a str,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
}
