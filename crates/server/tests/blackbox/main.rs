//! Ring 3: the built server as a process, telephoned in real time by `ringback call` as another.
//!
//! `RINGBACK_BIN` names the binary; without it the one that was built with the tests is taken. Nothing leaves 127.0.0.1.
//! The tests measure time, so they run one after the other: `cargo nextest run -E 'binary(blackbox)' -j 1`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http;
mod media;
mod outcome;
mod server;
mod sound;
mod telephone;
mod twins;

mod bad_sockets;
mod barge_in;
mod callee;
mod cascade;
mod full_disk;
mod keys;
mod languages;
mod living;
mod log;
mod recording;
mod refusals;
mod sign_ins;
mod told;
mod understanding;
mod webhook;

use std::time::{Duration, Instant};

/// Waits until something is there, looking often.
fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < patience,
            "{what}: not within {patience:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
