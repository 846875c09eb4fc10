//! Calls, and what happened in them.

pub(crate) mod read;
pub(crate) mod write;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::Json;
use crate::words::words;

pub use read::{Begun, Call, CallDetail, CallFilter};

words! {
    /// Who called whom.
    pub enum Direction {
        /// They called us.
        Inbound = "inbound",
        /// We called them.
        Outbound = "outbound",
    }
}

words! {
    /// Where a call is, in the carrier's words (Twilio, "Call resource", `Status`). Once it is final it stays.
    pub enum CallStatus {
        /// Asked for.
        Queued = "queued",
        /// Being dialled.
        Initiated = "initiated",
        /// Ringing.
        Ringing = "ringing",
        /// Answered and going on.
        InProgress = "in-progress",
        /// Final: it was answered, and ended.
        Completed = "completed",
        /// Final: the line was busy.
        Busy = "busy",
        /// Final: it could not be made, or broke.
        Failed = "failed",
        /// Final: nobody answered.
        NoAnswer = "no-answer",
        /// Final: taken back before it was answered.
        Canceled = "canceled",
    }
}

impl CallStatus {
    /// A later status has a higher rank; all final ones have the same, so that the first of them stays.
    pub(crate) fn rank(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => 9,
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.rank() == 9
    }
}

words! {
    /// A file that belongs to a call.
    pub enum FileKind {
        /// WAV.
        Recording = "recording",
        /// The events and actions, for replay.
        Trace = "trace",
        /// What was said, as JSON.
        Transcript = "transcript",
        /// Who, when, engines, figures, as JSON.
        Summary = "summary",
    }
}

/// A call as it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStart {
    /// Our id.
    pub id: String,
    /// The carrier's; that of another call too, where the caller was put through to another scenario. `None` until it is known.
    pub call_sid: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// The caller; kept in the form of [`normal_number`](crate::normal_number). Empty where it is withheld.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// The scenario's slug.
    pub scenario: String,
    /// The scenario's id, where it is in the store.
    pub scenario_id: Option<String>,
    /// The version it began with.
    pub scenario_version: Option<i64>,
    /// Whose call it is; `None` is the admins'.
    pub owner: Option<String>,
    /// The node it runs on.
    pub node: String,
    /// Where it is.
    pub status: CallStatus,
    /// When (µs since 1970).
    pub at: i64,
}

/// A call that is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallAnswer {
    /// The call.
    pub call_id: String,
    /// When the media began (µs since 1970).
    pub at: i64,
    /// What hears, answers and speaks at first: a list of names.
    pub engines: Json,
}

/// A call as it ends. What an earlier end has said stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEnd {
    /// The call.
    pub call_id: String,
    /// How: a final status.
    pub status: CallStatus,
    /// When the media began or it was answered (µs since 1970).
    pub answered_at: Option<i64>,
    /// When it ended.
    pub ended_at: i64,
    /// Why, in a few words.
    pub reason: String,
    /// What heard, answered and spoke: a list of names.
    pub engines: Option<Json>,
    /// What it cost, in `currency`.
    pub cost: Option<f64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// All figures.
    pub summary: Option<Json>,
}

/// One party's stretch of the conversation. Its number makes it unique in the call: written twice, it is there once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Turn {
    /// The call.
    pub call_id: String,
    /// Its place in the conversation, from 0.
    pub number: i64,
    /// When it began (µs since 1970).
    pub at: i64,
    /// Who spoke: `caller`, `agent`, `tool`.
    pub who: String,
    /// As it was heard.
    pub text: String,
    /// In ms, by stage.
    pub latencies: Option<Json>,
    /// What was used of which engine.
    pub usage: Option<Json>,
    /// What that cost, in the call's currency.
    pub cost: Option<f64>,
    /// All else.
    pub detail: Option<Json>,
}

/// What went wrong in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Fault {
    /// Id; written twice, it is there once.
    pub id: String,
    /// The call.
    pub call_id: String,
    /// When (µs since 1970).
    pub at: i64,
    /// Whose fault it is: a provider's name, `carrier`, `us`.
    pub party: String,
    /// `refused`, `misbehaved`, `unreachable`, `misconfigured`.
    pub kind: String,
    /// In a few words, without secrets.
    pub detail: String,
}

/// A file of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct CallFile {
    /// The call.
    pub call_id: String,
    /// What it is; one of a kind per call.
    pub kind: FileKind,
    /// Where it lies.
    pub path: String,
    /// Its size, once it is whole.
    pub bytes: Option<i64>,
    /// How long it plays.
    pub seconds: Option<f64>,
    /// When it was begun (µs since 1970).
    pub created_at: i64,
}
