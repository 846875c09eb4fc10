//! Cartesia's speech synthesis: the socket with its contexts, the two HTTP requests, the list of voices, errors.
//!
//! Every request carries the key as `Authorization: Bearer <key>` ([`AUTHORIZATION_HEADER`] with
//! [`BEARER`]) or as `X-API-Key: <key>`, and names the version of the API it was written for ([`ApiVersion`]). A socket is
//! opened at [`SOCKET_PATH`], once for a call; on it run many contexts, one for each turn of the agent. All inputs of a
//! context repeat its [`Settings`]; only the text, `continue` and `flush` differ. Audio comes as base64 in `chunk`
//! messages whose sizes are no multiples of anything. A context expires [`CONTEXT_EXPIRY_MS`] after its last audio left;
//! an idle socket is closed after [`IDLE_TIMEOUT_S`] with [`IDLE_CLOSE_CODE`] and [`IDLE_CLOSE_REASON`]. Cancelling stops
//! what has not begun: what is being made may still arrive, so a reader drops every message of a context it has left.

mod client;
mod error;
mod http;
mod server;
mod settings;
mod version;
mod voices;

pub use crate::Refusal;
pub use client::{ClientMessage, Generation, Input, parse_client, write_cancel};
pub use error::ApiError;
pub use http::{BytesBody, Extras, Mp3, SpeechFormat, SseBody, parse_bytes, parse_sse, write_sse};
pub use server::{Chunk, ServerMessage, TimedWord, Timestamps, parse_server, write_chunk};
pub use settings::{Delivery, Encoding, Pace, RawFormat, Settings};
pub use version::{ApiVersion, BadVersion, version_of};
pub use voices::{Voice, VoiceLocale, VoicesQuery, parse_voices, write_voices};

/// Where the API is.
pub const BASE_URL: &str = "https://api.cartesia.ai";
/// Where its sockets are.
pub const SOCKET_BASE_URL: &str = "wss://api.cartesia.ai";
/// The socket of the synthesis.
pub const SOCKET_PATH: &str = "/tts/websocket";
/// The request whose answer is audio.
pub const BYTES_PATH: &str = "/tts/bytes";
/// The request whose answer is a stream of events.
pub const SSE_PATH: &str = "/tts/sse";
/// The list of voices.
pub const VOICES_PATH: &str = "/voices";

/// The header with the key after [`BEARER`].
pub const AUTHORIZATION_HEADER: &str = "Authorization";
/// What stands before the key in [`AUTHORIZATION_HEADER`].
pub const BEARER: &str = "Bearer ";
/// The other header with the key, bare.
pub const API_KEY_HEADER: &str = "X-API-Key";
/// The header with the version of the API.
pub const VERSION_HEADER: &str = "Cartesia-Version";
/// The header of an answer whose audio was stored on request.
pub const FILE_ID_HEADER: &str = "Cartesia-File-ID";
/// The query of a socket with the version of the API; it wins over the header.
pub const VERSION_QUERY: &str = "cartesia_version";
/// The query of a socket with a server's key; headers are better, because queries land in logs.
pub const API_KEY_QUERY: &str = "api_key";
/// The query of a socket with a browser's token.
pub const ACCESS_TOKEN_QUERY: &str = "access_token";

/// Close code of a socket that was idle.
pub const IDLE_CLOSE_CODE: u16 = 1000;
/// Close reason of a socket that was idle.
pub const IDLE_CLOSE_REASON: &str = "connection idle timeout";
/// After how long an idle socket is closed, in seconds.
pub const IDLE_TIMEOUT_S: u64 = 300;
/// How long after its last audio was streamed out a context can be continued, in ms.
pub const CONTEXT_EXPIRY_MS: u64 = 1000;
/// The longest time text may be held back, in ms.
pub const MAX_BUFFER_DELAY_MS: u64 = 5000;
/// `error_code` of a request over the plan's limit.
pub const CONCURRENCY_LIMITED: &str = "concurrency_limited";

/// True if a socket was closed because nothing was asked of it: no fault, it is opened again when it is needed.
#[must_use]
pub fn is_idle_close(code: u16, reason: &str) -> bool {
    code == IDLE_CLOSE_CODE && reason.trim() == IDLE_CLOSE_REASON
}
