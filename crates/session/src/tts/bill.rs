//! What is owed to a provider's voice.
//!
//! A voice is paid for what it begins to speak, and for what it was asked and then not let speak. One that refuses or is
//! lost before it begins was asked, but is owed nothing.

use ringback_call::{PartId, Party, ReplyId, Usage};

use super::voices::Started;
use crate::provided::{Provided, Sender};

/// What a voice was asked and has not begun.
#[derive(Debug, Default)]
pub(super) struct Bill {
    asked: Vec<(ReplyId, PartId, Usage)>,
}

impl Bill {
    /// The voice is asked for a text.
    pub(super) fn ask(&mut self, voice: &Started, reply: ReplyId, part: PartId, text: &str) {
        let usage = Usage {
            requests: 1,
            characters: text.chars().count() as u64,
            ..Usage::of(Party::Tts, voice.name, &*voice.model)
        };
        self.asked.push((reply, part, usage));
    }

    /// It has begun a part, or told that it is over.
    pub(super) fn begun(&mut self, reply: ReplyId, part: PartId, events: &Sender) {
        self.count(|asked| *asked == (reply, part), events);
    }

    /// It is not let speak what it was asked of a reply, or of any.
    pub(super) fn left(&mut self, reply: Option<ReplyId>, events: &Sender) {
        self.count(
            |(asked, _)| reply.is_none_or(|reply| reply == *asked),
            events,
        );
    }

    /// It is lost: it was asked, but nothing is owed for what it has not begun.
    pub(super) fn forget(&mut self, events: &Sender) {
        for (_, _, usage) in &mut self.asked {
            usage.characters = 0;
        }
        self.left(None, events);
    }

    fn count(&mut self, owed: impl Fn(&(ReplyId, PartId)) -> bool, events: &Sender) {
        for (reply, _, usage) in self
            .asked
            .extract_if(.., |(reply, part, _)| owed(&(*reply, *part)))
        {
            // The receiver is the call's own task: it is gone only when the call is.
            let _ = events.send(Provided::Used { reply, usage });
        }
    }
}
