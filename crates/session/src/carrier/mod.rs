//! Carriers: who brings the caller's audio and takes ours.

pub mod onward;
pub mod rest;
pub mod twilio;
