//! Twilio: the media stream in both directions, TwiML, webhooks and their signatures, the REST API.

pub mod media;
pub mod media_client;
pub mod rest;
pub mod signature;
pub mod twiml;
pub mod webhook;
