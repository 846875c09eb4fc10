//! The scenarios of a database on another machine, as they were read last, on this machine's disk: a server that starts while the
//! database does not answer takes their calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringback_store::{Error, Location, Scenario, SealedSecret, Store};
use serde::{Deserialize, Serialize};

use super::{Entry, aside, secrets_of};
use crate::app::App;

/// The folder in `DATA_DIR`.
const FOLDER: &str = "scenarios-last-read";

/// A version: its number, and when it or its sharing changed.
type Mark = (i64, i64);

/// What is on the disk.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// What is there; `None` before this process has looked.
    written: Option<BTreeMap<String, Mark>>,
    well: bool,
}

impl Shelf {
    /// `None` where the database is a file of this machine itself.
    pub fn of(app: &App) -> Option<Self> {
        let location = app.config.database().ok()?;
        matches!(location, Location::Postgres(_)).then(|| Self {
            folder: app.config.data_dir.join(FOLDER),
            written: None,
            well: true,
        })
    }

    /// Everything is written anew: secrets have been sealed again.
    pub fn renew(&mut self) {
        self.written = None;
    }

    /// Brings the disk to what was read of the database. What cannot be written is told once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep_up(&mut self, app: &App, store: &Store) -> Result<(), Error> {
        let index = app.scenarios.index();
        let mut marks = BTreeMap::new();
        for (id, entry) in &index.entries {
            let mark = (entry.stored.version, entry.updated_at);
            let written = self.written.as_ref();
            if written.and_then(|written| written.get(id)) != Some(&mark) {
                let Some(row) = store.scenario_find(id).await? else {
                    continue;
                };
                let secrets = store.secret_list(&secrets_of(id)).await?;
                let (folder, kept) = (self.folder.clone(), Kept { row, secrets });
                self.tell(aside(move || kept.write(&folder)).await);
            }
            marks.insert(id.clone(), mark);
        }
        if self.written.as_ref() != Some(&marks) {
            let (folder, ids) = (self.folder.clone(), marks.keys().cloned().collect());
            self.tell(aside(move || sweep(&folder, &ids)).await);
            self.written = Some(marks);
        }
        Ok(())
    }

    fn tell<E>(&mut self, done: Result<io::Result<()>, E>) {
        match done {
            Ok(Ok(())) => self.well = true,
            Ok(Err(error)) => {
                if self.well {
                    tracing::warn!(folder = %self.folder.display(), "scenarios are not kept for a start without the database: {error}");
                }
                self.well = false;
            }
            // It was told.
            Err(_) => {}
        }
    }
}

/// Takes the scenarios of the disk, where none were read of the database. How many there are.
pub async fn take_from_disk(app: &App) -> usize {
    let Some(shelf) = Shelf::of(app) else {
        return 0;
    };
    let reader = Arc::clone(app);
    let read = move || {
        let kept = read_all(&shelf.folder);
        let entries = kept.into_iter().map(|kept| {
            let Kept { row, secrets } = kept;
            let entry = Entry::read(&reader.scenarios.vault, &row, &secrets);
            (row.id, Arc::new(entry))
        });
        entries.collect::<BTreeMap<_, _>>()
    };
    let entries = aside(read).await.unwrap_or_default();
    let count = entries.len();
    let _changing = app.scenarios.changing.lock().await;
    if app.scenarios.index().entries.is_empty() {
        app.scenarios.replace(entries);
    }
    count
}

/// A scenario in its file. Secrets stay sealed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    row: Scenario,
    secrets: Vec<SealedSecret>,
}

impl Kept {
    /// Whole or not at all; for the server's user alone.
    fn write(&self, folder: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join(format!("{}.json", self.row.id));
        let part = path.with_extension("part");
        let json = serde_json::to_vec(self).map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options
            .open(&part)
            .and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }
}

/// Removes what is of none of these.
fn sweep(folder: &Path, ids: &BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy());
        let is_ours = path.extension().is_some_and(|kind| kind == "json")
            && stem.is_some_and(|stem| ids.contains(&*stem));
        if !is_ours {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn read_all(folder: &Path) -> Vec<Kept> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let files = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let kept = files.filter_map(|path| {
        let read = fs::read(&path).and_then(|json| Ok(serde_json::from_slice(&json)?));
        read.inspect_err(|error| {
            tracing::warn!(file = %path.display(), "a scenario that was read last cannot be read: {error}");
        })
        .ok()
    });
    kept.collect()
}
