//! Tests of the session through its public face.

mod corpora;
mod early_replies;
mod field_notes;
mod follows;
mod orders;
mod panics;
mod peer;
mod put_through;
mod standby;
mod starting;
mod tools;
mod traces;
mod webhook;
