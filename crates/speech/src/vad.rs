//! The Silero v6 voice activity model for 8 kHz.
