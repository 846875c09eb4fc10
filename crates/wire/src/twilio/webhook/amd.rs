//! The verdict of answering-machine detection.

use super::{BadForm, Form};

/// Twilio's words for who answered, in `AnsweredBy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// `human`.
    Human,
    /// `machine_start`: a machine, that still speaks (`MachineDetection=Enable`).
    MachineStart,
    /// `machine_end_beep`: a machine, and its beep (`MachineDetection=DetectMessageEnd`).
    MachineEndBeep,
    /// `machine_end_silence`: a machine, and silence behind its greeting.
    MachineEndSilence,
    /// `machine_end_other`: a machine, whose greeting ended otherwise.
    MachineEndOther,
    /// `fax`.
    Fax,
    /// `unknown`.
    Unknown,
}

impl AnsweredBy {
    const ALL: [Self; 7] = [
        Self::Human,
        Self::MachineStart,
        Self::MachineEndBeep,
        Self::MachineEndSilence,
        Self::MachineEndOther,
        Self::Fax,
        Self::Unknown,
    ];

    /// Who Twilio means by `word`, if it is known here.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|answered| answered.word() == word)
    }

    /// Twilio's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::MachineStart => "machine_start",
            Self::MachineEndBeep => "machine_end_beep",
            Self::MachineEndSilence => "machine_end_silence",
            Self::MachineEndOther => "machine_end_other",
            Self::Fax => "fax",
            Self::Unknown => "unknown",
        }
    }
}

/// What is posted to `AsyncAmdStatusCallback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmdVerdict<'a> {
    /// `CA` and 32 hex digits.
    pub call_sid: &'a str,
    /// `None` where it is a word that is not known here.
    pub answered_by: Option<AnsweredBy>,
    /// How long it took, in ms.
    pub duration_ms: Option<u32>,
}

impl<'a> AmdVerdict<'a> {
    /// The view of `form`.
    ///
    /// # Errors
    /// [`BadForm::Missing`] without `CallSid` or `AnsweredBy`.
    pub fn of(form: &'a Form) -> Result<Self, BadForm> {
        let duration = form.filled("MachineDetectionDuration");
        Ok(Self {
            call_sid: form.required("CallSid")?,
            answered_by: AnsweredBy::from_word(form.required("AnsweredBy")?),
            duration_ms: duration.and_then(|ms| ms.parse().ok()),
        })
    }
}
