//! What keeps a call from going wrong in silence: bounds, faults, the idle clock and limits.

use crate::action::{Action, Cause, DropCause, EndCause, Note};
use crate::call::{Call, Phase};
use crate::event::{Fault, FaultKind, Intent, Party};
use crate::floor::Floor;
use crate::mode::{Reply, Role};
use crate::timers::Reason;

/// The closing sentence must be over this long after the decision to close, in ms.
const CLOSE_MS: u64 = 15_000;
/// Of a line from outside a letter may take this long, in ms.
const LETTER_MS: u64 = 100;
/// Replies that may fail one after the other; with the next the fallback follows.
const MOST_FAILURES: u8 = 2;
/// With so many faults the recogniser counts as lost.
const MOST_STT_FAULTS: u8 = 3;

impl Call {
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        self.report.fault(fault);
        self.note(Note::Fault(fault.clone()));
        match fault.party {
            Party::Carrier => self.end_for(Intent::HangUp, EndCause::Fault),
            Party::Responder => {
                if self.mode.live().is_some_and(Reply::unwritten) {
                    self.fail_wanted();
                }
            }
            Party::Tts => {
                let owes = |reply: &Reply| reply.unwritten() || reply.unspoken();
                if self.mode.live().is_some_and(owes) {
                    self.fail_wanted();
                }
            }
            Party::Server => {
                if self.reply_live() {
                    self.fail_wanted();
                }
            }
            Party::Stt => {
                // One that is set up wrongly, or that nothing stands in for, does not come back.
                self.counts.stt_faults = match fault.kind {
                    FaultKind::Misconfigured => MOST_STT_FAULTS,
                    FaultKind::Refused | FaultKind::Misbehaved | FaultKind::Unreachable => {
                        self.counts.stt_faults.saturating_add(1)
                    }
                };
                if self.counts.stt_faults >= MOST_STT_FAULTS {
                    self.counts.failures = self.counts.failures.max(MOST_FAILURES);
                    self.fail_reply();
                }
            }
            Party::Recorder => {}
        }
    }

    /// Another does what they should have done. What answers in the place of a responder is not asked in vain.
    pub(crate) fn on_replaced(&mut self, fault: &Fault) {
        self.note_fault(fault.clone());
        if fault.party == Party::Responder {
            self.write_anew();
            self.spec.turn.speculate = false;
            self.drop_guess(DropCause::Fault);
        }
        if fault.party == Party::Stt {
            self.hear_again();
        }
    }

    /// A reply was written, and nothing of it can be heard.
    pub(crate) fn note_silence(&mut self) {
        let (party, detail) = if self.ledger.is_void() {
            (
                Party::Responder,
                "a reply had nothing in it that can be said",
            )
        } else {
            (Party::Tts, "nothing audible was spoken of a reply")
        };
        self.note_fault(Fault {
            party,
            kind: FaultKind::Misbehaved,
            detail: detail.into(),
        });
    }

    pub(crate) fn fault_while_ringing(&mut self, fault: &Fault) {
        self.report.fault(fault);
        self.note(Note::Fault(fault.clone()));
        if fault.party == Party::Carrier {
            self.end_for(Intent::HangUp, EndCause::Fault);
        }
    }

    /// The live reply failed. Nobody waits for a speculative one: what it was for is asked again when the turn is over.
    fn fail_wanted(&mut self) {
        if self.speculating() {
            self.drop_guess(DropCause::Fault);
        } else {
            self.fail_reply();
        }
    }

    /// The live reply failed: an apology takes its place, then what the scenario wants.
    pub(crate) fn fail_reply(&mut self) {
        if self.closing() || self.callee.leads() {
            match self.mode.live().map(Reply::intent) {
                Some(Intent::Transfer(to)) => self.end(Intent::Transfer(to)),
                Some(Intent::Continue | Intent::HangUp) | None => {
                    self.end_for(Intent::HangUp, EndCause::Fault);
                }
            }
            return;
        }
        if let Some(reply) = self.mode.live_mut() {
            // What failed would fail again.
            reply.order = None;
        }
        if !self.only_asked_for_patience() {
            self.cut_reply();
        }
        self.dialog.tools.settle_for_less();
        self.counts.failures = self.counts.failures.saturating_add(1);
        let apology = self.spec.lines.apology.clone();
        if self.counts.failures > MOST_FAILURES + 1 {
            self.cut_reply();
            self.end_for(self.spec.fallback.clone(), EndCause::Fault);
        } else if self.counts.failures > MOST_FAILURES {
            self.begin_closing(EndCause::Fault);
            let line = match self.spec.fallback {
                Intent::Transfer(_) => apology,
                Intent::HangUp | Intent::Continue => {
                    format!("{apology} {}", self.spec.lines.goodbye)
                }
            };
            self.apologise(&line, self.spec.fallback.clone());
        } else {
            self.apologise(&apology, Intent::Continue);
        }
    }

    /// A reply that still lives has asked for patience.
    fn apologise(&mut self, line: &str, intent: Intent) {
        if self.reply_live() {
            self.apologise_behind(line, intent);
        } else {
            self.say_as(Role::Apology, line, intent);
        }
    }

    /// Nothing audible of the reply was sent in time, or nothing more.
    pub(crate) fn overdue(&mut self) {
        let Some(reply) = self.mode.live() else {
            return;
        };
        let party = if reply.unspoken() {
            Party::Tts
        } else {
            Party::Responder
        };
        let bound_ms = self.spec.turn.reply_bound_ms;
        self.note(Note::Overdue {
            reply: self.reply_id(),
            bound_ms,
        });
        self.report.fault(&Fault {
            party,
            kind: FaultKind::Unreachable,
            detail: format!("nothing audible within {bound_ms} ms"),
        });
        self.fail_reply();
    }

    /// The idle clock runs from now.
    pub(crate) fn arm_idle(&mut self) {
        if self.phase == Phase::Live && !self.dialog.tools.is_running() {
            let idle = u64::from(self.spec.turn.idle_ms);
            self.timers.set(Reason::Idle, self.now.plus_ms(idle));
        }
    }

    pub(crate) fn idle_due(&mut self) {
        if self.reply_live() || self.turn.started {
            return;
        }
        self.counts.idle = self.counts.idle.saturating_add(1);
        self.note(Note::Idle {
            count: self.counts.idle,
        });
        if self.counts.idle > self.spec.turn.idle_prompts {
            self.close(EndCause::Idle);
            return;
        }
        let lines = &self.spec.lines.idle;
        if lines.is_empty() {
            self.ask(Cause::Silence, String::new(), String::new());
        } else {
            let line = lines[(usize::from(self.counts.idle) - 1) % lines.len()].clone();
            self.say(&line, Intent::Continue, false);
        }
    }

    /// The clock of the caller's longest silence runs from now.
    pub(crate) fn arm_silence(&mut self) {
        let silence = u64::from(self.spec.max_silence_s) * 1000;
        if silence > 0 {
            self.timers.set(Reason::Silence, self.now.plus_ms(silence));
        }
    }

    pub(crate) fn silence_due(&mut self) {
        if self.turn.sounding
            || self.dialog.tools.is_running()
            || self
                .mode
                .live()
                .is_some_and(|reply| reply.answers().is_some() || reply.tells_results())
        {
            self.arm_silence();
        } else {
            self.close(EndCause::Idle);
        }
    }

    pub(crate) fn stalled(&mut self) {
        let behind = self.ledger.behind_ms(self.now);
        if behind < crate::ledger::STALL_FAULT_MS {
            return;
        }
        self.note(Note::Stalled {
            behind_ms: u32::try_from(behind).unwrap_or(u32::MAX),
        });
        self.on_fault(&Fault {
            party: Party::Carrier,
            kind: FaultKind::Unreachable,
            detail: format!("audio was not acknowledged for {behind} ms"),
        });
    }

    /// The call ends after the sentence that is being heard, or after a goodbye.
    pub(crate) fn close(&mut self, cause: EndCause) {
        if self.phase != Phase::Live {
            return;
        }
        let speaking = self.reply_speaking() && self.ledger.anything_sent();
        if self.callee.leads() && !speaking {
            self.end_for(Intent::HangUp, cause);
            return;
        }
        self.begin_closing(cause);
        if speaking && matches!(self.floor, Floor::Free | Floor::Protected) {
            self.floor = Floor::Free;
            self.shorten_reply();
        } else {
            self.cut_reply();
            let goodbye = self.spec.lines.goodbye.clone();
            self.say(&goodbye, Intent::HangUp, false);
        }
    }

    /// The call ends with this line.
    pub(crate) fn close_with(&mut self, line: &str, intent: Intent, cause: EndCause) {
        self.begin_closing(cause);
        self.cut_reply();
        let length = line.chars().count() as u64;
        let bound = CLOSE_MS + LETTER_MS * length;
        self.timers.set(Reason::Close, self.now.plus_ms(bound));
        self.say(line, intent, false);
    }

    /// From now on nothing that the caller does counts, and the end comes within a bound.
    fn begin_closing(&mut self, cause: EndCause) {
        self.phase = Phase::Closing(cause);
        for reason in [
            Reason::Idle,
            Reason::Silence,
            Reason::Duration,
            Reason::Turn,
            Reason::Keys,
            Reason::Protect,
            Reason::Callee,
        ] {
            self.timers.clear(reason);
        }
        self.timers.set(Reason::Close, self.now.plus_ms(CLOSE_MS));
    }

    /// The closing sentence took too long.
    pub(crate) fn close_due(&mut self) {
        let intent = match self.mode.live().map(Reply::intent) {
            Some(Intent::Transfer(to)) => Intent::Transfer(to),
            Some(Intent::Continue | Intent::HangUp) | None => Intent::HangUp,
        };
        self.end(intent);
    }

    /// Ends the call with what the reply wanted.
    pub(crate) fn end(&mut self, intent: Intent) {
        let cause = match self.phase {
            Phase::Closing(cause) => cause,
            Phase::Live if self.callee.leads() => EndCause::Callee,
            Phase::Ringing | Phase::Live | Phase::Over => EndCause::Responder,
        };
        self.end_for(intent, cause);
    }

    /// Ends the call at once.
    pub(crate) fn end_for(&mut self, intent: Intent, cause: EndCause) {
        if self.phase == Phase::Over {
            return;
        }
        self.over(intent.clone(), cause);
        self.act(Action::End { intent, cause });
    }

    /// The carrier's leg is gone, and with it whatever was to be done.
    pub(crate) fn hung_up(&mut self) {
        self.over(Intent::HangUp, EndCause::HungUp);
    }

    fn over(&mut self, intent: Intent, cause: EndCause) {
        if self.reply_live() {
            self.cut_reply();
        }
        self.timers.clear_all();
        self.phase = Phase::Over;
        self.report.cause = Some(cause);
        self.report.intent = Some(intent);
        self.report.ended = self.now;
    }
}
