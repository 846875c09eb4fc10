//! What a call says of itself when it is over.

use serde::{Deserialize, Serialize};

use crate::action::{EndCause, TurnEnd};
use crate::at::At;
use crate::callee::Callee;
use crate::dialog::Line;
use crate::event::{Edge, Fault, Intent, TurnId};
use crate::tool_line::ToolLine;
use crate::usage::TurnUsage;

/// What the caller heard first after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnsweredBy {
    /// Its reply.
    Reply,
    /// A line that asks for patience while a tool runs.
    Filler,
    /// The apology for a reply that failed.
    Apology,
    /// Another fixed line: one that was ordered, one for a machine, a question whether anybody is there, a goodbye.
    Line,
}

impl AnsweredBy {
    /// As records and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Filler => "filler",
            Self::Apology => "apology",
            Self::Line => "line",
        }
    }
}

/// The times of one turn of the caller and its reply. All are times of the call; differences are latencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnReport {
    /// The turn.
    pub turn: TurnId,
    /// Why it was taken to be over.
    pub cause: TurnEnd,
    /// The caller's last sound, or last key.
    pub last_sound: At,
    /// The recogniser was asked for its words.
    pub finalized: Option<At>,
    /// Its final words came.
    pub words: Option<At>,
    /// The responder was asked, before the turn was over, for the reply that it got.
    #[serde(default)]
    pub speculated: Option<At>,
    /// The turn was over and the responder was asked, if it had not been before.
    pub ended: At,
    /// The first text of the reply came.
    pub text: Option<At>,
    /// The first clause of the reply went to the voice.
    #[serde(default)]
    pub clause: Option<At>,
    /// The first speech of the reply came.
    pub speech: Option<At>,
    /// The caller began to hear the first audible sample after the turn, by the model, whatever it was of.
    pub audible: Option<At>,
    /// What that was of.
    #[serde(default)]
    pub answered_by: Option<AnsweredBy>,
    /// The same by the carrier's word: the model's time and the lag of the first mark behind that sample.
    #[serde(default)]
    pub acknowledged: Option<At>,
}

impl TurnReport {
    /// A turn that is over, of which nothing else is known.
    pub(crate) fn of(turn: TurnId, cause: TurnEnd, last_sound: At, ended: At) -> Self {
        Self {
            turn,
            cause,
            last_sound,
            finalized: None,
            words: None,
            speculated: None,
            ended,
            text: None,
            clause: None,
            speech: None,
            audible: None,
            answered_by: None,
            acknowledged: None,
        }
    }
}

/// Speech of the caller that was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// Its first sound.
    pub from: At,
    /// Its last.
    pub until: At,
}

/// Shorter pauses than this are a part of what was heard, in ms.
const PAUSE_MS: u64 = 1000;

/// A stretch of the call in which something was heard of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sounds {
    /// Its first sound.
    pub from: At,
    /// Its last; none as long as it goes on.
    pub until: Option<At>,
}

/// What a call says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The conversation.
    pub lines: Vec<Line>,
    /// Speech without words, in order; at most 256 stretches are kept.
    pub unclear: Vec<Unclear>,
    /// When the other side was heard by the detector, in order: a caller, understood or not, and a machine.
    #[serde(default)]
    pub sounds: Vec<Sounds>,
    /// What was called, in order, each with the number of lines before it.
    #[serde(default)]
    pub tools: Vec<ToolLine>,
    /// The turns.
    pub turns: Vec<TurnReport>,
    /// What it used of its providers, by turn.
    #[serde(default)]
    pub usage: Vec<TurnUsage>,
    /// Faults, in order; at most 32 are kept.
    pub faults: Vec<Fault>,
    /// Interruptions that took the floor.
    pub yields: u32,
    /// Interruptions after which the reply went on.
    pub resumes: u32,
    /// Who answered a call that we placed, as far as it is known.
    #[serde(default)]
    pub callee: Option<Callee>,
    /// Why the call ended.
    pub cause: Option<EndCause>,
    /// What follows.
    pub intent: Option<Intent>,
    /// When it ended.
    pub ended: At,
}

impl Report {
    /// The detector heard the other side begin, go on or fall silent.
    pub(crate) fn sound(&mut self, edge: Edge, at: At) {
        let last = self.sounds.last_mut();
        match edge {
            Edge::Onset | Edge::Resumed => match last {
                Some(last) if last.until.is_none_or(|until| at.ms_since(until) < PAUSE_MS) => {
                    last.until = None;
                }
                Some(_) | None => self.sounds.push(Sounds {
                    from: at,
                    until: None,
                }),
            },
            Edge::Lull | Edge::Pause | Edge::Offset => {
                if let Some(last) = last.filter(|last| last.until.is_none()) {
                    last.until = Some(at);
                }
            }
            Edge::Sustained | Edge::Prolonged | Edge::Gap => {}
        }
    }

    pub(crate) fn unclear(&mut self, stretch: Unclear) {
        if self.unclear.len() < 256 {
            self.unclear.push(stretch);
        }
    }

    pub(crate) fn fault(&mut self, fault: &Fault) {
        if self.faults.len() < 32 {
            self.faults.push(fault.clone());
        }
    }
}
