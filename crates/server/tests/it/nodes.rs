//! Several servers at one database, of which one dies or loses its way there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ringback_server::calls::nodes::{Signs, look};
use ringback_store::{CallEnd, CallStart, CallStatus, Direction, Location, Store, Turn, Write};
use serde_json::{Value, json};

use crate::accounts::Told;
use crate::cluster::Cluster;
use crate::following::{Desk, NOW};
use crate::server::*;
use crate::simulated::{Simulated, until};

const SECOND: i64 = 1_000_000;

/// A call of this node that goes on.
fn live(id: &str, node: &str) -> CallStart {
    CallStart {
        id: id.to_owned(),
        call_sid: None,
        direction: Direction::Inbound,
        from: CALLER.to_owned(),
        to: CALLED.to_owned(),
        scenario: "survey".to_owned(),
        scenario_id: None,
        scenario_version: None,
        owner: None,
        node: node.to_owned(),
        status: CallStatus::InProgress,
        at: NOW,
    }
}

impl Desk {
    /// Gives a sign and looks for those of others, in this second.
    async fn look(&self, signs: &mut Signs, second: u64) {
        let app = &self.service.server.app;
        let here = (&self.service.store, app.rows.node().unwrap());
        let at = Duration::from_secs(second);
        look(here, &app.desk.watches, signs, at).await.unwrap();
    }

    async fn looks(&self, signs: &mut Signs, seconds: impl IntoIterator<Item = u64>) {
        for second in seconds {
            self.look(signs, second).await;
        }
    }

    /// The rows of a call of this server that goes on, with one line 3 s after its beginning.
    async fn begun(&self, id: &str) {
        let node = self.service.server.app.rows.node().unwrap().to_owned();
        self.writer.send(Write::Call(live(id, &node)));
        self.says(id, 0);
        self.writer.settled().await;
    }

    fn says(&self, id: &str, number: i64) {
        self.writer.send(Write::Turn(Turn {
            call_id: id.to_owned(),
            number,
            at: NOW + (number + 3) * SECOND,
            who: "caller".to_owned(),
            text: "hello".to_owned(),
            latencies: None,
            usage: None,
            cost: None,
            detail: Some(json!({"turn": 1, "from_ms": 3000}).into()),
        }));
    }

    async fn ends(&self, id: &str) {
        self.writer.send(Write::End(Box::new(CallEnd {
            call_id: id.to_owned(),
            status: CallStatus::Completed,
            answered_at: Some(NOW),
            ended_at: NOW + 9 * SECOND,
            reason: "responder".to_owned(),
            engines: None,
            cost: None,
            currency: None,
            summary: None,
        })));
        self.writer.settled().await;
    }

    /// What is said to whoever wants something of a live call: status and sentence.
    async fn answers(&self, id: &str) -> Vec<(u16, Value)> {
        let mut answers = Vec::new();
        for (method, verb, body) in [
            ("GET", "events", Value::Null),
            ("POST", "hangup", Value::Null),
            ("POST", "say", json!({"text": "One moment."})),
            ("POST", "whisper", json!({"text": "Be kind."})),
            ("POST", "transfer", json!({"to": "+15005550009"})),
        ] {
            let path = format!("/calls/{id}/{verb}");
            let told = self.service.ask(method, &path, Some(&self.ada), body).await;
            answers.push((told.status, told.json["detail"].clone()));
        }
        answers
    }

    async fn erased(&self) -> Told {
        let body = json!({ "phone_number": CALLER });
        let admin = Some(&*self.ada);
        self.service.ask("POST", "/admin/erase", admin, body).await
    }

    async fn told(&self, id: &str) -> Value {
        let told = self.service.get(&format!("/calls/{id}"), &self.ada).await;
        told.json
    }
}

async fn check_lost(url: &str) {
    let (here, away) = (Desk::at(url).await, Desk::at(url).await);
    away.begun("1").await;
    away.look(&mut Signs::default(), 0).await;
    let mut signs = Signs::default();
    here.looks(&mut signs, [0, 10, 20, 30, 40, 50]).await;
    assert_eq!(here.told("1").await["status"], "in-progress");
    assert_eq!(here.erased().await.status, 409);

    here.look(&mut signs, 60).await;
    let call = here.told("1").await;
    assert_eq!(call["status"], "failed", "{call}");
    assert_eq!(call["reason"], "the server was lost");
    let ended: jiff::Timestamp = call["ended"].as_str().unwrap().parse().unwrap();
    assert_eq!(ended.as_microsecond(), NOW + 3 * SECOND);
    let erased = here.erased().await;
    assert_eq!((erased.status, &erased.json["calls"]), (200, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_server_that_died_are_ended_by_another_at_one_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("one.db").display());
    check_lost(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_server_that_died_are_ended_by_another_at_one_postgresql() {
    let cluster = Cluster::start();
    check_lost(&cluster.create("ringback")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_postgresql_gives_a_sign_when_it_starts() {
    let cluster = Cluster::start();
    let url = cluster.create("ringback");
    let server = Simulated::start(&[("DATABASE_URL", &url)], &[]).await;
    let node = std::fs::read_to_string(server.data_dir().join("node_id")).unwrap();
    let store = Store::open(Location::parse(&url, &server.data_dir()).unwrap()).unwrap();
    let call = live("1", node.trim());
    store.call_insert(&call).await.unwrap();
    until("a sign of life", async || {
        let nodes = store.node_unended("another", 0).await.unwrap();
        nodes.first()?.seen_at
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_only_cut_off_has_its_live_calls_back_and_ends_them_itself() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("one.db").display());
    let (here, away) = (Desk::at(&url).await, Desk::at(&url).await);
    let (_watch, id, _) = away.live();
    let live = id.to_string();
    for id in ["over", &live] {
        away.begun(id).await;
    }
    let (mut signs, mut theirs) = (Signs::default(), Signs::default());
    away.look(&mut theirs, 0).await;
    here.looks(&mut signs, (0..=6).map(|round| round * 10))
        .await;
    assert_eq!(here.told(&live).await["status"], "failed");

    away.look(&mut theirs, 100).await;
    let call = here.told(&live).await;
    assert_eq!(
        (&call["status"], &call["ended"]),
        (&json!("in-progress"), &Value::Null)
    );
    assert_eq!(here.told("over").await["status"], "failed");
    // They live both: nobody is lost.
    here.looks(&mut signs, [70, 80]).await;
    assert_eq!(here.told(&live).await["status"], "in-progress");

    away.says("over", 1);
    away.ends("over").await;
    let call = here.told("over").await;
    assert_eq!(
        (&call["status"], &call["reason"]),
        (&json!("completed"), &json!("responder"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_a_call_that_goes_on_at_another_server_is_told_which() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("one.db").display());
    let (here, away) = (Desk::at(&url).await, Desk::at(&url).await);
    away.begun("1").await;
    let node = away.service.server.app.rows.node().unwrap();
    let elsewhere = json!(format!("the call goes on at the server {node}: ask there"));
    assert_eq!(here.answers("1").await, vec![(409, elsewhere); 5]);

    away.ends("1").await;
    let over = vec![(409, json!("the call is over")); 4];
    let answers = here.answers("1").await;
    assert_eq!((answers[0].0, &answers[1..]), (204, &*over));
}
