//! Replies that are asked for before the turn is over.
//!
//! The words are there some hundred milliseconds before it is known that the caller is done. A responder that may be asked
//! in vain is asked meanwhile, and its first sentence is spoken into the outbox: nothing of it is sent or written into the
//! dialog, and no failure of it counts. If the turn ends with these words the reply is promoted, else it is dropped.

use crate::action::{Action, Cause, DropCause, Note};
use crate::at::At;
use crate::call::{Call, Phase};
use crate::caller::plain_words;
use crate::event::{Expect, Form, ToolCall, TurnId};

/// The responder is asked this often for a turn before its end: each question costs, and who paused so often pauses again.
const MOST_GUESSES: u8 = 3;

/// What a speculative reply brought so far.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    asked: At,
    /// Its first text.
    pub(crate) text: Option<At>,
    /// Its first clause went to the voice.
    pub(crate) clause: Option<At>,
    /// Its first speech.
    pub(crate) speech: Option<At>,
    /// What it expects of the caller.
    pub(crate) expect: Option<Expect>,
    /// What it calls, to be done when it is promoted.
    pub(crate) calls: Vec<ToolCall>,
    /// How many results of tools there were when it was asked for: it knows them.
    results: u32,
}

impl Call {
    /// Whether the live reply is speculative.
    pub fn speculating(&self) -> bool {
        self.mode.live().is_some_and(|reply| reply.guess.is_some())
    }

    /// The turn is not over by its waits: asks for its reply, if that is likely to be wanted.
    pub(crate) fn speculate(&mut self) {
        let turn = &self.turn;
        let may = self.spec.turn.speculate
            && self.phase == Phase::Live
            && !self.callee.answers_itself()
            && !self.reply_live()
            && turn.outlook.guesses < MOST_GUESSES;
        if !may || turn.sounding || !turn.digits.is_empty() {
            return;
        }
        let text = turn.text();
        let likely = if turn.outlook.led {
            turn.outlook.eager
        } else {
            let goes_on = self.expect.form == Form::Digits || self.ends_with_filler(&text);
            let late = self.words_late().is_some_and(|late| late <= self.now)
                && turn.heard_again().is_none();
            (turn.flushed.is_some() || late) && !goes_on
        };
        if !likely || plain_words(&text).is_empty() {
            return;
        }
        self.turn.outlook.guesses += 1;
        let (asked, results) = (self.now, self.dialog.tools.answered());
        let reply = self.open_reply(Some(Cause::Answer), (text.clone(), String::new()));
        let turn = TurnId(self.counts.turns.saturating_add(1));
        self.mode.answers_turn(reply, turn);
        if let Some(live) = self.mode.live_mut() {
            live.guess = Some(Guess {
                asked,
                text: None,
                clause: None,
                speech: None,
                expect: None,
                calls: Vec::new(),
                results,
            });
        }
        self.act(Action::Respond {
            turn,
            reply,
            cause: Cause::Answer,
            text,
            digits: String::new(),
            speculative: true,
        });
    }

    /// Words came: a speculative reply to others is not wanted.
    pub(crate) fn weigh_guess(&mut self) {
        if self.speculating() && !self.guess_answers(&self.turn.text()) {
            self.drop_guess(DropCause::Words);
        }
    }

    /// Whether the live reply is speculative and answers this text, but for case and punctuation.
    fn guess_answers(&self, text: &str) -> bool {
        self.mode.live().is_some_and(|reply| {
            reply.guess.is_some() && plain_words(reply.asked()) == plain_words(text)
        })
    }

    /// The speculative reply is not wanted, if there is one.
    pub(crate) fn drop_guess(&mut self, cause: DropCause) {
        if !self.speculating() {
            return;
        }
        self.turn.outlook.eager = false;
        // Asked again for the same turn it would fail again.
        if cause == DropCause::Fault {
            self.turn.outlook.guesses = MOST_GUESSES;
        }
        self.note(Note::Dropped {
            reply: self.reply_id(),
            cause,
        });
        self.cut_reply();
    }

    /// The turn is over. Answers whether its reply was asked for before; a reply to other words is dropped. Keys dropped it when
    /// they came.
    pub(crate) fn promote(&mut self, text: &str) -> bool {
        if !self.guess_answers(text) {
            self.drop_guess(DropCause::Words);
            return false;
        }
        let (now, turn) = (self.now, TurnId(self.counts.turns));
        let reply = self.mode.live_mut();
        let Some(guess) = reply.and_then(|reply| reply.promote(turn, text.to_owned(), now)) else {
            return false;
        };
        if let Some(expect) = guess.expect {
            self.expect = expect;
        }
        if let Some(report) = self.report.turns.last_mut() {
            report.speculated = Some(guess.asked);
            report.text = guess.text;
            report.clause = guess.clause;
            report.speech = guess.speech;
        }
        self.note(Note::Promoted {
            reply: self.reply_id(),
            saved_ms: u32::try_from(now.ms_since(guess.asked)).unwrap_or(u32::MAX),
        });
        self.dialog.tools.told_before(guess.results);
        self.call_held(self.reply_id(), &guess.calls);
        true
    }
}
