//! The caller: what is said, when, and how it sounds on a telephone.

pub(crate) mod callee;
pub mod clip;
pub mod conductor;
pub mod interactive;
pub mod mouth;
pub mod noise;
pub mod render;
pub mod script;
