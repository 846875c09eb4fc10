//! The messages of Deepgram, spelled and ordered as it spells and orders them.

use serde::Serialize;

use super::server::{Alternative, Event, ModelInfo, Results, Word};
use crate::deepgram::node;

/// The text frame of an event.
pub(super) fn text(event: &Event) -> String {
    let message = match event {
        Event::Results(results) => Message::Results(results_message(results)),
        Event::UtteranceEnd {
            channel,
            channels,
            last_word_end,
        } => Message::UtteranceEnd {
            channel: [*channel, *channels],
            last_word_end: last_word_end.map_or(-1.0, |end| end.as_secs_f64()),
        },
        Event::SpeechStarted {
            channel,
            channels,
            timestamp,
        } => Message::SpeechStarted {
            channel: [*channel, *channels],
            timestamp: timestamp.as_secs_f64(),
        },
        Event::Metadata(metadata) => Message::Metadata {
            transaction_key: "deprecated",
            request_id: &metadata.request_id,
            sha256: &metadata.sha256,
            created: &metadata.created,
            duration: metadata.duration.as_secs_f64(),
            channels: metadata.channels,
        },
        Event::ConfigureSuccess {
            request_id,
            keyterms,
        } => Message::ConfigureSuccess {
            request_id,
            keyterms: keyterms.as_deref(),
        },
        Event::ConfigureFailure {
            request_id,
            code,
            description,
        } => Message::ConfigureFailure {
            request_id,
            code: code.word(),
            description,
        },
        Event::Error {
            variant,
            description,
            message,
        } => Message::Error {
            variant,
            description,
            message: message.as_deref(),
        },
        Event::Other(kind) => return node::write_kind(kind),
    };
    node::write(&message)
}

fn results_message(results: &Results) -> ResultsMessage<'_> {
    ResultsMessage {
        channel_index: [results.channel, results.channels],
        start: results.start.as_secs_f64(),
        duration: results.duration.as_secs_f64(),
        is_final: results.is_final,
        speech_final: results.speech_final,
        from_finalize: results.from_finalize,
        channel: ChannelMessage {
            alternatives: results.alternatives.iter().map(alternative).collect(),
        },
        metadata: MetadataMessage {
            request_id: &results.metadata.request_id,
            model_info: &results.metadata.model_info,
            model_uuid: &results.metadata.model_uuid,
        },
    }
}

pub(super) fn alternative(alternative: &Alternative) -> AlternativeMessage<'_> {
    AlternativeMessage {
        transcript: &alternative.transcript,
        confidence: alternative.confidence,
        languages: &alternative.languages,
        words: alternative.words.iter().map(word).collect(),
    }
}

fn word(word: &Word) -> WordMessage<'_> {
    WordMessage {
        word: &word.word,
        start: word.start.as_secs_f64(),
        end: word.end.as_secs_f64(),
        confidence: word.confidence,
        punctuated_word: word.punctuated_word.as_deref(),
        speaker: word.speaker,
        language: word.language.as_deref(),
    }
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Message<'a> {
    Results(ResultsMessage<'a>),
    UtteranceEnd {
        channel: [u32; 2],
        last_word_end: f64,
    },
    SpeechStarted {
        channel: [u32; 2],
        timestamp: f64,
    },
    Metadata {
        transaction_key: &'static str,
        request_id: &'a str,
        sha256: &'a str,
        created: &'a str,
        duration: f64,
        channels: u32,
    },
    ConfigureSuccess {
        request_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        keyterms: Option<&'a [String]>,
    },
    ConfigureFailure {
        request_id: &'a str,
        code: &'a str,
        description: &'a str,
    },
    Error {
        variant: &'a str,
        description: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct ResultsMessage<'a> {
    channel_index: [u32; 2],
    start: f64,
    duration: f64,
    is_final: bool,
    speech_final: bool,
    from_finalize: bool,
    channel: ChannelMessage<'a>,
    metadata: MetadataMessage<'a>,
}

#[derive(Serialize)]
struct ChannelMessage<'a> {
    alternatives: Vec<AlternativeMessage<'a>>,
}

#[derive(Serialize)]
pub(super) struct AlternativeMessage<'a> {
    transcript: &'a str,
    confidence: f64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    languages: &'a [String],
    words: Vec<WordMessage<'a>>,
}

#[derive(Serialize)]
struct WordMessage<'a> {
    word: &'a str,
    start: f64,
    end: f64,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    punctuated_word: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct MetadataMessage<'a> {
    request_id: &'a str,
    model_info: &'a ModelInfo,
    model_uuid: &'a str,
}
