//! Deepgram's words for audio encodings.

/// An audio encoding. Which of them an endpoint takes is said there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Deepgram's words, each in its name")]
pub enum Encoding {
    Linear16,
    Linear32,
    Flac,
    Alaw,
    Mulaw,
    AmrNb,
    AmrWb,
    Opus,
    OggOpus,
    Speex,
    G729,
    Mp3,
    Aac,
}

impl Encoding {
    const ALL: [Self; 13] = [
        Self::Linear16,
        Self::Linear32,
        Self::Flac,
        Self::Alaw,
        Self::Mulaw,
        Self::AmrNb,
        Self::AmrWb,
        Self::Opus,
        Self::OggOpus,
        Self::Speex,
        Self::G729,
        Self::Mp3,
        Self::Aac,
    ];

    /// The encoding Deepgram means by `word`, if it is known here.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.word() == word)
    }

    /// Deepgram's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear16 => "linear16",
            Self::Linear32 => "linear32",
            Self::Flac => "flac",
            Self::Alaw => "alaw",
            Self::Mulaw => "mulaw",
            Self::AmrNb => "amr-nb",
            Self::AmrWb => "amr-wb",
            Self::Opus => "opus",
            Self::OggOpus => "ogg-opus",
            Self::Speex => "speex",
            Self::G729 => "g729",
            Self::Mp3 => "mp3",
            Self::Aac => "aac",
        }
    }
}
