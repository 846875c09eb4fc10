//! A turn whose words take long, because another recogniser hears it again: the caller is asked for patience, and the turn stays
//! open meanwhile.

use crate::at::At;
use crate::call::{Call, Phase};
use crate::event::{Intent, TurnId};
use crate::mode::{Reply, Role};
use crate::timers::Reason;

/// The caller is asked so long after their last sound, in ms: no answer would be heard before 2 s.
const FILL_MS: u64 = 1600;

impl Call {
    /// Whether what is said only fills the silence of the caller's turn, which goes on.
    pub(crate) fn fills_turn(&self) -> bool {
        self.mode.live().is_some_and(Reply::fills)
    }

    /// When the caller is asked for patience, if the turn goes on as it stands.
    pub(crate) fn fills_at(&self) -> Option<At> {
        let turn = &self.turn;
        let free = self.phase == Phase::Live && !self.callee.leads() && !self.reply_live();
        let waits = turn.spoken && !turn.sounding && turn.flushed.is_none();
        let again = turn.heard_again().is_some() && turn.digits.is_empty();
        let asked = turn.met.filled || self.spec.lines.tool_wait.is_empty();
        (free && waits && again && !asked).then(|| turn.last_sound_at.plus_ms(FILL_MS))
    }

    /// Asks the caller for patience when it is time.
    pub(crate) fn settle_turn(&mut self) {
        if self.fills_at().is_none_or(|at| at > self.now) {
            return;
        }
        self.turn.met.filled = true;
        let line = self.spec.lines.patience(0).unwrap_or_default().to_owned();
        self.say_as(Role::Filler, &line, Intent::Continue);
        let turn = TurnId(self.counts.turns.saturating_add(1));
        if let Some(reply) = self.mode.live_mut() {
            reply.fill(turn);
        }
        self.timers.clear(Reason::Turn);
    }

    /// The reply that filled the turn's silence is over. What was heard of it is what the turn was answered by first.
    pub(crate) fn note_filled(&mut self, reply: &Reply) {
        if reply.fills() {
            self.turn.met.filled_at = self.ledger.audible_at();
        }
    }
}
