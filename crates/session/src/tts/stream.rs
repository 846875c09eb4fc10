//! A voice of a provider: the call's side of it, and what its adapter is told and says.

use ringback_call::{PartId, ReplyId};
use tokio::sync::mpsc;

/// What the adapter of a voice is told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Speak a sentence: the next of its reply, or the first of another. A reply is one context where the provider has such a thing.
    Speak {
        reply: ReplyId,
        part: PartId,
        text: String,
    },
    /// Nothing more of this reply is wanted: the provider is told, what still comes of it is dropped.
    Cancel { reply: ReplyId },
}

/// What an adapter says. Parts of a reply come in order; each ends with one `Done`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// Speech, mu-law at 8000 Hz, of any length.
    Audio {
        reply: ReplyId,
        part: PartId,
        mulaw: Vec<u8>,
    },
    /// When words of the part are spoken.
    Words {
        reply: ReplyId,
        part: PartId,
        words: Vec<TimedWord>,
    },
    /// The part has all its speech.
    Done { reply: ReplyId, part: PartId },
}

/// A word of a part, and where it ends in the part's speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedWord {
    /// As the provider spells it.
    pub(crate) word: String,
    /// In samples at 8000 Hz from the beginning of the part.
    pub(crate) until: u32,
}

/// The adapter's end of the channel. It is closed when the call needs the voice no more.
pub(crate) type Inlet = mpsc::UnboundedReceiver<Command>;
