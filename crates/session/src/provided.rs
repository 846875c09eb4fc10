//! What the engines of a call give back: one channel into the call's task.
//!
//! The channel has no bound of its own because its content has: the core asks for at most two sentences at a time, a
//! recogniser answers a block of audio with a few words, and a responder's text is cut at the core's longest reply.

use std::sync::Arc;

use ringback_call::{Fault, Intent, PartId, ReplyId, ToolCall, Usage};
use ringback_speech::grammar::Expect;
use ringback_speech::recognizer::Recognized;

use crate::provider::Failure;
use crate::stt::Heard;
use crate::tts::Spoken;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Debug)]
pub(crate) enum Provided {
    Recognized(Recognized),
    /// A recogniser that is sent all audio heard something.
    Heard {
        /// Which of the call's recognisers it is; those before it are not listened to.
        engine: u32,
        heard: Heard,
    },
    /// It hears no more.
    Deaf {
        engine: u32,
        failure: Failure,
    },
    /// A voice spoke.
    Spoken {
        /// Which of the call's voices it is; those before it are not listened to.
        engine: u32,
        spoken: Spoken,
    },
    /// It speaks no more.
    Mute {
        engine: u32,
        failure: Failure,
    },
    /// All the speech of a part, shared with other calls; that it is done follows.
    Line {
        reply: ReplyId,
        part: PartId,
        line: Arc<[u8]>,
    },
    Text {
        reply: ReplyId,
        text: String,
    },
    TextEnd {
        reply: ReplyId,
        intent: Intent,
        /// What is expected next, and after how many keys an answer is complete.
        expect: Option<(Expect, u8)>,
    },
    /// No model answers, or the one that answered broke off.
    Speechless {
        reply: ReplyId,
        fault: Fault,
    },
    /// The responder calls a tool.
    ToolCall {
        reply: ReplyId,
        call: ToolCall,
    },
    /// A tool has ended.
    ToolDone {
        id: String,
        result: String,
        failed: bool,
    },
    /// An engine of a provider was used.
    Used {
        reply: ReplyId,
        usage: Usage,
    },
    /// Something else does what was wanted of who failed.
    Replaced(Fault),
    Fault(Fault),
}

pub(crate) type Sender = UnboundedSender<Provided>;
pub(crate) type Receiver = UnboundedReceiver<Provided>;

/// The channel of a call in which it is noted first who was replaced before it began.
pub(crate) fn noting(replaced: Option<Fault>) -> (Sender, Receiver) {
    let events = unbounded_channel();
    note(replaced, &events.0);
    events
}

/// Notes who was replaced.
pub(crate) fn note(replaced: Option<Fault>, events: &Sender) {
    // The receiver is the call's own.
    let _ = replaced.map(|fault| events.send(Provided::Replaced(fault)));
}
