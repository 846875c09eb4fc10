//! A responder that began to write and does not go on: what it wrote is spoken if that makes sense, else it is given up before
//! the caller takes the silence for the end.

use crate::action::{Action, Note};
use crate::at::At;
use crate::call::Call;

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
}

impl Progress {
    /// Of one that is begun now.
    pub(super) fn of(now: At) -> Self {
        Self {
            since: now,
            ..Self::default()
        }
    }
}

impl Call {
    /// When something of the live reply must go to the voice: its responder has begun, is still to write, and the voice has
    /// nothing to do.
    pub(crate) fn stalls_at(&self) -> Option<At> {
        let reply = self.mode.live()?;
        let writes = reply.unwritten() && reply.length > 0 && reply.guess.is_none();
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

    /// That time has come.
    pub(crate) fn stalls(&mut self) {
        let (now, first) = (self.now, self.ledger.is_unwritten());
        let line = self.spec.lines.tool_wait.first().cloned();
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
        if let Some(line) = line.filter(|_| paused && !reply.progress.filled) {
            reply.progress.filled = true;
            reply.waiting.extend(sentences(&line));
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
            reply.progress = Progress::of(now);
        }
    }
}
