//! What is kept no longer: files and words of calls go when they are older than is set.

use std::path::Path;
use std::time::Duration;

use ringback_store::{CallFile, Error, FileKind, Store};

use crate::api::calls::files::in_folder;
use crate::app::App;
use crate::config::retention::RetentionConfig;
use crate::database::now;

/// From one look to the next; the first is soon after the start.
const EVERY: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(60);
/// Files that are looked up at once.
const BATCH: i64 = 100;
/// In µs.
const DAY: i64 = 86_400 * 1_000_000;

/// What a look has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Rows with what was said.
    pub rows: u64,
}

/// Looks again and again, until it is dropped.
pub async fn run(app: App) {
    let keep = app.config.retention;
    if keep == RetentionConfig::default() {
        return;
    }
    tokio::time::sleep(SOON).await;
    loop {
        if let (Some(store), Some(node)) = (app.rows.store(), app.rows.node()) {
            match sweep((store, node), &app.config.recordings(), keep, now()).await {
                Ok(swept) if swept == Swept::default() => {}
                Ok(Swept { files, rows }) => {
                    tracing::info!(files, rows, "what is older than is set was deleted");
                }
                Err(error) => tracing::error!("Error: old files are not looked for: {error}"),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Deletes what is too old at `now` (µs since 1970): files in this folder, of calls of this node, and rows of all.
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
    for (kind, days) in [
        (FileKind::Recording, keep.recording_days),
        (FileKind::Trace, keep.trace_days),
        (FileKind::Transcript, keep.transcript_days),
        (FileKind::Summary, keep.transcript_days),
    ] {
        if let Some(days) = days {
            let before = now - i64::from(days.get()) * DAY;
            swept.files += sweep_kind((store, node), folder, kind, before).await?;
        }
    }
    if let Some(days) = keep.transcript_days {
        let before = now - i64::from(days.get()) * DAY;
        swept.rows += store.transcript_delete_old(before).await?;
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
            if delete(folder, file).await {
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

/// Deletes a file of a call. `false`: it is still there, and the log says why.
pub async fn delete(folder: &Path, file: &CallFile) -> bool {
    let Some(path) = in_folder(folder, Path::new(&file.path)) else {
        return true;
    };
    match tokio::fs::remove_file(&path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::error!(call.id = file.call_id, "Error: {}: {error}", path.display());
            false
        }
        Ok(()) | Err(_) => true,
    }
}
