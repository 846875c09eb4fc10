//! What a reply is in the conversation.

use crate::action::Cause;
use crate::report::AnsweredBy;

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The first words.
    Greeting,
    /// It answers the caller, or tells what came of tools.
    Answer,
    /// It asks for patience.
    Filler,
    /// It says that a reply failed.
    Apology,
    /// Any other.
    Line,
}

impl Role {
    pub(super) fn of(cause: Option<Cause>) -> Self {
        match cause {
            Some(Cause::Opening) => Self::Greeting,
            Some(Cause::Answer | Cause::Tool) => Self::Answer,
            Some(Cause::Silence | Cause::Unclear) | None => Self::Line,
        }
    }

    /// As the turn before it knows it.
    pub(crate) fn answers(self) -> AnsweredBy {
        match self {
            Self::Answer => AnsweredBy::Reply,
            Self::Filler => AnsweredBy::Filler,
            Self::Apology => AnsweredBy::Apology,
            Self::Greeting | Self::Line => AnsweredBy::Line,
        }
    }
}
