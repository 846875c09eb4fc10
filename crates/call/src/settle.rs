//! What follows from any event, once it was dealt with.

use crate::at::At;
use crate::call::{Call, Phase};
use crate::floor::Floor;
use crate::mode::Role;
use crate::timers::Reason;

/// Pacing rides on the caller's frames; a timer stands in when none came for this long, in ms.
const PACE_SLACK_MS: u64 = 40;

impl Call {
    /// Whatever follows from any event: text to the voice, audio to the carrier, a reply that was heard.
    pub(crate) fn settle(&mut self) {
        loop {
            if matches!(self.phase, Phase::Ringing | Phase::Over) {
                return;
            }
            self.release_parts();
            if self.sending() {
                let ahead = self.spec.turn.ahead_ms;
                self.ledger.pump(self.now, ahead, &mut self.actions);
            }
            self.stamp_heard();
            let replies = self.mode.replies();
            self.settle_heard();
            self.settle_orders();
            self.settle_tools();
            self.settle_turn();
            if self.mode.replies() == replies {
                break;
            }
        }
        self.ledger.forget(self.now, &mut self.actions);
        self.arm_carrier();
    }

    /// Notes a time in the report of the turn that the live reply answers. The turn of a speculative one has no report yet.
    pub(crate) fn stamp(&mut self, set: impl FnOnce(&mut crate::TurnReport) -> &mut At) {
        let Some(reply) = self.mode.live() else {
            return;
        };
        if reply.role != Role::Answer || reply.guess.is_some() {
            return;
        }
        let turn = reply.turn;
        if let Some(report) = self
            .report
            .turns
            .last_mut()
            .filter(|last| last.turn == turn)
        {
            set(report);
        }
    }

    /// Notes when the caller began to hear something after their turn, and what it was.
    fn stamp_heard(&mut self) {
        let Some(reply) = self.mode.live().filter(|reply| reply.guess.is_none()) else {
            return;
        };
        let (turn, answered_by) = (reply.turn, reply.answers_by());
        let mut turns = self.report.turns.iter_mut();
        let Some(report) = turns.next_back().filter(|last| last.turn == turn) else {
            return;
        };
        let audible = self.ledger.audible_at();
        if report.audible.is_none() && audible.is_some() {
            report.audible = audible;
            report.answered_by = Some(answered_by);
        }
        // What the carrier says of a later line is not of that sound.
        if report.audible.is_some() && report.audible == audible {
            report.acknowledged = report.acknowledged.or(self.ledger.acknowledged_at());
        }
    }

    fn settle_heard(&mut self) {
        self.timers.clear(Reason::Heard);
        if !self.reply_live() || !self.ledger.all_sent() {
            return;
        }
        self.let_go_if_heard();
        if !self.sending() {
            return;
        }
        if self.ledger.all_heard(self.now) {
            self.floor = Floor::Free;
            self.conclude_reply();
        } else {
            self.timers.set(Reason::Heard, self.ledger.heard_by());
        }
    }

    /// A held reply of which nothing is left needs no verdict.
    fn let_go_if_heard(&mut self) {
        if self.floor == Floor::Held && self.ledger.all_sent() && !self.ledger.unheard(self.now) {
            self.floor = Floor::Free;
            self.timers.clear(Reason::Verdict);
        }
    }

    /// The caller acts: a reply that was heard to its end by the model need not wait for its mark.
    pub(crate) fn conclude_heard(&mut self) {
        self.let_go_if_heard();
        if self.reply_live()
            && self.sending()
            && self.ledger.all_sent()
            && !self.ledger.unheard(self.now)
        {
            self.floor = Floor::Free;
            self.conclude_reply();
        }
    }

    fn arm_carrier(&mut self) {
        if self.phase == Phase::Over {
            return;
        }
        self.arm(Reason::Stalled, self.ledger.stalled_at());
        let overdue = self.overdue_at().filter(|_| self.sending());
        self.arm(Reason::Overdue, overdue);
        let stalls = self.stalls_at().filter(|_| self.sending());
        self.arm(Reason::Unspoken, stalls);
        let due = self.ledger.send_due(self.now, self.spec.turn.ahead_ms);
        let pace = due.filter(|_| self.sending()).map(|at| {
            at.plus_ms(PACE_SLACK_MS)
                .max(self.now.plus_ms(PACE_SLACK_MS / 2))
        });
        self.arm(Reason::Pace, pace);
        let [late, patience] = self.tool_times();
        self.arm(Reason::Tool, late);
        let fills = self.fills_at();
        self.arm(Reason::Patience, patience.into_iter().chain(fills).min());
    }

    fn arm(&mut self, reason: Reason, at: Option<At>) {
        match at {
            Some(at) => self.timers.set(reason, at),
            None => self.timers.clear(reason),
        }
    }
}
