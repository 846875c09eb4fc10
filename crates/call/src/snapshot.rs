//! What a call needs to go on elsewhere, taken whenever a turn is closed.

use serde::{Deserialize, Serialize};

use crate::callee::Callee;
use crate::dialog::Line;
use crate::event::Expect;
use crate::tool_line::ToolLine;
use crate::usage::TurnUsage;

/// The state of a call between two turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The conversation as it was heard.
    pub lines: Vec<Line>,
    /// Turns so far.
    pub turns: u32,
    /// Replies so far.
    pub replies: u32,
    /// What the caller is expected to answer.
    pub expect: Expect,
    /// Milliseconds of the call's longest duration that are spent.
    pub spent_ms: u64,
    /// Times the caller was asked again since they last spoke.
    pub idle: u8,
    /// Replies that failed one after the other.
    pub failures: u8,
    /// Who answered, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee: Option<Callee>,
    /// What was called, and what came of it. What still runs is not known elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolLine>,
    /// What it used of its providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<TurnUsage>,
}
