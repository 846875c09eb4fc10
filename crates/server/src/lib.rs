//! The server: configuration, HTTP, Twilio's webhooks and media sockets. The binary `ringback` is a thin shell around it.
//!
//! [`app::serve`] wires the parts in order. [`routes::ROUTES`] is every route with its protection. A call comes by
//! [`hooks::voice`], talks through [`hooks::media`], and is followed up by [`hooks::resume`]; [`calls`] knows which calls
//! are expected, live and ended.

pub mod accounts;
pub mod alive;
pub mod answers;
pub mod api;
pub mod app;
pub mod blocks;
pub mod body;
pub mod calls;
pub mod captcha;
pub mod check;
pub mod client;
pub mod config;
pub mod database;
pub mod desk;
pub mod guards;
mod guests;
pub mod headers;
pub mod health;
pub mod hooks;
pub mod keyring;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod patience;
pub mod pulse;
pub mod rates;
pub mod refusal;
pub mod requests;
pub mod retention;
pub mod routes;
pub mod scenarios;
pub mod seal;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod traces;
pub mod upload;
pub mod vault;
pub mod welcome;
