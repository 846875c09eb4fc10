//! How fast the store is: `cargo run -p ringback-store --example pace`, on `DATABASE_URL` or on SQLite in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for engineers"
)]

use std::time::{Duration, Instant};

use ringback_store::{
    CallStart, CallStatus, Direction, Json, Location, Quota, Store, Turn, Write, Writer, new_id,
};
use serde_json::json;

const CALLS: usize = 100;
const TURNS: usize = 100;
const NOW: i64 = 1_795_000_000_000_000;

fn call(id: &str) -> CallStart {
    CallStart {
        id: id.to_owned(),
        call_sid: None,
        direction: Direction::Inbound,
        from: "+15005550001".to_owned(),
        to: "+15005550002".to_owned(),
        scenario: "survey".to_owned(),
        scenario_id: None,
        scenario_version: None,
        owner: None,
        node: "pace".to_owned(),
        status: CallStatus::InProgress,
        at: NOW,
    }
}

fn turn(id: &str, number: usize) -> Turn {
    let figures = json!({"words_ms": 210, "turn_end_ms": 480, "text_ms": 700, "speech_ms": 910});
    Turn {
        call_id: id.to_owned(),
        number: number as i64,
        at: NOW,
        who: "caller".to_owned(),
        text: "I would like to book a table for four on Friday evening".to_owned(),
        latencies: Some(Json(figures)),
        usage: Some(Json(
            json!([{"engine": "deepgram", "seconds": 3.2, "cost": 0.0003}]),
        )),
        cost: Some(0.0011),
        detail: None,
    }
}

fn show(what: &str, mut times: Vec<Duration>, whole: Duration) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!(
        "{what}: {} in {whole:.1?}, {:.0} a second; one takes {:.1?} (median), {:.1?} (99 %), {:.1?} (longest)",
        times.len(),
        times.len() as f64 / whole.as_secs_f64(),
        at(50),
        at(99),
        at(100)
    );
}

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let url = std::env::var("DATABASE_URL").unwrap_or_default();
    let store = Store::open(Location::parse(&url, dir.path()).unwrap()).unwrap();
    println!("{}", store.location());
    store.migrate(NOW).await.unwrap();

    let writer = Writer::start(store.clone(), &dir.path().join("journal")).unwrap();
    let ids: Vec<_> = (0..CALLS).map(|_| new_id(NOW)).collect();
    let begun = Instant::now();
    let mut sends = Vec::new();
    for id in &ids {
        writer.send(Write::Call(call(id)));
    }
    for number in 0..TURNS {
        for id in &ids {
            let write = Write::Turn(turn(id, number));
            let sent = Instant::now();
            writer.send(write);
            sends.push(sent.elapsed());
        }
        // All calls end a turn at once, a hundred times: harder than life.
        writer.kept().await;
    }
    writer.settled().await;
    show("turns of 100 calls", sends, begun.elapsed());
    let state = writer.state();
    assert_eq!((state.dropped, state.refused), (0, 0));

    let (begun, mut journeys) = (Instant::now(), Vec::new());
    for number in TURNS..TURNS + 300 {
        let sent = Instant::now();
        writer.send(Write::Turn(turn(&ids[0], number)));
        writer.settled().await;
        journeys.push(sent.elapsed());
    }
    show(
        "from a turn's end into the database",
        journeys,
        begun.elapsed(),
    );

    let quota = Quota {
        uses: 1_000_000,
        period: 60_000_000,
    };
    let (begun, mut takes) = (Instant::now(), Vec::new());
    for _ in 0..1_000 {
        let asked = Instant::now();
        store.rate_take("pace", quota, NOW).await.unwrap();
        takes.push(asked.elapsed());
    }
    show("uses of an allowance", takes, begun.elapsed());
    store.close().await;
}
