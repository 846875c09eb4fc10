//! Media Streams, the server's side: read what Twilio sends, write what it accepts.
//!
//! [`parse`] takes every message; `media`, fifty a second and call, goes through a parser that borrows and does not
//! allocate, and which hands anything unusual to [`parse_reference`]. Both give the same answer to every text.

mod fast;
mod lenient;
mod reference;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64_simd::STANDARD;

use crate::Garbled;

pub use reference::parse_reference;
pub(crate) use write::{push_base64, push_json_string};
pub use write::{write_clear, write_mark, write_media};

/// A message from Twilio on the media socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// The first message.
    Connected(Connected<'a>),
    /// The second message; boxed because it is large and comes once.
    Start(Box<Start>),
    /// A piece of audio.
    Media(Media<'a>),
    /// A key press.
    Dtmf(Dtmf<'a>),
    /// The echo of a mark of ours: played, or thrown away by a clear.
    Mark(Mark<'a>),
    /// The last message; not guaranteed to come.
    Stop(Stop<'a>),
    /// A kind that is not known here; to be ignored.
    Other(Cow<'a, str>),
}

/// `connected`: the protocol's name and version. It belongs to no stream yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected<'a> {
    /// `Call`.
    pub protocol: Option<Cow<'a, str>>,
    /// `1.0.0`.
    pub version: Option<Cow<'a, str>>,
}

/// `start`: which call this socket belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// `MZ` and 32 hex digits; every message to Twilio repeats it.
    pub stream_sid: String,
    /// `AC` and 32 hex digits.
    pub account_sid: Option<String>,
    /// `CA` and 32 hex digits.
    pub call_sid: String,
    /// The tracks that will arrive.
    pub tracks: Vec<Track>,
    /// The `<Parameter>`s of the TwiML.
    pub custom_parameters: BTreeMap<String, String>,
    /// The format of the audio.
    pub media_format: MediaFormat,
}

impl Start {
    /// True if the audio is what the documentation promises: mu-law, 8000 Hz, one channel.
    #[must_use]
    pub fn is_mulaw_8k(&self) -> bool {
        self.media_format == MediaFormat::default()
    }
}

/// The format of a stream's audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFormat {
    /// `audio/x-mulaw`.
    pub encoding: String,
    /// Samples per second; 0 where it could not be read.
    pub sample_rate: u32,
    /// Channels; 0 where it could not be read.
    pub channels: u32,
}

impl Default for MediaFormat {
    /// The documented constant, which is also what a left-out field means.
    fn default() -> Self {
        Self {
            encoding: "audio/x-mulaw".to_owned(),
            sample_rate: 8000,
            channels: 1,
        }
    }
}

/// Which direction of the call a message is about, as Twilio sees it: inbound is what the phone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// `inbound`, in `dtmf` spelled `inbound_track`.
    Inbound,
    /// `outbound` or `outbound_track`.
    Outbound,
    /// Left out, or a word that is not known here.
    Unknown,
}

impl Track {
    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "inbound" | "inbound_track" => Self::Inbound,
            "outbound" | "outbound_track" => Self::Outbound,
            _ => Self::Unknown,
        }
    }
}

/// `media`: a piece of audio, normally 20 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// The stream it belongs to.
    pub stream_sid: Cow<'a, str>,
    /// Whose audio it is.
    pub track: Track,
    /// A counter from 1, for logs: whether it counts per track is not documented.
    pub chunk: Option<u64>,
    /// Presentation time in ms since the stream began.
    pub timestamp_ms: Option<u64>,
    /// Base64 of raw mu-law bytes, still encoded.
    pub payload: Cow<'a, str>,
}

impl Media<'_> {
    /// Appends the mu-law bytes to `out`; allocates only where its capacity is too small.
    ///
    /// # Errors
    /// [`Garbled::Payload`] if the payload is not padded base64; `out` is then as before.
    pub fn decode_into(&self, out: &mut Vec<u8>) -> Result<(), Garbled> {
        STANDARD
            .decode_append(self.payload.as_bytes(), out)
            .map_err(|_| Garbled::Payload {
                length: self.payload.len(),
            })
    }
}

/// `dtmf`: one key press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf<'a> {
    /// The stream it belongs to.
    pub stream_sid: Cow<'a, str>,
    /// Who pressed.
    pub track: Track,
    /// `0` to `9`, `*`, `#`, as sent.
    pub digit: Cow<'a, str>,
}

/// `mark`: the echo of a mark we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The stream it belongs to.
    pub stream_sid: Cow<'a, str>,
    /// The name we gave it.
    pub name: Cow<'a, str>,
}

/// `stop`: the stream or the call has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop<'a> {
    /// The stream that ended.
    pub stream_sid: Cow<'a, str>,
    /// The call, where it was named.
    pub call_sid: Option<Cow<'a, str>>,
}

/// Reads one text message from Twilio.
///
/// Counters may be strings or numbers, unknown fields and kinds are accepted, a left-out optional field is `None`.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with an `event`, or lacks what its kind cannot do without.
pub fn parse(text: &str) -> Result<Inbound<'_>, Garbled> {
    match fast::media(text) {
        Some(media) => Ok(Inbound::Media(media)),
        None => parse_reference(text),
    }
}
