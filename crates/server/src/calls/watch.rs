//! Live calls as others follow them: what happened lately, in order, under numbers.
//!
//! Each live call keeps its last events. Whoever follows it reads them from there in their own time: the call never waits, and
//! keeps no queue for anybody. Who comes too late for an event learns that some are missing.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ringback_call::{Direction, Order};
use ringback_session::{News, Orders, Refused};
use ringback_store::normal_number;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Arrival;
use crate::scenarios::Stored;

/// Events that are kept of a call.
pub const KEPT: usize = 256;
/// Who may follow one call at once: each holds a connection, of which media sockets need some.
const FOLLOWERS: usize = 16;
/// So long after its end a call can be followed, for those whose connection broke just then.
const LINGER: Duration = Duration::from_secs(30);
/// Events that are read at once.
const BATCH: usize = 32;

/// The live calls of this server, and those that ended just now.
#[derive(Debug, Default)]
pub struct Watches(Mutex<HashMap<Uuid, Arc<Watch>>>);

impl Watches {
    /// A call has begun. `finish` ends it after the sentence that is being heard, `orders` has it do other things.
    pub fn begin(&self, call: &Arrival, finish: CancellationToken, orders: Orders) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            call_id: call.call_id.to_string(),
            call_sid: call.call_sid.clone(),
            direction: call.direction,
            stored: call.stored.clone(),
            foreign: call.foreign,
            numbers: [normal_number(&call.from), normal_number(&call.to)],
            finish,
            orders,
            files: OnceLock::new(),
            log: Mutex::default(),
            newest: watch::Sender::new(0),
            level: watch::Sender::new("".into()),
            followers: Arc::default(),
        });
        self.lock().insert(call.call_id, Arc::clone(&watch));
        watch
    }

    /// A call is over, for this reason. It can be followed for half a minute more.
    pub fn end(self: &Arc<Self>, call_id: Uuid, reason: &str) {
        let Some(watch) = self.lock().get(&call_id).map(Arc::clone) else {
            return;
        };
        watch.end(reason);
        let watches = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            watches.lock().remove(&call_id);
        });
    }

    /// The call of this id, ours or the carrier's.
    pub fn find(&self, id: &str) -> Option<Arc<Watch>> {
        let watches = self.lock();
        let found = match Uuid::try_parse(id) {
            Ok(id) => watches.get(&id),
            Err(_) => {
                // Of those under one of the carrier's ids the newest: ids of ours go up.
                let of_it = watches.iter().filter(|(_, watch)| watch.call_sid == id);
                let newest = of_it.max_by_key(|(ours, _)| **ours);
                newest.map(|(_, watch)| watch)
            }
        };
        found.map(Arc::clone)
    }

    /// Whether a call from or to this number goes on.
    pub fn talks_to(&self, number: &str) -> bool {
        let number = normal_number(number);
        let watches = self.lock();
        let mut live = watches.values().filter(|watch| !watch.is_over());
        live.any(|watch| watch.numbers.contains(&number))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Watch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call.
#[derive(Debug)]
pub struct Watch {
    /// Our id.
    pub call_id: String,
    /// Twilio's id.
    pub call_sid: String,
    /// Who called whom.
    pub direction: Direction,
    /// Where its scenario stands in the database, and whose it is; `None` for those that are built in or files.
    pub stored: Option<Stored>,
    /// Its stream was opened by TwiML that is not ours.
    pub foreign: bool,
    numbers: [String; 2],
    finish: CancellationToken,
    orders: Orders,
    files: OnceLock<[PathBuf; 2]>,
    log: Mutex<Log>,
    newest: watch::Sender<u64>,
    /// How loud it is now, as JSON.
    level: watch::Sender<Arc<str>>,
    followers: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Log {
    events: VecDeque<Arc<Event>>,
    newest: u64,
    /// Up to here events are kept no more.
    lost: u64,
    over: bool,
}

/// Something that happened.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the call, from 1.
    pub id: u64,
    /// `began`, `hearing`, `speaking`, `line`, `lines`, `tool`, `turn`, `fault`, `end`.
    pub kind: &'static str,
    /// JSON.
    pub data: String,
}

impl Watch {
    /// Takes what a call tells. It never waits for anybody who follows.
    pub fn take(&self, news: &News) {
        let (kind, data) = match news {
            News::Began {
                at,
                engines,
                recorded,
            } => {
                let began = json!({
                    "call_id": self.call_id,
                    "call_sid": self.call_sid,
                    "at": at.to_string(),
                    "engines": engines,
                    "recorded": recorded,
                });
                ("began", began)
            }
            News::Files(files) => {
                let _ = self.files.set(files.clone());
                return;
            }
            News::Hearing(text) => ("hearing", json!({ "text": text })),
            News::Speaking(text) => ("speaking", json!({ "text": text })),
            News::Line { number, line } => {
                let mut line = line.clone();
                line["number"] = json!(number);
                ("line", line)
            }
            News::Tool { number, line } => {
                let mut tool = line.clone();
                tool["number"] = json!(number);
                ("tool", tool)
            }
            News::Lines(count) => ("lines", json!({ "count": count })),
            News::Turn(turn) => ("turn", turn.clone()),
            News::Level { caller, agent } => {
                let level = json!({ "caller_dbfs": caller, "agent_dbfs": agent });
                self.level.send_replace(level.to_string().into());
                return;
            }
            News::Fault(fault) => {
                let (party, kind) = (fault.party.name(), fault.kind.name());
                let fault = json!({ "party": party, "kind": kind, "detail": fault.detail });
                ("fault", fault)
            }
        };
        self.log(kind, &data);
    }

    fn log(&self, kind: &'static str, data: &Value) {
        let mut log = self.lock();
        log.newest += 1;
        let event = Event {
            id: log.newest,
            kind,
            data: data.to_string(),
        };
        // Words that may still change take each other's place.
        if kind == "hearing" && log.events.back().is_some_and(|last| last.kind == kind) {
            log.events.pop_back();
        }
        if log.events.len() >= KEPT
            && let Some(oldest) = log.events.pop_front()
        {
            log.lost = oldest.id;
        }
        let newest = event.id;
        log.events.push_back(Arc::new(event));
        drop(log);
        self.newest.send_replace(newest);
    }

    fn end(&self, reason: &str) {
        self.log("end", &json!({ "reason": reason }));
        self.lock().over = true;
        self.newest.send_modify(|_| {});
    }

    /// How many follow it; the number may change at any time.
    pub fn followers(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.followers)
    }

    /// Whether the call is over.
    pub fn is_over(&self) -> bool {
        self.lock().over
    }

    /// The number of the last event.
    pub fn newest_id(&self) -> u64 {
        self.lock().newest
    }

    /// Where recording and trace lie, once they were begun.
    pub fn files(&self) -> Option<&[PathBuf; 2]> {
        self.files.get()
    }

    /// Has the call end after the sentence that is being heard. `false`: it is over.
    pub fn finish(&self) -> bool {
        let goes_on = !self.is_over();
        self.finish.cancel();
        goes_on
    }

    /// Has the call do something.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn order(&self, order: Order) -> Result<(), Refused> {
        self.orders.give(order).await
    }

    /// Follows the call from behind the event of this number on; from the first that is kept on where there is none. `None`: too
    /// many follow it.
    pub fn follow(self: &Arc<Self>, seen: Option<u64>) -> Option<Follow> {
        let one_more = |count: usize| (count < FOLLOWERS).then_some(count + 1);
        let place = self
            .followers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        place.ok().map(|_| Follow {
            newest: self.newest.subscribe(),
            level: self.level.subscribe(),
            watch: Arc::clone(self),
            seen: seen.unwrap_or(0),
            begun: false,
            read: VecDeque::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who follows a call.
#[derive(Debug)]
pub struct Follow {
    watch: Arc<Watch>,
    newest: watch::Receiver<u64>,
    level: watch::Receiver<Arc<str>>,
    /// The last event that was read.
    seen: u64,
    begun: bool,
    read: VecDeque<Arc<Event>>,
}

/// What comes next to who follows.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// An event.
    Event(Arc<Event>),
    /// The events up to this number are kept no more.
    Missed(u64),
    /// How loud it is at this moment, as JSON; it is kept for nobody.
    Level(Arc<str>),
}

/// What there is to read.
enum Look {
    Next(Next),
    NothingYet,
    NothingMore,
}

impl Follow {
    /// The next event, as soon as there is one. `None`: the call is over and all was read, or whoever follows reads too slowly and
    /// has to come again.
    pub async fn next(&mut self) -> Option<Next> {
        loop {
            self.newest.borrow_and_update();
            match self.look() {
                Look::Next(next) => return Some(next),
                Look::NothingMore => return None,
                Look::NothingYet => tokio::select! {
                    biased;
                    changed = self.newest.changed() => changed.ok()?,
                    Ok(()) = self.level.changed() => {
                        let level = self.level.borrow_and_update();
                        return Some(Next::Level(Arc::clone(&level)));
                    }
                },
            }
        }
    }

    fn look(&mut self) -> Look {
        if let Some(event) = self.read.pop_front() {
            return Look::Next(Next::Event(event));
        }
        let log = self.watch.lock();
        let is_new = !std::mem::replace(&mut self.begun, true);
        if self.seen < log.lost && !is_new {
            return Look::NothingMore;
        }
        let missed = (self.seen < log.lost).then_some(log.lost);
        self.seen = self.seen.max(log.lost);
        let from = log.events.partition_point(|event| event.id <= self.seen);
        let wanted = log.events.range(from..).take(BATCH);
        self.read.extend(wanted.map(Arc::clone));
        self.seen = self.read.back().map_or(self.seen, |last| last.id);
        match (missed, self.read.is_empty()) {
            (Some(until), _) => Look::Next(Next::Missed(until)),
            (None, true) if log.over => Look::NothingMore,
            (None, true) => Look::NothingYet,
            (None, false) => {
                let first = self.read.pop_front();
                first.map_or(Look::NothingYet, |event| Look::Next(Next::Event(event)))
            }
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.watch.followers.fetch_sub(1, Ordering::Relaxed);
    }
}
