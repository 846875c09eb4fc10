//! The server through its public face.

mod accounts;
mod amd;
mod attacks;
mod bench;
mod binary;
mod blocks;
mod bodies;
mod captcha;
mod check;
mod client;
#[path = "../../../store/tests/it/cluster.rs"]
mod cluster;
mod config;
mod conversations;
mod culprits;
mod following;
mod headers;
mod health;
mod listening;
mod log;
mod media;
mod metrics;
mod openapi;
mod pages;
mod privacy;
mod public_url;
mod rates;
mod resume;
mod routes;
mod rows;
mod server;
mod simulated;
mod speech;
mod tls;
mod traces;
mod voice;
