//! ElevenLabs' speech synthesis: the socket for one text, the socket for many contexts, the streaming HTTP request, errors.
//!
//! The key goes into the header [`API_KEY_HEADER`], bare; on a socket it may stand in the first message instead, where
//! this grammar only notes that it is there. The voice is a part of the path ([`Endpoint`]), the model and the format of
//! the audio are in the query ([`StreamQuery`]). Audio comes as base64 in JSON. The two sockets differ in what an empty
//! text means: on `stream-input` `""` ends the stream and `" "` keeps it alive, on `multi-stream-input` `""` keeps
//! a context alive. Clients say `context_id`, the provider says `contextId`.

mod endpoint;
mod error;
mod http;
mod multi;
mod query;
mod server;
mod single;
mod voice_settings;

pub use crate::Refusal;
pub use endpoint::Endpoint;
pub use error::ApiError;
pub use http::{SpeechBody, TimedChunk, parse_body, parse_timed_chunk};
pub use multi::{MultiMessage, OpenContexts, parse_multi};
pub use query::{Normalization, OUTPUT_FORMATS, StreamQuery};
pub use server::{Audio, ServerMessage, TimedChar, parse_server, write_audio};
pub use single::{SingleMessage, parse_opening, parse_single};
pub use voice_settings::{Opening, VoiceSettings};

/// Where the API is.
pub const BASE_URL: &str = "https://api.elevenlabs.io";
/// Where its sockets are.
pub const SOCKET_BASE_URL: &str = "wss://api.elevenlabs.io";
/// The header with the key.
pub const API_KEY_HEADER: &str = "xi-api-key";
/// The query of a socket with a browser's single-use token.
pub const TOKEN_QUERY: &str = "token";
/// Where the account of a key is described: a request that costs nothing. A key that may speak but not read answers 401 with the
/// code `missing_permissions`.
pub const USER_PATH: &str = "/v1/user";
/// The header of an answer by which the provider's support finds it.
pub const TRACE_ID_HEADER: &str = "x-trace-id";
/// The header of an answer of the global host that says where it came from.
pub const REGION_HEADER: &str = "x-region";

/// How many contexts may be open on one socket; one more and it is closed with [`VIOLATION_CLOSE_CODE`].
pub const MAX_OPEN_CONTEXTS: usize = 5;
/// Close code of a socket whose client broke a rule.
pub const VIOLATION_CLOSE_CODE: u16 = 1008;
/// The `error` of a socket with too many contexts.
pub const TOO_MANY_CONTEXTS: &str = "max_active_conversations";
/// After how long without a message a socket is closed, in seconds, unless the query says otherwise.
pub const INACTIVITY_TIMEOUT_S: u64 = 20;
/// The longest such time that can be asked for, in seconds.
pub const MAX_INACTIVITY_TIMEOUT_S: u64 = 180;
/// How many characters must have come before the first, second, third and every later piece is spoken, unless the first
/// message says otherwise, `auto_mode` is on, or a flush comes.
pub const CHUNK_LENGTH_SCHEDULE: [u64; 4] = [120, 160, 250, 290];
