//! Carriers: who brings the caller's audio and takes ours.

pub mod rest;
pub mod twilio;
