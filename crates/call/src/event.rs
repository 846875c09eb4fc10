//! What a call is told: a closed set.

use serde::{Deserialize, Serialize};

use crate::at::Ear;
use crate::callee::Sign;
use crate::orders::Order;
use crate::usage::Usage;

/// One attempt to answer a turn. Several for one turn are normal.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ReplyId(pub u32);

/// One party's stretch of the conversation.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TurnId(pub u32);

/// A sentence of a reply, counted from 0 within the reply.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct PartId(pub u16);

/// Evidence about the caller's speech, found by the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edge {
    /// Speech began; the position is its first window.
    Onset,
    /// Energetic frames span `sustain_ms`, and most windows since are speech.
    Sustained,
    /// Energetic frames span `yield_ms`.
    Prolonged,
    /// 120 ms without an energetic frame; the position is the end of the last one.
    Lull,
    /// `finalize_ms` without an energetic frame; the position is the end of the last one.
    Pause,
    /// Speech goes on after a lull or a pause, before an offset.
    Resumed,
    /// Speech ended; the position is the first quiet window.
    Offset,
    /// The carrier sent nothing for 100 ms; silence was put in its place.
    Gap,
}

/// How firm recognised words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Firmness {
    /// May still change.
    Interim,
    /// Will not change.
    Final,
    /// Will not change, and is all there is: the answer to [`crate::Action::Finalize`].
    Flushed,
}

/// What recognised words stand for: they replace what came before, or are added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The whole of the caller's turn so far.
    Turn,
    /// The stretch since the last final words.
    Segment,
    /// The same, of the turn before, which was over before they came.
    Before,
}

/// Recognised words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The words; empty when there are none.
    pub text: String,
    /// Confidence in per mille.
    pub confidence: u16,
    /// How firm they are.
    pub firmness: Firmness,
    /// What they stand for.
    pub scope: Scope,
    /// They are a whole sentence of what was expected.
    pub complete: bool,
}

/// What a recogniser that follows turns knows of them. The words that a hint is about come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TurnHint {
    /// From now on it says when the caller's turns end, or it does so no longer.
    Leads(bool),
    /// The turn may be over with the words so far.
    Eager,
    /// It was not: the caller went on.
    Resumed,
    /// The turn is over with the words so far.
    Ended,
    /// It lost its connection and hears on a new one what is not final: words come late.
    Again,
}

/// The form in which the caller's answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Anything.
    Open,
    /// One of a closed set of sentences.
    Closed,
    /// A string of digits.
    Digits,
}

/// What the caller is expected to say or key next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// The form of the spoken answer.
    pub form: Form,
    /// After how many keys an answer is complete; 0 means after `#` or a pause.
    pub keys: u8,
}

impl Expect {
    /// Anything may be said; keys end with `#` or a pause.
    pub const OPEN: Expect = Expect {
        form: Form::Open,
        keys: 0,
    };
}

/// What follows when a reply has been heard to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// The conversation goes on.
    Continue,
    /// The call ends.
    HangUp,
    /// The caller is put through to this number or address.
    Transfer(String),
}

impl Intent {
    /// As records and the API name it; to where a caller is put through stands apart.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::HangUp => "hang_up",
            Self::Transfer(_) => "transfer",
        }
    }
}

/// The carrier's receipt for audio: the name of a mark.
///
/// Written `<epoch>.<reply>.<part>.<n>`, n being the position in the part in samples, or `c<epoch>` after a clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// Audio up to a position.
    Played {
        /// How many clears went before it.
        epoch: u32,
        /// The reply.
        reply: ReplyId,
        /// The part of the reply.
        part: PartId,
        /// Samples of the part up to the mark.
        upto: u32,
    },
    /// A clear, by its epoch.
    Cleared(u32),
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mark::Played {
                epoch,
                reply,
                part,
                upto,
            } => write!(f, "{epoch}.{}.{}.{upto}", reply.0, part.0),
            Mark::Cleared(epoch) => write!(f, "c{epoch}"),
        }
    }
}

/// A mark's name that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMark;

impl std::str::FromStr for Mark {
    type Err = UnknownMark;

    fn from_str(name: &str) -> Result<Self, UnknownMark> {
        if let Some(epoch) = name.strip_prefix('c') {
            return epoch.parse().map(Mark::Cleared).map_err(|_| UnknownMark);
        }
        let mut fields = name.split('.');
        let mut next = || fields.next().ok_or(UnknownMark);
        let mark = Mark::Played {
            epoch: next()?.parse().map_err(|_| UnknownMark)?,
            reply: ReplyId(next()?.parse().map_err(|_| UnknownMark)?),
            part: PartId(next()?.parse().map_err(|_| UnknownMark)?),
            upto: next()?.parse().map_err(|_| UnknownMark)?,
        };
        match fields.next() {
            None => Ok(mark),
            Some(_) => Err(UnknownMark),
        }
    }
}

/// A piece of synthesised speech that waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The reply it belongs to.
    pub reply: ReplyId,
    /// The part it belongs to; pieces of a part come in order.
    pub part: PartId,
    /// Its length in samples; a multiple of 160.
    pub samples: u32,
    /// Position of its first audible sample within the piece, if it has one.
    pub audible: Option<u32>,
    /// Loudness of each 20 ms, in dB above the quietest code (0 to 96).
    pub levels: Vec<u8>,
    /// An opaque number of the engine that spoke it.
    pub origin: u64,
}

/// A call of a tool, as the responder made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its name among all calls of this conversation. Where the responder names two alike, the second is given another.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is called with, normally a JSON object.
    pub arguments: String,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// The telephone side.
    Carrier,
    /// The recogniser.
    Stt,
    /// What answers.
    Responder,
    /// The voice.
    Tts,
    /// Recording or trace.
    Recorder,
    /// Ourselves.
    Server,
}

impl Party {
    /// As records, metrics and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Stt => "stt",
            Self::Responder => "responder",
            Self::Tts => "tts",
            Self::Recorder => "recorder",
            Self::Server => "server",
        }
    }
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// It said no.
    Refused,
    /// It did what it must not.
    Misbehaved,
    /// It did not answer.
    Unreachable,
    /// It was set up wrongly.
    Misconfigured,
}

impl FaultKind {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Refused,
        Self::Misbehaved,
        Self::Unreachable,
        Self::Misconfigured,
    ];

    /// As records, metrics and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Misbehaved => "misbehaved",
            Self::Unreachable => "unreachable",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// A fault of one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whose.
    pub party: Party,
    /// Of what kind.
    pub kind: FaultKind,
    /// What happened; no secret and no content.
    pub detail: String,
}

/// What a call is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The carrier's audio begins to flow. `marks`: it acknowledges audio with marks.
    Answered {
        /// Whether the carrier echoes marks.
        marks: bool,
    },
    /// Evidence about the caller's speech at a position of the ear.
    Ear {
        /// What was found.
        edge: Edge,
        /// Where, backdated.
        sample: Ear,
    },
    /// The recogniser heard something.
    Heard(Words),
    /// The recogniser knows something of the caller's turn.
    Turn(TurnHint),
    /// Something tells who answered a call that we placed.
    Sign(Sign),
    /// The caller pressed a key: `0`-`9`, `*`, `#`, `A`-`D`.
    Digit(char),
    /// The responder wrote text: the next stretch of a reply.
    Text {
        /// The reply.
        reply: ReplyId,
        /// The stretch.
        text: String,
    },
    /// The responder has no more text for a reply.
    TextEnd {
        /// The reply.
        reply: ReplyId,
        /// What follows when it was heard.
        intent: Intent,
        /// What the caller is expected to answer.
        expect: Expect,
    },
    /// The responder has a tool do something. What it wrote before is spoken meanwhile.
    ToolCall {
        /// The reply.
        reply: ReplyId,
        /// What is called.
        call: ToolCall,
    },
    /// A tool has ended. It counts whatever became of the reply that called it.
    ToolDone {
        /// The call, by the name in [`crate::Action::RunTool`].
        id: String,
        /// What came of it.
        result: String,
        /// Whether that says why nothing came of it.
        failed: bool,
    },
    /// The voice put a piece of speech into the outbox.
    Spoken(Piece),
    /// The voice says when it speaks the words of a part: more of them, in order.
    Timed {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
        /// Where each word ends, in samples of the part.
        ends: Vec<u32>,
    },
    /// The voice has no more speech for a part.
    SpokenEnd {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
    },
    /// There is nothing in a part that can be said, and no voice was asked for it.
    Unsayable {
        /// The reply.
        reply: ReplyId,
        /// The part.
        part: PartId,
    },
    /// The carrier echoed a mark.
    Marked(Mark),
    /// Somebody failed.
    Fault(Fault),
    /// Somebody failed, and another does what they should have done. After a responder nothing is asked before a turn is over; a
    /// reply that was asked for so is dropped, any other is still to be written.
    Replaced(Fault),
    /// Say this line: behind what is being said, or in place of a reply that has not begun.
    Say(String),
    /// Somebody who has the call in hand wants something of it.
    Order(Order),
    /// An engine was used. It counts whatever became of the reply.
    Used {
        /// The reply it was used for; `None`: for the turn that was last.
        reply: Option<ReplyId>,
        /// What it did.
        usage: Usage,
    },
    /// The call has cost what it may: it ends as at its longest duration.
    Spent,
    /// Finish: no more turns, the call ends after the sentence that is being heard.
    Finish,
    /// The carrier's leg is gone.
    HungUp,
    /// Nothing but time.
    Wake,
}

impl Event {
    /// Whether it tells of something that the caller did.
    pub(crate) fn is_the_callers(&self) -> bool {
        matches!(
            self,
            Event::Ear { .. } | Event::Heard(_) | Event::Turn(_) | Event::Digit(_)
        )
    }
}
