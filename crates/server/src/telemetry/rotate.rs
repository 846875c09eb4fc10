//! Log files that change by day and by size, and go after some days. See [`super::steady`] for when they cannot be written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

const PREFIX: &str = "app_";
const SUFFIX: &str = ".log";
const TIME: &str = "%Y-%m-%d_%H-%M-%S_%6f";

/// Tells the time; a parameter so that tests can.
pub type Now = Box<dyn Fn() -> Timestamp + Send>;

/// Writes to `app_<time>.log` in a folder. A new file is begun with each day (UTC) and at a size; a line is never cut.
pub struct RotatingFile {
    dir: PathBuf,
    limit_bytes: Option<u64>,
    retention: Option<Duration>,
    now: Now,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: File,
    written: u64,
    day: jiff::civil::Date,
}

impl RotatingFile {
    /// A writer to new files in `dir`; folder and file are made with the first line. `limit_bytes` is the size at which a new
    /// one is begun, `retention` the age at which one is deleted.
    pub fn new(
        dir: &Path,
        limit_bytes: Option<u64>,
        retention: Option<Duration>,
        now: Now,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            limit_bytes,
            retention,
            now,
            open: None,
        }
    }

    fn begin(&self, time: Timestamp) -> io::Result<OpenFile> {
        fs::create_dir_all(&self.dir)?;
        self.delete_old(time);
        let mut stamp = time;
        loop {
            let name = format!("{PREFIX}{}{SUFFIX}", stamp.strftime(TIME));
            match OpenOptions::new()
                .append(true)
                .create_new(true)
                .mode(0o600)
                .open(self.dir.join(name))
            {
                Ok(file) => {
                    return Ok(OpenFile {
                        file,
                        written: 0,
                        day: day(time),
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => stamp += 1.microsecond(),
                Err(error) => return Err(error),
            }
        }
    }

    fn delete_old(&self, time: Timestamp) {
        let Some(retention) = self.retention else {
            return;
        };
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let begun = name.to_str().and_then(time_in_name);
            if begun.is_some_and(|begun| {
                time.duration_since(begun)
                    > jiff::SignedDuration::try_from(retention).unwrap_or(jiff::SignedDuration::MAX)
            }) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn is_due(&self, open: &OpenFile, time: Timestamp, coming: usize) -> bool {
        let full = self
            .limit_bytes
            .is_some_and(|limit| open.written > 0 && open.written + coming as u64 > limit);
        full || open.day != day(time)
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let time = (self.now)();
        let mut open = match self.open.take() {
            Some(open) if !self.is_due(&open, time, line.len()) => open,
            _ => self.begin(time)?,
        };
        let outcome = open.file.write_all(line);
        match &outcome {
            Ok(()) => open.written += line.len() as u64,
            // What was written of the line does not stand before the next one.
            Err(_) => {
                let _ = open.file.set_len(open.written);
            }
        }
        self.open = Some(open);
        outcome.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.flush())
    }
}

fn day(time: Timestamp) -> jiff::civil::Date {
    time.to_zoned(TimeZone::UTC).date()
}

fn time_in_name(name: &str) -> Option<Timestamp> {
    let stamp = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let civil = jiff::civil::DateTime::strptime(TIME, stamp).ok()?;
    civil
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::{Arc, Mutex};

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn clock(start: &str) -> (Arc<Mutex<Timestamp>>, Now) {
        let time = Arc::new(Mutex::new(start.parse().unwrap()));
        let shared = Arc::clone(&time);
        (time, Box::new(move || *shared.lock().unwrap()))
    }

    #[test]
    fn a_new_file_begins_with_the_day_and_at_the_size() {
        let dir = tempfile::tempdir().unwrap();
        let (time, now) = clock("2026-11-20T23:59:59.5Z");
        let mut log = RotatingFile::new(dir.path(), Some(10), None, now);
        for line in ["12345\n", "123\n", "after the limit, and long\n", "x\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        *time.lock().unwrap() = "2026-11-21T00:00:00Z".parse().unwrap();
        log.write_all(b"next\n").unwrap();
        let texts: Vec<String> = names(dir.path())
            .iter()
            .map(|name| fs::read_to_string(dir.path().join(name)).unwrap())
            .collect();
        assert_eq!(
            texts,
            [
                "12345\n123\n",
                "after the limit, and long\n",
                "x\n",
                "next\n"
            ]
        );
        assert_eq!(names(dir.path())[0], "app_2026-11-20_23-59-59_500000.log");
    }

    #[test]
    fn only_our_own_old_files_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "app_2026-10-01_00-00-00_000000.log",
            "app_2026-11-19_00-00-00_000000.log",
            "app_notes.log",
            "other.log",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let (_, now) = clock("2026-11-20T00:00:00Z");
        let retention = Some(Duration::from_secs(30 * 86_400));
        let mut log = RotatingFile::new(dir.path(), None, retention, now);
        log.write_all(b"x\n").unwrap();
        let expected = [
            "app_2026-11-19_00-00-00_000000.log",
            "app_2026-11-20_00-00-00_000000.log",
            "app_notes.log",
            "other.log",
        ];
        assert_eq!(names(dir.path()), expected);
    }

    #[test]
    fn a_log_is_for_the_servers_own_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (_, now) = clock("2026-11-20T00:00:00Z");
        let mut log = RotatingFile::new(dir.path(), None, None, now);
        log.write_all(b"x\n").unwrap();
        let log = dir.path().join(&names(dir.path())[0]);
        assert_eq!(
            fs::metadata(log).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
