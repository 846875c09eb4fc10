//! SVOX Pico, the local voice: the one call of its binding that is not safe, made safe here.
//!
//! The binding crate is safe but for creating an engine, which crashes when a voice lacks one of its
//! two data files. Only this crate may use `unsafe`, so that call lives here and not with the voice pool.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;
use std::rc::Rc;

use ttspico::{Engine, EngineResetMode, EngineStatus, System, Voice};

/// Rate of Pico's sound in Hz; it has no other.
pub const RATE_HZ: u32 = 16_000;

/// Bytes of the one memory area of an engine: what Pico's own command line program gives it. The
/// American voice's data take 1.4 million of them.
const MEMORY_BYTES: usize = 2_500_000;

/// The text header of a data file ends well before this.
const HEADER_BYTES: u64 = 512;

/// Samples that one [`Pico::pull`] hands over at most: the C interface counts bytes in an `i16`.
pub const PULL_SAMPLES: usize = 8_000;

/// What Pico refused, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("Pico {step}: {detail}")]
pub struct PicoFault {
    /// What was asked of it.
    pub step: &'static str,
    /// Its answer.
    pub detail: String,
}

/// One loaded voice. It belongs to the thread that opened it: the binding counts its references without locks.
pub struct Pico {
    engine: Engine,
    thread_bound: PhantomData<Rc<()>>,
}

impl fmt::Debug for Pico {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pico")
    }
}

impl Pico {
    /// Loads a voice from its text analysis file (`*_ta.bin`) and its signal generation file (`*_sg.bin`).
    ///
    /// # Errors
    /// A file that is missing, unreadable, of another kind, or whose path is not UTF-8.
    pub fn open(text_analysis: &Path, signal_generation: &Path) -> Result<Self, PicoFault> {
        let system = System::new(MEMORY_BYTES).map_err(fault("start"))?;
        let voice = System::create_voice(Rc::clone(&system), "voice").map_err(fault("voice"))?;
        for (path, kind) in [(text_analysis, "TEXTANA"), (signal_generation, "SIGGEN")] {
            check_kind(path, kind)?;
            let text = path.to_str().ok_or_else(|| PicoFault {
                step: "load",
                detail: format!("the path {} is not UTF-8", path.display()),
            })?;
            let resource =
                System::load_resource(Rc::clone(&system), text).map_err(|error| PicoFault {
                    step: "load",
                    detail: format!("{}: {error}", path.display()),
                })?;
            voice
                .borrow_mut()
                .add_resource(resource)
                .map_err(fault("add"))?;
        }
        // SAFETY: the call's one condition is that a text analysis and a signal generation resource were
        // added to the voice before it. Both additions above succeeded, and the files name those kinds. That the
        // files are Pico's own and whole is the duty of who ships them, as for any library loaded from a path.
        let engine = unsafe { Voice::create_engine(voice) }.map_err(fault("engine"))?;
        Ok(Self {
            engine,
            thread_bound: PhantomData,
        })
    }

    /// Hands in text as UTF-8, ended by a NUL byte that makes Pico speak it. Returns how many bytes it
    /// took: when its input is full that is fewer, and the rest is put after the next [`Pico::pull`].
    ///
    /// Pico reads `<...>` as markup, which can read and write files: text of strangers must not contain `<`.
    ///
    /// # Errors
    /// Pico's own.
    pub fn put(&mut self, text: &[u8]) -> Result<usize, PicoFault> {
        self.engine.put_text(text).map_err(fault("put"))
    }

    /// Writes the next samples (16 kHz, mono) to the front of `samples` (the first [`PULL_SAMPLES`] of them
    /// at most). Returns how many, and whether there is more to come.
    ///
    /// # Errors
    /// Pico's own; the engine then needs [`Pico::reset`].
    pub fn pull(&mut self, samples: &mut [i16]) -> Result<(usize, bool), PicoFault> {
        let end = samples.len().min(PULL_SAMPLES);
        let (count, status) = self
            .engine
            .get_data(&mut samples[..end])
            .map_err(fault("pull"))?;
        Ok((count, status == EngineStatus::Busy))
    }

    /// Forgets text and sound that wait inside.
    ///
    /// # Errors
    /// Pico's own; the engine is then of no more use.
    pub fn reset(&mut self) -> Result<(), PicoFault> {
        self.engine
            .reset(EngineResetMode::Full)
            .map_err(fault("reset"))
    }
}

/// The file says in its header what it holds; Pico itself would take two of one kind, then crash.
fn check_kind(path: &Path, kind: &str) -> Result<(), PicoFault> {
    let refused = |detail: String| PicoFault {
        step: "load",
        detail: format!("{}: {detail}", path.display()),
    };
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    File::open(path)
        .and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut header))
        .map_err(|error| refused(error.to_string()))?;
    let wanted = format!("CONTENT_TYPE {kind} ");
    if header
        .windows(wanted.len())
        .any(|window| window == wanted.as_bytes())
    {
        return Ok(());
    }
    Err(refused(format!("no Pico file of the kind {kind}")))
}

fn fault(step: &'static str) -> impl Fn(ttspico::PicoError) -> PicoFault {
    move |error| PicoFault {
        step,
        detail: error.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn model(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../models/pico")
            .join(name)
    }

    #[test]
    fn a_sentence_becomes_sound() {
        let mut pico = Pico::open(&model("en-US_ta.bin"), &model("en-US_lh0_sg.bin")).unwrap();
        let text = b"Hello there.\0";
        assert_eq!(pico.put(text).unwrap(), text.len());
        let mut block = [0i16; 512];
        let mut all = Vec::new();
        loop {
            let (count, more) = pico.pull(&mut block).unwrap();
            all.extend_from_slice(&block[..count]);
            if !more {
                break;
            }
        }
        assert!(
            all.len() > RATE_HZ as usize / 2,
            "only {} samples",
            all.len()
        );
        assert!(all.iter().any(|&sample| sample.unsigned_abs() > 3000));
    }

    #[test]
    fn a_voice_of_two_files_of_one_kind_is_refused() {
        for name in ["en-US_ta.bin", "en-US_lh0_sg.bin"] {
            let fault = Pico::open(&model(name), &model(name)).unwrap_err();
            assert!(fault.to_string().contains("no Pico file"), "{fault}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = Pico::open(&model("absent_ta.bin"), &model("en-US_lh0_sg.bin")).unwrap_err();
        assert!(fault.to_string().contains("absent_ta.bin"), "{fault}");
    }
}
