//! What is kept no longer: by its age, and by a telephone number.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use ringback_server::config::retention::RetentionConfig;
use ringback_server::retention::{Swept, erase_marked, run, sweep};
use ringback_store::{AuditEntry, AuditFilter, FileKind, Page};
use serde_json::{Value, json};

use crate::accounts::Told;
use crate::cluster::Cluster;
use crate::following::{Desk, NOW};
use crate::server::*;
use crate::simulated::until;

const DAY: i64 = 86_400_000_000;

impl Desk {
    async fn erase(&self, number: &str) -> Told {
        let body = json!({ "phone_number": number });
        let admin = Some(&*self.ada);
        self.service.ask("POST", "/admin/erase", admin, body).await
    }

    fn node(&self) -> String {
        self.service.server.app.rows.node().unwrap().to_owned()
    }

    async fn marked(&self) -> Vec<String> {
        let (store, node) = (&self.service.store, self.node());
        store.files_to_erase(&node, "", 100).await.unwrap()
    }

    /// What lies in the folder of recordings.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.recording("")).unwrap();
        let mut left: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        left
    }
}

/// The files below a folder in which these bytes are.
fn mentions(folder: &Path, what: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(mentions(&path, what));
        } else if std::fs::read(&path).is_ok_and(|bytes| {
            bytes
                .windows(what.len())
                .any(|part| part == what.as_bytes())
        }) {
            found.push(path);
        }
    }
    found
}

fn days(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_is_set_is_deleted_and_nothing_else() {
    let desk = Desk::at("").await;
    for (id, age) in [("1", 31), ("2", 8), ("3", 1)] {
        desk.call(id, None, NOW - age * DAY).await;
        let name = format!("{id}.transcript.json");
        std::fs::write(desk.recording(&name), "{}").unwrap();
        desk.file(id, FileKind::Transcript, &name, NOW - age * DAY);
    }
    desk.writer.settled().await;
    let store = &desk.service.store;
    let node = desk.service.server.app.rows.node().unwrap();
    let folder = desk.recording("");
    let look = async |keep| sweep((store, node), &folder, keep, NOW).await.unwrap();
    assert_eq!(look(RetentionConfig::default()).await, Swept::default());
    let keep = RetentionConfig {
        recording_days: days(30),
        transcript_days: days(7),
        ..RetentionConfig::default()
    };
    assert_eq!(
        sweep(
            (store, "another"),
            &folder,
            RetentionConfig {
                transcript_days: None,
                ..keep
            },
            NOW
        )
        .await
        .unwrap(),
        Swept::default()
    );
    // A recording and two transcripts; two lines and a summary of each of two calls.
    let expected = Swept {
        files: 3,
        rows: 6,
        ..Swept::default()
    };
    assert_eq!(look(keep).await, expected);
    assert_eq!(look(keep).await, Swept::default());
    assert_eq!(
        desk.left(),
        [
            "1.trace.jsonl",
            "2.trace.jsonl",
            "2.wav",
            "3.trace.jsonl",
            "3.transcript.json",
            "3.wav"
        ]
    );
    assert_eq!(
        desk.ask("/calls/1/recording", &[]).await.status.as_u16(),
        404
    );
    assert_eq!(
        desk.ask("/calls/1/transcript", &[]).await.status.as_u16(),
        404
    );
    let row: Value = serde_json::from_str(&desk.ask("/calls/1", &[]).await.body).unwrap();
    assert_eq!(row["cost"], json!({"total": 0.5, "currency": "USD"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_erased_with_its_files_unless_it_is_on_the_line() {
    let desk = Desk::at("").await;
    desk.call("1", None, NOW).await;
    let service = &desk.service;
    for word in ["Anonymous", "", "12", "\u{0}"] {
        let told = desk.erase(word).await;
        assert_eq!(told.status, 422, "{told:?}");
    }
    for without_country in ["15005550001", "500 555-0001"] {
        let told = desk.erase(without_country).await;
        assert_eq!(told.status, 422, "{told:?}");
        let what = told.json["detail"][0]["msg"].as_str().unwrap();
        assert!(what.starts_with("write it in E.164, with + and"), "{what}");
    }
    assert!(service.acts("number.erase").await.is_empty());
    let (_, live, _) = desk.live();
    assert_eq!(desk.erase(CALLER).await.status, 409);
    assert!(desk.recording("1.wav").exists());
    service.server.app.desk.watches.end(live, "hung_up");
    let mentioning = || {
        let folders = [desk.recording("../.."), service.folder().to_owned()];
        folders
            .iter()
            .flat_map(|folder| mentions(folder, CALLER))
            .collect::<Vec<_>>()
    };
    assert!(!mentioning().is_empty());
    let told = desk.erase("+1 (500) 555-0001").await;
    assert_eq!(mentioning(), Vec::<PathBuf>::new());
    let expected = json!({"calls": 1, "files": 2, "files_left": [], "scheduled_calls": 0});
    assert_eq!((told.status, told.json), (200, expected.clone()));
    assert!(!desk.recording("1.wav").exists() && !desk.recording("1.trace.jsonl").exists());
    assert_eq!(desk.ask("/calls/1", &[]).await.status.as_u16(), 404);
    let act = service.acts("number.erase").await.remove(0);
    assert_eq!(act.detail.0, expected);
    assert!(!format!("{act:?}").contains("5550001"), "{act:?}");
    assert!(act.actor.is_some());
    assert_eq!(desk.erase("12345").await.status, 200, "a short code");
    let unknown = json!({ "phone_number": CALLER, "everything": true });
    let told = service
        .ask("POST", "/admin/erase", Some(&desk.ada), unknown)
        .await;
    assert_eq!(told.status, 422);
}

/// The name of a call's file, so many days before `NOW`.
fn named(days: i64, rest: &str) -> String {
    let at = Timestamp::from_microsecond(NOW - days * DAY).unwrap();
    let at = at.strftime("%Y%m%dT%H%M%S.%6fZ");
    format!("server_8080_inbound_recording_{at}{rest}")
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_row_knows_go_by_the_age_in_their_names_and_nothing_else_does() {
    let desk = Desk::at("").await;
    let strays = [
        named(40, ".wav"),
        named(31, "-1.wav"),
        named(40, ".transcript.json"),
        named(9, ".json"),
        named(8, ".json.part"),
    ];
    let known = named(50, ".wav");
    let kept = [
        known.clone(),
        named(29, ".wav"),
        named(6, ".transcript.json"),
        named(90, ".trace.jsonl"),
        named(90, ".mp3"),
        "notes.wav".to_owned(),
        "interview_recording_20200101T000000.000000Z.wav".to_owned(),
    ];
    for name in strays.iter().chain(&kept) {
        std::fs::write(desk.recording(name), "x").unwrap();
    }
    let outside = desk.recording("../valuable.wav");
    std::fs::write(&outside, "x").unwrap();
    let (link, folder) = (named(70, ".wav"), named(71, ".wav"));
    symlink(&outside, desk.recording(&link)).unwrap();
    std::fs::create_dir(desk.recording(&folder)).unwrap();
    let inside = desk.recording(&folder).join(named(72, ".wav"));
    std::fs::write(&inside, "x").unwrap();
    // Its row is of another server, and names it by another path.
    desk.call("1", None, NOW - 50 * DAY).await;
    let path = format!("/elsewhere/{known}");
    desk.file("1", FileKind::Recording, &path, NOW - 50 * DAY);
    desk.writer.settled().await;
    let keep = RetentionConfig {
        recording_days: days(30),
        transcript_days: days(7),
        ..RetentionConfig::default()
    };
    let store = &desk.service.store;
    let look = async || {
        let at = (store, "another");
        let swept = sweep(at, &desk.recording(""), keep, NOW).await;
        swept.unwrap().strays
    };
    assert_eq!(look().await, 5);
    assert_eq!(look().await, 0);
    let mut expected: Vec<String> = kept.to_vec();
    expected.extend([link, folder, "1.wav".to_owned(), "1.trace.jsonl".to_owned()]);
    expected.sort();
    assert_eq!(desk.left(), expected);
    assert!(outside.exists() && inside.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_has_no_strays() {
    let desk = Desk::at("").await;
    std::fs::remove_dir(desk.recording("")).unwrap();
    let keep = RetentionConfig {
        recording_days: days(1),
        ..RetentionConfig::default()
    };
    let (store, node) = (&desk.service.store, desk.node());
    let swept = sweep((store, &node), &desk.recording(""), keep, NOW).await;
    assert_eq!(swept.unwrap(), Swept::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_are_forgotten_when_they_are_older_than_is_set() {
    let desk = Desk::at("").await;
    let (store, node) = (&desk.service.store, desk.node());
    for age in [366, 364] {
        let act = AuditEntry {
            action: "old".to_owned(),
            ..AuditEntry::default()
        };
        store.audit_insert(&act, NOW - age * DAY).await.unwrap();
    }
    let keep = RetentionConfig {
        audit_days: days(365),
        ..RetentionConfig::default()
    };
    for expected in [1, 0] {
        let swept = sweep((store, &node), &desk.recording(""), keep, NOW).await;
        assert_eq!(swept.unwrap().acts, expected);
    }
    let old = desk.service.acts("old").await;
    assert_eq!(old.len(), 1);
    assert_eq!(old[0].at, NOW - 364 * DAY);
    let every = AuditFilter::default();
    let all = store.audit_list(&every, Page::default());
    assert!(all.await.unwrap().total > 1, "what was done today stays");
}

async fn check_nodes(url: &str) {
    let (here, away) = (Desk::at(url).await, Desk::at(url).await);
    here.call("1", None, NOW).await;
    away.call("2", None, NOW).await;
    for desk in [&here, &away] {
        std::fs::write(desk.recording("of-another-call.wav"), "x").unwrap();
    }
    std::fs::write(here.recording("2.wav"), "of the same name").unwrap();

    let told = here.erase(CALLER).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(
        (&told.json["calls"], &told.json["files"]),
        (&json!(2), &json!(2))
    );
    let left = told.json["files_left"].as_array().unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|file| file["node"] == away.node()));
    assert_eq!(here.left(), ["2.wav", "of-another-call.wav"]);
    assert_eq!(here.marked().await, Vec::<String>::new());
    assert_eq!(away.left().len(), 3, "it was not asked yet");
    assert_eq!(away.marked().await.len(), 2);

    // As it does from its start on.
    let looking = tokio::spawn(run(Arc::clone(&away.service.server.app)));
    until("the files of the erased number to go", async || {
        (away.left() == ["of-another-call.wav"] && away.marked().await.is_empty()).then_some(())
    })
    .await;
    looking.abort();
    assert_eq!(here.left(), ["2.wav", "of-another-call.wav"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_at_one_sqlite_file_deletes_its_own_files_of_an_erased_number() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("one.db").display());
    check_nodes(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_at_one_postgresql_deletes_its_own_files_of_an_erased_number() {
    let cluster = Cluster::start();
    check_nodes(&cluster.create("ringback")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_deleted_yet_is_tried_again() {
    let desk = Desk::at("").await;
    desk.call("1", None, NOW).await;
    // No file can be deleted where a folder stands.
    std::fs::remove_file(desk.recording("1.wav")).unwrap();
    std::fs::create_dir(desk.recording("1.wav")).unwrap();
    let told = desk.erase(CALLER).await;
    let left = json!([{"node": desk.node(), "path": "1.wav"}]);
    assert_eq!((told.status, &told.json["files_left"]), (200, &left));
    assert_eq!(told.json["files"], 1);
    let (store, node) = (&desk.service.store, desk.node());
    let folder = desk.recording("");
    assert_eq!(erase_marked((store, &node), &folder).await.unwrap(), 0);
    std::fs::remove_dir(desk.recording("1.wav")).unwrap();
    std::fs::write(desk.recording("1.wav"), "x").unwrap();
    assert_eq!(erase_marked((store, &node), &folder).await.unwrap(), 1);
    assert_eq!(desk.left(), Vec::<String>::new());
    assert_eq!(desk.marked().await, Vec::<String>::new());
}
