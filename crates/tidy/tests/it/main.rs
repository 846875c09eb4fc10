//! The rules over the real tree, and over made-up trees that break them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod rules;
mod tree;
