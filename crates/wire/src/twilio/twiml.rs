//! TwiML: the verbs this product uses, written as XML and, for the simulator, read back strictly.
//!
//! What Twilio would refuse cannot be built: addresses and parameters are checked when they are made. [`render`]
//! therefore never fails; it escapes what must be escaped and drops the characters XML 1.0 has no way to write.

mod address;
mod elements;
mod parse;
mod render;
mod xml;

pub use address::{BadAddress, BadParameter, Parameter, SipAddress, StreamUrl, WebUrl};
pub use elements::BadTwiml;
pub use parse::parse;
pub use render::render;

/// The largest TwiML document Twilio takes, in bytes (64 KB; beyond it is error 11750).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// A child of `<Response>`; they run from first to last, and the call ends after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Hands the call to a media stream until our side closes it.
    Connect(Connect),
    /// Calls somebody and bridges the two.
    Dial(Dial),
    /// Ends the call.
    Hangup,
    /// Waits; `None` is Twilio's default of one second.
    Pause {
        /// Seconds.
        length_s: Option<u32>,
    },
    /// Goes on with another document; nothing after it runs.
    Redirect {
        /// Where the other document is.
        url: WebUrl,
        /// `None` is Twilio's default, POST.
        method: Option<Method>,
    },
    /// Refuses the call unanswered and unbilled; only as the first verb.
    Reject {
        /// `None` is Twilio's default, rejected.
        reason: Option<RejectReason>,
    },
    /// Speaks with Twilio's voice.
    Say(Say),
}

/// An HTTP method of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// `<Connect>` around one bidirectional `<Stream>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The stream.
    pub stream: Stream,
    /// In Twilio's schema; that it is requested when a stream ends is not verified: let a verb follow.
    pub action: Option<WebUrl>,
    /// How `action` is requested.
    pub method: Option<Method>,
}

impl From<Stream> for Verb {
    fn from(stream: Stream) -> Self {
        Self::Connect(Connect {
            stream,
            action: None,
            method: None,
        })
    }
}

/// `<Stream>` under `<Connect>`: both directions, the caller's track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The media socket.
    pub url: StreamUrl,
    /// Unique within the call; `None` lets Twilio use the stream's SID.
    pub name: Option<String>,
    /// Told when the stream starts, stops or fails.
    pub status_callback: Option<WebUrl>,
    /// How it is told; `None` is Twilio's default, POST.
    pub status_callback_method: Option<Method>,
    /// They arrive as `start.customParameters`, the only way to hand something to the socket.
    pub parameters: Vec<Parameter>,
}

impl Stream {
    /// A stream to `url` without anything optional.
    #[must_use]
    pub fn to(url: StreamUrl) -> Self {
        Self {
            url,
            name: None,
            status_callback: None,
            status_callback_method: None,
            parameters: Vec::new(),
        }
    }
}

/// `<Say>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Say {
    /// What is spoken, as plain text.
    pub text: String,
    /// Such as `Polly.Joanna-Neural`; `None` is the account's default.
    pub voice: Option<String>,
    /// Such as `en-US`.
    pub language: Option<String>,
    /// How often; 0 is endless, `None` once.
    pub repeat: Option<u32>,
}

/// `<Dial>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dial {
    /// Who is called, all at once; the first to answer is bridged.
    pub targets: Vec<DialTarget>,
    /// What the callee sees; must be a number of the account or one of the call's own two.
    pub caller_id: Option<String>,
    /// How long it rings, seconds; `None` is 30.
    pub timeout_s: Option<u32>,
    /// How long the bridge may last, seconds; `None` is 14400.
    pub time_limit_s: Option<u32>,
    /// True leaves the caller ringing until the callee answers.
    pub answer_on_bridge: Option<bool>,
    /// Asked for TwiML afterwards; with it, verbs after `<Dial>` do not run.
    pub action: Option<WebUrl>,
    /// How `action` is requested; `None` is POST.
    pub method: Option<Method>,
    /// Whether and how the bridge is recorded.
    pub record: Option<DialRecord>,
    /// Told when the recording is ready.
    pub recording_status_callback: Option<WebUrl>,
}

/// The values of `record` on `<Dial>`; dual puts the caller on channel 1 and the callee on channel 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Twilio's words, each in its name")]
pub enum DialRecord {
    DoNotRecord,
    FromAnswer,
    FromRinging,
    FromAnswerDual,
    FromRingingDual,
}

/// Who is called by `<Dial>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialTarget {
    /// The telephone or SIP address.
    pub callee: Callee,
    /// Told of the call's progress.
    pub status_callback: Option<WebUrl>,
    /// Of which steps; none listed means Twilio's default, completed.
    pub status_events: Vec<CallEvent>,
}

impl From<Callee> for DialTarget {
    fn from(callee: Callee) -> Self {
        Self {
            callee,
            status_callback: None,
            status_events: Vec::new(),
        }
    }
}

/// The address of a called party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// A telephone number, E.164.
    Number(String),
    /// A SIP address.
    Sip(SipAddress),
}

/// The steps of a call a status callback can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Twilio's words, each in its name")]
pub enum CallEvent {
    Initiated,
    Ringing,
    Answered,
    Completed,
}

/// The values of `reason` on `<Reject>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Twilio's words, each in its name")]
pub enum RejectReason {
    Rejected,
    Busy,
}

/// An attribute whose values are a closed list of words.
trait Word: Copy + PartialEq + 'static {
    /// Each value with Twilio's word for it.
    const WORDS: &'static [(Self, &'static str)];

    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(value, _)| *value == self);
        found.map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(value, _)| *value)
    }
}

impl Word for Method {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Get, "GET"), (Self::Post, "POST")];
}

impl Word for bool {
    const WORDS: &'static [(Self, &'static str)] = &[(true, "true"), (false, "false")];
}

impl Word for RejectReason {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Rejected, "rejected"), (Self::Busy, "busy")];
}

impl Word for DialRecord {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::DoNotRecord, "do-not-record"),
        (Self::FromAnswer, "record-from-answer"),
        (Self::FromRinging, "record-from-ringing"),
        (Self::FromAnswerDual, "record-from-answer-dual"),
        (Self::FromRingingDual, "record-from-ringing-dual"),
    ];
}

impl Word for CallEvent {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Initiated, "initiated"),
        (Self::Ringing, "ringing"),
        (Self::Answered, "answered"),
        (Self::Completed, "completed"),
    ];
}
