//! What keeps a call from going wrong in silence: bounds, faults, the idle clock and limits.

use crate::action::{Action, Cause, EndCause, Note};
use crate::call::{Call, Phase};
use crate::event::{Fault, FaultKind, Intent, Party};
use crate::floor::Floor;
use crate::timers::Reason;

/// The closing sentence must be over this long after the decision to close, in ms.
const CLOSE_MS: u64 = 15_000;
/// Replies that may fail one after the other; with the next the fallback follows.
const MOST_FAILURES: u8 = 1;

impl Call {
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        self.report.fault(fault);
        self.note(Note::Fault(fault.clone()));
        match fault.party {
            Party::Carrier => self.end_for(Intent::HangUp, EndCause::Fault),
            Party::Responder | Party::Tts | Party::Server => {
                if self.reply_live() {
                    self.fail_reply();
                }
            }
            Party::Stt => {
                self.stt_faults += 1;
                if self.stt_faults >= 3 {
                    self.failures = self.failures.max(MOST_FAILURES);
                    self.fail_reply();
                }
            }
            Party::Recorder => {}
        }
    }

    /// The live reply failed: an apology takes its place, then what the scenario wants.
    fn fail_reply(&mut self) {
        if self.closing() {
            self.end_for(Intent::HangUp, EndCause::Fault);
            return;
        }
        self.cut_reply();
        self.failures += 1;
        let apology = self.spec.lines.apology.clone();
        if self.failures > MOST_FAILURES + 1 {
            self.end_for(self.spec.fallback.clone(), EndCause::Fault);
        } else if self.failures > MOST_FAILURES {
            self.phase = Phase::Closing(EndCause::Fault);
            self.timers.set(Reason::Close, self.now.plus_ms(CLOSE_MS));
            self.say(&apology, self.spec.fallback.clone(), false);
        } else {
            self.say(&apology, Intent::Continue, false);
        }
    }

    /// Nothing audible of the reply was sent in time.
    pub(crate) fn overdue(&mut self) {
        if !self.reply_live() || matches!(self.floor, Floor::Held | Floor::Muted { .. }) {
            return;
        }
        let bound_ms = self.spec.turn.reply_bound_ms;
        self.note(Note::Overdue {
            reply: self.reply_id(),
            bound_ms,
        });
        self.report.fault(&Fault {
            party: Party::Responder,
            kind: FaultKind::Unreachable,
            detail: format!("nothing audible within {bound_ms} ms"),
        });
        self.fail_reply();
    }

    /// The idle clock runs from now.
    pub(crate) fn arm_idle(&mut self) {
        if self.phase == Phase::Live {
            let idle = u64::from(self.spec.turn.idle_ms);
            self.timers.set(Reason::Idle, self.now.plus_ms(idle));
        }
    }

    pub(crate) fn idle_due(&mut self) {
        if self.reply_live() || self.turn.started {
            return;
        }
        self.idle = self.idle.saturating_add(1);
        self.note(Note::Idle { count: self.idle });
        if self.idle > self.spec.turn.idle_prompts {
            self.close(EndCause::Idle);
            return;
        }
        let lines = &self.spec.lines.idle;
        if lines.is_empty() {
            self.ask(Cause::Silence, String::new(), String::new());
        } else {
            let line = lines[(usize::from(self.idle) - 1) % lines.len()].clone();
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
        self.phase = Phase::Closing(cause);
        for reason in [
            Reason::Idle,
            Reason::Silence,
            Reason::Duration,
            Reason::Turn,
            Reason::Keys,
        ] {
            self.timers.clear(reason);
        }
        self.timers.set(Reason::Close, self.now.plus_ms(CLOSE_MS));
        let speaking = self.reply_unheard() && self.ledger.anything_sent();
        if speaking && self.floor == Floor::Free {
            self.shorten_reply();
        } else {
            self.cut_reply();
            let goodbye = self.spec.lines.goodbye.clone();
            self.say(&goodbye, Intent::HangUp, false);
        }
    }

    /// Ends the call with what the reply wanted.
    pub(crate) fn end(&mut self, intent: Intent) {
        let cause = match self.phase {
            Phase::Closing(cause) => cause,
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

    /// The carrier's leg is gone.
    pub(crate) fn hung_up(&mut self) {
        self.over(Intent::HangUp, EndCause::HungUp);
        self.actions.clear();
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
