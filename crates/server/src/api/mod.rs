//! The routes of clients, one file per resource.

pub mod admin;
pub mod auth;
pub mod calls;
pub mod captcha;
pub mod conversations;
pub mod erase;
pub mod ip_blocks;
pub mod keys;
pub mod lists;
pub mod scenarios;
pub mod speech;
mod sse;
pub mod users;
