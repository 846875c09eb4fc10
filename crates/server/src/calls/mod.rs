//! Calls of this server: expected, live, ended, and who takes them.

pub mod conversation;
pub mod nodes;
pub mod reasons;
pub mod recent;
pub mod registry;
pub mod rows;
pub mod tokens;
pub mod watch;

pub use conversation::{Arrival, Connected, Ending, Seat, Sessions, Switchboard};
pub use recent::Recent;
pub use registry::{Counts, Live, Outcome, Refusal, Registry, Resumption};
pub use rows::{KINDS, Rows};
pub use tokens::{Purpose, Signer, TokenId};
pub use watch::Watches;
