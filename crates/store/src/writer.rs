//! Takes the rows of live calls without ever waiting, and sees to it that they come into the database.
//!
//! Two tasks. The first takes what was sent and appends it to the journal: from then on it survives a killed process. The
//! second reads the journal and writes to the database, many rows in one transaction. While the database is down the
//! journal grows, to its bound, and what it holds is forced to the disk; afterwards it is replayed in order. Rows are
//! written so that writing them again changes nothing, so a process that is killed between database and journal does no
//! harm.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::calls::write::{
    call_answer, call_end, call_insert, call_status_set, fault_insert, file_set, turn_set,
    turns_cut,
};
use crate::calls::{CallAnswer, CallEnd, CallFile, CallStart, CallStatus, Fault, Turn};
use crate::checkpoints::{Checkpoint, checkpoint_set};
use crate::db::Tx;
use crate::journal::{Appended, Batch, Journal};
use crate::transcripts::{Transcript, transcript_set};
use crate::{Error, Store};

/// Rows that wait for the first task; a live call sends a few in a second.
const QUEUE: usize = 4_096;
/// Rows in one transaction.
const BATCH: usize = 256;
/// How long the journal may become.
const BOUND: u64 = 256 * 1024 * 1024;
/// Between attempts while the database is down.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A row of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// It begins. Of a call that is there already only what was not known is filled in: its status goes on by
    /// [`Write::Status`].
    Call(CallStart),
    /// It goes on.
    Status {
        /// The call.
        call_id: String,
        /// Where it is.
        status: CallStatus,
        /// When (µs since 1970).
        at: i64,
    },
    /// It is answered.
    Answer(CallAnswer),
    /// A turn is finished.
    Turn(Turn),
    /// It has so many turns: those after them were taken back.
    Turns {
        /// The call.
        call_id: String,
        /// How many there are.
        count: i64,
    },
    /// Something went wrong.
    Fault(Fault),
    /// It has a file.
    File(CallFile),
    /// It has a transcript.
    Transcript(Box<Transcript>),
    /// Its state, for another node.
    Checkpoint(Checkpoint),
    /// It ends.
    End(Box<CallEnd>),
}

/// How a writer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterState {
    /// The database does not take rows; they are kept in the journal.
    pub down: bool,
    /// Bytes in the journal.
    pub journal_bytes: u64,
    /// Rows that are lost since the start, because the queue or the journal was full or the disk failed.
    pub dropped: u64,
    /// Rows that the database refused since the start: their call was erased, or a value does not fit.
    pub refused: u64,
}

/// A handle to the tasks; clones share them. When the last one is dropped they finish what was sent, if the database lets
/// them; else it stays in the journal.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum Message {
    Write(Box<Write>),
    /// Answers once what was sent before is in the journal, or in the database.
    Kept(oneshot::Sender<()>),
    Settled(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Shared {
    journal: Mutex<Journal>,
    /// Those of the journal, for whoever must not wait for the disk.
    bytes: AtomicU64,
    more: Notify,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    closed: AtomicBool,
    down: AtomicBool,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Writer {
    /// Starts the tasks, with the journal in this folder (`DATA_DIR/journal`). What an earlier process left there is written
    /// first. While the tables are missing, rows are kept as while the database is down. Needs a runtime of tokio.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process writes this journal; [`Error::File`].
    pub fn start(store: Store, journal: &Path) -> Result<Self, Error> {
        Self::start_bounded(store, journal, BOUND)
    }

    /// As [`Writer::start`], with another bound for the journal, in bytes.
    ///
    /// # Errors
    /// As there.
    pub fn start_bounded(store: Store, journal: &Path, bound: u64) -> Result<Self, Error> {
        let journal = Journal::open(journal, bound)?;
        let shared = Arc::new(Shared {
            bytes: AtomicU64::new(journal.bytes()),
            journal: Mutex::new(journal),
            more: Notify::new(),
            waiting: Mutex::default(),
            closed: AtomicBool::new(false),
            down: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let (queue, taken) = mpsc::channel(QUEUE);
        tokio::spawn(keep(taken, Arc::clone(&shared)));
        tokio::spawn(apply(store, Arc::clone(&shared)));
        Ok(Self { queue, shared })
    }

    /// Sends a row on its way and returns at once. One that finds the queue full, because the disk hangs, is counted as
    /// dropped.
    pub fn send(&self, write: Write) {
        if self
            .queue
            .try_send(Message::Write(Box::new(write)))
            .is_err()
        {
            self.shared
                .drop_rows(1, "the queue is full: the disk does not keep up");
        }
    }

    /// Waits until all that was sent before is in the journal, and so outlives this process.
    pub async fn kept(&self) {
        self.ask(Message::Kept).await;
    }

    /// Waits until all that was sent before is in the database, or refused by it. While that is down, this waits.
    pub async fn settled(&self) {
        self.ask(Message::Settled).await;
    }

    async fn ask(&self, message: fn(oneshot::Sender<()>) -> Message) {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(message(answer)).await.is_ok() {
            let _ = answered.await;
        }
    }

    /// How it does.
    #[must_use]
    pub fn state(&self) -> WriterState {
        let shared = &self.shared;
        WriterState {
            down: shared.down.load(Ordering::Relaxed),
            journal_bytes: shared.bytes.load(Ordering::Relaxed),
            dropped: shared.dropped.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn appended(&self, dropped: u64, failed: Option<io::Error>) {
        match failed {
            Some(error) => {
                tracing::error!("rows of calls are in memory alone: the journal: {error}");
                if dropped > 0 {
                    self.drop_rows(dropped, "the disk takes none, and memory is full");
                }
            }
            None if dropped > 0 => self.drop_rows(dropped, "the journal or the memory is full"),
            None => {}
        }
    }

    /// Says so at 1, 10, 100 and so on, not for each.
    fn drop_rows(&self, rows: u64, why: &str) {
        let before = self.dropped.fetch_add(rows, Ordering::Relaxed);
        let after = before + rows;
        if before.checked_ilog10() != after.checked_ilog10() {
            tracing::error!(store.dropped = after, "rows of calls are lost: {why}");
        }
    }

    /// Works on the journal where waiting for the disk holds nobody up.
    async fn journal_do<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&mut Journal) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let journal = shared.journal.lock();
            let mut journal = journal.unwrap_or_else(PoisonError::into_inner);
            let done = what(&mut journal);
            shared.bytes.store(journal.bytes(), Ordering::Relaxed);
            done
        });
        done.await.ok()
    }
}

/// The first task: from the queue into the journal.
async fn keep(mut queue: mpsc::Receiver<Message>, shared: Arc<Shared>) {
    let mut messages = Vec::new();
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        let (mut lines, mut kept, mut settled) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages.drain(..) {
            match message {
                Message::Write(write) => lines.extend(serde_json::to_string(&write)),
                Message::Kept(answer) => kept.push(answer),
                Message::Settled(answer) => settled.push(answer),
            }
        }
        let (rows, lasting) = (lines.len() as u64, shared.down.load(Ordering::Relaxed));
        if rows > 0 {
            let appended = shared
                .journal_do(move |journal| journal.append(&lines, lasting))
                .await;
            match appended {
                Some(Appended { dropped, failed }) => shared.appended(dropped, failed),
                None => shared.drop_rows(rows, "the journal's task was ended"),
            }
        }
        for answer in kept {
            let _ = answer.send(());
        }
        // Only now: the other task answers them when it finds the journal empty.
        shared.waiting().extend(settled);
        shared.more.notify_one();
    }
    shared.closed.store(true, Ordering::Relaxed);
    shared.more.notify_one();
}

/// The second task: from the journal into the database.
async fn apply(store: Store, shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let closed = shared.closed.load(Ordering::Relaxed);
        let waiting = std::mem::take(&mut *shared.waiting());
        let read = shared.journal_do(|journal| journal.read(BATCH)).await;
        let batch = match read {
            Some(Ok(batch)) if batch.is_empty() => {
                for answer in waiting {
                    let _ = answer.send(());
                }
                if closed {
                    return;
                }
                shared.more.notified().await;
                continue;
            }
            Some(Ok(batch)) => batch,
            Some(Err(error)) => {
                shared.waiting().extend(waiting);
                tracing::error!("the journal of calls cannot be read: {error}");
                tokio::time::sleep(LONGEST_PAUSE).await;
                continue;
            }
            None => return,
        };
        shared.waiting().extend(waiting);
        match write_batch(&store, &shared, &batch).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                settle(&shared, batch).await;
            }
            Err(error) => {
                went_down(&shared, &error).await;
                if closed {
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn settle(shared: &Arc<Shared>, batch: Batch) {
    if shared.down.swap(false, Ordering::Relaxed) {
        tracing::info!("the database takes rows again; what was kept in the journal goes there");
    }
    if let Some(Err(error)) = shared
        .journal_do(move |journal| journal.settle(&batch))
        .await
    {
        tracing::error!("the journal of calls cannot be shortened: {error}");
    }
}

async fn went_down(shared: &Arc<Shared>, error: &Error) {
    if !shared.down.swap(true, Ordering::Relaxed) {
        tracing::warn!("rows of calls are kept in the journal: {error}");
        if let Some(Err(error)) = shared.journal_do(|journal| journal.sync()).await {
            tracing::error!("the journal of calls cannot be forced to the disk: {error}");
        }
    }
}

/// All in one transaction; where one row spoils it, each in its own. Fails only for what may pass.
async fn write_batch(store: &Store, shared: &Shared, batch: &Batch) -> Result<(), Error> {
    let mut writes = Vec::with_capacity(batch.lines.len());
    let mut unknown = batch.damaged;
    for line in &batch.lines {
        match serde_json::from_str::<Write>(line) {
            Ok(write) => writes.push(write),
            Err(_) => unknown += 1,
        }
    }
    let spoiled = match write_all(store, &writes).await {
        Ok(()) => false,
        Err(Error::Conflict(_) | Error::NotFound(_) | Error::Refused(_)) => true,
        Err(error) => return Err(error),
    };
    if unknown > 0 {
        shared.drop_rows(unknown, "lines of the journal cannot be read");
    }
    let alone = if spoiled { writes.as_slice() } else { &[] };
    for write in alone {
        match write_all(store, std::slice::from_ref(write)).await {
            Ok(()) => {}
            Err(error @ (Error::Conflict(_) | Error::NotFound(_) | Error::Refused(_))) => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                let (kind, call) = write.about();
                tracing::warn!(call.id = call, "a {kind} is not stored: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn write_all(store: &Store, writes: &[Write]) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    for write in writes {
        write.apply(&mut tx).await?;
    }
    tx.commit().await
}

impl Write {
    async fn apply(&self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Call(call) => call_insert(tx, call).await,
            Self::Status {
                call_id,
                status,
                at,
            } => call_status_set(tx, call_id, *status, *at).await,
            Self::Answer(answer) => call_answer(tx, answer).await,
            Self::Turn(turn) => turn_set(tx, turn).await,
            Self::Turns { call_id, count } => turns_cut(tx, call_id, *count).await,
            Self::Fault(fault) => fault_insert(tx, fault).await,
            Self::File(file) => file_set(tx, file).await,
            Self::Transcript(transcript) => transcript_set(tx, transcript).await,
            Self::Checkpoint(checkpoint) => checkpoint_set(tx, checkpoint).await,
            Self::End(end) => call_end(tx, end).await,
        }
    }

    /// What it is, and of which call.
    fn about(&self) -> (&'static str, &str) {
        match self {
            Self::Call(call) => ("call", &call.id),
            Self::Status { call_id, .. } => ("status", call_id),
            Self::Answer(answer) => ("answer", &answer.call_id),
            Self::Turn(turn) => ("turn", &turn.call_id),
            Self::Turns { call_id, .. } => ("cut", call_id),
            Self::Fault(fault) => ("fault", &fault.call_id),
            Self::File(file) => ("file", &file.call_id),
            Self::Transcript(transcript) => (
                "transcript",
                transcript.call_id.as_deref().unwrap_or_default(),
            ),
            Self::Checkpoint(checkpoint) => ("checkpoint", &checkpoint.call_id),
            Self::End(end) => ("end", &end.call_id),
        }
    }
}
