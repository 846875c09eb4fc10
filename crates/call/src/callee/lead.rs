//! What is said to a machine, and when.

use crate::action::{Cause, DropCause, EndCause, Note};
use crate::at::Ear;
use crate::call::Call;
use crate::event::{Edge, Event, Firmness, Intent, TurnHint, TurnId, Words};
use crate::timers::Reason;

use super::{Callee, Policy, Stage, Why, phrases};

/// The message begins this long after a beep, in ms: not all systems record at once.
const AFTER_BEEP_MS: u64 = 300;
/// A greeting without a beep is over after this silence, in ms.
const SILENT_MS: u64 = 2500;
/// Once a beep is so overdue, in ms, a shorter silence does.
const OVERDUE_MS: u64 = 15_000;
const SHORT_SILENCE_MS: u64 = 1200;
/// A machine that does not listen by then is left, in ms.
const LONGEST_GREETING_MS: u64 = 60_000;
/// A message that a beep interrupts so early is begun again, in ms: it was not recorded.
const EARLY_MS: u64 = 8000;
const MOST_BEGINNINGS: u8 = 2;
/// A line that the machine talked over is said so often.
const MOST_TELLINGS: u8 = 3;
/// Words that a person picks up with are this sure, in per mille.
const SURE: u16 = 500;

impl Call {
    /// A message waits until the machine listens. What it said and what we were saying is no part of a conversation.
    pub(super) fn await_listening(&mut self) {
        self.cut_reply();
        for reason in [
            Reason::Idle,
            Reason::Silence,
            Reason::Turn,
            Reason::Keys,
            Reason::Protect,
        ] {
            self.timers.clear(reason);
        }
        self.callee.enter(Stage::Waiting(self.now));
        self.await_silence();
    }

    /// The machine listens now.
    pub(super) fn machine_listens(&mut self) {
        match self.callee.stage {
            Stage::Talking => {}
            Stage::Waiting(_) => self.in_silence(AFTER_BEEP_MS),
            Stage::Leaving(since) => {
                let early = self.now.ms_since(since) < EARLY_MS;
                if early && self.callee.begun < MOST_BEGINNINGS {
                    self.await_listening();
                    self.in_silence(AFTER_BEEP_MS);
                }
            }
        }
    }

    fn in_silence(&mut self, ms: u64) {
        // The end of the tone may be told before the detector's own lull.
        self.turn.sounding = false;
        self.timers.set(Reason::Callee, self.now.plus_ms(ms));
    }

    /// The message begins when the machine was silent for long enough.
    fn await_silence(&mut self) {
        let Stage::Waiting(since) = self.callee.stage else {
            return;
        };
        let last = since.plus_ms(LONGEST_GREETING_MS);
        let due = if self.turn.sounding {
            last
        } else {
            let quiet = self.turn.last_sound_at.max(since);
            let short = quiet
                .plus_ms(SHORT_SILENCE_MS)
                .max(since.plus_ms(OVERDUE_MS));
            quiet.plus_ms(SILENT_MS).min(short).min(last)
        };
        self.timers.set(Reason::Callee, due.max(self.now));
    }

    /// The machine listens, or never will.
    pub(crate) fn callee_due(&mut self) {
        let Stage::Waiting(_) = self.callee.stage else {
            return;
        };
        let message = match self.spec.callee.policy(Callee::Voicemail) {
            Policy::Message(message) if !self.turn.sounding => message.clone(),
            Policy::Message(_) | Policy::Ignore | Policy::HangUp | Policy::Say(_) => {
                self.end_for(Intent::HangUp, EndCause::Callee);
                return;
            }
        };
        self.callee.begun = self.callee.begun.saturating_add(1);
        self.callee.enter(Stage::Leaving(self.now));
        self.new_turn();
        self.say(&message, Intent::HangUp, false);
    }

    /// What is heard of a machine that leads, and of somebody who picks up. Keys and lines from outside are for nobody.
    pub(crate) fn on_machine(&mut self, event: &Event) {
        if let Event::Ear { edge, sample } = event {
            self.machine_sounds(*edge, *sample);
        } else if let Event::Heard(words) = event {
            self.machine_said(words);
        } else if let Event::Turn(TurnHint::Leads(leads)) = event {
            self.turn.outlook.led = *leads;
        }
    }

    fn machine_sounds(&mut self, edge: Edge, sample: Ear) {
        match edge {
            Edge::Onset | Edge::Resumed => {
                self.turn.sound(sample);
                self.await_silence();
            }
            Edge::Lull | Edge::Pause | Edge::Offset => {
                if self.turn.sounding {
                    self.turn.quiet(sample, self.ear_at(sample));
                    self.await_silence();
                    self.finalize();
                }
            }
            Edge::Sustained | Edge::Prolonged | Edge::Gap => {}
        }
    }

    fn machine_said(&mut self, words: &Words) {
        let settled = words.firmness != Firmness::Interim;
        let leaving = matches!(self.callee.stage, Stage::Leaving(_));
        if let Some((Callee::MailboxFull, phrase)) = phrases::machine(&words.text) {
            self.found(Callee::MailboxFull, Why::Phrase(phrase.to_owned()));
        } else if leaving && settled && words.confidence >= SURE && phrases::picks_up(&words.text) {
            self.callee.enter(Stage::Talking);
            self.timers.clear(Reason::Callee);
            self.callee.unopened = true;
            self.callee.answers = u8::MAX;
            self.cut_reply();
            self.found(Callee::Human, Why::Answer);
            self.on_words(words);
        }
    }

    /// A machine said why it wants a line in words that came when its turn was over.
    pub(crate) fn tell_late(&mut self) {
        let idle = !self.turn.started && !self.turn.sounding && !self.reply_live();
        if self.callee.owed.is_some() && self.callee.told.is_none() && idle {
            self.tell_owed();
        }
    }

    /// Says the line that a machine is to hear, now.
    pub(super) fn tell_owed(&mut self) {
        let Some(line) = self.callee.owed.clone() else {
            return;
        };
        let times = self.callee.told.map_or(0, |(_, times)| times);
        if times >= MOST_TELLINGS {
            self.callee.owed = None;
            return;
        }
        if self.turn.started {
            self.new_turn();
        }
        self.say(&line, Intent::Continue, false);
        self.callee.told = Some((self.reply_id(), times + 1));
    }

    /// Answers a turn that is not the responder's to answer. Answers whether it was one.
    pub(crate) fn answer_itself(&mut self) -> bool {
        if self.callee.answers_itself() {
            self.drop_guess(DropCause::Line);
        }
        if std::mem::take(&mut self.callee.unopened) {
            self.note(Note::Prepared {
                turn: TurnId(self.counts.turns),
            });
            self.open();
            return true;
        }
        if self.callee.owed.is_none() {
            return false;
        }
        self.tell_owed();
        if self.reply_live() {
            self.note(Note::Prepared {
                turn: TurnId(self.counts.turns),
            });
        }
        self.reply_live()
    }

    /// The first words of a call.
    pub(crate) fn open(&mut self) {
        if let Some(line) = self.spec.lines.greeting.clone() {
            self.say(&line, Intent::Continue, true);
        } else {
            self.ask(Cause::Opening, String::new(), String::new());
        }
    }
}
