//! What goes into a script and what comes out of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Expect;

/// How callers can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hearing {
    /// By voice and by keypad.
    Speech,
    /// By keypad alone: every question says what to press.
    DtmfOnly,
}

/// What came from the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The words, as recognised; empty when there were none.
    pub text: &'a str,
    /// The keys pressed, `#` at the end if it was pressed.
    pub digits: Option<&'a str>,
    /// Nothing came for as long as a caller may be silent.
    pub silence: bool,
}

/// What the script answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What is spoken; never empty.
    pub text: String,
    /// What the caller may say next.
    pub expect: Expect,
    /// After how many keys an answer is complete; 0 where only `#` or a pause tells.
    pub keys: u8,
    /// What follows when the text was heard; `None`: the caller's turn.
    pub end: Option<End>,
}

/// How a script ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The call ends.
    HangUp,
    /// The caller is put through to this number (E.164) or SIP address.
    Transfer(String),
}

/// Where a conversation stands, to go on elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The state whose question stands, by name; `None` before the opening.
    pub state: Option<String>,
    /// How many times it was not answered.
    pub misses: u8,
    /// The variables that were set.
    pub collected: BTreeMap<String, String>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

/// Why a conversation cannot go on from a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the script has no state \"{state}\" any more: the conversation cannot go on from where it stood; begin it again"
)]
pub struct RestoreError {
    /// The state that is gone.
    pub state: String,
}
