//! Twilio: webhooks and media sockets.

pub mod amd;
pub mod authentic;
pub mod forms;
pub mod local;
pub mod media;
pub mod public_url;
pub mod resume;
pub mod socket;
pub mod voice;
