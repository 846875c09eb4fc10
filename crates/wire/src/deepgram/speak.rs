//! The Aura voices: a socket that speaks text as it comes, and a request that speaks one text.
//!
//! On the socket a client sends [`Command`]s in text frames; the server answers audio in binary frames, raw in the
//! query's format, and [`Event`]s in text frames. `Flushed` follows the last audio of its flush. After `Clear`, audio may
//! still come until `Cleared`: throw it away. There is no keep-alive message. A request posts [`Text`] to the same path
//! and is answered by the audio, with the headers named below.

mod client;
mod query;
mod server;
mod text;

use std::time::Duration;

use super::Closing;

pub use client::{Command, closing, parse_command};
pub use query::{Container, Query, parse_request_query, parse_socket_query};
pub use server::{Event, parse};
pub use text::{Text, parse_text};

/// The path of the socket and of the request.
pub const PATH: &str = "/v1/speak";
/// The voice that speaks where none is named.
pub const DEFAULT_MODEL: &str = "aura-asteria-en";
/// The most characters of a `Speak`, or of a request.
pub const MAX_CHARACTERS: usize = 2000;
/// The most `Flush`es in [`FLUSH_WINDOW`]; each further one is answered by a `Warning` and not done.
pub const MAX_FLUSHES: usize = 20;
/// See [`MAX_FLUSHES`].
pub const FLUSH_WINDOW: Duration = Duration::from_secs(60);
/// The longest life of a socket; it then closes with [`TOO_LONG_OPEN`].
pub const MAX_SESSION: Duration = Duration::from_secs(60 * 60);
/// The header of a request's answer with the name of the voice.
pub const MODEL_NAME_HEADER: &str = "dg-model-name";
/// The header of a request's answer with the id of the voice.
pub const MODEL_UUID_HEADER: &str = "dg-model-uuid";
/// The header of a request's answer with the number of characters spoken, which is what is paid for.
pub const CHARACTER_COUNT_HEADER: &str = "dg-char-count";

/// The client sent a frame that is no text.
pub const NOT_TEXT: Closing = Closing::of(
    1003,
    "MESSAGE-0000",
    "MESSAGE-0000: only text frames are taken",
);
/// The client sent a message that does not exist.
pub const UNKNOWN_COMMAND: Closing = Closing::of(1008, "DATA-0000", "DATA-0000: unknown command");
/// The client sent too many characters in a short time.
pub const TOO_MANY_CHARACTERS: Closing = Closing::of(
    1008,
    "DATA-0001",
    "DATA-0001: too many characters within a short time",
);
/// The client sent a message that is too large.
pub const MESSAGE_TOO_LARGE: Closing =
    Closing::of(1009, "BIG-0000", "BIG-0000: the message is too large");
/// The client sent more than [`MAX_CHARACTERS`] in one `Speak`.
pub const TEXT_TOO_LONG: Closing = Closing::of(1009, "BIG-0001", "BIG-0001: the text is too long");
/// Deepgram's own trouble.
pub const INTERNAL_ERROR: Closing = Closing::of(1011, "NET-0000", "NET-0000: internal error");
/// The client sent nothing for too long.
pub const CLIENT_SILENT: Closing = Closing::of(
    1011,
    "NET-0001",
    "NET-0001: no message was received within the timeout window",
);
/// Deepgram could not send.
pub const CANNOT_SEND: Closing =
    Closing::of(1011, "NET-0002", "NET-0002: a message could not be sent");
/// The socket was open for [`MAX_SESSION`].
pub const TOO_LONG_OPEN: Closing = Closing::of(
    1011,
    "NET-0003",
    "NET-0003: the time limit of a session is exceeded",
);
