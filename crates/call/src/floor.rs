//! Who has the floor: interruptions, and how they are taken back.
//!
//! An interruption goes through three states. *Held*: nothing more is sent. *Muted*: the carrier's buffer is cleared and the
//! tail kept from the cut. *Yielded*: the reply is dead and the turn is the caller's. Only the last cannot be taken back.

use crate::action::{Action, DropCause, Note, YieldCause};
use crate::at::{At, Ear};
use crate::call::{Call, Phase};
use crate::caller::plain_words;
use crate::dialog::{Line, Speaker};
use crate::event::{Edge, Firmness, Form, TurnId, Words};
use crate::ledger::{Ledger, Spot};
use crate::mode::Reply;
use crate::spec::Protection;
use crate::timers::Reason;

/// An interruption is decided this long after its onset, in ms.
const VERDICT_MS: u64 = 1300;
/// How long the recogniser has to say what an interruption was, in ms.
const WORDS_MS: u64 = 400;
/// The greeting's protected first stretch, in ms.
const FIRST_SECOND_MS: u64 = 1000;
/// After this many resumptions in a turn the next interruption takes the floor.
const MOST_RESUMES: u8 = 2;
/// With this confidence, in per mille, an interim or a single word counts.
const SURE: u16 = 500;
const FOREVER: At = At(u64::MAX);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Floor {
    /// Nobody interrupts.
    #[default]
    Free,
    /// The caller speaks in a protected stretch.
    Protected,
    /// Nothing more is sent.
    Held,
    /// The buffer was cleared; the reply was cut at the spot.
    Muted { cut: Spot },
}

impl Call {
    pub(crate) fn on_edge(&mut self, edge: Edge, sample: Ear) {
        match edge {
            Edge::Onset | Edge::Resumed => self.speech(edge, sample),
            Edge::Sustained => {
                self.turn.run.sustained = true;
                self.turn.spoken = true;
                self.drop_guess(DropCause::Speech);
                if self.floor == Floor::Held {
                    self.sustained();
                }
            }
            Edge::Prolonged => {
                self.turn.run.prolonged = true;
                if matches!(self.floor, Floor::Held | Floor::Muted { .. }) {
                    self.yield_floor(YieldCause::Span);
                }
            }
            Edge::Lull => self.lull(sample),
            Edge::Pause | Edge::Offset => self.pause(sample),
            Edge::Gap => {}
        }
    }

    fn speech(&mut self, edge: Edge, sample: Ear) {
        if edge == Edge::Onset {
            self.turn.run.sustained = false;
            self.turn.run.prolonged = false;
        }
        self.turn.sound(sample);
        self.timers.clear(Reason::Idle);
        self.arm_silence();
        self.judge_turn();
        // A burst leaves a speculative reply alone: the same words may follow it.
        if self.turn.run.sustained {
            self.drop_guess(DropCause::Speech);
        }
        match self.floor {
            Floor::Muted { .. } => self.timers.clear(Reason::Words),
            Floor::Protected | Floor::Held => {}
            Floor::Free if self.reply_speaking() => {
                self.interrupt(sample);
                self.go_on_interrupting();
            }
            Floor::Free => self.reopen(),
        }
    }

    fn interrupt(&mut self, onset: Ear) {
        let until = self.protected_until();
        if self.now >= until {
            self.hold(onset, self.ear_at(onset).plus_ms(VERDICT_MS));
            return;
        }
        self.floor = Floor::Protected;
        self.note(Note::Protected { onset });
        self.protect(until);
    }

    /// The detector says once that a run of speech is sustained or prolonged. Where it said so in a lull, when the reply had
    /// been let go, it counts as soon as the caller goes on.
    fn go_on_interrupting(&mut self) {
        if self.floor != Floor::Held {
            return;
        }
        if self.turn.run.prolonged {
            self.yield_floor(YieldCause::Span);
        } else if self.turn.run.sustained {
            self.sustained();
        }
    }

    fn protect(&mut self, until: At) {
        if until < FOREVER {
            self.timers.set(Reason::Protect, until);
        }
    }

    /// Until when the reply cannot be interrupted. As long as nothing of it was audible, it is counted from now.
    fn protected_until(&self) -> At {
        let protect = u64::from(self.spec.turn.protect_ms);
        let first = match self.spec.protect_greeting {
            Protection::Whole if self.greeting() => return FOREVER,
            Protection::FirstSecond if self.greeting() => protect.max(FIRST_SECOND_MS),
            Protection::Whole | Protection::FirstSecond | Protection::None => protect,
        };
        let begins = self.ledger.audible_at().unwrap_or(self.now);
        begins.plus_ms(first)
    }

    /// A protected stretch is over: speech that goes on counts as an onset now.
    pub(crate) fn protect_due(&mut self) {
        if self.floor != Floor::Protected {
            return;
        }
        let until = self.protected_until();
        if self.now < until {
            self.protect(until);
            return;
        }
        self.floor = Floor::Free;
        if !self.turn.sounding {
            return;
        }
        // The detector says once that a run of speech is prolonged, so the span is counted from here by the verdict.
        let wait = if self.turn.run.prolonged {
            u64::from(self.spec.turn.yield_ms)
        } else {
            VERDICT_MS
        };
        self.hold(self.turn.onset(), self.now.plus_ms(wait));
        if self.turn.run.sustained {
            self.sustained();
        }
    }

    fn hold(&mut self, onset: Ear, verdict: At) {
        self.floor = Floor::Held;
        self.note(Note::Held { onset });
        self.timers.set(Reason::Verdict, verdict.max(self.now));
    }

    /// Held speech spans `sustain_ms`.
    fn sustained(&mut self) {
        if self.counts.resumes >= MOST_RESUMES {
            self.yield_floor(YieldCause::Resumes);
            return;
        }
        let cut = self.ledger.clear(self.now, &mut self.actions);
        self.note(Note::Muted {
            reply: self.reply_id(),
            part: Ledger::part_of(cut.spot),
            heard: cut.spot.sample,
        });
        self.floor = Floor::Muted { cut: cut.spot };
    }

    fn lull(&mut self, sample: Ear) {
        if !self.turn.started {
            return;
        }
        self.turn.quiet(sample, self.ear_at(sample));
        self.arm_silence();
        match self.floor {
            Floor::Held => self.release(sample),
            Floor::Muted { .. } => self.ask_about_interruption(),
            Floor::Free | Floor::Protected => {}
        }
    }

    fn ask_about_interruption(&mut self) {
        self.finalize();
        self.timers.set(Reason::Words, self.now.plus_ms(WORDS_MS));
    }

    /// A held reply goes on with the next unsent sample.
    fn release(&mut self, quiet: Ear) {
        self.floor = Floor::Free;
        self.timers.clear(Reason::Verdict);
        self.note(Note::Released { quiet });
    }

    fn pause(&mut self, sample: Ear) {
        if self.turn.sounding {
            self.turn.quiet(sample, self.ear_at(sample));
        }
        match self.floor {
            Floor::Muted { .. } if self.timers.is_set(Reason::Words) => {}
            Floor::Muted { .. } => self.ask_about_interruption(),
            Floor::Held => self.release(sample),
            Floor::Protected => {
                self.floor = Floor::Free;
                self.timers.clear(Reason::Protect);
                self.pass_over();
            }
            // A burst that was held and let go: nothing of it is an answer.
            Floor::Free if self.reply_speaking() => {
                if self.turn.started {
                    self.pass_over();
                }
            }
            Floor::Free => self.pause_in_turn(),
        }
    }

    /// Words while the reply has the floor.
    pub(crate) fn words_on_floor(&mut self, words: &Words) {
        match self.floor {
            Floor::Held | Floor::Muted { .. } => {}
            // Words of nothing that the detector heard in this turn, or that was let go: they are no answer.
            Floor::Free | Floor::Protected => {
                if !self.turn.spoke() {
                    self.turn.forget_words();
                }
                return;
            }
        }
        let text = self.turn.text();
        let sure = words.confidence >= SURE;
        // One or two uncertain words are as likely to be a cough or a hum that was bent into them.
        let firm = sure || (words.firmness != Firmness::Interim && plain_words(&text).len() > 2);
        if firm && !text.is_empty() && !self.is_backchannel(&text, words.complete) {
            self.yield_floor(YieldCause::Word);
        } else if words.firmness == Firmness::Flushed && !self.turn.sounding {
            self.resume();
        }
    }

    /// Whether a text leaves the floor where it is. An expected answer to the question that is being asked does not.
    fn is_backchannel(&self, text: &str, complete: bool) -> bool {
        let cut = match self.floor {
            Floor::Muted { cut } => cut,
            Floor::Free | Floor::Protected | Floor::Held => self.ledger.heard(self.now).spot,
        };
        if complete && self.expect.form != Form::Open && self.ledger.is_last_part(cut) {
            return false;
        }
        let words = plain_words(text);
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let matched = self
                .spec
                .backchannels
                .iter()
                .map(|phrase| plain_words(phrase))
                .filter(|phrase| !phrase.is_empty() && rest.starts_with(phrase))
                .map(|phrase| phrase.len())
                .max();
            match matched {
                Some(length) => rest = &rest[length..],
                None => return false,
            }
        }
        true
    }

    /// The recogniser said nothing about an interruption.
    pub(crate) fn words_due(&mut self) {
        if matches!(self.floor, Floor::Muted { .. }) && !self.turn.sounding {
            self.resume();
        }
    }

    /// An interruption must be decided.
    pub(crate) fn verdict_due(&mut self) {
        match self.floor {
            Floor::Held | Floor::Muted { .. } if self.turn.sounding => {
                self.yield_floor(YieldCause::Verdict);
            }
            Floor::Held => self.release(self.turn.last_sound),
            Floor::Muted { .. } => self.resume(),
            Floor::Free | Floor::Protected => {}
        }
    }

    /// A cut reply goes on.
    fn resume(&mut self) {
        let Floor::Muted { cut } = self.floor else {
            return;
        };
        let spot = self.ledger.rewind(cut);
        self.counts.resumes += 1;
        self.report.resumes += 1;
        self.floor = Floor::Free;
        self.timers.clear(Reason::Verdict);
        self.timers.clear(Reason::Words);
        self.note(Note::Resumed {
            part: Ledger::part_of(spot),
            from: spot.sample,
            count: self.counts.resumes,
        });
        self.pass_over();
    }

    /// A burst under a reply is no answer to it. Under one that is said into the caller's turn it belongs to that.
    fn pass_over(&mut self) {
        if self.fills_turn() {
            self.finalize();
        } else {
            self.new_turn();
        }
    }

    /// A key interrupts whatever is protected.
    pub(crate) fn key_takes_floor(&mut self) {
        if !self.closing() {
            self.yield_floor(YieldCause::Key);
        }
    }

    /// The floor is the caller's: the reply is dead. If they heard no word of it, they go on with the turn it answers.
    fn yield_floor(&mut self, cause: YieldCause) {
        self.note(Note::Yielded { cause });
        self.report.yields += 1;
        let answers = self.mode.live().and_then(Reply::answers);
        if !self.end_reply(true) {
            self.take_back(answers);
        }
        self.turn.met.yielded = true;
        self.turn.started = true;
        if !self.turn.sounding && cause != YieldCause::Key {
            self.pause_in_turn();
        }
    }

    /// Ends the reply where it was heard. Answers whether a whole word of it was.
    pub(crate) fn cut_reply(&mut self) -> bool {
        self.end_reply(false)
    }

    /// The same; `taken`: the caller took the floor.
    fn end_reply(&mut self, taken: bool) -> bool {
        if !self.reply_live() {
            return false;
        }
        let spot = match self.floor {
            Floor::Muted { cut } => cut,
            Floor::Free | Floor::Protected | Floor::Held => {
                if self.ledger.unheard(self.now) && self.ledger.anything_sent() {
                    self.ledger.clear(self.now, &mut self.actions).spot
                } else {
                    self.ledger.heard(self.now).spot
                }
            }
        };
        self.floor = Floor::Free;
        let Some(reply) = self.mode.drop_reply() else {
            return false;
        };
        let mut text = self.ledger.text_heard(spot);
        if self.ledger.audible_at().is_none() {
            text.clear();
        }
        self.note_filled(&reply);
        let (id, heard) = (reply.id, !text.is_empty());
        if heard {
            self.dialog.push(Line {
                speaker: Speaker::Agent,
                turn: reply.turn,
                reply: Some(reply.id),
                said: reply.text(&self.ledger),
                heard: text,
                digits: String::new(),
                from: self.ledger.audible_at().unwrap_or(self.now),
                until: self.heard_until(),
                cut: taken,
            });
        } else {
            self.take_up_again(reply);
        }
        self.ledger.retire();
        for reason in [
            Reason::Overdue,
            Reason::Unspoken,
            Reason::Heard,
            Reason::Verdict,
            Reason::Words,
            Reason::Protect,
        ] {
            self.timers.clear(reason);
        }
        self.act(Action::Cancel { reply: id, heard });
        if heard {
            self.checkpoint();
        }
        heard
    }

    /// The end of what was audible of the live reply.
    pub(crate) fn heard_until(&self) -> At {
        let from = self.ledger.audible_at().unwrap_or(self.now);
        let until = self.ledger.audible_until().unwrap_or(self.now);
        until.min(self.now).max(from)
    }

    /// Nothing of a reply was heard: all is as it was before.
    fn take_up_again(&mut self, reply: Reply) {
        self.expect = reply.expected_before();
        if reply.tells_results() {
            self.dialog.tools.untold();
        }
        if let Some(line) = reply.order.filter(|_| self.phase == Phase::Live) {
            self.mode.orders.again(line);
        }
    }

    /// The caller went on before anything of the reply was sent: their turn was not over. A line that was to fill the
    /// silence is dropped.
    pub(crate) fn reopen(&mut self) {
        let Some(reply) = self.mode.live().filter(|reply| reply.guess.is_none()) else {
            return;
        };
        let answers = reply.answers();
        self.cut_reply();
        self.take_back(answers);
    }

    fn take_back(&mut self, answers: Option<(TurnId, String, String)>) {
        let Some((turn, text, digits)) = answers else {
            return;
        };
        let Some(line) = self.dialog.pop_caller(turn) else {
            return;
        };
        self.counts.turns = self.counts.turns.saturating_sub(1);
        self.report.turns.retain(|report| report.turn != turn);
        self.note(Note::Reopened { turn });
        self.callee.reopened();
        self.turn.carry(text, digits, line.from);
    }
}
