//! Both sides of a call as a stereo WAV file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use anyhow::Context;
use ringback_audio::wav::{Coding, WavFormat, WavWriter};
use ringback_audio::{RATE_HZ, g711};

/// Frames written at once: one second.
const BLOCK: usize = 8000;

/// Finds out whether the file can be written, and leaves it as it is.
///
/// # Errors
/// When it cannot.
pub fn check(path: &Path) -> anyhow::Result<()> {
    let open = |fresh| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(fresh).open(path)
    };
    let checked = match open(true) {
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(false).map(drop),
        Err(error) => Err(error),
    };
    checked.with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes the caller left and the server right; the shorter side ends in silence.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, caller: &[u8], server: &[u8]) -> anyhow::Result<()> {
    let name = path.display();
    let file = File::create(path).with_context(|| format!("{name} cannot be written"))?;
    let format = WavFormat {
        rate_hz: RATE_HZ,
        channels: 2,
        coding: Coding::Pcm16,
    };
    let mut writer = WavWriter::create(file, format).with_context(|| name.to_string())?;
    let sample = |side: &[u8], index: usize| side.get(index).map_or(0, |&byte| g711::decode(byte));
    let frames = caller.len().max(server.len());
    for begin in (0..frames).step_by(BLOCK) {
        let block: Vec<i16> = (begin..frames.min(begin + BLOCK))
            .flat_map(|index| [sample(caller, index), sample(server, index)])
            .collect();
        writer.append(&block).with_context(|| name.to_string())?;
    }
    writer.finish().with_context(|| name.to_string())?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_left_and_the_server_right() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        write(
            &path,
            &[g711::encode(1000); 9000],
            &[g711::encode(-1000); 500],
        )
        .unwrap();
        let wav = ringback_audio::wav::read(&mut File::open(path).unwrap()).unwrap();
        assert_eq!((wav.rate_hz, wav.channels, wav.frames()), (8000, 2, 9000));
        assert_eq!(wav.samples[..2], [988, -988]);
        assert_eq!(wav.samples[1000..1002], [988, 0]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write(Path::new("no/such/folder/x.wav"), &[], &[]).unwrap_err();
        assert!(error.to_string().contains("no/such/folder"), "{error}");
    }
}
