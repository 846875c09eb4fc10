//! What speaks: one file per engine, and the cache of fixed lines.

mod lines;
mod pico;

pub(crate) use lines::Lines;
pub(crate) use pico::Local;
