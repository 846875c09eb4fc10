//! What was said and what was heard.

use serde::{Deserialize, Serialize};

use crate::at::At;
use crate::event::{ReplyId, TurnId};
use crate::tool_line::ToolLine;
use crate::tools::Tools;

/// Who spoke a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person on the telephone.
    Caller,
    /// We.
    Agent,
    /// Somebody who gives the responder a hint; nobody hears it.
    Whisper,
}

/// A line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who.
    pub speaker: Speaker,
    /// The turn it belongs to: an agent's line answers the caller's turn of the same number.
    pub turn: TurnId,
    /// The reply, for an agent's line.
    pub reply: Option<ReplyId>,
    /// What was said, or was going to be said.
    pub said: String,
    /// What of it the other side heard; always a beginning of `said`.
    pub heard: String,
    /// Keys that a caller pressed.
    pub digits: String,
    /// When it began.
    pub from: At,
    /// When it ended: of an agent's line, the end of its last audible sample that was heard.
    pub until: At,
    /// Whether the caller took the floor while it was said. One that ended early for another reason, such as a hang-up, a voice that
    /// broke off or a reply of which no more came, has less of `heard` than of `said` at most.
    pub cut: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Dialog {
    lines: Vec<Line>,
    /// What was called between the lines.
    pub(crate) tools: Tools,
}

impl Dialog {
    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A line of the caller that was over before the agent's last one began, at `at`.
    pub(crate) fn push_before(&mut self, at: At, line: Line) {
        let last = self.lines.last();
        let is_later = last.is_some_and(|last| last.speaker == Speaker::Agent && last.from == at);
        let place = self.lines.len() - usize::from(is_later);
        self.lines.insert(place, line);
    }

    pub(crate) fn restored(lines: Vec<Line>, tools: Vec<ToolLine>) -> Self {
        Self {
            lines,
            tools: Tools::from_lines(tools),
        }
    }

    /// Takes back the caller's line of a turn that was not over.
    pub(crate) fn pop_caller(&mut self, turn: TurnId) -> Option<Line> {
        self.unanswered().filter(|line| line.turn == turn)?;
        let spoken = |line: &Line| line.speaker != Speaker::Whisper;
        let place = self.lines.iter().rposition(spoken)?;
        Some(self.lines.remove(place))
    }

    /// The caller said this in a turn. Answers whether there is a line of it that said something else.
    pub(crate) fn mend(&mut self, turn: TurnId, text: &str) -> bool {
        let mut lines = self.lines.iter_mut().rev();
        let of_turn = |line: &&mut Line| line.speaker == Speaker::Caller && line.turn == turn;
        let Some(line) = lines.find(of_turn).filter(|line| line.said != text) else {
            return false;
        };
        text.clone_into(&mut line.said);
        text.clone_into(&mut line.heard);
        true
    }

    /// The caller's line, if it is the last that was spoken.
    pub(crate) fn unanswered(&self) -> Option<&Line> {
        let mut lines = self.lines.iter().rev();
        let last = lines.find(|line| line.speaker != Speaker::Whisper);
        last.filter(|line| line.speaker == Speaker::Caller)
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The last line of the agent that was heard, whole or in part.
    pub(crate) fn last_agent_line(&self) -> Option<&Line> {
        self.lines
            .iter()
            .rev()
            .find(|line| line.speaker == Speaker::Agent)
    }
}
