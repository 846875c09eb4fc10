//! Plays the server through the program aplay, on a thread of its own.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::Context;

/// Pieces of 20 ms that may wait for the sound device: 2 s. More are dropped.
const WAITING: usize = 100;

/// A running aplay.
#[derive(Debug)]
pub struct Speaker {
    pieces: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    /// Samples of the call that were handed over.
    given: usize,
}

impl Speaker {
    /// Starts aplay for mu-law at 8000 Hz.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn start() -> anyhow::Result<Self> {
        let child = Command::new("aplay")
            .args([
                "-q", "-t", "raw", "-f", "MU_LAW", "-r", "8000", "-c", "1", "-",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("--speaker needs the program aplay: apt install alsa-utils")?;
        let (pieces, received) = sync_channel::<Vec<u8>>(WAITING);
        let thread = std::thread::Builder::new()
            .name("speaker".into())
            .spawn(move || {
                feed(child, received.into_iter());
            })
            .context("--speaker")?;
        Ok(Self {
            pieces: Some(pieces),
            thread: Some(thread),
            given: 0,
        })
    }

    /// Plays what is new in the mu-law of the whole call; never blocks.
    pub fn follow(&mut self, played: &[u8]) {
        let fresh = played.get(self.given..).unwrap_or(&[]);
        self.given = played.len();
        if let Some(pieces) = &self.pieces
            && !fresh.is_empty()
        {
            // A device that is gone or slow must not hold the call up.
            let _ = pieces.try_send(fresh.to_vec());
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn feed(mut child: Child, pieces: impl Iterator<Item = Vec<u8>>) {
    if let Some(mut input) = child.stdin.take() {
        for piece in pieces {
            if input.write_all(&piece).is_err() {
                break;
            }
        }
    }
    let _ = child.wait();
}
