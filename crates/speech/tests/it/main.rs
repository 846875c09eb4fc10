//! The engines against real sound.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod vad;
mod voice;
