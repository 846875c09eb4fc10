//! The routes of clients, one file per resource.

pub mod calls;
