//! Tests of the session through its public face.

mod webhook;
