//! How the responder is asked for a reply.

use std::borrow::Cow;
use std::time::Duration;

use ringback_call::{
    Action, At, Cause, Event, Fault, FaultKind, Line, Party, ReplyId, Speaker, TurnId,
};

use super::Live;
use crate::responder::Asked;

impl Live {
    /// Asks the responder, as the action says.
    pub(super) fn respond(&mut self, at: At, action: &Action) {
        let Action::Respond {
            turn,
            reply,
            cause,
            text,
            digits,
            speculative,
        } = action
        else {
            return;
        };
        let mut lines = Cow::Borrowed(self.call.lines());
        if *speculative {
            lines.to_mut().push(said_so_far(at, *turn, text));
        }
        let asked = Asked {
            turn: *turn,
            reply: *reply,
            cause: *cause,
            waited: self.waited(at, *cause),
            text,
            digits,
            lines: &lines,
            tools: &self.call.tools(),
        };
        self.responder.ask(&asked, &self.provide);
    }

    /// Who writes a reply has stalled.
    pub(super) fn give_up(&mut self, reply: ReplyId) {
        if !self.responder.give_up_on(reply) {
            self.work.events.push_back(Event::Fault(Fault {
                party: Party::Responder,
                kind: FaultKind::Unreachable,
                detail: "the responder did not go on with its answer".into(),
            }));
        }
    }

    /// How long the caller has been quiet, who is to be answered now.
    pub(super) fn waited(&self, at: At, cause: Cause) -> Duration {
        let since = self.call.quiet_since();
        let since = since.filter(|_| cause == Cause::Answer).unwrap_or(at);
        Duration::from_millis(at.ms_since(since))
    }
}

/// The caller's line of a turn that may go on: it is not in the dialog yet.
fn said_so_far(at: At, turn: TurnId, text: &str) -> Line {
    Line {
        speaker: Speaker::Caller,
        turn,
        reply: None,
        said: text.to_owned(),
        heard: text.to_owned(),
        digits: String::new(),
        from: at,
        until: at,
        cut: false,
    }
}
