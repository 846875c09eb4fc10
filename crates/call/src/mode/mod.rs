//! How replies come to be. The cascade is the mode there is: a responder writes, a voice speaks.

mod cascade;
mod sentences;

pub(crate) use cascade::{Cascade, Reply};
pub use sentences::sentences;
