//! Streaming recognition, first generation (`nova-3` and older): one socket, text as it is spoken, ends of speech by
//! silence.
//!
//! A client sends audio in binary frames (never an empty one: it ends the stream) and [`Command`]s in text frames; the
//! server answers [`Event`]s. Audio must come within about [`IDLE_LIMIT`] of opening; afterwards [`Command::KeepAlive`]
//! every 3 to 5 s bridges a time without audio. A full utterance is every final transcript since the last end, until
//! `speech_final`, or until an `UtteranceEnd` that no `speech_final` preceded.
//!
//! A recording is posted to the same path with the same query, as its bytes and with their content type, and answered by a
//! [`Transcript`] of all of it. It may have [`MAX_RECORDING_BYTES`].

mod client;
mod query;
mod recorded;
mod server;
mod write;

use std::time::Duration;

use super::Closing;

pub use client::{Command, Configure, parse_command};
pub use query::{Endpointing, Formatting, Query, parse_query};
pub use recorded::{Channel, Transcript, parse_transcript};
pub use server::{
    Alternative, ConfigureFault, Event, Metadata, ModelInfo, Results, ResultsMetadata, Word, parse,
};

/// The path of the socket, and of recordings.
pub const PATH: &str = "/v1/listen";
/// Without a frame for so long, Deepgram closes with [`CLIENT_SILENT`].
pub const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of a recording: 2 GB.
pub const MAX_RECORDING_BYTES: u64 = 2_000_000_000;
/// The most tokens all keyterms may have together.
pub const MAX_KEYTERM_TOKENS: usize = 500;
/// The `variant` of [`Event::Error`] after a text frame that could not be understood. The session goes on.
pub const SCHEMA_ERROR: &str = "SchemaError";

/// Bytes that cannot be decoded as audio: another encoding than announced, or JSON in a binary frame.
pub const UNDECODABLE: Closing = Closing::of(
    1008,
    "DATA-0000",
    "DATA-0000: the bytes cannot be decoded as audio",
);
/// Deepgram had nothing to say in its window: internal trouble, or too little audio.
pub const SERVER_SILENT: Closing = Closing::of(
    1011,
    "NET-0000",
    "NET-0000: no text was sent within the timeout window",
);
/// The client sent neither audio nor a message within [`IDLE_LIMIT`].
pub const CLIENT_SILENT: Closing = Closing::of(
    1011,
    "NET-0001",
    "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001",
);
