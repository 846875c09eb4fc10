//! A pretend Twilio: what it plays, what it says on the media socket, what it asks by webhook.

pub mod playback;
pub mod stream;
pub mod webhook;
