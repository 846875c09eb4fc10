//! The real library on recorded speech. Without the library these tests fail and name the remedy.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decoder;
