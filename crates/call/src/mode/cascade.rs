//! The cascade: a responder writes text, sentence by sentence a voice speaks it.

use std::collections::VecDeque;

use crate::action::{Action, Cause, Note};
use crate::at::At;
use crate::call::Call;
use crate::dialog::{Line, Speaker};
use crate::event::{Expect, Fault, FaultKind, Intent, PartId, Party, Piece, ReplyId, TurnId};
use crate::ledger::Ledger;
use crate::orders::{Orders, Waiting};
use crate::speculation::Guess;
use crate::timers::Reason;
use crate::usage::Turns;

use super::role::Role;
use super::sentences::{has_words, split_clause, split_parts};
use super::stall::Progress;

/// Text goes to the voice while less speech than this is queued, in ms.
const RELEASE_BELOW_MS: u64 = 8000;
/// While less speech than this is queued and the voice has nothing to do, it need not wait for the end of a sentence, in ms.
const CLAUSE_BELOW_MS: u64 = 500;
/// A clause is spoken by itself when its sentence takes longer than this to be written, in ms.
const CLAUSE_MS: u64 = 250;
/// After this time any words are, in ms.
const ANY_WORD_MS: u64 = 1200;
/// Sentences that the voice works on at once.
const MOST_UNSPOKEN: usize = 2;
/// A reply longer than this is cut, in characters.
const LONGEST_REPLY: usize = 20_000;

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) id: ReplyId,
    pub(crate) turn: TurnId,
    pub(super) cause: Option<Cause>,
    asked: (String, String),
    pub(super) pending: String,
    pub(super) progress: Progress,
    pub(super) waiting: VecDeque<String>,
    unspoken: usize,
    pub(super) length: usize,
    pub(super) end: Option<Intent>,
    pub(crate) role: Role,
    pub(super) opened: At,
    /// What was expected of the caller before this reply.
    before: Expect,
    /// It was asked for before the turn was over, and the turn is not.
    pub(crate) guess: Option<Guess>,
    /// The line that was ordered, if it is one.
    pub(crate) order: Option<Waiting>,
}

impl Reply {
    /// The responder was asked and has not written anything, nor is anything said in its place.
    pub(crate) fn is_awaited(&self) -> bool {
        self.length == 0 && self.end.is_none() && !self.progress.is_led()
    }

    /// The turn it answers, with its text and keys, if it answers one.
    pub(crate) fn answers(&self) -> Option<(TurnId, String, String)> {
        (self.cause == Some(Cause::Answer) && self.guess.is_none())
            .then(|| (self.turn, self.asked.0.clone(), self.asked.1.clone()))
    }

    /// The caller's text that it answers.
    pub(crate) fn asked(&self) -> &str {
        &self.asked.0
    }

    /// The caller's text that it answers was this.
    pub(crate) fn mend(&mut self, turn: TurnId, text: &str) {
        if self.turn == turn && self.answers().is_some() {
            text.clone_into(&mut self.asked.0);
        }
    }

    /// It answers a turn that is over now.
    pub(crate) fn promote(&mut self, turn: TurnId, text: String, now: At) -> Option<Guess> {
        self.turn = turn;
        self.asked.0 = text;
        self.opened = now;
        self.guess.take()
    }

    /// Whether it is to tell what came of tools.
    pub(crate) fn tells_results(&self) -> bool {
        self.cause == Some(Cause::Tool)
    }

    /// Whether it asks for what was said and not understood.
    pub(crate) fn asks_again(&self) -> bool {
        self.cause == Some(Cause::Unclear)
    }

    /// What was expected of the caller before it.
    pub(crate) fn expected_before(&self) -> Expect {
        self.before
    }

    /// Whether the responder is still to write some of it.
    pub(crate) fn unwritten(&self) -> bool {
        self.end.is_none()
    }

    /// Whether the voice is still to speak some of it.
    pub(crate) fn unspoken(&self) -> bool {
        self.unspoken > 0 || !self.waiting.is_empty()
    }

    /// What follows it, as far as it is known.
    pub(crate) fn intent(&self) -> Intent {
        self.end.clone().unwrap_or(Intent::Continue)
    }

    /// All its text: what the voice has, and what it has not yet.
    pub(crate) fn text(&self, ledger: &Ledger) -> String {
        let mut text = ledger.text();
        for more in self.waiting.iter().chain([&self.pending]) {
            let more = more.trim();
            if !more.is_empty() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(more);
            }
        }
        text
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cascade {
    reply: Option<Reply>,
    replies: u32,
    turns: Turns,
    pub(crate) orders: Orders,
}

impl Cascade {
    pub(crate) fn after(replies: u32) -> Self {
        Self {
            replies,
            ..Self::default()
        }
    }

    /// The turn that a reply answers is not the last one.
    pub(crate) fn answers_turn(&mut self, reply: ReplyId, turn: TurnId) {
        self.turns.set(reply, turn);
    }

    /// The turn that a reply answers, for the last of them.
    pub(crate) fn turn_of(&self, reply: ReplyId) -> Option<TurnId> {
        self.turns.of(reply)
    }

    pub(crate) fn replies(&self) -> u32 {
        self.replies
    }

    pub(crate) fn live(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    pub(crate) fn live_mut(&mut self) -> Option<&mut Reply> {
        self.reply.as_mut()
    }

    pub(crate) fn drop_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    fn of(&mut self, id: ReplyId) -> Option<&mut Reply> {
        self.reply
            .as_mut()
            .filter(|reply| reply.id == id && reply.end.is_none())
    }
}

impl Call {
    /// Asks the responder for a reply.
    pub(crate) fn ask(&mut self, cause: Cause, text: String, digits: String) {
        let reply = self.open_reply(Some(cause), (text.clone(), digits.clone()));
        self.dialog.tools.told(cause);
        self.act(Action::Respond {
            turn: TurnId(self.counts.turns),
            reply,
            cause,
            text,
            digits,
            speculative: false,
        });
    }

    /// Says a fixed line.
    pub(crate) fn say(&mut self, line: &str, intent: Intent, greeting: bool) {
        let role = if greeting { Role::Greeting } else { Role::Line };
        self.say_as(role, line, intent);
    }

    /// The same, as what it is in the conversation.
    pub(crate) fn say_as(&mut self, role: Role, line: &str, intent: Intent) {
        let id = self.open_reply(None, (String::new(), String::new()));
        if let Some(reply) = self.mode.of(id) {
            line.clone_into(&mut reply.pending);
            reply.role = role;
        }
        self.end_text(id, intent);
    }

    /// Says a line behind a reply that is written. Answers whether there is one after which the conversation goes on.
    pub(crate) fn append(&mut self, line: &str) -> bool {
        let written = |reply: &&mut Reply| reply.end == Some(Intent::Continue);
        let Some(reply) = self.mode.reply.as_mut().filter(written) else {
            return false;
        };
        reply.waiting.extend(super::sentences(line));
        self.ledger.reopen();
        true
    }

    pub(crate) fn open_reply(&mut self, cause: Option<Cause>, asked: (String, String)) -> ReplyId {
        if self.mode.reply.is_some() {
            self.cut_reply();
        }
        self.mode.replies = self.mode.replies.wrapping_add(1);
        let id = ReplyId(self.mode.replies);
        self.mode.turns.set(id, TurnId(self.counts.turns));
        self.mode.reply = Some(Reply {
            id,
            turn: TurnId(self.counts.turns),
            role: Role::of(cause),
            cause,
            asked,
            pending: String::new(),
            progress: Progress::of(self.now),
            waiting: VecDeque::new(),
            unspoken: 0,
            length: 0,
            end: None,
            opened: self.now,
            before: self.expect,
            guess: None,
            order: None,
        });
        self.ledger.open(id);
        self.timers.clear(Reason::Idle);
        id
    }

    pub(crate) fn on_text(&mut self, id: ReplyId, text: &str) {
        let now = self.now;
        let Some(reply) = self.mode.of(id) else {
            return;
        };
        reply.progress.wrote = now;
        let room = LONGEST_REPLY.saturating_sub(reply.length);
        reply.length += text.chars().count().min(room);
        if reply.pending.is_empty() {
            reply.progress.since = now;
        }
        reply.pending.extend(text.chars().take(room));
        let before = reply.waiting.len();
        split_parts(&mut reply.pending, &mut reply.waiting);
        if reply.waiting.len() > before {
            reply.progress.since = now;
        }
        let idle = reply.unspoken == 0 && reply.waiting.is_empty();
        if idle && self.ledger.queued_ms() < CLAUSE_BELOW_MS {
            let waited = now.ms_since(reply.progress.since);
            let any = waited >= ANY_WORD_MS;
            if (any || waited >= CLAUSE_MS)
                && let Some(clause) = split_clause(&mut reply.pending, any)
            {
                reply.waiting.push_back(clause);
                reply.progress.since = now;
            }
        }
        if let Some(guess) = &mut reply.guess {
            guess.text.get_or_insert(now);
        }
        self.stamp(|report| report.text.get_or_insert(now));
    }

    pub(crate) fn on_text_end(&mut self, id: ReplyId, intent: &Intent, expect: Expect) {
        let Some(reply) = self.mode.of(id) else {
            return;
        };
        match &mut reply.guess {
            Some(guess) => guess.expect = Some(expect),
            None => self.expect = expect,
        }
        self.end_text(id, intent.clone());
    }

    fn end_text(&mut self, id: ReplyId, intent: Intent) {
        let Some(reply) = self.mode.of(id) else {
            return;
        };
        split_parts(&mut reply.pending, &mut reply.waiting);
        let rest = std::mem::take(&mut reply.pending);
        if has_words(&rest) {
            reply.waiting.push_back(rest.trim().to_owned());
        }
        reply.end = Some(intent);
    }

    /// Gives the voice what it may have now.
    pub(crate) fn release_parts(&mut self) {
        let (now, mut given) = (self.now, false);
        let Some(reply) = self.mode.reply.as_mut() else {
            return;
        };
        // Of a reply that may not be wanted the first sentence is enough to begin with.
        let most = if reply.guess.is_some() {
            usize::from(self.ledger.is_unwritten())
        } else {
            MOST_UNSPOKEN
        };
        while reply.unspoken < most && self.ledger.queued_ms() < RELEASE_BELOW_MS {
            let Some(text) = reply.waiting.pop_front() else {
                break;
            };
            let part = self.ledger.add_part(&text);
            reply.unspoken += 1;
            if let Some(guess) = &mut reply.guess {
                guess.clause.get_or_insert(now);
            }
            given |= reply.progress.wrote_part(part);
            self.actions.push_back(Action::Speak {
                reply: reply.id,
                part,
                text,
            });
        }
        if reply.end.is_some() && reply.waiting.is_empty() {
            self.ledger.close();
        }
        if given {
            self.stamp(|report| report.clause.get_or_insert(now));
        }
    }

    pub(crate) fn on_spoken(&mut self, piece: &Piece) {
        let now = self.now;
        if self.mode.live().is_none() || !self.ledger.queue(piece) {
            return;
        }
        let wrote = |reply: &Reply| reply.progress.wrote_part(piece.part);
        if self.mode.live().is_some_and(wrote) {
            if let Some(guess) = self.mode.live_mut().and_then(|reply| reply.guess.as_mut()) {
                guess.speech.get_or_insert(now);
            }
            self.stamp(|report| report.speech.get_or_insert(now));
        }
    }

    /// The voice is done with a part. `void`: what is left of it without its marks is nothing, and no voice was asked.
    pub(crate) fn on_spoken_end(&mut self, id: ReplyId, part: PartId, void: bool) {
        let Some(reply) = self.mode.reply.as_mut().filter(|reply| reply.id == id) else {
            return;
        };
        let Some(samples) = self.ledger.finish_part(id, part, void) else {
            return;
        };
        reply.unspoken = reply.unspoken.saturating_sub(1);
        if samples == 0 && !void {
            self.note_fault(Fault {
                party: Party::Tts,
                kind: FaultKind::Misbehaved,
                detail: "a sentence came back without speech".into(),
            });
        }
    }

    pub(crate) fn note_fault(&mut self, fault: Fault) {
        self.report.fault(&fault);
        self.note(Note::Fault(fault));
    }

    /// The reply ends after the sentence that is being heard, and then the call.
    pub(crate) fn shorten_reply(&mut self) {
        self.ledger.drop_unsent_parts();
        if let Some(reply) = self.mode.reply.as_mut() {
            reply.waiting.clear();
            reply.pending.clear();
            reply.end = match reply.end.take() {
                Some(Intent::Transfer(to)) => Some(Intent::Transfer(to)),
                Some(Intent::Continue | Intent::HangUp) | None => Some(Intent::HangUp),
            };
        }
    }

    /// The reply was heard to its end, or had nothing to say.
    pub(crate) fn conclude_reply(&mut self) {
        if self.ledger.silent() {
            self.note_silence();
            self.fail_reply();
            return;
        }
        let Some(reply) = self.mode.drop_reply() else {
            return;
        };
        for reason in [Reason::Heard, Reason::Protect, Reason::Verdict] {
            self.timers.clear(reason);
        }
        self.note_filled(&reply);
        let said = self.ledger.text();
        if !said.is_empty() {
            self.dialog.push(Line {
                speaker: Speaker::Agent,
                turn: reply.turn,
                reply: Some(reply.id),
                heard: said.clone(),
                said,
                digits: String::new(),
                from: self.ledger.audible_at().unwrap_or(self.now),
                until: self.heard_until(),
                cut: false,
            });
        }
        self.ledger.retire();
        self.callee.heard(reply.id);
        if reply.cause.is_some() {
            self.counts.failures = 0;
        }
        if matches!(reply.role, Role::Greeting | Role::Answer) {
            self.arm_silence();
        }
        self.counts.resumes = 0;
        self.checkpoint();
        match reply.end {
            Some(Intent::Continue) | None if self.closing() => self.end(Intent::HangUp),
            Some(Intent::Continue) | None => {
                self.arm_idle();
                self.judge_turn();
            }
            Some(intent) => self.end_after_tools(reply.id, intent),
        }
    }

    /// Whether the live reply is the greeting.
    pub(crate) fn greeting(&self) -> bool {
        self.mode
            .live()
            .is_some_and(|reply| reply.role == Role::Greeting)
    }
}
