//! The voice's data files: inside the binary, and once on disk, because Pico loads only from a path.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::VoiceError;

const TEXT_ANALYSIS: (&str, &[u8]) = (
    "en-US_ta.bin",
    include_bytes!("../../../../models/pico/en-US_ta.bin"),
);
const SIGNAL_GENERATION: (&str, &[u8]) = (
    "en-US_lh0_sg.bin",
    include_bytes!("../../../../models/pico/en-US_lh0_sg.bin"),
);

/// Where the two files of the voice lie.
#[derive(Debug, Clone)]
pub(super) struct VoiceFiles {
    pub(super) text_analysis: PathBuf,
    pub(super) signal_generation: PathBuf,
}

/// Sees to it that `data_dir/models/pico` holds exactly our files.
pub(super) fn install(data_dir: &Path) -> Result<VoiceFiles, VoiceError> {
    let folder = data_dir.join("models").join("pico");
    fs::create_dir_all(&folder).map_err(|source| VoiceError::Data {
        path: folder.clone(),
        source,
    })?;
    let place = |(name, content): (&str, &[u8])| -> Result<PathBuf, VoiceError> {
        let path = folder.join(name);
        write_once(&path, content).map_err(|source| VoiceError::Data {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    };
    Ok(VoiceFiles {
        text_analysis: place(TEXT_ANALYSIS)?,
        signal_generation: place(SIGNAL_GENERATION)?,
    })
}

/// A file with this content stays untouched; any other is replaced in one step, so that no reader ever sees half.
fn write_once(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::read(path) {
        Ok(present) if present == content => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let fresh = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::File::create(&fresh)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_replaced_and_a_sound_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let files = install(dir.path()).unwrap();
        let written = fs::metadata(&files.text_analysis)
            .unwrap()
            .modified()
            .unwrap();
        fs::write(&files.signal_generation, b"damaged").unwrap();
        install(dir.path()).unwrap();
        assert_eq!(
            fs::read(&files.signal_generation).unwrap(),
            SIGNAL_GENERATION.1
        );
        assert_eq!(
            fs::metadata(&files.text_analysis)
                .unwrap()
                .modified()
                .unwrap(),
            written
        );
        let names = fs::read_dir(files.text_analysis.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 2, "nothing else is left behind");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = install(&file).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
        assert!(error.contains("DATA_DIR"), "{error}");
    }
}
