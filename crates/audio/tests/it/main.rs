//! WAV files against another reader and writer, and against everything that can happen to a file.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod wav_reader;
mod wav_writer;
