//! Where a voice is spoken with.

use url::form_urlencoded;

/// The ways to have a text spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The socket for one text.
    StreamInput,
    /// The socket for many contexts.
    MultiStreamInput,
    /// The request whose answer is audio, streamed.
    Stream,
    /// The request whose answer is lines of JSON with audio and times.
    StreamWithTimestamps,
}

impl Endpoint {
    const ALL: [Self; 4] = [
        Self::StreamInput,
        Self::MultiStreamInput,
        Self::Stream,
        Self::StreamWithTimestamps,
    ];

    const fn suffix(self) -> &'static str {
        match self {
            Self::StreamInput => "/stream-input",
            Self::MultiStreamInput => "/multi-stream-input",
            Self::Stream => "/stream",
            Self::StreamWithTimestamps => "/stream/with-timestamps",
        }
    }

    /// True if it is a socket.
    #[must_use]
    pub const fn is_socket(self) -> bool {
        matches!(self, Self::StreamInput | Self::MultiStreamInput)
    }

    /// The path for a voice, without query. What is no ASCII letter, digit, `-`, `.`, `_` or `*` in the id is
    /// percent-encoded.
    #[must_use]
    pub fn path(self, voice_id: &str) -> String {
        let id: String = form_urlencoded::byte_serialize(voice_id.as_bytes()).collect();
        format!(
            "/v1/text-to-speech/{}{}",
            id.replace('+', "%20"),
            self.suffix()
        )
    }

    /// Reads a path without query: the endpoint and the voice.
    #[must_use]
    pub fn parse(path: &str) -> Option<(Self, String)> {
        let rest = path.strip_prefix("/v1/text-to-speech/")?;
        let slash = rest.find('/')?;
        let (id, suffix) = rest.split_at(slash);
        let endpoint = Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.suffix() == suffix)?;
        let pair = format!("id={}", id.replace('+', "%2B").replace('&', "%26"));
        let (_, id) = form_urlencoded::parse(pair.as_bytes()).next()?;
        (!id.is_empty()).then(|| (endpoint, id.into_owned()))
    }
}
