//! Streaming recognition, second generation (Flux): turns in the place of utterances, their ends found by the model.
//!
//! A client sends mono audio in binary frames, best 80 ms each, and [`Command`]s in text frames; the server answers
//! [`Event`]s, the first of which is `Connected`. There is no `KeepAlive`: it would end the session. Audio, or pings of
//! the WebSocket protocol, keep the socket open ([`IDLE_LIMIT`]). Turns run on audio, not on time: if audio stops within
//! a turn, its end never comes. `CloseStream` brings `Update`s but no `EndOfTurn`, then a close frame without a code.

mod client;
mod query;
mod server;
mod write;

use std::time::Duration;

pub use client::{Command, Configure, parse_command};
pub use query::{Query, parse_query};
pub use server::{Event, Thresholds, Trigger, TurnEvent, TurnInfo, Word, parse};

/// The path of the socket.
pub const PATH: &str = "/v2/listen";
/// About so long a socket lives without audio and pings.
pub const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// The `code` of [`Event::Error`] after a text frame that could not be understood. The session ends.
pub const UNPARSABLE_CLIENT_MESSAGE: &str = "UNPARSABLE_CLIENT_MESSAGE";
/// The `code` of [`Event::Error`] for Deepgram's own trouble. The session ends.
pub const INTERNAL_SERVER_ERROR: &str = "INTERNAL_SERVER_ERROR";
/// The one model that takes language hints.
pub const MULTILINGUAL_MODEL: &str = "flux-general-multi";
/// The languages that can be hinted.
pub const LANGUAGES: [&str; 10] = ["de", "en", "es", "fr", "hi", "it", "ja", "nl", "pt", "ru"];
