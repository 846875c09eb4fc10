//! The server through its public face.

mod config;
