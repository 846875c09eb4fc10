//! What a reply has others do: calls of tools, each requested, running, and then answered or timed out.
//!
//! A call outlives its reply: what comes of it is kept at its place in the dialog, whoever has the floor by then. When the last
//! call of a reply has ended and nobody speaks, the responder is asked again.

use crate::action::{Action, Cause, Note, ToolState};
use crate::at::At;
use crate::call::{Call, Phase};
use crate::dialog::Line;
use crate::event::{Fault, FaultKind, Intent, Party, ReplyId, ToolCall, TurnId};
use crate::mode::Role;
use crate::tool_line::{ToolLine, ToolResult};

/// Replies of one turn that may call tools; the one after them is told so.
const MOST_ROUNDS: u8 = 8;
/// Calls that one reply may make.
const MOST_CALLS: usize = 8;
/// Calls that are remembered. Older ones were answered long ago.
const MOST_KEPT: usize = 128;
/// The longest result, in bytes; what goes beyond is cut.
const LONGEST_RESULT: usize = 16 * 1024;
/// Where a tool runs the caller is asked for patience when nothing was audible for so long, in ms,
const QUIET_MS: u64 = 1500;
/// so long after the call at the latest, and so long at the earliest, for most tools are quick.
const WAIT_MS: u64 = 1200;
const QUICK_MS: u64 = 300;
/// And once more when nothing was audible since for so long.
const AGAIN_MS: u64 = 5000;
/// How long a tool may take that the call was told nothing of, in ms.
const TIMEOUT_MS: u32 = 5000;

const TOO_MANY_CALLS: &str = "not carried out: more than 8 calls in one answer";
const TOO_MANY_ROUNDS: &str =
    "not carried out: too many calls for one answer; answer the caller now, without a tool";
const INTERRUPTED: &str =
    "interrupted: the call went to another server; whether this was carried out is not known";

/// A call that is being carried out.
#[derive(Clone, Debug)]
struct Running {
    call: ToolCall,
    began: At,
    due: At,
    timeout_ms: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tools {
    lines: Vec<ToolLine>,
    running: Vec<Running>,
    /// Timed out, but what comes of them late still counts.
    late: Vec<String>,
    /// Calls that wait for the result of another one: theirs and its id.
    joined: Vec<(String, String)>,
    made: u32,
    /// Results that came so far.
    answered: u32,
    /// All calls of a reply have ended, and the responder has not been asked since.
    owed: bool,
    /// How often the caller was asked for patience in this turn.
    waited: usize,
    /// When that was last.
    waited_at: At,
    rounds: u8,
    round_of: ReplyId,
    /// What a reply wanted that was heard while its tools ran.
    then: Option<(ReplyId, Intent)>,
}

impl Tools {
    pub(crate) fn from_lines(lines: Vec<ToolLine>) -> Self {
        Self {
            made: u32::try_from(lines.len()).unwrap_or(u32::MAX),
            lines,
            ..Self::default()
        }
    }

    /// As they stand, each at the place it was called from.
    pub(crate) fn lines(&self) -> &[ToolLine] {
        &self.lines
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// The responder is asked: it sees every result there is.
    pub(crate) fn told(&mut self, cause: Cause) {
        self.owed = false;
        self.then = None;
        if cause != Cause::Tool {
            self.begin_turn();
        }
    }

    /// How many results there are.
    pub(crate) fn answered(&self) -> u32 {
        self.answered
    }

    /// A reply that was asked for when there were `seen` results answers the turn: nothing is owed unless more came since.
    pub(crate) fn told_before(&mut self, seen: u32) {
        if self.answered == seen {
            self.owed = false;
            self.then = None;
        }
    }

    /// What was called for the turn before does not count any more.
    fn begin_turn(&mut self) {
        self.rounds = 0;
        self.waited = 0;
    }

    /// The responder was told in vain.
    pub(crate) fn untold(&mut self) {
        self.owed = true;
    }

    /// What came is only told with what the responder is asked next.
    pub(crate) fn settle_for_less(&mut self) {
        self.owed = false;
        self.then = None;
    }

    /// How many replies of this turn have made calls, with this one.
    fn round(&mut self, reply: ReplyId) -> u8 {
        if self.round_of != reply || self.rounds == 0 {
            self.round_of = reply;
            self.rounds = self.rounds.saturating_add(1);
        }
        self.rounds
    }

    fn of_reply(&self, reply: ReplyId) -> impl Iterator<Item = &ToolLine> {
        self.lines.iter().filter(move |line| line.reply == reply)
    }

    fn knows(&self, id: &str) -> bool {
        self.lines.iter().any(|line| line.call.id == id)
    }

    /// The call under a name that no other has: some models give the same twice, or none.
    fn named(&mut self, call: &ToolCall) -> ToolCall {
        self.made = self.made.saturating_add(1);
        let mut call = call.clone();
        while call.id.is_empty() || self.knows(&call.id) {
            call.id = format!("{}.{}", call.id, self.made);
        }
        call
    }

    fn keep(&mut self, line: ToolLine) {
        if self.lines.len() >= MOST_KEPT
            && let Some(oldest) = self.lines.iter().position(|line| line.result.is_some())
        {
            self.lines.remove(oldest);
        }
        self.lines.push(line);
    }

    /// Writes down what came of a call and of those that joined it. Answers whether it changed anything.
    fn answer(&mut self, id: &str, result: &ToolResult, at: At) -> bool {
        self.running.retain(|running| running.call.id != id);
        let joined = |other: &str| {
            self.joined
                .iter()
                .any(|(own, with)| own == other && with == id)
        };
        let mut replies = Vec::new();
        for line in &mut self.lines {
            if line.call.id == id || joined(&line.call.id) {
                line.result = Some(result.clone());
                line.until = Some(at);
                replies.push(line.reply);
            }
        }
        self.answered = self.answered.wrapping_add(1);
        let ended = |reply: &ReplyId| self.of_reply(*reply).all(|line| line.result.is_some());
        let owed = replies.iter().any(ended);
        self.owed |= owed;
        !replies.is_empty()
    }

    fn failed(&self, reply: ReplyId) -> bool {
        let failed = |line: &ToolLine| line.result.as_ref().is_none_or(|result| result.failed);
        self.of_reply(reply).any(failed)
    }

    fn due(&self) -> Option<At> {
        self.running.iter().map(|running| running.due).min()
    }
}

impl Call {
    /// What was called so far, in order, each at its place among the lines of the dialog: behind what its reply said.
    pub fn tools(&self) -> Vec<ToolLine> {
        let lines = self.dialog.lines();
        let place = |tool: &ToolLine| {
            let said = |line: &Line| line.reply == Some(tool.reply);
            match lines.iter().position(said) {
                Some(index) => index + 1,
                None => (tool.follows as usize).min(lines.len()),
            }
        };
        let placed = |tool: &ToolLine| ToolLine {
            follows: u32::try_from(place(tool)).unwrap_or(u32::MAX),
            ..tool.clone()
        };
        self.dialog.tools.lines.iter().map(placed).collect()
    }

    pub(crate) fn on_tool_call(&mut self, reply: ReplyId, call: &ToolCall) {
        let writes = |live: &crate::mode::Reply| live.id == reply && live.unwritten();
        if !self.mode.live().is_some_and(writes) {
            return;
        }
        // Nothing is done before the turn is over.
        if let Some(guess) = self.mode.live_mut().and_then(|live| live.guess.as_mut()) {
            if guess.calls.len() <= MOST_CALLS {
                guess.calls.push(call.clone());
            }
            return;
        }
        self.call_tool(reply, call);
    }

    /// What a reply called while its turn might still go on is done now.
    pub(crate) fn call_held(&mut self, reply: ReplyId, calls: &[ToolCall]) {
        self.dialog.tools.begin_turn();
        for call in calls {
            self.call_tool(reply, call);
        }
    }

    fn call_tool(&mut self, reply: ReplyId, call: &ToolCall) {
        let round = self.dialog.tools.round(reply);
        if round > MOST_ROUNDS + 1 {
            self.on_fault(&Fault {
                party: Party::Responder,
                kind: FaultKind::Misbehaved,
                detail: "it calls tools without end".into(),
            });
            return;
        }
        let full = self.dialog.tools.of_reply(reply).count() >= MOST_CALLS;
        let call = self.dialog.tools.named(call);
        let id = call.id.clone();
        self.dialog.tools.keep(ToolLine {
            follows: u32::try_from(self.dialog.lines().len()).unwrap_or(u32::MAX),
            turn: TurnId(self.counts.turns),
            reply,
            call: call.clone(),
            result: None,
            from: self.now,
            until: None,
        });
        if round > MOST_ROUNDS || full {
            let why = if full {
                TOO_MANY_CALLS
            } else {
                TOO_MANY_ROUNDS
            };
            self.tool_ended(&id, why, true, ToolState::Refused);
        } else {
            self.run_tool(call);
        }
    }

    fn run_tool(&mut self, call: ToolCall) {
        let same = |other: &&Running| {
            (&other.call.name, &other.call.arguments) == (&call.name, &call.arguments)
        };
        if let Some(other) = self.dialog.tools.running.iter().find(same) {
            let joined = (call.id.clone(), other.call.id.clone());
            self.dialog.tools.joined.push(joined);
            self.note_tool(&call.id, ToolState::Joined);
            return;
        }
        let spec = self.spec.tools.iter().find(|spec| spec.name == call.name);
        let timeout_ms = spec.map_or(TIMEOUT_MS, |spec| spec.timeout_ms);
        let side_effect = spec.is_some_and(|spec| spec.side_effect);
        self.dialog.tools.running.push(Running {
            call: call.clone(),
            began: self.now,
            due: self.now.plus_ms(u64::from(timeout_ms)),
            timeout_ms,
        });
        self.timers.clear(crate::timers::Reason::Idle);
        self.note_tool(&call.id, ToolState::Running);
        if side_effect {
            // Whoever goes on with this call must know that it may have been carried out.
            self.checkpoint();
        }
        self.act(Action::RunTool {
            call,
            timeout_ms,
            side_effect,
        });
    }

    /// A tool has ended. What comes twice, or of nothing that was called, changes nothing.
    pub(crate) fn on_tool_done(&mut self, id: &str, result: &str, failed: bool) {
        let mut running = self.dialog.tools.running.iter();
        if let Some(running) = running.find(|running| running.call.id == id) {
            let state = match failed {
                false => ToolState::Answered,
                // After the call nothing else says that it is late.
                true if running.due <= self.now => ToolState::TimedOut,
                true => ToolState::Failed,
            };
            self.tool_ended(id, result, failed, state);
            return;
        }
        let late = self.dialog.tools.late.iter().position(|late| late == id);
        if let Some(late) = late.filter(|_| !failed) {
            self.dialog.tools.late.remove(late);
            let owed = self.dialog.tools.owed;
            self.tool_ended(id, result, failed, ToolState::Late);
            self.dialog.tools.owed = owed;
        }
    }

    fn tool_ended(&mut self, id: &str, text: &str, failed: bool, state: ToolState) {
        let end = text.floor_char_boundary(LONGEST_RESULT);
        let result = ToolResult {
            text: text[..end].to_owned(),
            failed,
            unknown: matches!(state, ToolState::TimedOut | ToolState::Interrupted),
        };
        // Where the call is over, nobody goes on with it: its result only is written down.
        if self.dialog.tools.answer(id, &result, self.now) && self.phase != Phase::Over {
            self.note_tool(id, state);
            self.checkpoint();
        }
    }

    fn note_tool(&mut self, id: &str, state: ToolState) {
        let id = id.to_owned();
        self.note(Note::Tool { id, state });
    }

    /// Tools that did not end in time.
    pub(crate) fn tools_due(&mut self) {
        let now = self.now;
        let due = |running: &&Running| running.due <= now;
        let late: Vec<_> = self
            .dialog
            .tools
            .running
            .iter()
            .filter(due)
            .cloned()
            .collect();
        for Running {
            call, timeout_ms, ..
        } in late
        {
            let text = format!(
                "no answer within {timeout_ms} ms; whether it was carried out is not known"
            );
            self.dialog.tools.late.push(call.id.clone());
            self.tool_ended(&call.id, &text, true, ToolState::TimedOut);
        }
    }

    /// Tools that ran elsewhere when this call was taken over.
    pub(crate) fn interrupt_tools(&mut self) {
        let open = |line: &&ToolLine| line.result.is_none();
        let open: Vec<_> = self.dialog.tools.lines.iter().filter(open).collect();
        let ids: Vec<_> = open.iter().map(|line| line.call.id.clone()).collect();
        for id in ids {
            self.tool_ended(&id, INTERRUPTED, true, ToolState::Interrupted);
        }
    }

    /// A reply was heard that wants the call to end. The responder is told first of its tools that fail.
    pub(crate) fn end_after_tools(&mut self, reply: ReplyId, intent: Intent) {
        if self.phase == Phase::Live && self.dialog.tools.failed(reply) {
            self.dialog.tools.then = Some((reply, intent));
        } else {
            self.end_behind_orders(intent);
        }
    }

    /// What follows from tools once nobody speaks: the responder is asked about what came of them, or the caller for patience.
    pub(crate) fn settle_tools(&mut self) {
        if !self.waits_for_tools() {
            return;
        }
        if self.dialog.tools.owed {
            match self.dialog.tools.then.take() {
                Some((reply, intent)) if !self.dialog.tools.failed(reply) => {
                    self.end_behind_orders(intent);
                }
                Some(_) | None => self.ask(Cause::Tool, String::new(), String::new()),
            }
        } else if self.patience_at().is_some_and(|at| at <= self.now) {
            let line = self.spec.lines.patience(self.dialog.tools.waited);
            let line = line.unwrap_or_default().to_owned();
            self.dialog.tools.waited += 1;
            self.dialog.tools.waited_at = self.now;
            self.say_as(Role::Filler, &line, Intent::Continue);
        }
    }

    fn waits_for_tools(&self) -> bool {
        let free = self.phase == Phase::Live && !self.callee.leads();
        free && !self.reply_live() && !self.turn.started
    }

    /// When the caller is asked for patience: soon where nothing was audible since the first call that runs, otherwise when a
    /// reply would be overdue, and then again and again.
    fn patience_at(&self) -> Option<At> {
        let began = self
            .dialog
            .tools
            .running
            .iter()
            .map(|running| running.began);
        let began = began.min()?;
        let ends = self.dialog.tools.then.is_some();
        if ends || self.spec.lines.tool_wait.is_empty() {
            return None;
        }
        let audible = self.ledger.model_end();
        Some(if self.dialog.tools.waited > 0 {
            let said = audible.max(self.dialog.tools.waited_at);
            said.max(began).plus_ms(AGAIN_MS)
        } else if audible > began {
            audible.plus_ms(u64::from(self.spec.turn.reply_bound_ms))
        } else {
            let quiet = self
                .quiet_since()
                .map_or(audible, |since| since.max(audible));
            let earliest = began.plus_ms(QUICK_MS);
            let latest = began.plus_ms(WAIT_MS);
            quiet.plus_ms(QUIET_MS).clamp(earliest, latest)
        })
    }

    /// When a tool is late, and when the caller is asked for patience.
    pub(crate) fn tool_times(&self) -> [Option<At>; 2] {
        let patience = self.patience_at().filter(|_| self.waits_for_tools());
        [self.dialog.tools.due(), patience]
    }
}
