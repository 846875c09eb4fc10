//! Deepgram: streaming recognition in its two generations ([`listen`], [`flux`]), the Aura voices ([`speak`]) and the
//! bodies of refusals ([`http_error`]).
//!
//! Field names follow Deepgram's API specification of July 2026 and its Python SDK 7.17.0. Audio travels in binary
//! frames, everything else as JSON in text frames; a control message in a binary frame would be taken for audio. Every
//! request carries `Authorization: Token <API key>` ([`AUTHORIZATION`]), for a short-lived JWT `Bearer <JWT>`. The URL
//! is the base, the path of the module ([`listen::PATH`] and so on), `?`, and the query.
//!
//! Seconds on the wire are [`Duration`](std::time::Duration)s here, to the microsecond; they count audio sent, not time
//! passed.

mod closing;
mod encoding;
pub mod flux;
pub mod http_error;
pub mod listen;
mod node;
mod parameters;
mod refusal;
pub mod speak;

pub use closing::{Closing, close_id, may_reconnect, may_retry};
pub use encoding::Encoding;
pub use parameters::BadQuery;
pub use refusal::Refusal;

/// Where Deepgram answers unless another region or a twin is configured. Sockets take `wss` in the place of `https`.
pub const BASE_URL: &str = "https://api.deepgram.com";
/// The header with the credential.
pub const AUTHORIZATION: &str = "authorization";
/// The word before an API key in [`AUTHORIZATION`], with its space.
pub const API_KEY_SCHEME: &str = "Token ";
/// The word before a short-lived JWT in [`AUTHORIZATION`], with its space.
pub const JWT_SCHEME: &str = "Bearer ";
/// Where a key is described (Deepgram's page on authentication): a request that costs nothing, refused if the key is not valid.
pub const TOKEN_PATH: &str = "/v1/auth/token";
/// The header of an answer, also of a WebSocket handshake's, with Deepgram's id of the request. It may be missing.
pub const REQUEST_ID_HEADER: &str = "dg-request-id";
/// The header of a refused handshake with the reason, which its body repeats.
pub const ERROR_HEADER: &str = "dg-error";
