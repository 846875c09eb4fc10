//! The callback about a media stream's fate.

use super::{BadForm, Form};

/// The stream status callback: for a handshake that failed, the only notice there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStatus<'a> {
    /// `CA` and 32 hex digits.
    pub call_sid: &'a str,
    /// `MZ` and 32 hex digits.
    pub stream_sid: Option<&'a str>,
    /// The name from the TwiML, else the stream's SID.
    pub stream_name: Option<&'a str>,
    /// `None` where it is a word that is not known here.
    pub event: Option<StreamEvent>,
    /// What went wrong, on [`StreamEvent::Error`].
    pub error: Option<&'a str>,
    /// ISO 8601.
    pub timestamp: Option<&'a str>,
}

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent {
    /// `stream-started`.
    Started,
    /// `stream-stopped`.
    Stopped,
    /// `stream-error`.
    Error,
}

impl<'a> StreamStatus<'a> {
    /// The view of `form`.
    ///
    /// # Errors
    /// [`BadForm::Missing`] without `CallSid` or `StreamEvent`.
    pub fn of(form: &'a Form) -> Result<Self, BadForm> {
        let event = match form.required("StreamEvent")? {
            "stream-started" => Some(StreamEvent::Started),
            "stream-stopped" => Some(StreamEvent::Stopped),
            "stream-error" => Some(StreamEvent::Error),
            _ => None,
        };
        Ok(Self {
            call_sid: form.required("CallSid")?,
            stream_sid: form.filled("StreamSid"),
            stream_name: form.filled("StreamName"),
            event,
            error: form.filled("StreamError"),
            timestamp: form.filled("Timestamp"),
        })
    }
}
