//! What of calls goes into the database: rows are sent off as a call tells its news, and nothing that talks waits for them.

mod follow;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringback_call::{Direction, EndCause};
use ringback_store::{
    CallEnd, CallFile, CallStart, CallStatus, Error, FileKind, Store, Write, Writer, WriterState,
};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use super::recent::without_content;
use super::{Arrival, Ending};
use crate::api::calls::files::in_folder;
use crate::database::now;
pub use follow::Following;

/// Between attempts to make the tables while the database is down.
const RETRY: Duration = Duration::from_secs(5);
/// So long the start waits for the tables.
const FIRST: Duration = Duration::from_secs(2);
/// A database that has not answered by then is taken to be down.
const PING: Duration = Duration::from_secs(1);

/// At a stop, so long rows are waited for until they are on disk, then until they are in the database, then until that is closed.
const KEEPING: Duration = Duration::from_secs(5);
const SETTLING: Duration = Duration::from_secs(2);
const CLOSING: Duration = Duration::from_secs(5);

/// Between looks at the database that somebody takes only to know how it is.
const LOOK: Duration = Duration::from_secs(5);

/// So long an answer of the database counts for whoever asks how it is.
const COUNTS: Duration = Duration::from_secs(1);

/// The rows of calls. Until it is opened nothing is kept.
#[derive(Debug, Default)]
pub struct Rows(OnceLock<Open>);

#[derive(Debug)]
struct Open {
    store: Store,
    writer: Writer,
    /// Tells the calls of this server from those of others at the same database.
    node: String,
    /// Whether the tables are there.
    made: Arc<AtomicBool>,
    /// Whether it answered, and when.
    asked: Mutex<Option<(Instant, bool)>>,
    /// Whether it answered when it was asked last, for whoever must not wait.
    up: AtomicBool,
}

impl Rows {
    /// Keeps rows from now on: first in `DATA_DIR/journal`, then in the database, whose tables are made at once or as soon as it
    /// answers. Calls that an earlier process of this folder has left are ended.
    ///
    /// # Errors
    /// A newer version has made the tables; the journal cannot be written, or another process writes it.
    pub async fn open(&self, store: Store, data_dir: &Path) -> anyhow::Result<()> {
        let node = node(data_dir)?;
        let started = now();
        // What goes wrong else is told when it is tried again.
        let first = timeout(FIRST, make(&store)).await;
        let made = Arc::new(AtomicBool::new(matches!(first, Ok(Ok(())))));
        if let Ok(Err(error @ Error::Newer { .. })) = first {
            return Err(error.into());
        }
        let writer = Writer::start(store.clone(), &data_dir.join("journal"))?;
        tokio::spawn(prepare(
            store.clone(),
            writer.clone(),
            Left {
                node: node.clone(),
                started,
                folder: data_dir.join("recordings"),
            },
            Arc::clone(&made),
        ));
        let open = Open {
            up: AtomicBool::new(made.load(Ordering::Relaxed)),
            store,
            writer,
            node,
            made,
            asked: Mutex::default(),
        };
        let _ = self.0.set(open);
        Ok(())
    }

    /// The database; `None` until it is opened.
    pub fn store(&self) -> Option<&Store> {
        self.0.get().map(|open| &open.store)
    }

    /// The name of this server among all at the same database; `None` until it is opened.
    pub fn node(&self) -> Option<&str> {
        self.0.get().map(|open| &*open.node)
    }

    /// Whether the tables are there.
    pub(super) fn has_tables(&self) -> bool {
        let open = self.0.get();
        open.is_some_and(|open| open.made.load(Ordering::Relaxed))
    }

    /// How the writer does; `None` until it is opened.
    pub fn state(&self) -> Option<WriterState> {
        self.0.get().map(|open| open.writer.state())
    }

    /// Whether the database answers and has its tables; `None` until it is opened. It is asked once a second at most.
    pub async fn answers(&self) -> Option<bool> {
        let open = self.0.get()?;
        let mut asked = open.asked.lock().await;
        if let Some((_, answered)) = asked.filter(|(at, _)| at.elapsed() < COUNTS) {
            return Some(answered);
        }
        let ping = timeout(PING, open.store.ping()).await;
        let answered = matches!(ping, Ok(Ok(()))) && open.made.load(Ordering::Relaxed);
        *asked = Some((Instant::now(), answered));
        open.up.store(answered, Ordering::Relaxed);
        Some(answered)
    }

    /// The same as it was when somebody asked last: see [`Rows::watch`].
    pub fn answered(&self) -> bool {
        let open = self.0.get();
        open.is_some_and(|open| open.up.load(Ordering::Relaxed))
    }

    /// Asks every few seconds, until it is dropped.
    pub async fn watch(&self) {
        while self.answers().await.is_some() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Leaves the database, once all rows that were sent before are there, or at least outlive this process.
    pub async fn close(&self) {
        let Some(Open { store, writer, .. }) = self.0.get() else {
            return;
        };
        let _ = timeout(KEEPING, writer.kept()).await;
        let _ = timeout(SETTLING, writer.settled()).await;
        let _ = timeout(CLOSING, store.close()).await;
    }

    /// Waits until all rows that were sent before are in the database. While that is down, this waits.
    pub async fn settled(&self) {
        if let Some(open) = self.0.get() {
            open.writer.settled().await;
        }
    }

    /// A call's media has come: its row is written, and who follows it writes the others.
    pub(crate) fn begin(&self, call: &Arrival) -> Option<Following> {
        let open = self.0.get()?;
        let id = call.call_id.to_string();
        let at = now();
        open.writer.send(Write::Call(CallStart {
            id: id.clone(),
            call_sid: Some(call.call_sid.clone()),
            direction: match call.direction {
                Direction::Inbound => ringback_store::Direction::Inbound,
                Direction::Outbound => ringback_store::Direction::Outbound,
            },
            from: call.from.clone(),
            to: call.to.clone(),
            scenario: call.scenario.slug.clone(),
            scenario_id: call.stored.as_ref().map(|stored| stored.id.clone()),
            scenario_version: call.stored.as_ref().map(|stored| stored.version),
            owner: call.stored.as_ref().and_then(|stored| stored.owner.clone()),
            node: open.node.clone(),
            status: CallStatus::InProgress,
            at,
        }));
        Some(Following::new(open.writer.clone(), id, at))
    }

    /// The call is over.
    pub(crate) async fn end(&self, call_id: Uuid, ending: &Ending) {
        let Some(open) = self.0.get() else {
            return;
        };
        let ended = ending.ended.as_deref();
        let broke = ended.is_none_or(|ended| ended.cause == EndCause::Fault);
        let bill = ended.and_then(|ended| ended.bill.as_ref());
        let answered_at = ended.map(|ended| ended.started.as_microsecond());
        for path in ended.map_or(&[][..], |ended| &ended.files) {
            let Some(file) = file(&call_id.to_string(), path, answered_at.unwrap_or_else(now))
            else {
                continue;
            };
            let size = tokio::fs::metadata(path).await;
            open.writer.send(Write::File(CallFile {
                bytes: size.ok().and_then(|size| i64::try_from(size.len()).ok()),
                seconds: ended
                    .filter(|_| file.kind == FileKind::Recording)
                    .map(|ended| ended.report.ended.ms() as f64 / 1e3),
                ..file
            }));
        }
        let summary = if ended.is_some_and(|ended| !ended.files.is_empty()) {
            ending.summary.clone()
        } else {
            without_content(ending.summary.clone())
        };
        let known = |value: &Value| (!value.is_null()).then(|| value.clone().into());
        open.writer.send(Write::End(Box::new(CallEnd {
            call_id: call_id.to_string(),
            status: if broke {
                CallStatus::Failed
            } else {
                CallStatus::Completed
            },
            answered_at,
            ended_at: ended_at(&ending.summary).unwrap_or_else(now),
            reason: ending.cause.clone(),
            engines: known(&ending.summary["engines"]),
            cost: bill.map(ringback_session::prices::Bill::total),
            currency: bill.map(|bill| bill.currency.clone()),
            summary: known(&summary),
        })));
    }
}

/// When a call ended, by what stands beside its recording: one reading of the clock for both.
fn ended_at(summary: &Value) -> Option<i64> {
    let ended: Timestamp = summary["ended"].as_str()?.parse().ok()?;
    Some(ended.as_microsecond())
}

/// How the names of files end, and what they are.
pub const KINDS: [(&str, FileKind); 4] = [
    (".wav", FileKind::Recording),
    (".trace.jsonl", FileKind::Trace),
    (".transcript.json", FileKind::Transcript),
    (".json", FileKind::Summary),
];

/// The row of a file that was begun at `at`; what it is shows the end of its name.
fn file(call_id: &str, path: &Path, at: i64) -> Option<CallFile> {
    let name = path.file_name()?.to_str()?;
    let of = KINDS.into_iter().find(|(ending, _)| name.ends_with(ending));
    of.map(|(_, kind)| CallFile {
        call_id: call_id.to_owned(),
        kind,
        path: path.display().to_string(),
        bytes: None,
        seconds: None,
        created_at: at,
    })
}

/// The name of this folder's server among all at the same database, made once.
fn node(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("node_id");
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => anyhow::bail!("{}: {error}", path.display()),
    }
    let node = Uuid::now_v7().to_string();
    std::fs::write(&path, format!("{node}\n"))
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    Ok(node)
}

/// Makes the tables, or brings them up to date.
async fn make(store: &Store) -> Result<(), Error> {
    let steps = store.migrate(now()).await?;
    if !steps.is_empty() {
        tracing::info!(database = %store.location(), steps = steps.join(", "), "tables made");
    }
    store.warm().await
}

/// Which calls an earlier process may have left.
struct Left {
    /// Of this node,
    node: String,
    /// begun before this time (µs since 1970),
    started: i64,
    /// with their files in here.
    folder: PathBuf,
}

/// Makes the tables as soon as the database answers, and ends the calls that were live when an earlier process died.
async fn prepare(store: Store, writer: Writer, left: Left, made: Arc<AtomicBool>) {
    let mut told = false;
    loop {
        match make(&store).await {
            Ok(()) => {
                made.store(true, Ordering::Relaxed);
                // What the earlier process had sent must be there before its calls are looked for.
                writer.settled().await;
                match end_left(&store, &writer, &left).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!("Error: calls that were left are not known: {error}");
                    }
                }
            }
            Err(error) if !told => {
                tracing::error!(database = %store.location(), "Error: the database cannot be used, rows of calls are kept in DATA_DIR/journal: {error}");
                told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn end_left(store: &Store, writer: &Writer, left: &Left) -> Result<(), Error> {
    for call in store.call_left(&left.node, left.started).await? {
        let call_id = call.start.id;
        let ended_at = last_sign(store, &call_id, left).await?;
        tracing::warn!(call.id = call_id, "a call that this server left is ended");
        writer.send(Write::End(Box::new(CallEnd {
            call_id,
            status: CallStatus::Failed,
            answered_at: None,
            ended_at,
            reason: "the server died".to_owned(),
            engines: None,
            cost: None,
            currency: None,
            summary: None,
        })));
    }
    Ok(())
}

/// When something was last known of a call: by its rows, and by the last write to its files, which comes twice a second.
async fn last_sign(store: &Store, call_id: &str, left: &Left) -> Result<i64, Error> {
    let mut last = store.call_last(call_id).await?.unwrap_or(0);
    for file in store.call_files(call_id).await? {
        let Some(path) = in_folder(&left.folder, Path::new(&file.path)) else {
            continue;
        };
        let written = tokio::fs::metadata(path).await.and_then(|of| of.modified());
        let written = written.ok().and_then(|at| Timestamp::try_from(at).ok());
        last = last.max(written.map_or(0, Timestamp::as_microsecond));
    }
    Ok(last.min(left.started))
}
