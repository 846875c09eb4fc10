//! Lines on disk that are still to go into the database, in order, of bounded size.
//!
//! A folder holds segments, `00000001.jsonl` and so on. Lines are appended to the last one and read from the first;
//! a segment whose lines have all been settled is deleted, and the last one is emptied. A line counts once its line feed
//! is written, so whatever a killed process left half-written is passed over. Nothing here waits for anything but the disk.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Error;

const ENDING: &str = "jsonl";
/// Whoever has locked this file writes the journal.
const LOCK: &str = "lock";
/// So much is read at once; a longer line is read whole.
const READ_BYTES: u64 = 256 * 1024;

/// Lines that are held in memory while the disk takes none.
const HELD: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    _lock: File,
    bound: u64,
    segments: VecDeque<Segment>,
    last: File,
    /// Settled bytes of the first segment.
    settled: u64,
    /// Lines that the disk did not take; they come after those that it did.
    held: VecDeque<String>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    bytes: u64,
}

/// What became of lines that were appended.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    /// So many are lost.
    pub(crate) dropped: u64,
    /// The disk did not take them: they are in memory alone, but for those that are lost.
    pub(crate) failed: Option<io::Error>,
}

/// Lines that were read and are to be settled together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) lines: Vec<String>,
    /// Lines that are no text.
    pub(crate) damaged: u64,
    /// Its number; 0 for lines that are held in memory.
    segment: u64,
    /// Bytes of the segment, or lines in memory, that this batch ends at.
    until: u64,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.until == 0
    }
}

impl Journal {
    /// Opens the folder, or makes it, for its owner alone. What is in it already comes first.
    pub(crate) fn open(dir: &Path, bound: u64) -> Result<Self, Error> {
        let failed = |error| Error::file(format!("{}: the journal", dir.display()), error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(failed)?;
        let lock = options().open(dir.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Conflict(format!(
                "{}: another process writes this journal; give each server a DATA_DIR of its own",
                dir.display()
            )),
            TryLockError::Error(error) => failed(error),
        })?;
        let mut segments = existing(dir).map_err(failed)?;
        let number = segments.back().map_or(1, |last| last.number + 1);
        let last = options().open(path(dir, number)).map_err(failed)?;
        segments.push_back(Segment { number, bytes: 0 });
        let dir = dir.to_owned();
        Ok(Self {
            dir,
            _lock: lock,
            bound,
            segments,
            last,
            settled: 0,
            held: VecDeque::new(),
        })
    }

    /// Bytes that are still to go into the database, or just went.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Appends lines as far as the bound allows, and answers how many were too much. `lasting` waits until they would
    /// survive a power cut, too. What the disk does not take is held in memory, as far as that goes.
    pub(crate) fn append(&mut self, lines: &[String], lasting: bool) -> Appended {
        let mut appended = Appended::default();
        if !self.held.is_empty() {
            appended.dropped = self.hold(lines);
            return appended;
        }
        let mut bytes = Vec::new();
        let mut room = self.bound.saturating_sub(self.bytes());
        let mut fitting = Vec::with_capacity(lines.len());
        for line in lines {
            let needed = line.len() as u64 + 1;
            if needed > room {
                appended.dropped += 1;
                continue;
            }
            room -= needed;
            fitting.push(line);
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        if let Err(error) = self.write(&bytes, lasting) {
            appended.dropped += self.hold(fitting);
            appended.failed = Some(error);
        }
        appended
    }

    fn write(&mut self, bytes: &[u8], lasting: bool) -> io::Result<()> {
        if self.last_segment().bytes >= self.segment_bytes() {
            self.begin_segment(lasting)?;
        }
        if let Err(error) = self.last.write_all(bytes) {
            // Half a line must not become the beginning of the next one.
            let length = self.last_segment().bytes;
            if self.last.set_len(length).is_err() {
                self.begin_segment(false)?;
            }
            return Err(error);
        }
        if let Some(last) = self.segments.back_mut() {
            last.bytes += bytes.len() as u64;
        }
        if lasting {
            self.last.sync_data()?;
        }
        Ok(())
    }

    fn hold<'a>(&mut self, lines: impl IntoIterator<Item = &'a String>) -> u64 {
        let mut dropped = 0;
        for line in lines {
            if self.held.len() < HELD {
                self.held.push_back(line.clone());
            } else {
                dropped += 1;
            }
        }
        dropped
    }

    /// Has what was appended survive a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.last.sync_data()
    }

    /// The first lines that are not settled, up to `most`; the same again until they are.
    pub(crate) fn read(&mut self, most: usize) -> io::Result<Batch> {
        while let Some(first) = self.segments.front().copied() {
            let batch = self.read_of(first, most)?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            if self.segments.len() == 1 {
                break;
            }
            // What is left of it is half a line.
            self.forget_first()?;
        }
        let lines: Vec<_> = self.held.iter().take(most).cloned().collect();
        Ok(Batch {
            until: lines.len() as u64,
            lines,
            ..Batch::default()
        })
    }

    fn read_of(&self, segment: Segment, most: usize) -> io::Result<Batch> {
        let left = segment.bytes.saturating_sub(self.settled);
        if left == 0 {
            return Ok(Batch::default());
        }
        let mut file = File::open(path(&self.dir, segment.number))?;
        file.seek(SeekFrom::Start(self.settled))?;
        let mut bytes = Vec::new();
        let mut wanted = READ_BYTES.min(left);
        loop {
            let read = (&mut file).take(wanted).read_to_end(&mut bytes)?;
            let whole = bytes.contains(&b'\n') || bytes.len() as u64 >= left || read == 0;
            if whole {
                break;
            }
            wanted = READ_BYTES.min(left - bytes.len() as u64);
        }
        let mut batch = Batch {
            segment: segment.number,
            ..Batch::default()
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n').take(most) {
            let Some(text) = line.strip_suffix(b"\n") else {
                break;
            };
            batch.until = batch.until.max(self.settled) + line.len() as u64;
            match std::str::from_utf8(text) {
                Ok(text) => batch.lines.push(text.to_owned()),
                Err(_) => batch.damaged += 1,
            }
        }
        Ok(batch)
    }

    /// The lines of this batch are in the database.
    pub(crate) fn settle(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.segment == 0 {
            self.held.drain(..batch.lines.len().min(self.held.len()));
            return Ok(());
        }
        let Some(first) = self.segments.front().copied() else {
            return Ok(());
        };
        if first.number != batch.segment || batch.is_empty() {
            return Ok(());
        }
        self.settled = batch.until;
        if self.settled < first.bytes {
            return Ok(());
        }
        if self.segments.len() > 1 {
            return self.forget_first();
        }
        self.last.set_len(0)?;
        self.settled = 0;
        if let Some(last) = self.segments.back_mut() {
            last.bytes = 0;
        }
        Ok(())
    }

    fn forget_first(&mut self) -> io::Result<()> {
        if let Some(first) = self.segments.pop_front() {
            self.settled = 0;
            match fs::remove_file(path(&self.dir, first.number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn begin_segment(&mut self, lasting: bool) -> io::Result<()> {
        let number = self.last_segment().number + 1;
        self.last = options().open(path(&self.dir, number))?;
        self.segments.push_back(Segment { number, bytes: 0 });
        if lasting {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }

    fn last_segment(&self) -> Segment {
        self.segments.back().copied().unwrap_or(Segment {
            number: 0,
            bytes: 0,
        })
    }

    fn segment_bytes(&self) -> u64 {
        (self.bound / 16).clamp(1, 4 * 1024 * 1024)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.{ENDING}"))
}

fn existing(dir: &Path) -> io::Result<VecDeque<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let ours = path.extension().is_some_and(|ending| ending == ENDING);
        if let Some(number) = stem.and_then(|stem| stem.parse().ok()).filter(|_| ours) {
            segments.push(Segment {
                number,
                bytes: entry.metadata()?.len(),
            });
        }
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    fn drain(journal: &mut Journal, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let batch = journal.read(most).unwrap();
            if batch.is_empty() {
                return lines;
            }
            journal.settle(&batch).unwrap();
            lines.extend(batch.lines);
        }
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn lines_come_back_in_order_until_they_are_settled() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 10_000).unwrap();
        assert_eq!(journal.append(&numbered(5), true).dropped, 0);
        assert_eq!(journal.read(2).unwrap().lines, ["line 0", "line 1"]);
        let batch = journal.read(2).unwrap();
        assert_eq!(batch.lines, ["line 0", "line 1"], "not settled yet");
        journal.settle(&batch).unwrap();
        assert_eq!(drain(&mut journal, 2), ["line 2", "line 3", "line 4"]);
        assert_eq!(journal.bytes(), 0);
    }

    #[test]
    fn what_is_too_much_is_counted_and_what_was_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 21).unwrap();
        assert_eq!(journal.append(&numbered(5), false).dropped, 2);
        assert_eq!(journal.append(&numbered(1), false).dropped, 1);
        assert_eq!(drain(&mut journal, 9), ["line 0", "line 1", "line 2"]);
        assert_eq!(
            journal.append(&numbered(1), false).dropped,
            0,
            "there is room again"
        );
    }

    #[test]
    fn two_processes_cannot_write_one_journal() {
        let dir = tempfile::tempdir().unwrap();
        let first = Journal::open(dir.path(), 100).unwrap();
        let refused = Journal::open(dir.path(), 100).unwrap_err();
        assert!(matches!(refused, Error::Conflict(_)), "{refused}");
        drop(first);
        Journal::open(dir.path(), 100).unwrap();
    }

    #[test]
    fn a_line_longer_than_what_is_read_at_once_comes_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 10_000_000).unwrap();
        let long = "x".repeat(usize::try_from(READ_BYTES).unwrap() * 3 + 7);
        let lines = ["a".to_owned(), long, "b".to_owned()];
        assert_eq!(journal.append(&lines, false).dropped, 0);
        assert_eq!(drain(&mut journal, 9), lines);
    }

    #[test]
    fn lines_that_the_disk_does_not_take_are_held_and_come_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 10_000).unwrap();
        assert!(journal.append(&numbered(2), true).failed.is_none());
        journal.last = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let held = journal.append(&["third".to_owned(), "fourth".to_owned()], false);
        assert!(held.failed.is_some() && held.dropped == 0, "{held:?}");
        // The disk would take lines again, but not before those that are held.
        assert_eq!(journal.append(&["fifth".to_owned()], false).dropped, 0);
        let many = vec![String::new(); HELD];
        assert_eq!(
            journal.append(&many, false).dropped,
            3,
            "memory is bounded, too"
        );
        let lines = drain(&mut journal, 4);
        assert_eq!(lines[..5], ["line 0", "line 1", "third", "fourth", "fifth"]);
        assert!(journal.append(&numbered(1), false).failed.is_none());
        assert!(journal.bytes() > 0, "on the disk again");
        assert_eq!(drain(&mut journal, 4), ["line 0"]);
    }

    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("journal");
        let mut journal = Journal::open(&folder, 100).unwrap();
        journal.append(&numbered(1), false);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("00000001.jsonl")), 0o600);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_cut_off_the_end_the_rest_is_a_prefix(
            lines in prop::collection::vec("[^\n]{0,40}", 1..30),
            cut in 0_usize..200,
            bound in 40_u64..4_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::open(dir.path(), bound).unwrap();
            let mut kept = Vec::new();
            for line in &lines {
                if journal.append(std::slice::from_ref(line), false).dropped == 0 {
                    kept.push(line.clone());
                }
            }
            let last = path(dir.path(), journal.last_segment().number);
            drop(journal);
            let length = fs::metadata(&last).unwrap().len();
            let left = length.saturating_sub(cut as u64);
            OpenOptions::new().write(true).open(&last).unwrap().set_len(left).unwrap();
            let mut journal = Journal::open(dir.path(), bound).unwrap();
            let after = vec!["after".to_owned()];
            let appended = journal.append(&after, false).dropped == 0;
            let mut replayed = drain(&mut journal, 3);
            if appended {
                prop_assert_eq!(replayed.pop(), Some("after".to_owned()));
            }
            prop_assert_eq!(&kept[..replayed.len()], &replayed[..]);
            let lost = kept[replayed.len()..].iter().map(|line| line.len() + 1).sum::<usize>();
            let last_line = kept.get(replayed.len()).map_or(0, |line| line.len() + 1);
            prop_assert!(lost < cut + last_line.max(1), "{} lost by a cut of {}", lost, cut);
            prop_assert_eq!(journal.bytes(), 0);
        }

        #[test]
        fn appending_and_settling_in_any_order_loses_and_repeats_nothing(
            steps in prop::collection::vec((0_usize..6, 0_usize..4), 1..60),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::open(dir.path(), 1_000_000).unwrap();
            let (mut next, mut expected, mut got) = (0, Vec::new(), Vec::new());
            for (append, read) in steps {
                let lines: Vec<_> = (next..next + append).map(|n| n.to_string()).collect();
                next += append;
                assert_eq!(journal.append(&lines, false).dropped, 0);
                expected.extend(lines);
                let batch = journal.read(read).unwrap();
                journal.settle(&batch).unwrap();
                got.extend(batch.lines);
                if append == 3 {
                    drop(journal);
                    journal = Journal::open(dir.path(), 1_000_000).unwrap();
                    // What was settled in a segment that still has others is read again: rows are written so that
                    // this changes nothing.
                    got = expected[..expected.len() - drain_count(&mut journal)].to_vec();
                    got.extend(drain(&mut journal, 5));
                }
            }
            got.extend(drain(&mut journal, 7));
            prop_assert_eq!(got, expected);
        }
    }

    /// How many lines a fresh journal still has, without settling them.
    fn drain_count(journal: &mut Journal) -> usize {
        let folder = journal.dir.clone();
        let texts = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let texts = texts.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
        texts
            .map(|path| fs::read_to_string(path).unwrap().lines().count())
            .sum()
    }
}
