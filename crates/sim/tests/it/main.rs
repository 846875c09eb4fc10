//! The terminal telephone against servers of a few lines, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aura;
mod call;
mod captcha;
mod cartesia;
mod control;
mod conversation;
mod deepgram;
mod docs;
mod elevenlabs;
mod flux;
mod marks;
mod openai;
mod playback;
mod recorded;
mod refused;
mod responses;
mod sdk;
mod server;
mod twins;
