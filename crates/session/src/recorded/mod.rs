//! What was said in a recording that somebody brings: a file, heard whole by one engine.
//!
//! The file is looked at before anybody is sent it: its format by its first bytes, and its length where that stands in it.

mod deepgram;
mod openai;
mod pocketsphinx;
mod post;
mod sound;

use ringback_audio::wav::WavError;
use ringback_call::{FaultKind, Party, Usage};

pub use sound::{Container, Recording, Sound};

pub(crate) use deepgram::hear as hear_by_deepgram;
pub(crate) use openai::{Asked, hear as hear_by_openai};
pub(crate) use pocketsphinx::hear as hear_here;

use crate::provider::Failure;

/// Who hears a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// Deepgram.
    Deepgram,
    /// OpenAI, or a server that speaks its language.
    OpenAi,
    /// The recogniser of this machine, which hears English.
    Local,
}

impl Hearer {
    /// The one of this name; `local` is `pocketsphinx`.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "deepgram" => Some(Self::Deepgram),
            "openai" => Some(Self::OpenAi),
            "local" | "pocketsphinx" => Some(Self::Local),
            _ => None,
        }
    }

    /// As settings spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deepgram => "deepgram",
            Self::OpenAi => "openai",
            Self::Local => "pocketsphinx",
        }
    }
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// In which language, where it was asked for or is known.
    pub language: Option<String>,
    /// The length of the recording in seconds, where it is known.
    pub duration_s: Option<f64>,
    /// Each word; none where the engine does not tell.
    pub words: Vec<Word>,
    /// What was used for it; `None` before it was heard.
    pub used: Option<Usage>,
}

/// A word, and when it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The word.
    pub word: String,
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds.
    pub end_s: f64,
    /// 0 to 1, where the engine tells.
    pub confidence: Option<f64>,
}

/// Why a recording was not heard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// The provider is not set up.
    #[error("{0} is not set")]
    NoKey(&'static str),
    /// The file is of a format that the engine does not take.
    #[error("{0}")]
    Format(String),
    /// There is nothing to hear in it, or it does not keep what it promises.
    #[error("{0}")]
    Broken(String),
    /// It is larger or longer than the engine takes.
    #[error("{0}")]
    TooMuch(String),
    /// The language is not heard.
    #[error("{0}")]
    Language(String),
    /// The engine of this machine is missing, or busy with calls.
    #[error("{0}")]
    Absent(String),
    /// The engine failed.
    #[error("{detail}")]
    Failed {
        /// How.
        kind: FaultKind,
        /// Begins with its name.
        detail: String,
    },
}

impl Unheard {
    /// An engine did what it must not; the detail begins with its name.
    pub(crate) fn misbehaved(detail: String) -> Self {
        let kind = FaultKind::Misbehaved;
        Self::Failed { kind, detail }
    }
}

impl From<Failure> for Unheard {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            kind: failure.kind,
            detail: failure.detail,
        }
    }
}

impl From<std::io::Error> for Unheard {
    fn from(error: std::io::Error) -> Self {
        Self::Absent(format!("the recording cannot be kept on disk: {error}"))
    }
}

impl From<WavError> for Unheard {
    fn from(error: WavError) -> Self {
        match error {
            WavError::Io(error) => error.into(),
            WavError::NotWav | WavError::UnsupportedCoding { .. } => {
                Self::Format(error.to_string())
            }
            WavError::Truncated { .. }
            | WavError::BadFormat { .. }
            | WavError::PartialFrame { .. }
            | WavError::Full { .. }
            | WavError::BeyondEnd { .. } => Self::Broken(error.to_string()),
        }
    }
}

/// What a recording of this length takes of who hears it.
fn usage(hearer: Hearer, model: &str, duration_s: Option<f64>) -> Usage {
    let ms = duration_s.map_or(0.0, |seconds| (seconds * 1000.0).round().max(0.0));
    Usage {
        requests: 1,
        audio_ms: ms as u64,
        ..Usage::of(Party::Stt, hearer.name(), model)
    }
}

/// Seconds of so many ms.
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
