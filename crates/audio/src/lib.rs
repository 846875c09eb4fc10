//! Frames, G.711, resampling, the energy gate, tones and WAV: pure arithmetic on samples.
//!
//! Telephone audio is mu-law at 8000 Hz in frames of 20 ms. Everything here works on linear 16-bit samples or
//! mu-law bytes and keeps its whole state in plain values: no clock, no file, no thread. [`wav`] alone reads and
//! writes, and only through `Read`, `Write` and `Seek`.

pub mod dtmf;
pub mod frame;
pub mod g711;
pub mod gate;
pub mod resample;
pub mod ring;
pub mod tone;
pub mod wav;

pub use frame::{FRAME_MS, FRAME_SAMPLES, Frame, RATE_HZ};
