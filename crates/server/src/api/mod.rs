//! The routes of clients, one file per resource.

pub mod auth;
pub mod calls;
pub mod users;
