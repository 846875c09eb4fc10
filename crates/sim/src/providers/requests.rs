//! What was asked so far: one record for each request, kept for `GET /sim/requests`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::mark::Mark;
use super::place::Place;
use super::stamps::{Point, Stamps};

/// Records that are kept; of more, the oldest are lost.
const MOST: usize = 2000;
/// Messages that are kept of one request; of more, the first.
const MOST_MESSAGES: usize = 500;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Its number, from 1.
    pub id: u64,
    /// When it came, in ms since the start.
    pub at_ms: u64,
    /// The provider's name.
    pub provider: &'static str,
    /// The endpoint's name.
    pub endpoint: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path, and the query with keys masked.
    pub target: String,
    /// The key, masked: its first two characters and its length.
    pub key: Option<String>,
    /// The body, or the text messages of a socket, as JSON where they are JSON, with keys masked.
    pub received: Vec<Value>,
    /// Bytes of audio received.
    pub audio_bytes: u64,
    /// Messages, events or pieces sent.
    pub sent: u64,
    /// The status it was answered with, if it was.
    pub status: Option<u16>,
    /// What became of it.
    pub state: State,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being answered.
    Open,
    /// It was answered to the end, or its socket closed as agreed.
    Done,
    /// It was refused, or its socket closed for a fault of the client.
    Refused,
    /// The client went away before the end.
    Aborted,
    /// A knob dropped the connection.
    Dropped,
}

/// All records.
#[derive(Debug)]
pub(super) struct Requests {
    began: Instant,
    log: Mutex<Log>,
    /// When marked utterances passed.
    pub(super) stamps: Stamps,
}

#[derive(Debug, Default)]
struct Log {
    records: VecDeque<Record>,
    count: u64,
}

impl Requests {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            log: Mutex::default(),
            stamps: Stamps::default(),
        })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Record> {
        self.log().records.iter().cloned().collect()
    }

    /// Forgets all; numbers go on, so that a request still being answered finds no other's record.
    pub(super) fn reset(&self) {
        self.log().records.clear();
        self.stamps.reset();
    }

    /// Opens the record of a request.
    pub(super) fn open(
        self: &Arc<Self>,
        place: Place,
        (method, target): (&str, &str),
        key: Option<&str>,
    ) -> Entry {
        let mut log = self.log();
        log.count += 1;
        let id = log.count;
        if log.records.len() == MOST {
            log.records.pop_front();
        }
        log.records.push_back(Record {
            id,
            at_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            provider: place.provider.name(),
            endpoint: place.endpoint,
            method: method.to_owned(),
            target: masked_target(target),
            key: key.map(masked),
            received: Vec::new(),
            audio_bytes: 0,
            sent: 0,
            status: None,
            state: State::Open,
        });
        drop(log);
        Entry {
            requests: Arc::clone(self),
            id,
        }
    }
}

/// The record of a request that is being answered. Dropped while it is open, it says that the client went away.
#[derive(Debug)]
pub(super) struct Entry {
    requests: Arc<Requests>,
    id: u64,
}

impl Entry {
    fn change(&self, change: impl FnOnce(&mut Record)) {
        let mut log = self.requests.log();
        if let Ok(index) = log
            .records
            .binary_search_by_key(&self.id, |record| record.id)
        {
            change(&mut log.records[index]);
        }
    }

    /// A message or body of the client.
    pub(super) fn received(&self, text: &str) {
        let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        mask_keys(&mut value);
        self.change(|record| {
            if record.received.len() < MOST_MESSAGES {
                record.received.push(value);
            }
        });
    }

    /// A marked utterance passes, now or at this moment of the shared clock.
    pub(super) fn stamp(&self, mark: Option<Mark>, point: Point, at_us: Option<u64>) {
        match (mark, at_us) {
            (None, _) => {}
            (Some(mark), None) => self.requests.stamps.add(mark, point),
            (Some(mark), Some(at_us)) => self.requests.stamps.add_at(at_us, mark, point),
        }
    }

    pub(super) fn heard(&self, bytes: usize) {
        self.change(|record| record.audio_bytes += bytes as u64);
    }

    pub(super) fn sent(&self) {
        self.change(|record| record.sent += 1);
    }

    pub(super) fn status(&self, status: u16) {
        self.change(|record| record.status = Some(status));
    }

    /// Ends the record, unless it has ended.
    pub(super) fn end(&self, state: State) {
        self.change(|record| {
            if record.state == State::Open {
                record.state = state;
            }
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.end(State::Aborted);
    }
}

fn masked(key: &str) -> String {
    let length = key.chars().count();
    let head: String = key.chars().take(if length >= 8 { 2 } else { 0 }).collect();
    format!("{head}… ({length} characters)")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["api-key", "api_key", "token", "authorization", "secret"]
        .iter()
        .any(|word| name.ends_with(word))
}

fn masked_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if is_secret(name) => format!("{name}={}", masked(value)),
        Some(_) | None => pair.to_owned(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn mask_keys(value: &mut Value) {
    if let Value::Object(map) = value {
        for (name, value) in map {
            if let (true, Value::String(key)) = (is_secret(name), &mut *value) {
                *key = masked(key);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::place::CHAT;
    use super::*;

    #[test]
    fn no_key_is_kept() {
        let requests = Requests::new();
        let entry = requests.open(
            CHAT,
            ("GET", "/a?api_key=sk-12345678&b=c"),
            Some("sk-12345678"),
        );
        entry.received(r#"{"text":" ","xi-api-key":"sk-12345678"}"#);
        let kept = serde_json::to_string(&requests.all()).unwrap();
        assert!(!kept.contains("12345678"), "{kept}");
        assert!(
            kept.contains("sk… (11 characters)") && kept.contains("b=c"),
            "{kept}"
        );
    }

    #[test]
    fn a_record_that_is_dropped_open_was_aborted_and_one_that_ended_was_not() {
        let requests = Requests::new();
        drop(requests.open(CHAT, ("GET", "/"), None));
        let entry = requests.open(CHAT, ("GET", "/"), None);
        entry.end(State::Done);
        drop(entry);
        let states: Vec<_> = requests.all().iter().map(|record| record.state).collect();
        assert_eq!(states, [State::Aborted, State::Done]);
        let open = requests.open(CHAT, ("GET", "/"), None);
        requests.reset();
        requests.open(CHAT, ("GET", "/b"), None).sent();
        open.sent();
        assert_eq!(requests.all()[0].sent, 1, "another's record is left alone");
    }

    #[test]
    fn only_so_many_records_are_kept() {
        let requests = Requests::new();
        for _ in 0..MOST + 5 {
            requests.open(CHAT, ("GET", "/"), None).end(State::Done);
        }
        let all = requests.all();
        assert_eq!((all.len(), all[0].id), (MOST, 6));
    }
}
