//! Log files that cannot be written: said once, tried again now and then, and nobody is held up or stopped by it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use std::time::{Duration, Instant};

/// So long a writer that failed is left alone.
const REST: Duration = Duration::from_secs(5);

/// Tells how time passes; a parameter so that tests can.
pub type Passing = Box<dyn Fn() -> Instant + Send>;

/// Of the whole process, because it has one log.
static LOST_LINES: AtomicU64 = AtomicU64::new(0);

/// Lines that could not be written to the log files since the process began.
pub fn lost_lines() -> u64 {
    LOST_LINES.load(Ordering::Relaxed)
}

/// Writes lines where it can and never fails. When it cannot, it says so in one event, which goes wherever else events go, and in
/// another when it can again.
pub struct Steady<W> {
    inner: W,
    place: String,
    now: Passing,
    failing: Option<Failing>,
}

struct Failing {
    tried: Instant,
    lost: u64,
}

impl<W: Write> Steady<W> {
    /// Around a writer that takes a whole line with each write. `place` is how the operator knows it.
    pub fn new(inner: W, place: String, now: Passing) -> Self {
        Self {
            inner,
            place,
            now,
            failing: None,
        }
    }

    fn failed(&mut self, error: &io::Error, now: Instant) {
        LOST_LINES.fetch_add(1, Ordering::Relaxed);
        let before = self.failing.take();
        if before.is_none() {
            tracing::error!(place = self.place, %error, "Error: the log files cannot be written; lines go to the terminal alone until they can");
        }
        self.failing = Some(Failing {
            tried: now,
            lost: before.map_or(1, |before| before.lost + 1),
        });
    }
}

impl<W: Write> Write for Steady<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let now = (self.now)();
        if let Some(failing) = &mut self.failing
            && now.duration_since(failing.tried) < REST
        {
            failing.lost += 1;
            LOST_LINES.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        match self.inner.write_all(line) {
            Err(error) => self.failed(&error, now),
            Ok(()) => {
                if let Some(Failing { lost, .. }) = self.failing.take() {
                    tracing::warn!(
                        place = self.place,
                        lost,
                        "the log files are written again; this many lines are missing"
                    );
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use jiff::Timestamp;

    use super::super::rotate::{Now, RotatingFile};
    use super::*;

    /// What a terminal shows.
    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Shown {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// Writes lines at seconds of a minute; answers what the terminal shows meanwhile.
    fn shown(
        write: impl FnOnce(&mut dyn FnMut(u32, &str)),
        log: impl FnOnce(Now) -> Log,
    ) -> String {
        let time = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
        let (first, second) = (Arc::clone(&time), Arc::clone(&time));
        let inner = log(Box::new(move || *first.lock().unwrap()));
        let begun = Instant::now();
        let now = Box::new(move || {
            let passed = second.lock().unwrap().duration_since(Timestamp::UNIX_EPOCH);
            begun + passed.unsigned_abs()
        });
        let mut steady = Steady::new(inner, "LOG_DIR=there".to_owned(), now);
        let terminal = Shown::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(terminal.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            write(&mut |second, line| {
                *time.lock().unwrap() = Timestamp::from_second(second.into()).unwrap();
                assert_eq!(steady.write(line.as_bytes()).unwrap(), line.len());
            });
        });
        String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap()
    }

    type Log = Box<dyn Write>;

    fn files(dir: &Path) -> impl FnOnce(Now) -> Log {
        let dir = dir.to_owned();
        move |now| Box::new(RotatingFile::new(&dir, None, None, now))
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said_once_and_used_as_soon_as_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("logs");
        // A file where the folder should be: not even the superuser can write into it.
        std::fs::write(&dir, "").unwrap();
        let shown = shown(
            |write| {
                for second in [0, 1, 4, 5, 6] {
                    write(second, "lost\n");
                }
                std::fs::remove_file(&dir).unwrap();
                write(9, "lost\n");
                write(10, "kept\n");
                write(11, "kept too\n");
            },
            files(&dir),
        );
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2, "{shown}");
        assert!(
            lines[0].contains("ERROR") && lines[0].contains("LOG_DIR=there"),
            "{shown}"
        );
        assert!(lines[1].contains("lost=6"), "{shown}");
        let name = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap();
        let kept = std::fs::read_to_string(name.path()).unwrap();
        assert_eq!(kept, "kept\nkept too\n");
    }

    #[test]
    fn a_full_disk_is_said_once() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let full = full.unwrap();
        let shown = shown(
            |write| (0..60).for_each(|second| write(second, "a line\n")),
            move |_| Box::new(full),
        );
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.contains("No space left on device"), "{shown}");
    }
}
