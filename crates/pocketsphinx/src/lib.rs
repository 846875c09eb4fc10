//! Safe bindings to C: the PocketSphinx recogniser, loaded at run time, and the Pico voice.
//!
//! This is the only crate that may use `unsafe`. PocketSphinx is opened while the program runs, so that a
//! machine without it can still start and say what to install. The interface is that of Debian's
//! `libpocketsphinx3` (0.8 prealpha 5); PocketSphinx 5 has another one.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ringback_pocketsphinx::{Decoder, Library, Model, Tuning};
//!
//! let library = Arc::new(Library::load()?);
//! let mut decoder = Decoder::new(&library, &Model::debian(), &Tuning::default())?;
//! decoder.set_grammar("answer", "#JSGF V1.0; grammar answer; public <answer> = yes | no;")?;
//! decoder.begin()?;
//! decoder.process(&[0; 320])?;
//! println!("{:?}", decoder.end()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod model;
pub mod pico;
mod symbols;

use std::path::Path;

pub use decoder::{Decoder, DecoderError, Hypothesis, Segment};
pub use model::{Model, Tuning};

/// What a machine without the recogniser should do.
pub const REMEDY: &str = "apt install libpocketsphinx3 pocketsphinx-en-us";

/// Rate in Hz of the samples that [`Decoder::process`] takes; the acoustic model knows no other.
pub const RATE_HZ: u32 = 16_000;

/// Frames per second of [`Segment`] positions.
pub const FRAMES_PER_SECOND: u32 = 100;

/// Why the C library cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A shared object could not be opened.
    #[error("speech recognition needs {name}, which cannot be opened ({detail}): {REMEDY}")]
    Missing {
        /// File name of the shared object.
        name: &'static str,
        /// What the dynamic linker said.
        detail: String,
    },
    /// A shared object lacks a function of its interface.
    #[error("the installed PocketSphinx lacks {name}; version 0.8 prealpha 5 is needed: {REMEDY}")]
    Function {
        /// Name of the C function.
        name: &'static str,
    },
}

/// The opened C library. Decoders keep it open.
pub struct Library {
    symbols: symbols::Symbols,
}

impl Library {
    /// Opens the library where the system keeps it.
    ///
    /// # Errors
    /// [`LoadError`] names the file that is missing and what to install.
    pub fn load() -> Result<Self, LoadError> {
        Self::load_from(None)
    }

    /// Opens the library in a folder, or where the system keeps it, and silences its own log, which would go to the
    /// standard error output.
    ///
    /// # Errors
    /// See [`Library::load`].
    pub fn load_from(folder: Option<&Path>) -> Result<Self, LoadError> {
        let symbols = symbols::Symbols::load(folder)?;
        // SAFETY: a null stream is the documented way to switch the log off; the library writes its global
        // only here, and `alone` orders that before and after every other set-up step.
        symbols::alone(|| unsafe { (symbols.err_set_logfp)(std::ptr::null_mut()) });
        Ok(Self { symbols })
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Library(PocketSphinx 0.8 prealpha 5)")
    }
}
