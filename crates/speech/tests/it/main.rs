//! The engines against real sound.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod detector;
mod detector_sounds;
mod grammar;
mod recognizer;
mod tones;
mod vad;
mod voice;
