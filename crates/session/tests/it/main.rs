//! Tests of the session through its public face.

mod panics;
mod traces;
mod webhook;
