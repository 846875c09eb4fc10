//! The grammars against the messages of the vendors' references, and against everything else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod captcha;
mod cartesia;
mod corpora;
mod deepgram;
mod elevenlabs;
mod fixtures;
mod media;
mod media_client;
mod openai;
mod sse;
mod twiml;
mod webhook;
