//! What hears: one file per engine.

mod pocketsphinx;

pub(crate) use pocketsphinx::Local;
