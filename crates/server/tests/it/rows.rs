//! Rows of calls: there once the call is over, and what was told of it also when the server was killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use ringback_sim::Ended;
use ringback_sim::conversation::{Happening, Moment};
use ringback_store::{CallDetail, FileKind, Location, Store};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::openapi::assert_told;
use crate::simulated::{ANSWER, FROM, GREETING, QUESTION, Simulated, until};

async fn calls(server: &Simulated, query: &str) -> Vec<Value> {
    serde_json::from_str(&server.get(&format!("/calls{query}")).await).unwrap()
}

/// A call, as it stands in the database of this URL.
async fn rows(server: &Simulated, url: &str, id: &str) -> CallDetail {
    let store = Store::open(Location::parse(url, &server.data_dir()).unwrap()).unwrap();
    let found = store.call_detail(id).await.unwrap().unwrap();
    store.close().await;
    found
}

/// The only call that was made is listed, and all its rows are there.
async fn check_call(server: &Simulated, url: &str) {
    let call = until("the row", async || {
        let query = "?status=completed&direction=inbound";
        let answer = server.answer(&format!("/calls{query}")).await;
        if !answer.starts_with("HTTP/1.1 200") {
            return None;
        }
        calls(server, query).await.into_iter().next()
    })
    .await;
    assert_eq!(
        call["engines"],
        serde_json::json!(["deepgram", "openai", "cartesia"])
    );
    assert_eq!(call["from"], FROM);
    assert!(call["started"].as_str() < call["ended"].as_str(), "{call}");
    assert!(calls(server, "?direction=outbound").await.is_empty());
    assert!(calls(server, "?skip=1").await.is_empty());
    let number = FROM.replace('+', "%2B");
    assert_eq!(calls(server, &format!("?number={number}")).await.len(), 1);
    let answer = server.answer("/calls?limit=1").await;
    assert!(answer.contains("x-total-count: 1"), "{answer}");

    let id = call["call_id"].as_str().unwrap();
    let shown = server.get(&format!("/calls/{id}")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    for name in ["created", "started", "ended"] {
        assert_eq!(shown[name], call[name], "{name}");
    }
    let heard = server
        .get(&format!("/calls/{id}/transcript?format=text"))
        .await;
    for (who, words) in [("Agent", GREETING), ("Caller", QUESTION), ("Agent", ANSWER)] {
        assert!(heard.contains(&format!("] {who}: {words}\n")), "{heard}");
    }

    let rows = rows(server, url, id).await;
    let said: Vec<(&str, &str)> = rows
        .turns
        .iter()
        .map(|turn| (turn.who.as_str(), turn.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [("agent", GREETING), ("caller", QUESTION), ("agent", ANSWER)]
    );
    let latencies = rows.turns[2].latencies.as_ref().unwrap();
    assert!(
        latencies.0["audible_ms"].as_u64().is_some(),
        "{latencies:?}"
    );
    assert!(rows.turns.is_sorted_by_key(|turn| turn.at));
    let kinds: Vec<FileKind> = rows.files.iter().map(|file| file.kind).collect();
    assert!(
        FileKind::ALL.iter().all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
    assert!(rows.files.iter().all(|file| file.bytes > Some(0)));
    assert_eq!(rows.call.start.from_number, FROM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_listed_with_its_figures_and_its_rows_hold_what_was_said() {
    let server = Simulated::start(&[], &[]).await;
    server.register().await;
    server.call().await;
    check_call(&server, "").await;
    let id = calls(&server, "").await[0]["call_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        "/calls".to_owned(),
        format!("/calls/{id}"),
        format!("/calls/{id}/transcript"),
        format!("/local/calls/{id}"),
    ] {
        let answer = serde_json::from_str(&server.get(&path).await).unwrap();
        assert_told("GET", &path, 200, &answer);
    }
    let events = server.get(&format!("/calls/{id}/events")).await;
    let mut told = ["began", "hearing", "speaking", "line", "turn", "end"].iter();
    assert!(
        told.all(|kind| events.contains(&format!("event: {kind}\n"))),
        "{events}"
    );
    assert!(events.contains(ANSWER), "{events}");
    for refused in [
        "limit=0",
        "limit=201",
        "status=lost",
        "since=yesterday",
        "colour=red",
    ] {
        let answer = server.answer(&format!("/calls?{refused}")).await;
        assert!(answer.starts_with("HTTP/1.1 422"), "{refused}: {answer}");
    }
}

async fn health(server: &Simulated) -> String {
    server.answer("/health").await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_postgresql_is_down_and_their_rows_come_when_it_is_back() {
    let cluster = Cluster::start();
    let url = cluster.create("ringback");
    cluster.down();
    let server = Simulated::start(&[("DATABASE_URL", &url)], &[]).await;
    let down = health(&server).await;
    assert!(down.starts_with("HTTP/1.1 503"), "{down}");
    assert!(down.contains(r#""database":"down""#), "{down}");
    server.call().await;
    assert!(server.answer("/calls").await.starts_with("HTTP/1.1 503"));
    cluster.up();
    until("the health", async || {
        let answer = health(&server).await;
        answer.contains(r#""database":"connected""#).then_some(())
    })
    .await;
    server.register().await;
    check_call(&server, &url).await;

    let talk = server.call_to_the_end("pause_ms = 4000");
    let stop = async {
        let id = answered(&server).await;
        cluster.down();
        id
    };
    let (outcome, id) = tokio::join!(talk, stop);
    assert!(
        matches!(outcome.ended, Ended::Caller),
        "{:?}",
        outcome.ended
    );
    cluster.up();
    until("the end", async || {
        let answer = server.answer("/calls?limit=1").await;
        answer.contains(r#""status":"completed""#).then_some(())
    })
    .await;
    let rows = rows(&server, &url, &id).await;
    assert_eq!(rows.turns.len(), 3, "{:?}", rows.turns);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_while_postgresql_is_down_takes_calls_for_what_was_kept_there() {
    let cluster = Cluster::start();
    let url = cluster.create("ringback");
    let server = Simulated::start(&[("DATABASE_URL", &url)], &[]).await;
    server.register().await;
    let body = json!({
        "slug": "dentist", "prompt": "Help callers.", "greeting": {"inbound": GREETING},
        "responder": [{"provider": "openai", "key": "sk-of-the-dentist"}],
    });
    let body = body.to_string();
    let length = body.len();
    let head = "POST /realtime/custom-scenario HTTP/1.1\r\ncontent-type: application/json";
    let head = format!("{head}\r\ncontent-length: {length}");
    let made = server.send(&head, &body).await;
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let folder = server.data_dir().join("scenarios-last-read");
    let files = async || {
        let files = std::fs::read_dir(&folder).ok()?;
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        (files.len() == 1).then_some(files)
    };
    let file = until("the file", files).await.remove(0);
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(kept.contains("dentist") && !kept.contains("sk-of-the-dentist"));

    cluster.down();
    let server = server.killed_and_started_with(&[("DATABASE_URL", &url)]);
    let outcome = server.call_of(Some("dentist"), "pause_ms = 100").await;
    assert!(matches!(outcome.ended, Ended::Caller), "{outcome:?}");
    assert!(server.answer("/ready").await.starts_with("HTTP/1.1 200"));
    let nobody = [("DATABASE_URL", &*url), ("DEFAULT_SCENARIO", "nobody")];
    let server = server.killed_and_started_with(&nobody);
    let outcome = server.call_of(Some("nobody"), "pause_ms = 100").await;
    let says = |event: &Moment| matches!(&event.happening, Happening::TwilioSays { text } if text.starts_with("We are sorry"));
    assert!(outcome.events.iter().any(says), "{outcome:?}");
    let ready = server.answer("/ready").await;
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("DEFAULT_SCENARIO"),
        "{ready}"
    );
    let refused = r#"reason="no_database"} 1"#;
    assert!(server.get("/metrics").await.contains(refused));
    cluster.up();
    let head = "DELETE /realtime/custom-scenario/dentist HTTP/1.1";
    until("the database", async || {
        server
            .send(head, "")
            .await
            .starts_with("HTTP/1.1 200")
            .then_some(())
    })
    .await;
    until("the file to go", async || {
        std::fs::read_dir(&folder)
            .unwrap()
            .next()
            .is_none()
            .then_some(())
    })
    .await;
    until("the health", async || {
        let answer = health(&server).await;
        answer.contains(r#""database":"connected""#).then_some(())
    })
    .await;
}

/// The id of the call that goes on, once its first turn is answered.
async fn answered(server: &Simulated) -> String {
    until("an answered turn", async || {
        let call = calls(server, "?status=in-progress").await.pop()?;
        let id = call["call_id"].as_str()?.to_owned();
        let call = server.get(&format!("/calls/{id}")).await;
        let call: Value = serde_json::from_str(&call).unwrap();
        call["turns"][0]["audible_ms"].is_u64().then_some(id)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_hung_up_on_request_ends_for_a_reason_of_its_own() {
    let server = Simulated::start(&[], &[]).await;
    server.register().await;
    let hang_up = async {
        let id = answered(&server).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/calls/{id}/hangup", server.url());
        assert_eq!(client.post(url).send().await.unwrap().status(), 202);
        id
    };
    let (_, id) = tokio::join!(server.call_to_the_end("pause_ms = 15000"), hang_up);
    let call = until("the row", async || {
        calls(&server, "?status=completed").await.pop()
    })
    .await;
    assert_eq!(
        (&call["call_id"], &call["reason"]),
        (&json!(id), &json!("operator"))
    );
    let events = server.get(&format!("/calls/{id}/events")).await;
    assert!(events.contains(r#"{"reason":"operator"}"#), "{events}");
    let metrics = server.get("/metrics").await;
    let ended = |end: &str| metrics.contains(&format!("direction=\"inbound\",end=\"{end}\"}} 1"));
    assert!(ended("operator") && !ended("finish"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_call_that_is_not_recorded_no_word_is_kept() {
    let server = Simulated::start(&[("RECORDING", "false")], &[]).await;
    server.register().await;
    server.call().await;
    let call = until("the row", async || {
        calls(&server, "?status=completed").await.pop()
    })
    .await;
    let rows = rows(&server, "", call["call_id"].as_str().unwrap()).await;
    assert_eq!((rows.turns.len(), rows.files.len()), (3, 0));
    let kept = format!("{rows:?}");
    for word in ["harbour", "ferry", "noon"] {
        assert!(!kept.contains(word), "{word}: {kept}");
    }
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_the_turns_that_were_over_and_ends_the_call_when_it_starts_again() {
    let server = Simulated::start(&[], &[]).await;
    server.register().await;
    let talk = async {
        server.call_to_the_end("pause_ms = 15000").await;
    };
    let look = async {
        let id = answered(&server).await;
        let going = calls(&server, "?status=in-progress").await.remove(0);
        (id, going)
    };
    let (id, going) = tokio::select! {
        looked = look => looked,
        () = talk => panic!("the call was over before its turn was told"),
    };
    let engines = json!(["deepgram", "openai", "cartesia"]);
    assert_eq!(going["engines"], engines);
    let started = time(&going["started"]);
    let server = server.killed_and_started();
    let call = until("the end", async || {
        calls(&server, "?status=failed").await.pop()
    })
    .await;
    assert_eq!(call["call_id"], id.as_str());
    assert_eq!(call["reason"], "the server died");
    assert_eq!(call["engines"], engines);
    assert_eq!(time(&call["started"]), started);
    let files = std::fs::read_dir(server.data_dir().join("recordings")).unwrap();
    let written = files.map(|file| file.unwrap().metadata().unwrap().modified().unwrap());
    let written = Timestamp::try_from(written.max().unwrap()).unwrap();
    let ended = time(&call["ended"]);
    assert_eq!(ended.as_microsecond(), written.as_microsecond(), "{call}");
    assert!(started < ended, "{call}");
    for path in [format!("/calls/{id}"), format!("/calls/{id}/transcript")] {
        let told: Value = serde_json::from_str(&server.get(&path).await).unwrap();
        let turns = told["turns"].as_array().unwrap();
        let numbers: Vec<_> = turns.iter().map(|turn| turn["turn"].as_u64()).collect();
        assert!(numbers.contains(&Some(1)), "{path}: {told}");
        assert!(numbers.iter().all(Option::is_some), "{path}: {told}");
    }
    let rows = rows(&server, "", &id).await;
    assert_eq!(rows.turns[2].text, ANSWER);
    let kinds: Vec<FileKind> = rows.files.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, [FileKind::Recording, FileKind::Trace]);
}
