//! Twilio: webhooks and media sockets.

pub mod public_url;
