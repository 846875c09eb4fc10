//! The engines against real sound.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod detector;
mod vad;
mod voice;
