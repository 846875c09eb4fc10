//! A responder that is not here: utterances wait in a mailbox, and lines come from outside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ringback_call::{Call, CallSpec, Direction, ReplyId};

use super::Responder;
use crate::carrier::twilio::Messages;
use crate::engines::{Engines, Seats};
use crate::live::{Live, Parts};
use crate::news::Follower;

/// Utterances of the caller that nobody has taken yet.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    letters: Arc<Mutex<VecDeque<(ReplyId, String)>>>,
}

impl Mailbox {
    /// Takes the oldest utterance. Never waits.
    pub fn take(&self) -> Option<String> {
        self.lock().pop_front().map(|(_, text)| text)
    }

    pub(crate) fn put(&self, reply: ReplyId, text: String) {
        self.lock().push_back((reply, text));
    }

    /// The caller went on speaking: what they said before comes again, with the rest.
    pub(crate) fn take_back(&self, reply: ReplyId) {
        self.lock().retain(|&(of, _)| of != reply);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(ReplyId, String)>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// A call whose utterances go into a mailbox and whose lines come from outside, on a stream of this `streamSid`.
    /// It waits for no reply, keeps no files and has no idle clock: that is the business of whoever holds it.
    pub fn for_mailbox(
        engines: Arc<Engines>,
        seats: Seats,
        stream_sid: String,
        mailbox: Mailbox,
    ) -> Self {
        let mut spec = CallSpec::new(Direction::Inbound);
        spec.turn.reply_bound_ms = u32::MAX;
        spec.turn.idle_ms = u32::MAX;
        spec.turn.max_call_s = u32::MAX;
        let Seats {
            ears,
            voices,
            events,
        } = seats;
        let parts = Parts {
            ears,
            voices,
            engines,
            responder: Responder::Mailbox(mailbox),
            recorder: None,
            events,
            max_cost_millionths: None,
            follower: Follower::none(),
        };
        Self::new(Call::new(spec), Messages::new(stream_sid), parts)
    }
}
