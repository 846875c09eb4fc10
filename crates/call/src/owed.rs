//! Final words that come after the turn they belong to: they mend what it was taken to be.
//!
//! As long as nothing of the reply was heard the turn is opened again and answered anew. After that the reply stays, and the
//! caller's line in the conversation holds the final words.

use crate::action::Note;
use crate::at::At;
use crate::call::Call;
use crate::caller::{CallerTurn, join, plain_words};
use crate::event::{Firmness, TurnId, Words};
use crate::mode::Reply;
use crate::timers::Reason;

/// A turn that ended before its last words were final.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    /// Which; none if it had no words.
    turn: Option<TurnId>,
    /// Its last sound.
    last_sound_at: At,
    /// What it was taken to be.
    taken: String,
    /// Those of its words that are final.
    settled: String,
}

impl Before {
    /// What is owed to a turn that is over now. One that nobody asked about is taken as it is.
    pub(crate) fn of(caller: &CallerTurn, turn: Option<TurnId>) -> Option<Self> {
        let all_final = caller.flushed.is_some() || caller.outlook.ended.is_some();
        (caller.past.questioned && !all_final).then(|| Self {
            turn,
            last_sound_at: caller.last_sound_at,
            taken: caller.text(),
            settled: caller.settled(),
        })
    }

    /// More of its words, the last of them if `all`. What it was, if that is other words than those it was taken for.
    fn mend(&mut self, text: &str, all: bool) -> Option<String> {
        join(&mut self.settled, text);
        let (was, now) = (plain_words(&self.taken), plain_words(&self.settled));
        // Before the last words come it may still be shorter than what it was taken for.
        let tells = !now.is_empty() && now != was && (all || now.len() >= was.len());
        if tells {
            self.settled.clone_into(&mut self.taken);
        }
        tells.then(|| self.settled.clone())
    }
}

impl Call {
    /// Final words of the turn before, which was over without them.
    pub(crate) fn words_of_before(&mut self, words: &Words) {
        let all = words.firmness == Firmness::Flushed;
        if words.firmness == Firmness::Interim {
            return;
        }
        let Some(before) = &mut self.turn.past.before else {
            return;
        };
        let mended = before.mend(words.text.trim(), all);
        let (turn, last_sound_at) = (before.turn, before.last_sound_at);
        if all {
            self.turn.past.before = None;
        }
        match (mended, turn) {
            (Some(text), Some(turn)) => self.mend(turn, &text, last_sound_at, all),
            (Some(_), None) => {
                self.take_words_of_before(words.text.trim(), last_sound_at, all);
            }
            (None, _) => {}
        }
    }

    /// What the caller said in a turn is this. It is answered anew as long as nothing of its reply was heard.
    fn mend(&mut self, turn: TurnId, text: &str, last_sound_at: At, all: bool) {
        let reopened = turn.0 > self.counts.turns;
        if reopened {
            self.turn.carry_rather(text);
            self.weigh_guess();
            if !self.reply_speaking() {
                self.judge_turn();
            }
            return;
        }
        let answered = self.mode.live().and_then(Reply::answers);
        if answered.is_some_and(|(answered, ..)| answered == turn) && !self.reply_speaking() {
            self.reopen();
            self.turn.carry_rather(text);
            self.turn.last_sound_at = last_sound_at;
            self.turn.asked = Some(self.now);
            self.turn.flushed = all.then_some(self.now);
            // The rest is owed to the turn as it is now.
            self.turn.past.questioned |= !all;
            self.judge_turn();
            return;
        }
        if !self.dialog.mend(turn, text) {
            return;
        }
        if let Some(reply) = self.mode.live_mut() {
            reply.mend(turn, text);
        }
        self.note(Note::Mended { turn });
        if !self.speculating() {
            self.checkpoint();
        }
    }

    /// Words of speech that was taken to have none: a turn, unless something else is being said by now than a question what
    /// they were.
    fn take_words_of_before(&mut self, text: &str, last_sound_at: At, all: bool) {
        if !self.reply_speaking() {
            self.reopen();
        } else if self.mode.live().is_some_and(Reply::asks_again) {
            self.cut_reply();
        } else {
            return;
        }
        self.timers.clear(Reason::Idle);
        self.arm_silence();
        self.turn.precede(text);
        if !self.turn.spoke() {
            self.turn.last_sound_at = last_sound_at;
            self.turn.asked = Some(self.now);
            self.turn.flushed = all.then_some(self.now);
        }
        self.turn.past.questioned |= !all;
        self.weigh_guess();
        self.judge_turn();
    }
}
