//! Safe binding to the PocketSphinx C library, loaded at run time.

pub mod pico;
