//! Local engines: the Silero detector, the Pico voice, the PocketSphinx recogniser. No async.
//!
//! Nothing here knows what a call is. Engines that block run on threads of this crate's own pools.

pub mod detector;
pub mod grammar;
pub mod language;
pub mod recognizer;
pub mod vad;
pub mod voice;
