//! What the engines are asked for beside calls: recordings to hear, texts to read, conversations in writing.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::{Counters, Labels, begin, counter, counters};

/// A route of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// `POST /speech-to-text`.
    Hear,
    /// `POST /text-to-speech`.
    Speak,
    /// `POST /whisper/transcribe`.
    Whisper,
}

impl Speech {
    const ALL: [Self; 3] = [Self::Hear, Self::Speak, Self::Whisper];

    fn route(self) -> &'static str {
        match self {
            Self::Hear => "/speech-to-text",
            Self::Speak => "/text-to-speech",
            Self::Whisper => "/whisper/transcribe",
        }
    }
}

#[derive(Debug)]
pub(super) struct Aside {
    speech: Counters,
    conversations: Counter,
    messages: Counter,
}

impl Aside {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let speech = counters(
            registry,
            "speech_requests",
            "Recordings and texts that an engine was asked to hear or to read",
        );
        for did in [true, false] {
            begin(&speech, Speech::ALL.map(|route| labels(route, did)));
        }
        Self {
            speech,
            conversations: counter(
                registry,
                "conversations",
                "Conversations in writing that began",
            ),
            messages: counter(
                registry,
                "conversation_messages",
                "Messages that were taken in conversations",
            ),
        }
    }

    pub(super) fn speech(&self, speech: Speech, did: bool) {
        self.speech.get_or_create(&labels(speech, did)).inc();
    }

    pub(super) fn conversation(&self) {
        self.conversations.inc();
    }

    pub(super) fn message(&self) {
        self.messages.inc();
    }
}

fn labels(speech: Speech, did: bool) -> Labels {
    let result = if did { "done" } else { "failed" };
    vec![("route", speech.route().into()), ("result", result.into())]
}
