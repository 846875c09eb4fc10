//! What a live call tells, as rows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ringback_session::News;
use ringback_store::{CallAnswer, Fault, Json, Turn, Write, Writer, new_id};
use serde_json::{Map, Value, json};

use crate::database::now;

/// Fields of a line that have columns of their own.
const COLUMNS: [&str; 3] = ["speaker", "heard", "unclear"];
/// Fields of a line with what was said.
const WORDS: [&str; 2] = ["said", "digits"];

/// Follows one call. It never waits.
#[derive(Debug)]
pub struct Following {
    writer: Writer,
    call_id: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the media began (µs since 1970).
    began: i64,
    /// Whether words are kept: a call that is not recorded leaves figures alone.
    recorded: bool,
    lines: Vec<Value>,
    /// What is known of the caller's turns, by their number.
    turns: BTreeMap<u64, Value>,
}

impl State {
    /// The number of the first line that answers a turn.
    fn answer(&self, turn: u64) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| line["speaker"] == "agent" && line["turn"].as_u64() == Some(turn))
    }
}

impl Following {
    pub(super) fn new(writer: Writer, call_id: String, began: i64) -> Self {
        Self {
            writer,
            call_id,
            state: Mutex::new(State {
                began,
                recorded: false,
                lines: Vec::new(),
                turns: BTreeMap::new(),
            }),
        }
    }

    /// Sends off what a call tells.
    pub fn take(&self, news: News) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Began {
                at,
                engines,
                recorded,
            } => {
                state.began = at.as_microsecond();
                state.recorded = recorded;
                self.writer.send(Write::Answer(CallAnswer {
                    call_id: self.call_id.clone(),
                    at: state.began,
                    engines: json!(engines).into(),
                }));
            }
            News::Files(files) => {
                for path in files {
                    let file = super::file(&self.call_id, &path, state.began);
                    file.into_iter()
                        .for_each(|file| self.writer.send(Write::File(file)));
                }
            }
            // Calls of tools stand in what is told of the call when it is over.
            News::Hearing(_) | News::Speaking(_) | News::Level { .. } | News::Tool { .. } => {}
            News::Line { number, line } => {
                state.lines.truncate(number);
                state.lines.push(line);
                self.write(&state, number);
            }
            News::Lines(count) => {
                state.lines.truncate(count);
                self.writer.send(Write::Turns {
                    call_id: self.call_id.clone(),
                    count: i64::try_from(count).unwrap_or(i64::MAX),
                });
            }
            News::Turn(turn) => {
                let Some(number) = turn["turn"].as_u64() else {
                    return;
                };
                state.turns.insert(number, turn);
                if let Some(place) = state.answer(number) {
                    self.write(&state, place);
                }
            }
            News::Fault(fault) => self.failed(fault),
        }
    }

    fn failed(&self, fault: ringback_call::Fault) {
        let at = now();
        self.writer.send(Write::Fault(Fault {
            id: new_id(at),
            call_id: self.call_id.clone(),
            at,
            party: fault.party.name().to_owned(),
            kind: fault.kind.name().to_owned(),
            detail: fault.detail,
        }));
    }

    /// Sends the row of a line; the first that answers a turn has what is known of the turn.
    fn write(&self, state: &State, number: usize) {
        let line = &state.lines[number];
        let who = word(&line["speaker"]);
        let turn = line["turn"]
            .as_u64()
            .filter(|turn| state.answer(*turn) == Some(number))
            .and_then(|turn| state.turns.get(&turn));
        let from = line["from_ms"].as_i64().unwrap_or(0);
        let detail = line.as_object().into_iter().flatten();
        let detail: Map<String, Value> = detail
            .filter(|(name, _)| !COLUMNS.contains(&name.as_str()))
            .filter(|(name, _)| state.recorded || !WORDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.writer.send(Write::Turn(Turn {
            call_id: self.call_id.clone(),
            number: i64::try_from(number).unwrap_or(i64::MAX),
            at: state.began + from * 1000,
            who,
            text: if state.recorded {
                word(&line["heard"])
            } else {
                String::new()
            },
            latencies: turn.map(latencies),
            usage: turn.map(|turn| turn["usage"].clone().into()),
            cost: turn.and_then(|turn| turn["cost"].as_f64()),
            detail: Some(Value::from(detail).into()),
        }));
    }
}

/// The times of a turn in ms since the caller's last sound, why it was over, and what was heard first after it.
fn latencies(turn: &Value) -> Json {
    let fields = turn.as_object().into_iter().flatten();
    let times: Map<String, Value> = fields
        .filter(|(name, _)| {
            name.ends_with("_ms") || matches!(name.as_str(), "cause" | "answered_by")
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::from(times).into()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_store::{CallStart, CallStatus, Direction, Location, Store};

    use super::*;

    fn line(speaker: &str, heard: &str) -> Value {
        json!({"speaker": speaker, "turn": 1, "from_ms": 0, "heard": heard})
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_turn_used_stands_in_one_row_however_many_lines_answer_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Location::File(folder.path().join("rows.db"))).unwrap();
        store.migrate(1).await.unwrap();
        let writer = Writer::start(store.clone(), &folder.path().join("journal")).unwrap();
        writer.send(Write::Call(CallStart {
            id: "one".to_owned(),
            call_sid: None,
            direction: Direction::Inbound,
            from: String::new(),
            to: String::new(),
            scenario: "parrot".to_owned(),
            scenario_id: None,
            scenario_version: None,
            owner: None,
            node: "here".to_owned(),
            status: CallStatus::InProgress,
            at: 1,
        }));
        let following = Following::new(writer.clone(), "one".to_owned(), 1);
        let lines = [
            line("caller", "Hello."),
            line("agent", "Yes?"),
            line("agent", "Are you still there?"),
        ];
        let all = |from: usize| {
            for (number, line) in lines.iter().enumerate().skip(from) {
                let line = line.clone();
                following.take(News::Line { number, line });
            }
        };
        all(0);
        following.take(News::Turn(
            json!({"turn": 1, "audible_ms": 700, "cost": 0.5}),
        ));
        all(1);
        writer.settled().await;
        let turns = store.call_detail("one").await.unwrap().unwrap().turns;
        let costs: Vec<_> = turns.iter().map(|turn| turn.cost).collect();
        assert_eq!(costs, [None, Some(0.5), None]);
        let told = turns.iter().filter(|turn| turn.latencies.is_some());
        assert_eq!(told.count(), 1);
    }
}
