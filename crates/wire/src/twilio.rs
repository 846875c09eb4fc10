//! Twilio: the media stream in both directions, TwiML, webhooks and their signatures.

pub mod media;
pub mod media_client;
pub mod signature;
pub mod twiml;
pub mod webhook;
