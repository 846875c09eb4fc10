//! The server: configuration, HTTP, Twilio's webhooks and media sockets, and the binary `ringback`.

pub mod calls;
pub mod config;
pub mod hooks;
pub mod telemetry;
