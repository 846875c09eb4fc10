//! The request for TwiML, and the words for a call's direction and state.

use super::{BadForm, Form};

/// The request for TwiML: on a new call, after a verb with an `action`, after `<Redirect>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoiceRequest<'a> {
    /// `CA` and 32 hex digits.
    pub call_sid: &'a str,
    /// `AC` and 32 hex digits.
    pub account_sid: Option<&'a str>,
    /// Who called: E.164, `client:..`, `sip:..` or raw text.
    pub from: Option<&'a str>,
    /// Who was called, in the same forms.
    pub to: Option<&'a str>,
    /// `None` where it is missing or a word that is not known here.
    pub direction: Option<Direction>,
    /// `None` where it is missing or a word that is not known here.
    pub status: Option<CallStatus>,
    /// Only with caller-ID lookup.
    pub caller_name: Option<&'a str>,
    /// Only where the carrier sends it.
    pub forwarded_from: Option<&'a str>,
    /// Only on the child leg of a `<Dial>`.
    pub parent_call_sid: Option<&'a str>,
    /// The verdict on the caller ID, such as `TN-Validation-Passed-A`; missing means unknown.
    pub stir_verstat: Option<&'a str>,
    /// After synchronous answering-machine detection.
    pub answered_by: Option<&'a str>,
}

impl<'a> VoiceRequest<'a> {
    /// The view of `form`.
    ///
    /// # Errors
    /// [`BadForm::Missing`] without `CallSid`.
    pub fn of(form: &'a Form) -> Result<Self, BadForm> {
        Ok(Self {
            call_sid: form.required("CallSid")?,
            account_sid: form.filled("AccountSid"),
            from: form.filled("From"),
            to: form.filled("To"),
            direction: form.first("Direction").and_then(Direction::from_word),
            status: form.first("CallStatus").and_then(CallStatus::from_word),
            caller_name: form.filled("CallerName"),
            forwarded_from: form.filled("ForwardedFrom"),
            parent_call_sid: form.filled("ParentCallSid"),
            stir_verstat: form.filled("StirVerstat"),
            answered_by: form.filled("AnsweredBy"),
        })
    }

    /// A view with nothing but the call; for the simulator, which fills the rest.
    #[must_use]
    pub fn on(call_sid: &'a str) -> Self {
        Self {
            call_sid,
            account_sid: None,
            from: None,
            to: None,
            direction: None,
            status: None,
            caller_name: None,
            forwarded_from: None,
            parent_call_sid: None,
            stir_verstat: None,
            answered_by: None,
        }
    }

    /// The person at the other end, by direction: who called us, or whom we called.
    #[must_use]
    pub fn remote_party(&self) -> Option<&'a str> {
        match self.direction {
            Some(Direction::OutboundApi | Direction::OutboundDial) => self.to,
            Some(Direction::Inbound) | None => self.from,
        }
    }

    /// Our number, by direction.
    #[must_use]
    pub fn own_party(&self) -> Option<&'a str> {
        match self.direction {
            Some(Direction::OutboundApi | Direction::OutboundDial) => self.from,
            Some(Direction::Inbound) | None => self.to,
        }
    }

    /// The form Twilio would post, in its order and with the duplicates `Called` and `Caller` it really sends.
    #[must_use]
    pub fn to_form(&self) -> Form {
        let fields = [
            ("AccountSid", self.account_sid),
            ("AnsweredBy", self.answered_by),
            ("ApiVersion", Some("2010-04-01")),
            ("CallSid", Some(self.call_sid)),
            ("CallStatus", self.status.map(CallStatus::word)),
            ("Called", self.to),
            ("Caller", self.from),
            ("CallerName", self.caller_name),
            ("Direction", self.direction.map(Direction::word)),
            ("ForwardedFrom", self.forwarded_from),
            ("From", self.from),
            ("ParentCallSid", self.parent_call_sid),
            ("StirVerstat", self.stir_verstat),
            ("To", self.to),
        ];
        let present = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        present.fold(Form::default(), |form, (name, value)| {
            form.with(name, value)
        })
    }
}

/// Who began a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `inbound`: somebody called a number of ours.
    Inbound,
    /// `outbound-api`: placed by a REST request.
    OutboundApi,
    /// `outbound-dial`: the leg a `<Dial>` placed.
    OutboundDial,
}

impl Direction {
    const ALL: [Self; 3] = [Self::Inbound, Self::OutboundApi, Self::OutboundDial];

    /// The direction Twilio means by `word`, if it is known here.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|direction| direction.word() == word)
    }

    /// Twilio's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Twilio's words, each in its name")]
pub enum CallStatus {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    NoAnswer,
    Canceled,
}

impl CallStatus {
    const ALL: [Self; 9] = [
        Self::Queued,
        Self::Initiated,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::Failed,
        Self::NoAnswer,
        Self::Canceled,
    ];

    /// The status Twilio means by `word`, if it is known here.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Twilio's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// True for the states nothing comes after; callbacks arrive in any order, so they must stick.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => false,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => true,
        }
    }
}
