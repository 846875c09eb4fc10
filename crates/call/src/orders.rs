//! What somebody who has the call in hand wants of it: a line said, the caller put through, a hint for the responder.
//!
//! A line waits until nothing is being said or written and the caller is not in the middle of a turn. One that may interrupt takes
//! the place of what is being said, and of the answer to what the caller is saying. A hint is a line of the dialog that nobody hears.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::action::{DropCause, EndCause, Note};
use crate::call::{Call, Phase};
use crate::dialog::{Line, Speaker};
use crate::event::{Intent, TurnId};

/// Lines that may wait to be said.
const MOST_WAITING: usize = 8;

/// What is wanted of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Say this line. Where the caller goes on before they heard a word of it, it is said once they are done.
    Say {
        /// What is said.
        text: String,
        /// In place of what is being said, or of the answer to what the caller is saying; otherwise behind it.
        interrupt: bool,
    },
    /// Put the caller through.
    Transfer {
        /// The number, address or scenario.
        to: String,
        /// Heard before; nothing that the caller does stops it.
        first: Option<String>,
    },
    /// A hint for the responder, which the caller does not hear.
    Whisper(String),
    /// End the call, after the sentence that is being heard.
    HangUp,
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The call is over or ends, or was not answered yet.
    Ending,
    /// A machine has answered and nobody listens.
    Machine,
    /// As many lines wait to be said as may.
    Full,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    lines: VecDeque<Waiting>,
}

/// A line that is to be said.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    text: String,
    interrupts: bool,
}

impl Orders {
    /// A line of which nothing was heard is said again before all others.
    pub(crate) fn again(&mut self, line: Waiting) {
        self.lines.push_front(line);
    }
}

impl Call {
    /// Why an order would not be carried out now, if it would not.
    pub fn unfit(&self, order: &Order) -> Option<Unfit> {
        if self.phase != Phase::Live {
            return Some(Unfit::Ending);
        }
        match order {
            Order::Say { .. } if self.callee.leads() => Some(Unfit::Machine),
            Order::Say { .. } if self.mode.orders.lines.len() >= MOST_WAITING => Some(Unfit::Full),
            Order::Say { .. } | Order::Transfer { .. } | Order::Whisper(_) | Order::HangUp => None,
        }
    }

    pub(crate) fn on_order(&mut self, order: &Order) {
        if self.unfit(order).is_some() {
            return;
        }
        match order {
            Order::Say { text, interrupt } => self.on_say(text, *interrupt),
            Order::Transfer { to, first } => self.put_through(to, first.as_deref()),
            Order::Whisper(text) => self.whisper(text),
            Order::HangUp => self.close(EndCause::Operator),
        }
    }

    fn on_say(&mut self, text: &str, interrupts: bool) {
        let line = Waiting {
            text: text.to_owned(),
            interrupts,
        };
        if !interrupts {
            self.mode.orders.lines.push_back(line);
            return;
        }
        self.drop_guess(DropCause::Line);
        self.drop_said();
        self.mode.orders.lines.push_front(line);
    }

    /// What is being said ends here and does not come again.
    fn drop_said(&mut self) {
        if let Some(reply) = self.mode.live_mut() {
            reply.order = None;
        }
        self.cut_reply();
    }

    fn put_through(&mut self, to: &str, first: Option<&str>) {
        self.drop_guess(DropCause::Line);
        let intent = Intent::Transfer(to.to_owned());
        let Some(first) = first else {
            self.end_for(intent, EndCause::Operator);
            return;
        };
        self.close_with(first, intent, EndCause::Operator);
    }

    fn whisper(&mut self, text: &str) {
        // It was asked for without this.
        self.drop_guess(DropCause::Hint);
        self.dialog.push(Line {
            speaker: Speaker::Whisper,
            turn: TurnId(self.counts.turns),
            reply: None,
            said: text.to_owned(),
            heard: String::new(),
            digits: String::new(),
            from: self.now,
            until: self.now,
            cut: false,
        });
    }

    /// Says a line that was ordered; `then` follows it.
    fn say_ordered(&mut self, line: Waiting, then: Intent) {
        self.say(&line.text, then, false);
        if let Some(reply) = self.mode.live_mut() {
            reply.order = Some(line);
        }
    }

    /// The caller's turn is over: a line that may interrupt answers it. Answers whether there is one.
    pub(crate) fn answer_by_order(&mut self, turn: Option<TurnId>) -> bool {
        let lines = &mut self.mode.orders.lines;
        let Some(line) = lines.pop_front_if(|line| line.interrupts) else {
            return false;
        };
        self.drop_guess(DropCause::Line);
        self.say_ordered(line, Intent::Continue);
        if let Some(turn) = turn {
            self.note(Note::Prepared { turn });
        }
        true
    }

    /// Says the next line once nobody speaks.
    pub(crate) fn settle_orders(&mut self) {
        let free = self.phase == Phase::Live && !self.callee.leads();
        if !free || self.reply_live() || self.turn.started {
            return;
        }
        if let Some(line) = self.mode.orders.lines.pop_front() {
            self.say_ordered(line, Intent::Continue);
        }
    }

    /// A reply was heard that wants the call to end: it does once what waits to be said was heard, too.
    pub(crate) fn end_behind_orders(&mut self, intent: Intent) {
        let free = self.phase == Phase::Live && !self.callee.leads();
        match self.mode.orders.lines.pop_front() {
            Some(line) if free => self.say_ordered(line, intent),
            Some(_) | None => self.end(intent),
        }
    }

    /// Says a line from outside.
    pub(crate) fn say_more(&mut self, line: &str) {
        self.drop_guess(DropCause::Line);
        if !self.append(line) {
            self.say(line, Intent::Continue, false);
        }
    }
}
