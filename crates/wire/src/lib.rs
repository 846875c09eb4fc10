//! The languages of Twilio and of every provider, as pure grammars.
//!
//! Bytes or text in, values out, and back again: no clock, no socket, no configuration. What we read from a
//! foreign party is read leniently ([`Garbled`] only where nothing sensible is left), what we write is exactly what
//! its documentation asks for. The parsers that judge *us*, for the simulator, are strict.

pub mod captcha;
pub mod cartesia;
pub mod deepgram;
mod demand;
pub mod elevenlabs;
mod garbled;
mod loose;
pub mod mcp;
pub mod openai;
pub mod phone_number;
mod short_text;
pub mod sse;
pub mod twilio;

pub use demand::Refusal;
pub use garbled::Garbled;
