//! Media Streams, Twilio's side, for the simulator: judge strictly what a server sends, write what Twilio writes.

mod node;
mod write;

use std::borrow::Cow;

use base64_simd::STANDARD;

use node::{Fields, Node};
pub use write::{
    InboundMedia, write_connected, write_dtmf, write_inbound_media, write_mark_echo, write_start,
    write_stop,
};

/// A message of a server to Twilio, taken strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// Audio to play after what is queued.
    Media {
        /// The stream it is for.
        stream_sid: Cow<'a, str>,
        /// Base64 of raw mu-law bytes, still encoded, known to be decodable.
        payload: Cow<'a, str>,
    },
    /// A mark to echo when the audio before it has been played.
    Mark {
        /// The stream it is for.
        stream_sid: Cow<'a, str>,
        /// The name to echo.
        name: Cow<'a, str>,
    },
    /// Throw away what is queued.
    Clear {
        /// The stream it is for.
        stream_sid: Cow<'a, str>,
    },
}

impl<'a> Outbound<'a> {
    /// The stream the message is for.
    #[must_use]
    pub fn stream_sid(&self) -> &str {
        match self {
            Self::Media { stream_sid, .. }
            | Self::Mark { stream_sid, .. }
            | Self::Clear { stream_sid } => stream_sid,
        }
    }

    /// The message itself if it is for the stream `live`.
    ///
    /// # Errors
    /// [`Refusal::OtherStream`].
    pub fn on_stream(self, live: &str) -> Result<Self, Refusal> {
        if self.stream_sid() == live {
            Ok(self)
        } else {
            Err(Refusal::OtherStream)
        }
    }

    /// Appends the mu-law bytes of a `media` message to `out`; nothing for the other kinds.
    pub fn decode_into(&self, out: &mut Vec<u8>) {
        if let Self::Media { payload, .. } = self {
            let decoded = STANDARD.decode_append(payload.as_bytes(), out);
            debug_assert!(decoded.is_ok(), "checked when it was parsed");
        }
    }
}

/// Why Twilio would not take a message. It reports each code once per stream and goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server sent a binary frame.
    #[error("31950 malformed message: a binary frame, where only text frames are allowed")]
    Binary,
    /// The payload cannot be decoded.
    #[error("31950 malformed message: media.payload is not padded base64")]
    Payload,
    /// The text is no JSON.
    #[error("31951 invalid message: not JSON at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where the line is empty.
        column: usize,
    },
    /// The event is not `media`, `mark` or `clear`.
    #[error("31951 invalid message: unknown event {0:?}")]
    UnknownEvent(String),
    /// A field that must be there is not.
    #[error("31951 invalid message: {event} without the field {field:?}")]
    Missing {
        /// The kind of message.
        event: &'static str,
        /// The field that is missing.
        field: &'static str,
    },
    /// A field that must not be there is, or is there twice.
    #[error("31951 invalid message: {event} with the unexpected field {field:?}")]
    Unexpected {
        /// The kind of message.
        event: &'static str,
        /// The field that is too much.
        field: String,
    },
    /// A field, or the message, has the wrong type.
    #[error("31951 invalid message: {field} must be {expected}")]
    WrongShape {
        /// What has the wrong type.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The message names another stream than the one of this socket.
    #[error("31951 invalid message: its streamSid is not the one of this stream")]
    OtherStream,
}

impl Refusal {
    /// The code of Twilio's error dictionary. (That an undecodable payload is 31950 is our reading of "undecodable".)
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Binary | Self::Payload => 31950,
            Self::Json { .. }
            | Self::UnknownEvent(_)
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::WrongShape { .. }
            | Self::OtherStream => 31951,
        }
    }
}

/// Reads one text message of a server as strictly as Twilio does: the three events, exactly their fields.
///
/// # Errors
/// [`Refusal`] with Twilio's code and what is wrong.
pub fn parse_outbound(text: &str) -> Result<Outbound<'_>, Refusal> {
    let node: Node<'_> = serde_json::from_str(text).map_err(|error| Refusal::Json {
        line: error.line(),
        column: error.column(),
    })?;
    let mut fields = Fields::of("the message", node)?;
    let event = fields.text("message", "event")?;
    match &*event {
        "media" => {
            let (stream_sid, mut body) = fields.with_body("media")?;
            let payload = body.text("media", "payload")?;
            body.finish("media")?;
            STANDARD
                .check(payload.as_bytes())
                .map_err(|_| Refusal::Payload)?;
            Ok(Outbound::Media {
                stream_sid,
                payload,
            })
        }
        "mark" => {
            let (stream_sid, mut body) = fields.with_body("mark")?;
            let name = body.text("mark", "name")?;
            body.finish("mark")?;
            Ok(Outbound::Mark { stream_sid, name })
        }
        "clear" => {
            let stream_sid = fields.text("clear", "streamSid")?;
            fields.finish("clear")?;
            Ok(Outbound::Clear { stream_sid })
        }
        other => Err(Refusal::UnknownEvent(other.to_owned())),
    }
}
