//! How replies come to be. The cascade is the mode there is: a responder writes, a voice speaks.

mod cascade;
mod role;
mod sentences;
mod stall;

pub(crate) use cascade::{Cascade, Reply};
pub(crate) use role::Role;
pub use sentences::sentences;
