//! A call in writing: the caller's words come as text, and nobody listens to the voice.

use ringback_call::{At, Event, Expect, Firmness, Intent, Scope, TurnHint, Words};

use super::Live;

impl Live {
    /// The conversation has begun. Who writes says when a turn is over.
    pub(crate) fn answered_in_writing(&mut self, at: At) {
        self.handle(at, Event::Answered { marks: false });
        self.handle(at, Event::Turn(TurnHint::Leads(true)));
    }

    /// The caller wrote. Keys that end with `#` are keys.
    pub(crate) fn written(&mut self, at: At, text: &str) {
        let keys = text.strip_suffix('#').filter(|keys| {
            let is_key = |key: char| key.is_ascii_digit() || key == '*';
            !keys.is_empty() && keys.chars().all(is_key)
        });
        let Some(keys) = keys else {
            let words = Words {
                text: text.to_owned(),
                confidence: 1000,
                firmness: Firmness::Flushed,
                scope: Scope::Turn,
                complete: false,
            };
            self.handle(at, Event::Heard(words));
            self.handle(at, Event::Turn(TurnHint::Ended));
            return;
        };
        for key in keys.chars().chain(['#']) {
            // With as many keys as are wanted the turn is over.
            if self.call.awaits_caller() {
                self.handle(at, Event::Digit(key));
            }
        }
    }

    /// Nobody reads on: what is being written ends with what was written.
    pub(crate) fn stop_writing(&mut self, at: At) {
        let Some(reply) = self.call.unwritten() else {
            return;
        };
        self.responder.cancel(reply, true);
        self.handle(
            at,
            Event::TextEnd {
                reply,
                intent: Intent::Continue,
                expect: Expect::OPEN,
            },
        );
    }

    /// The time has come that the call waits for.
    pub(crate) fn wake_in_writing(&mut self, at: At) {
        self.handle(at, Event::Wake);
    }
}
