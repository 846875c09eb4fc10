//! A responder that does not begin in time: the caller is asked for patience. One that began to write and does not go on: what it
//! wrote is spoken if that makes sense, else it is given up before the caller takes the silence for the end.

use crate::action::{Action, Note, TurnEnd};
use crate::at::At;
use crate::call::Call;
use crate::event::{Intent, PartId, TurnId};
use crate::floor::Floor;
use crate::report::AnsweredBy;

use super::cascade::Reply;
use super::role::Role;

use super::sentences::{has_words, sentences, split_clause, split_words};

/// Something of a reply is to be spoken so long after the question, in ms,
const SPOKEN_MS: u64 = 1500;
/// or so long after the last sound of a caller who waits, where that is earlier,
const WAITED_MS: u64 = 1700;
/// but not before this time after the question, nor so soon after its first words.
const LEAST_MS: u64 = 500;
const CLAUSE_MS: u64 = 300;
/// More is to be spoken so long after what was heard of a reply, in ms.
const MORE_MS: u64 = 1200;
/// A responder that wrote within this time has not stalled, in ms;
const MOVING_MS: u64 = 600;
/// nor has one that is known to be slow, within this.
const SLOW_MS: u64 = 1000;
/// It is where its words came so far apart, in ms.
const APART_MS: u64 = 500;
/// A caller who waits for the first words of an answer is asked for patience so long after their last sound, in ms. What stands in
/// for a responder has begun by then.
const PATIENCE_MS: u64 = 1800;
/// A responder that is asked so long after the caller's last sound has too little left of the caller's patience, in ms:
const LATE_MS: u64 = 400;
/// where the turn had to be waited for, this much is left, which is enough for what stands in for it,
const AWAITED_MS: u64 = 1100;
/// and where its words came late, by so much,
const OVER_MS: u64 = 300;
/// this much.
const LEFT_MS: u64 = 200;

/// How far a reply has come that is being written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// When the first of the pending text came.
    pub(super) since: At,
    /// The last text.
    pub(super) wrote: At,
    /// The caller was asked for patience in the middle of it.
    filled: bool,
    /// Nothing more is expected of who writes it.
    given_up: bool,
    /// The parts before all that is written: they ask for patience.
    led: usize,
    /// It is said into the caller's turn, which is not over.
    fills: bool,
}

impl Progress {
    /// Of one that is begun now.
    pub(super) fn of(now: At) -> Self {
        Self {
            since: now,
            ..Self::default()
        }
    }

    /// The caller was asked for patience before anything was written.
    pub(crate) fn is_led(&self) -> bool {
        self.led > 0
    }

    /// A part is what the responder wrote.
    pub(super) fn wrote_part(&self, part: PartId) -> bool {
        usize::from(part.0) >= self.led
    }
}

impl Reply {
    /// What the caller hears of it first.
    pub(crate) fn answers_by(&self) -> AnsweredBy {
        if self.progress.is_led() {
            AnsweredBy::Filler
        } else {
            self.role.answers()
        }
    }

    /// Nobody writes it any more: it ends with what it has, which is of this role.
    pub(super) fn fails_with(&mut self, role: Role, intent: Intent) {
        self.cause = None;
        self.role = role;
        self.end = Some(intent);
    }

    /// It is said into this turn of the caller, which is not over.
    pub(crate) fn fill(&mut self, turn: TurnId) {
        self.progress.fills = true;
        self.turn = turn;
    }

    /// Whether it is.
    pub(crate) fn fills(&self) -> bool {
        self.progress.fills
    }
}

impl Call {
    /// When the live reply is overdue, if nothing more comes of it: the bound runs from its beginning until something
    /// audible was sent, and then from the end of what was sent.
    pub(crate) fn overdue_at(&self) -> Option<At> {
        let reply = self.mode.live()?;
        let begun = self.ledger.audible_at().is_some();
        if self.ledger.all_sent() || (begun && self.ledger.queued_ms() > 0) {
            return None;
        }
        let from = if begun {
            self.ledger.model_end()
        } else {
            reply.opened
        };
        Some(from.plus_ms(u64::from(self.spec.turn.reply_bound_ms)))
    }

    /// When something of the live reply must go to the voice: its responder has begun, is still to write, and the voice has
    /// nothing to do.
    pub(crate) fn stalls_at(&self) -> Option<At> {
        let reply = self.mode.live()?;
        let writes = reply.unwritten() && reply.guess.is_none();
        if reply.is_awaited() {
            return self.patience_due(reply).filter(|_| writes);
        }
        if !writes || reply.unspoken() || reply.progress.given_up || self.ledger.queued_ms() > 0 {
            return None;
        }
        if !self.ledger.is_unwritten() {
            let from = self.ledger.model_end().max(reply.opened);
            return Some(from.plus_ms(MORE_MS));
        }
        let asked = reply.opened.plus_ms(SPOKEN_MS);
        let waited = reply.answers().and(self.quiet_since());
        let by = waited.map_or(asked, |since| asked.min(since.plus_ms(WAITED_MS)));
        let least = reply.opened.plus_ms(LEAST_MS);
        Some(by.max(least).max(reply.progress.since.plus_ms(CLAUSE_MS)))
    }

    /// When a caller is asked for patience who waits for an answer of which nothing is written. The turn was over late, so
    /// that they would wait for longer than 2 s, were the responder given its time.
    fn patience_due(&self, reply: &Reply) -> Option<At> {
        let filled = reply.progress.filled || self.spec.lines.tool_wait.is_empty();
        if reply.answers().is_none() || filled {
            return None;
        }
        let turn = self.last_turn().filter(|turn| turn.audible.is_none())?;
        let settings = &self.spec.turn;
        let usual = match turn.cause {
            TurnEnd::Complete => settings.end_wait_complete_ms,
            TurnEnd::Filler | TurnEnd::Keys => settings.end_wait_filler_ms,
            TurnEnd::Wait | TurnEnd::Cap | TurnEnd::Recogniser => settings.end_wait_ms,
        };
        let over = reply.opened.ms_since(turn.last_sound) > u64::from(usual) + OVER_MS;
        let least = if over { LEFT_MS } else { AWAITED_MS };
        let due = turn.last_sound.plus_ms(PATIENCE_MS);
        // Nothing was written, so this is when it was asked, or another in its place.
        let asked = reply.progress.since;
        (asked.ms_since(turn.last_sound) > LATE_MS).then(|| due.max(asked.plus_ms(least)))
    }

    /// That time has come: the answer begins with a line that asks for patience.
    fn ask_for_patience(&mut self) {
        let line = self.spec.lines.patience(0).unwrap_or_default();
        let parts = sentences(line);
        if let Some(reply) = self.mode.live_mut() {
            reply.waiting.extend(parts);
            reply.progress.filled = true;
            reply.progress.led = reply.waiting.len();
        }
    }

    /// Whether nothing of the live reply but the line that asked for patience is there, and is spoken.
    pub(crate) fn only_asked_for_patience(&self) -> bool {
        let free = matches!(self.floor, Floor::Free | Floor::Protected);
        let is_all = |reply: &Reply| {
            reply.progress.is_led() && reply.length == 0 && reply.unwritten() && !reply.unspoken()
        };
        free && self.mode.live().is_some_and(is_all)
    }

    /// An apology stands behind that line.
    pub(crate) fn apologise_behind(&mut self, line: &str, intent: Intent) {
        if let Some(reply) = self.mode.live_mut() {
            reply.waiting.extend(sentences(line));
            reply.fails_with(Role::Apology, intent);
        }
    }

    /// That time has come.
    pub(crate) fn stalls(&mut self) {
        if self.mode.live().is_some_and(Reply::is_awaited) {
            self.ask_for_patience();
            return;
        }
        let (now, first) = (self.now, self.ledger.is_unwritten());
        let patience = self.spec.lines.patience(0).map(sentences);
        let Some(reply) = self.mode.live_mut() else {
            return;
        };
        let wrote = reply.progress.wrote;
        let slow = !first || wrote.ms_since(reply.progress.since) >= APART_MS;
        let moves = now.ms_since(wrote) < if slow { SLOW_MS } else { MOVING_MS };
        let clause = if moves {
            split_words(&mut reply.pending)
        } else if first {
            split_clause(&mut reply.pending, true)
        } else {
            None
        };
        if let Some(clause) = clause {
            reply.waiting.push_back(clause);
            reply.progress.since = now;
            return;
        }
        // Behind a whole sentence it may be preparing what it is about to do.
        let paused = !first && !has_words(&reply.pending);
        if let Some(parts) = patience.filter(|_| paused && !reply.progress.filled) {
            reply.progress.filled = true;
            reply.waiting.extend(parts);
            return;
        }
        reply.progress.given_up = true;
        reply.pending.clear();
        let id = reply.id;
        let bound_ms = if first { SPOKEN_MS } else { MORE_MS };
        self.note(Note::Overdue {
            reply: id,
            bound_ms: u32::try_from(bound_ms).unwrap_or(u32::MAX),
        });
        self.act(Action::GiveUp { reply: id });
    }

    /// Another writes the rest of the live reply. A sentence that was broken off is not glued to the other's.
    pub(crate) fn write_anew(&mut self) {
        let now = self.now;
        if let Some(reply) = self.mode.live_mut() {
            reply.pending.clear();
            reply.length = 0;
            reply.progress = Progress {
                since: now,
                wrote: now,
                given_up: false,
                ..reply.progress
            };
        }
    }
}
