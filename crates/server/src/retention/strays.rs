//! Files of calls that no row knows: of a database that was lost, or of a process that was killed before it told of them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ringback_session::file_of_call;
use ringback_store::{Error, FileKind, Store};

use crate::calls::KINDS;

/// What a name ends with while its file is written.
const UNFINISHED: &str = ".part";
/// A row may say that a file was begun so much earlier or later than its name does, in µs.
const NEAR: i64 = 60 * 1_000_000;

/// A file of a call that began before, by its name.
#[derive(Debug)]
struct Old {
    path: PathBuf,
    name: String,
    at: i64,
}

/// Deletes those of this kind whose call began before `before` (µs since 1970), and answers how many. Links are left alone, and so is
/// what we do not name like this.
///
/// # Errors
/// The database does not answer; what was deleted until then is gone.
pub(super) async fn sweep(
    store: &Store,
    folder: &Path,
    kind: FileKind,
    before: i64,
) -> Result<u64, Error> {
    let folder = folder.to_owned();
    let found = tokio::task::spawn_blocking(move || old(&folder, kind, before)).await;
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::error!("Error: the folder of recordings cannot be read: {error}");
            return Ok(0);
        }
        Err(_) => return Ok(0),
    };
    let mut deleted = 0;
    for file in found {
        if is_known(store, kind, &file).await? {
            continue;
        }
        match tokio::fs::remove_file(&file.path).await {
            Ok(()) => deleted += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!("Error: {}: {error}", file.path.display()),
        }
    }
    Ok(deleted)
}

async fn is_known(store: &Store, kind: FileKind, file: &Old) -> Result<bool, Error> {
    let paths = store.file_paths(kind, file.at - NEAR, file.at + NEAR);
    let names: BTreeSet<String> = paths
        .await?
        .iter()
        .filter_map(|path| Path::new(path).file_name()?.to_str().map(str::to_owned))
        .collect();
    Ok(names.contains(&file.name))
}

/// Files of this kind in the folder whose names say that their call began before.
fn old(folder: &Path, kind: FileKind, before: i64) -> io::Result<Vec<Old>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Some((at, ending)) = file_of_call(&name) else {
            continue;
        };
        let ending = ending.strip_suffix(UNFINISHED).unwrap_or(ending);
        let at = at.as_microsecond();
        let is_kind = KINDS.contains(&(ending, kind));
        // A directory entry tells what it is itself, and not what it leads to.
        if is_kind && at < before && entry.file_type()?.is_file() {
            let path = entry.path();
            found.push(Old { path, name, at });
        }
    }
    Ok(found)
}
