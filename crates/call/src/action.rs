//! What a call wants done: a closed set.

use serde::{Deserialize, Serialize};

use crate::at::{At, Ear};
use crate::callee::{Callee, Why};
use crate::event::{Fault, Intent, Mark, PartId, ReplyId, ToolCall, TurnId};
use crate::snapshot::Snapshot;

/// Why the responder is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The call was answered and the scenario has no fixed greeting.
    Opening,
    /// The caller said or keyed something.
    Answer,
    /// The caller said nothing for a while.
    Silence,
    /// The caller spoke and nothing was understood.
    Unclear,
    /// The tools that a reply called have ended.
    Tool,
}

/// Where a call of a tool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolState {
    /// It is being carried out.
    Running,
    /// The same call runs already: what comes of that one counts for both.
    Joined,
    /// It is one too many.
    Refused,
    /// It has its result.
    Answered,
    /// It has a result that says why nothing came of it.
    Failed,
    /// It did not end in time.
    TimedOut,
    /// It ended after that: its result takes the place of the one that said so.
    Late,
    /// It ran where the call was before.
    Interrupted,
}

/// Why a caller's turn was taken to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TurnEnd {
    /// The words are a whole expected sentence.
    Complete,
    /// The wait for open speech ran out.
    Wait,
    /// The longer wait after a filler or digits ran out.
    Filler,
    /// The longest wait ran out before the recogniser was done.
    Cap,
    /// Keys: enough of them, `#`, or a pause.
    Keys,
    /// The recogniser said so.
    Recogniser,
}

impl TurnEnd {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Complete,
        Self::Wait,
        Self::Filler,
        Self::Cap,
        Self::Keys,
        Self::Recogniser,
    ];

    /// As records, metrics and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Wait => "wait",
            Self::Filler => "filler",
            Self::Cap => "cap",
            Self::Keys => "keys",
            Self::Recogniser => "recogniser",
        }
    }
}

/// Why a reply that was asked for before the turn was over is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropCause {
    /// The caller speaks again.
    Speech,
    /// The words are others by now.
    Words,
    /// The recogniser says that the turn goes on.
    Resumed,
    /// A key.
    Key,
    /// It failed. The turn's end asks anew.
    Fault,
    /// A line from outside takes its place.
    Line,
    /// A hint came of which it does not know.
    Hint,
}

/// Why the floor was given to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum YieldCause {
    /// A word that is no backchannel.
    Word,
    /// Speech of `yield_ms`.
    Span,
    /// A key.
    Key,
    /// The third interruption of a turn.
    Resumes,
    /// The verdict was due while the caller spoke.
    Verdict,
}

/// Why the call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndCause {
    /// The responder ended it.
    Responder,
    /// The caller hung up or the carrier's leg is gone.
    HungUp,
    /// The caller stayed silent.
    Idle,
    /// The scenario's longest duration.
    Duration,
    /// The scenario's highest cost.
    Cost,
    /// Too many faults.
    Fault,
    /// The server stops.
    Finish,
    /// A machine answered, and there is nothing more to say to it.
    Callee,
    /// Somebody who has the call in hand ended it, or had the caller put through.
    Operator,
}

impl EndCause {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Responder,
        Self::HungUp,
        Self::Idle,
        Self::Duration,
        Self::Cost,
        Self::Fault,
        Self::Finish,
        Self::Callee,
        Self::Operator,
    ];

    /// As records, metrics and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Responder => "responder",
            Self::HungUp => "hung_up",
            Self::Idle => "idle",
            Self::Duration => "duration",
            Self::Cost => "cost",
            Self::Fault => "fault",
            Self::Finish => "finish",
            Self::Callee => "callee",
            Self::Operator => "operator",
        }
    }
}

/// A decision, with what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// Sending stopped at an onset.
    Held {
        /// The onset.
        onset: Ear,
    },
    /// A held reply goes on with its next unsent sample.
    Released {
        /// The end of the last energetic frame.
        quiet: Ear,
    },
    /// An onset fell into a protected stretch.
    Protected {
        /// The onset.
        onset: Ear,
    },
    /// The carrier's buffer was cleared.
    Muted {
        /// The reply.
        reply: ReplyId,
        /// The part where it was cut.
        part: PartId,
        /// Samples of the part that were heard.
        heard: u32,
    },
    /// The reply goes on.
    Resumed {
        /// The part where it goes on.
        part: PartId,
        /// From which sample of the part.
        from: u32,
        /// How many resumptions this turn has had, with this one.
        count: u8,
    },
    /// The caller has the floor.
    Yielded {
        /// Why.
        cause: YieldCause,
    },
    /// The caller's turn is over.
    Turn {
        /// Which.
        turn: TurnId,
        /// Why.
        cause: TurnEnd,
        /// Milliseconds waited since the last energetic frame or key.
        waited_ms: u32,
    },
    /// The turn ended with the words that a speculative reply answers: it is the reply.
    Promoted {
        /// The reply.
        reply: ReplyId,
        /// Milliseconds between its question and the end of the turn.
        saved_ms: u32,
    },
    /// A speculative reply is not wanted.
    Dropped {
        /// The reply.
        reply: ReplyId,
        /// Why.
        cause: DropCause,
    },
    /// Speech without words: no turn.
    NoWords {
        /// How long it was, in ms of audio.
        span_ms: u32,
    },
    /// The caller went on before the reply was heard; their turn is open again.
    Reopened {
        /// The turn.
        turn: TurnId,
    },
    /// Final words came after the turn was answered: its line in the conversation holds them now.
    Mended {
        /// The turn.
        turn: TurnId,
    },
    /// Nothing audible came in time.
    Overdue {
        /// The reply.
        reply: ReplyId,
        /// The bound in ms.
        bound_ms: u32,
    },
    /// The caller has been silent.
    Idle {
        /// How many times now.
        count: u8,
    },
    /// The round trip to the carrier, measured by a clear.
    RoundTrip {
        /// Microseconds.
        us: u64,
    },
    /// The carrier does not acknowledge: sending stopped.
    Stalled {
        /// Milliseconds beyond the model.
        behind_ms: u32,
    },
    /// A call of a tool came to this.
    Tool {
        /// The call.
        id: String,
        /// Where it stands.
        state: ToolState,
    },
    /// It is known who answered, or known better.
    Callee {
        /// Who.
        callee: Callee,
        /// From what.
        why: Why,
    },
    /// The turn is answered with a line for machines, with the opening for the person behind one, or with a line that was ordered.
    Prepared {
        /// The turn.
        turn: TurnId,
    },
    /// A fault was noted.
    Fault(Fault),
}

/// What a call wants done. Carrying one out never waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Write these samples of the outbox to the carrier.
    Send {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
        /// First sample within the part.
        from: u32,
        /// How many samples.
        samples: u32,
        /// When the caller begins to hear them, by the model.
        starts: At,
    },
    /// Write a mark behind what was sent.
    Mark(Mark),
    /// Empty the carrier's buffer. Followed by its mark.
    Clear {
        /// The new epoch.
        epoch: u32,
        /// From this time on, by the model, nothing of what was sent is heard.
        cut: At,
    },
    /// Drop these samples of the outbox: they were heard and cannot come again.
    Forget {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
        /// Samples of the part up to here.
        upto: u32,
    },
    /// Ask the recogniser for what it has of this turn. One that leads is asked to end it.
    Finalize,
    /// The caller's words so far are dealt with: what comes next is new.
    NewTurn,
    /// Ask the responder for a reply.
    Respond {
        /// The caller's turn.
        turn: TurnId,
        /// The reply to write.
        reply: ReplyId,
        /// Why.
        cause: Cause,
        /// What the caller said; empty if nothing.
        text: String,
        /// What the caller keyed; empty if nothing.
        digits: String,
        /// The turn may go on: nothing is done for the reply but writing it until it is promoted, and the caller's line is
        /// not in the dialog. It is never asked for unless [`crate::TurnSettings::speculate`] is set.
        #[serde(default)]
        speculative: bool,
    },
    /// Who writes this reply has stalled: have another write the rest of it, or answer with a fault.
    GiveUp {
        /// The reply.
        reply: ReplyId,
    },
    /// Carry out a call of a tool, and answer with [`crate::Event::ToolDone`]. It does not end with the reply.
    RunTool {
        /// The call; its id is like no other of this conversation.
        call: ToolCall,
        /// After this many milliseconds it counts as not answered.
        timeout_ms: u32,
        /// It changes something: it must not be done twice. A checkpoint went before it.
        side_effect: bool,
    },
    /// Speak a sentence into the outbox.
    Speak {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
        /// The sentence.
        text: String,
    },
    /// The reply is dead: stop writing and speaking it, drop it from the outbox.
    Cancel {
        /// The reply.
        reply: ReplyId,
        /// Whether the caller heard any of it.
        heard: bool,
    },
    /// A turn is closed: keep this.
    Checkpoint(Box<Snapshot>),
    /// End the carrier's leg, and then: what the intent says.
    End {
        /// What follows.
        intent: Intent,
        /// Why.
        cause: EndCause,
    },
    /// A decision, for the record.
    Note(Note),
}
