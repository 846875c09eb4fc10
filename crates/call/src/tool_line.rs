//! Calls of tools as records tell them.

use serde::{Deserialize, Serialize};

use crate::at::At;
use crate::event::{ReplyId, ToolCall, TurnId};

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// For the responder to read; at most 16 KiB.
    pub text: String,
    /// Whether it says why nothing came of it.
    pub failed: bool,
    /// Whether it says that nobody knows if it was carried out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// What is known of a call of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Running,
    /// It was carried out.
    Answered,
    /// It was not, or went wrong.
    Failed,
    /// It may have been carried out or not: nobody waited for it any longer.
    Unknown,
}

impl Outcome {
    /// As records and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A call of a tool, at its place in the dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolLine {
    /// How many of the dialog's lines come before it.
    pub follows: u32,
    /// The caller's turn that led to it.
    pub turn: TurnId,
    /// The reply that made it.
    pub reply: ReplyId,
    /// What was called.
    pub call: ToolCall,
    /// What came of it; `None` as long as it runs.
    pub result: Option<ToolResult>,
    /// When it was called.
    #[serde(default)]
    pub from: At,
    /// When it ended.
    #[serde(default)]
    pub until: Option<At>,
}

impl ToolLine {
    /// What is known of it.
    pub fn outcome(&self) -> Outcome {
        match &self.result {
            None => Outcome::Running,
            Some(result) if result.unknown => Outcome::Unknown,
            Some(result) if result.failed => Outcome::Failed,
            Some(_) => Outcome::Answered,
        }
    }
}
