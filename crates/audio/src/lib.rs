//! Frames, G.711, resampling, the energy gate and WAV: pure arithmetic on samples.
