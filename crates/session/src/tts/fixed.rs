//! Fixed lines that a provider's voice spoke once, on disk, so that a server that starts again does not pay for them again.
//!
//! Nothing else is kept there: what is said in calls is for their callers.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};

/// The most that is kept, in bytes of mu-law: two hours of speech.
const ROOM: u64 = 64 << 20;
/// A longer file is none of ours, in bytes of mu-law: 20 s.
const LONGEST: u64 = 160_000;
const ENDING: &str = "mulaw";

/// The folder of the lines. Everything here blocks.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    dir: PathBuf,
}

impl Fixed {
    /// The folder is made with the first line.
    pub(crate) fn within(data_dir: &Path) -> Self {
        Self {
            dir: data_dir.join("lines"),
        }
    }

    /// A line as it was spoken, mu-law at 8000 Hz.
    pub(crate) fn load(&self, voice: &str, text: &str) -> Option<Vec<u8>> {
        let path = self.path(voice, text);
        let length = fs::metadata(&path).ok()?.len();
        if length == 0 || length > LONGEST {
            return None;
        }
        fs::read(path).ok()
    }

    /// Keeps a line; the oldest make room.
    ///
    /// # Errors
    /// Those of the disk. The line is not kept then.
    pub(crate) fn store(&self, voice: &str, text: &str, mulaw: &[u8]) -> io::Result<()> {
        if mulaw.is_empty() || mulaw.len() as u64 > LONGEST {
            return Ok(());
        }
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.dir)?;
        self.make_room(mulaw.len() as u64)?;
        let path = self.path(voice, text);
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)
            .and_then(|mut file| file.write_all(mulaw))
            .and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn make_room(&self, wanted: u64) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.dir)?
            .flatten()
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .filter(|(_, _, path)| path.extension().is_some_and(|ending| ending == ENDING))
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if bytes + wanted <= ROOM {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }

    fn path(&self, voice: &str, text: &str) -> PathBuf {
        let hash = digest(&SHA256, format!("{voice}\n{text}").as_bytes());
        let name: String = hash
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.dir.join(name).with_extension(ENDING)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_is_there_after_a_start_for_its_voice_and_text_alone() {
        let folder = tempfile::tempdir().unwrap();
        let fixed = Fixed::within(folder.path());
        assert_eq!(fixed.load("a", "Hello."), None);
        fixed.store("a", "Hello.", &[7; 480]).unwrap();
        let again = Fixed::within(folder.path());
        assert_eq!(again.load("a", "Hello."), Some(vec![7; 480]));
        assert_eq!(again.load("b", "Hello."), None);
        assert_eq!(again.load("a", "Hello"), None);
        let mode = fs::metadata(again.path("a", "Hello."))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn the_oldest_lines_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let fixed = Fixed::within(folder.path());
        let longest = vec![1; LONGEST as usize];
        let fit = ROOM / LONGEST;
        for number in 0..=fit {
            let text = number.to_string();
            fixed.store("a", &text, &longest).unwrap();
            let file = fs::File::options().write(true).open(fixed.path("a", &text));
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number);
            file.unwrap().set_modified(at).unwrap();
        }
        assert_eq!(fixed.load("a", "0"), None);
        assert!(fixed.load("a", "1").is_some());
        assert!(fixed.load("a", &fit.to_string()).is_some());
    }

    #[test]
    fn what_is_empty_or_too_long_is_not_kept_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let fixed = Fixed::within(folder.path());
        fixed.store("a", "x", &[]).unwrap();
        fixed
            .store("a", "x", &vec![1; LONGEST as usize + 1])
            .unwrap();
        assert_eq!(fixed.load("a", "x"), None);
        fixed.store("a", "x", &[1; 160]).unwrap();
        fs::write(fixed.path("a", "x"), b"").unwrap();
        assert_eq!(fixed.load("a", "x"), None);
    }
}
