//! The local voice: SVOX Pico on a pool of threads.
