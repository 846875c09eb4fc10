//! Tests about the source tree itself.
//!
//! Each rule is a function from the [`Tree`] to its [`Breach`]es; `tests/it` runs every rule over the real tree and
//! every rule over made-up trees that break it. What must break a rule stands in `exceptions.txt`, with its reason.
#![allow(clippy::wildcard_enum_match_arm, reason = "the enums of syn are open")]

mod breach;
pub mod budgets;
pub mod licences;
pub mod links;
pub mod purity;
mod source;
mod tree;
pub mod walls;
pub mod words;

pub use breach::{Breach, settle};
pub use source::Source;
pub use tree::Tree;
