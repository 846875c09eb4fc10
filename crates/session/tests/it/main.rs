//! Tests of the session through its public face.

mod traces;
mod webhook;
