//! How replies come to be. The cascade is the mode there is: a responder writes, a voice speaks.

mod cascade;

pub(crate) use cascade::Cascade;
