//! From evidence to who answered, and from there to what is done.

use crate::action::{EndCause, Note};
use crate::call::{Call, Phase};
use crate::event::{Firmness, Intent, Scope, Words};
use crate::spec::Direction;

use super::{Callee, Known, Policy, Sign, Stage, Verdict, Why, phrases};

/// A person who has answered so many turns is one.
const ANSWERS: u8 = 2;
/// Somebody who speaks this long at once may be a machine, in ms of audio.
const LONG_MS: u64 = 4000;
/// The last words are kept up to this length, in bytes.
const TAIL: usize = 320;

impl Call {
    /// Whether evidence of who answered counts.
    fn weighs(&self) -> bool {
        self.spec.direction == Direction::Outbound
            && self.phase == Phase::Live
            && self.callee.answers < ANSWERS
            && self.spent_ms() < u64::from(self.spec.callee.listen_ms)
    }

    /// Evidence beside words.
    pub(crate) fn on_sign(&mut self, sign: Sign) {
        if self.phase == Phase::Ringing {
            if let Sign::Verdict(verdict) = sign {
                self.callee.foretold = Some(verdict);
            }
            return;
        }
        if !self.callee.leads() && !self.weighs() {
            return;
        }
        match sign {
            Sign::Beep { hz, .. } => self.beep(hz),
            Sign::Fax => self.found(Callee::Fax, Why::Tones),
            Sign::Special => self.found(Callee::Unreachable, Why::Tones),
            Sign::Verdict(verdict) => self.on_verdict(verdict),
        }
    }

    fn beep(&mut self, hz: u16) {
        match self.callee.callee {
            Some(Callee::Voicemail) => {}
            // A machine that asks who calls listens now.
            Some(Callee::Screening | Callee::Menu) if self.callee.owed.is_some() => {
                self.tell_owed();
                return;
            }
            Some(
                Callee::Screening
                | Callee::Menu
                | Callee::Fax
                | Callee::MailboxFull
                | Callee::Unreachable,
            ) => return,
            None | Some(Callee::Human) => {
                if !self.seems_machine() {
                    return;
                }
                self.found(Callee::Voicemail, Why::Beep(hz));
            }
        }
        self.machine_listens();
    }

    fn on_verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Unknown => {}
            Verdict::Fax => self.found(Callee::Fax, Why::Verdict),
            Verdict::Human => {
                if self.callee.callee.is_none() {
                    self.callee.answers = self.callee.answers.saturating_add(1);
                    self.found(Callee::Human, Why::Verdict);
                }
            }
            // A machine that screens or offers a menu is one to the carrier too: what it said says more.
            Verdict::MachineStart | Verdict::MachineEnd => {
                let unknown = matches!(self.callee.callee, None | Some(Callee::Human));
                if unknown && self.seems_machine() {
                    self.found(Callee::Voicemail, Why::Verdict);
                }
                // A verdict comes late: it says nothing of a message that was begun.
                if verdict == Verdict::MachineEnd && !matches!(self.callee.stage, Stage::Leaving(_))
                {
                    self.machine_listens();
                }
            }
        }
    }

    /// Whether nothing speaks against a machine: nobody answered shortly, or somebody spoke for long.
    fn seems_machine(&self) -> bool {
        self.callee.answers == 0 || self.callee.long
    }

    /// What was foretold of who answers. Answers whether it leaves nothing to open.
    pub(crate) fn weigh_foretold(&mut self) -> bool {
        let goes_on = matches!(
            (self.callee.callee, &self.spec.callee.voicemail),
            (Some(Callee::Voicemail), Policy::Message(_))
        );
        if goes_on {
            self.await_listening();
            self.machine_listens();
        } else if let Some(verdict) = self.callee.foretold.take() {
            self.on_sign(Sign::Verdict(verdict));
        }
        self.phase != Phase::Live || self.callee.leads()
    }

    /// Words: first they tell who speaks, and then they are the turn's, unless a machine leads from here on.
    pub(crate) fn on_heard(&mut self, words: &Words) {
        if self.weighs() {
            let text = self.callee.with_tail(words);
            if let Some((callee, phrase)) = phrases::machine(&text) {
                // Words that come before a turn has begun may be owed to the one before.
                self.callee.proved.now |= self.turn.started;
                self.found(callee, Why::Phrase(phrase.to_owned()));
            }
        }
        if self.phase == Phase::Live && !self.callee.leads() {
            self.on_words(words);
            self.tell_late();
        }
    }

    /// Who answered is known, or known better.
    pub(super) fn found(&mut self, callee: Callee, why: Why) {
        if !becomes(self.callee.callee, callee) {
            return;
        }
        self.callee.callee = Some(callee);
        self.report.callee = Some(callee);
        self.note(Note::Callee { callee, why });
        match self.spec.callee.policy(callee).clone() {
            Policy::Ignore => self.callee.owed = None,
            Policy::HangUp => self.end_for(Intent::HangUp, EndCause::Callee),
            Policy::Message(_) => self.await_listening(),
            Policy::Say(line) => {
                self.callee.owed = Some(line);
                self.callee.told = None;
                self.cut_reply();
            }
        }
    }

    /// The turn is over. Answers whether it is none: a machine puts us through.
    pub(crate) fn weigh_turn(&mut self, text: &str) -> bool {
        if self.spec.callee.listen_ms == 0 || self.callee.answers >= ANSWERS {
            return false;
        }
        let is_machine = self.callee.proved.now || phrases::machine(text).is_some();
        if self.callee.callee == Some(Callee::Screening) && !is_machine {
            if phrases::is_hold(text) {
                return true;
            }
            // A person: what we said so far was for the machine, unless the responder was asked what to say.
            self.callee.unopened = self.callee.told.take().is_some();
            self.callee.owed = None;
            self.callee.answers = self.callee.answers.max(1);
            self.found(Callee::Human, Why::Answer);
            return false;
        }
        if self.weighs() && !is_machine && !text.is_empty() {
            if self.turn.span_ms() >= LONG_MS {
                self.callee.long = true;
            } else {
                self.callee.answers = self.callee.answers.saturating_add(1);
                if self.callee.callee.is_none() {
                    self.found(Callee::Human, Why::Answer);
                }
            }
        }
        false
    }

    /// Speech ended that nobody understood.
    pub(crate) fn weigh_unclear(&mut self, span_ms: u64) {
        self.callee.long |= span_ms >= LONG_MS;
    }
}

/// Whether who answered, as it was known, may turn out to be another.
fn becomes(known: Option<Callee>, callee: Callee) -> bool {
    match known {
        None => true,
        Some(known) if known == callee => false,
        Some(Callee::Human | Callee::Menu) => true,
        // What a message system says of keys makes it no menu.
        Some(Callee::Voicemail) => matches!(
            callee,
            Callee::Human | Callee::MailboxFull | Callee::Unreachable | Callee::Fax
        ),
        Some(Callee::Screening) => callee != Callee::Menu,
        Some(Callee::MailboxFull | Callee::Fax | Callee::Unreachable) => false,
    }
}

impl Known {
    /// The words with those before them in the turn.
    fn with_tail(&mut self, words: &Words) -> String {
        if words.scope == Scope::Turn {
            self.tail.clear();
        }
        let text = format!("{} {}", self.tail, words.text);
        if words.firmness != Firmness::Interim {
            let mut from = text.len().saturating_sub(TAIL);
            while !text.is_char_boundary(from) {
                from += 1;
            }
            text[from..].clone_into(&mut self.tail);
        }
        text
    }

    /// The stage, for those that lead.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
    }
}
