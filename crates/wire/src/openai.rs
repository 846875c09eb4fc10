//! OpenAI, and every server that speaks its HTTP languages: Chat Completions, Responses, audio, models.
//!
//! The key goes into the header [`AUTHORIZATION`] as `Bearer <key>` and never passes through this crate; `OpenAI-Organization` and
//! `OpenAI-Project` are optional. Every answer carries [`REQUEST_ID`], which belongs into the log. The paths below are
//! appended to a base URL that ends in `/v1`. Streams are read with [`crate::sse`]: one event's data goes to
//! [`chat::parse`], [`responses::parse`] or one of the parsers of [`audio`].
//!
//! Our side writes requests and reads answers leniently, as Groq, vLLM, Ollama and llama.cpp give them. The other side, for
//! the simulator, judges requests strictly and refuses with the error body the real one would send ([`Refusal`]).

pub mod audio;
pub mod chat;
pub mod errors;
mod json;
mod judge;
pub mod models;
pub mod responses;
pub mod retry;
mod settings;
mod usage;

pub use errors::{ApiError, Fault};
pub use judge::Refusal;
pub use settings::{Account, Effort, Verbosity};
pub use usage::Usage;

/// The header of the key: `Bearer <key>`.
pub const AUTHORIZATION: &str = "authorization";
/// The header that names the organisation, where a key belongs to several.
pub const ORGANIZATION: &str = "openai-organization";
/// The header that names the project, where a key belongs to several.
pub const PROJECT: &str = "openai-project";
/// The header of an answer by which OpenAI finds the request.
pub const REQUEST_ID: &str = "x-request-id";
/// Where Chat Completions are made, from the base URL.
pub const CHAT_PATH: &str = "/chat/completions";
/// Where Responses are made, from the base URL.
pub const RESPONSES_PATH: &str = "/responses";
/// Where speech is synthesised, from the base URL.
pub const SPEECH_PATH: &str = "/audio/speech";
/// Where files are transcribed, from the base URL.
pub const TRANSCRIPTIONS_PATH: &str = "/audio/transcriptions";
/// Where the models are listed, from the base URL.
pub const MODELS_PATH: &str = "/models";
/// The data of the event that ends a Chat Completions stream.
pub const DONE: &str = "[DONE]";
