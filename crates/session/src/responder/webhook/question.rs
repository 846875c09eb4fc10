//! What a webhook is asked.

use std::fmt;

use ringback_call::Direction;
use serde::Serialize;
use uuid::Uuid;

/// One turn of the caller, with what a web service needs to answer it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Our id of the call.
    pub call_id: Uuid,
    /// The carrier's id of the call.
    pub call_sid: String,
    /// The scenario's slug.
    pub scenario: String,
    /// Who called whom.
    pub direction: Direction,
    /// The number that called.
    pub from: String,
    /// The number that was called.
    pub to: String,
    /// The caller's turn; 0 before they said anything.
    pub turn: u32,
    /// The attempt to answer it. Not sent in the body; part of [`Question::id`].
    #[serde(skip)]
    pub reply: u32,
    /// What the caller said; empty if nothing.
    pub text: String,
    /// What the caller keyed; `None` if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
    /// The conversation before this turn, as it was heard.
    pub heard: Vec<HeardLine>,
    /// Hints of those who follow the call, oldest first; the caller does not hear them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Question {
    /// `<call_id>.<turn>.<reply>`: the same for every attempt to send this question, and for no other.
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.call_id, self.turn, self.reply)
    }

    pub(super) fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

impl fmt::Debug for Question {
    /// Numbers and words are private: only the id is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question({})", self.id())
    }
}

/// What one side heard of the other.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct HeardLine {
    /// `caller` or `agent`.
    pub speaker: &'static str,
    /// The words that were heard: of an interrupted line only its beginning.
    pub text: String,
}

impl fmt::Debug for HeardLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HeardLine({}, {} characters)",
            self.speaker,
            self.text.chars().count()
        )
    }
}
