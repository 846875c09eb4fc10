//! What is kept no longer: files and words of calls go when they are older than is set, and those of erased calls at once.

mod strays;

use std::path::Path;
use std::time::{Duration, Instant};

use ringback_store::{Error, FileKind, Store};

use crate::api::calls::files::in_folder;
use crate::app::App;
use crate::config::retention::RetentionConfig;
use crate::database::now;

/// From one look for what is old to the next; the first is soon after the start.
const EVERY: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(30);
/// From one look for files of erased calls to the next; the first is at the start.
const ERASED_EVERY: Duration = Duration::from_secs(60);
/// Files that are looked up at once.
const BATCH: i64 = 100;
/// In µs.
const DAY: i64 = 86_400 * 1_000_000;

/// What a look has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Files of calls of which the database knows nothing.
    pub strays: u64,
    /// Rows with what was said.
    pub rows: u64,
    /// Entries of the audit log.
    pub acts: u64,
}

/// Looks again and again, until it is dropped.
pub async fn run(app: App) {
    let mut next = Instant::now() + SOON;
    let mut told = false;
    loop {
        if let (Some(store), Some(node)) = (app.rows.store(), app.rows.node()) {
            let folder = app.config.recordings();
            match erase_marked((store, node), &folder).await {
                Ok(files) => {
                    if files > 0 {
                        tracing::info!(files, "files of erased calls were deleted");
                    }
                    told = false;
                }
                Err(error) if !told => {
                    tracing::warn!(
                        "Error of the database: files of erased calls are not looked for: {error}"
                    );
                    told = true;
                }
                Err(_) => {}
            }
            if Instant::now() >= next {
                look((store, node), &folder, app.config.retention).await;
                next = Instant::now() + EVERY;
            }
        }
        let until_next = next.saturating_duration_since(Instant::now());
        tokio::time::sleep(until_next.clamp(Duration::from_secs(1), ERASED_EVERY)).await;
    }
}

async fn look((store, node): (&Store, &str), folder: &Path, keep: RetentionConfig) {
    match sweep((store, node), folder, keep, now()).await {
        Ok(swept) if swept == Swept::default() => {}
        Ok(Swept {
            files,
            strays,
            rows,
            acts,
        }) => {
            let what = "what is older than is set was deleted";
            tracing::info!(files, strays, rows, acts, "{what}");
        }
        Err(error) => tracing::error!("Error: old files are not looked for: {error}"),
    }
    overwrite(store).await;
}

/// Has what was deleted disappear from the files of the database, too. Where that has to wait the log says so: the next look for what is
/// old does it.
pub async fn overwrite(store: &Store) {
    let why = match store.wal_empty().await {
        Ok(true) => return,
        Ok(false) => "it is being read".to_owned(),
        Err(error) => error.to_string(),
    };
    tracing::warn!("what was deleted stays beside the database for an hour at most: {why}");
}

/// Deletes the files of this node whose calls were erased, also by another node or while this one was away. Answers how many.
///
/// # Errors
/// The database does not answer; what was deleted until then is gone.
pub async fn erase_marked((store, node): (&Store, &str), folder: &Path) -> Result<u64, Error> {
    let (mut deleted, mut after) = (0, String::new());
    loop {
        let marked = store.files_to_erase(node, &after, BATCH).await?;
        let Some(last) = marked.last() else {
            return Ok(deleted);
        };
        after.clone_from(last);
        for path in &marked {
            if delete(folder, path).await {
                store.file_erased(node, path).await?;
                deleted += 1;
            }
        }
    }
}

/// Deletes what is too old at `now` (µs since 1970): files in this folder, of calls of this node or of none, and rows of all.
///
/// # Errors
/// The database does not answer; what was deleted until then is gone.
pub async fn sweep(
    (store, node): (&Store, &str),
    folder: &Path,
    keep: RetentionConfig,
    now: i64,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let before = |days: std::num::NonZeroU32| now - i64::from(days.get()) * DAY;
    for (kind, days) in [
        (FileKind::Recording, keep.recording_days),
        (FileKind::Trace, keep.trace_days),
        (FileKind::Transcript, keep.transcript_days),
        (FileKind::Summary, keep.transcript_days),
    ] {
        if let Some(days) = days {
            swept.files += sweep_kind((store, node), folder, kind, before(days)).await?;
            swept.strays += strays::sweep(store, folder, kind, before(days)).await?;
        }
    }
    if let Some(days) = keep.transcript_days {
        swept.rows += store.transcript_delete_old(before(days)).await?;
    }
    if let Some(days) = keep.audit_days {
        swept.acts += store.audit_sweep(before(days)).await?;
    }
    Ok(swept)
}

async fn sweep_kind(
    (store, node): (&Store, &str),
    folder: &Path,
    kind: FileKind,
    before: i64,
) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let old = store.file_list_old(kind, before, node, BATCH).await?;
        let before = deleted;
        for file in &old {
            if delete(folder, &file.path).await {
                store.file_delete(&file.call_id, kind).await?;
                deleted += 1;
            }
        }
        // What cannot be deleted would be found again and again.
        if deleted == before {
            return Ok(deleted);
        }
    }
}

/// Deletes the file of a call that its row names by this path. `false`: it is still there, and the log says why.
pub async fn delete(folder: &Path, path: &str) -> bool {
    let Some(path) = in_folder(folder, Path::new(path)) else {
        return true;
    };
    match tokio::fs::remove_file(&path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::error!("Error: {}: {error}", path.display());
            false
        }
        Ok(()) | Err(_) => true,
    }
}
