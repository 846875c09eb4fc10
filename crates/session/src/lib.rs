//! One live call: the loop, one adapter file per vendor and local engine.

pub mod responder;
pub mod scenario;
