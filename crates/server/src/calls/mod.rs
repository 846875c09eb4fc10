//! Calls of this server: expected, live, ended.

pub mod registry;
pub mod tokens;

pub use registry::{Live, Outcome, Refusal, Registry, Resumption};
pub use tokens::{Purpose, Signer, TokenId};
