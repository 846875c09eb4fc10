//! See `checks/trace.rs`.
#![no_main]

#[path = "../checks/trace.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::trace(data));
