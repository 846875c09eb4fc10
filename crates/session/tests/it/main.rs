//! Tests of the session through its public face.

mod panics;
mod starting;
mod traces;
mod webhook;
