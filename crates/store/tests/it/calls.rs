//! Calls, their rows, the schedule, erasure.

use std::collections::BTreeSet;

use ringback_store::{
    AuditFilter, CallAnswer, CallEnd, CallFile, CallFilter, CallStart, CallStatus, Checkpoint,
    Direction, DoNotCall, EntryFilter, EntryMove, EntryNew, EntryStatus, Error, Fault, FileKind,
    Finish, Json, NodeFile, Page, Store, Suppression, Transcript, TranscriptKind, Turn, Write,
    Writer, new_id,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{Fresh, NOW, SECOND};

pub fn call(id: &str, at: i64) -> CallStart {
    CallStart {
        id: id.to_owned(),
        call_sid: Some(format!("CA{id}")),
        direction: Direction::Inbound,
        from: "+1 500 555-0001".to_owned(),
        to: "+15005550002".to_owned(),
        scenario: "survey".to_owned(),
        scenario_id: None,
        scenario_version: None,
        owner: Some("ann".to_owned()),
        node: "node 1".to_owned(),
        status: CallStatus::Ringing,
        at,
    }
}

pub fn turn(call: &str, number: i64, text: &str) -> Turn {
    Turn {
        call_id: call.to_owned(),
        number,
        at: NOW + number * SECOND,
        who: "caller".to_owned(),
        text: text.to_owned(),
        latencies: Some(Json(json!({"speech_ms": 420, "words_ms": null}))),
        usage: None,
        cost: Some(0.25),
        detail: None,
    }
}

pub fn end(call: &str) -> CallEnd {
    CallEnd {
        call_id: call.to_owned(),
        status: CallStatus::Completed,
        answered_at: Some(NOW + SECOND),
        ended_at: NOW + 60 * SECOND,
        reason: "hung up".to_owned(),
        engines: Some(Json(json!(["pocketsphinx", "script"]))),
        cost: Some(0.75),
        currency: Some("USD".to_owned()),
        summary: Some(Json(json!({"turns": [], "z": 1, "a": 2}))),
    }
}

fn file(call: &str, kind: FileKind, at: i64) -> CallFile {
    CallFile {
        call_id: call.to_owned(),
        kind,
        path: format!("recordings/{call}.{}", kind.as_str()),
        bytes: Some(44),
        seconds: Some(1.5),
        created_at: at,
    }
}

fn fault(id: &str, call: &str) -> Fault {
    Fault {
        id: id.to_owned(),
        call_id: call.to_owned(),
        at: NOW,
        party: "deepgram".to_owned(),
        kind: "unreachable".to_owned(),
        detail: "connection refused".to_owned(),
    }
}

fn transcript(id: &str, call: Option<&str>, text: &str) -> Transcript {
    Transcript {
        id: id.to_owned(),
        call_id: call.map(str::to_owned),
        kind: TranscriptKind::Live,
        sid: Some(format!("GT{id}")),
        recording_sid: None,
        owner: Some("ann".to_owned()),
        status: "completed".to_owned(),
        language: Some("en-US".to_owned()),
        seconds: Some(12.5),
        full_text: Some(text.to_owned()),
        body: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// Writes through a writer and waits until it is stored.
pub async fn write(fresh: &Fresh, store: &Store, writes: &[Write]) {
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    for write in writes {
        writer.send(write.clone());
    }
    writer.settled().await;
    let state = writer.state();
    assert_eq!(
        (state.dropped, state.refused, state.down),
        (0, 0, false),
        "{state:?}"
    );
}

pub async fn a_status_only_goes_forward_and_the_first_final_one_stays(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.call_insert(&call("1", NOW)).await.unwrap();
    let set = async |status, at| {
        store
            .call_status_set("CA1", status, NOW + at)
            .await
            .unwrap()
    };
    assert!(set(CallStatus::InProgress, 10).await);
    assert!(!set(CallStatus::Ringing, 11).await, "it came late");
    assert!(!set(CallStatus::InProgress, 12).await, "it came twice");
    assert!(set(CallStatus::Completed, 20).await);
    assert!(!set(CallStatus::Failed, 21).await);
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    let late = CallEnd {
        status: CallStatus::Failed,
        ..end("1")
    };
    writer.send(Write::End(Box::new(late)));
    writer.settled().await;
    let call = store.call_find("CA1").await.unwrap().unwrap();
    assert_eq!(call.status, CallStatus::Completed);
    assert_eq!(
        (call.answered_at, call.ended_at),
        (Some(NOW + 10), Some(NOW + 20))
    );
    assert_eq!(
        call.end_reason.as_deref(),
        Some("hung up"),
        "what the carrier did not know"
    );
    assert!(
        !store
            .call_status_set("CA-unknown", CallStatus::Busy, NOW)
            .await
            .unwrap()
    );
}

pub async fn a_call_that_goes_on_says_since_when_and_what_hears_answers_and_speaks(fresh: Fresh) {
    let store = fresh.migrated().await;
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    let write = async |writes: &[Write]| {
        writes.iter().for_each(|write| writer.send(write.clone()));
        writer.settled().await;
        assert_eq!(writer.state().refused, 0);
    };
    let names = |names: &[&str]| Json(json!(names));
    let answer = Write::Answer(CallAnswer {
        call_id: "1".to_owned(),
        at: NOW + SECOND,
        engines: names(&["deepgram", "openai"]),
    });
    let begun = Write::Call(CallStart {
        status: CallStatus::InProgress,
        ..call("1", NOW)
    });
    write(&[begun, answer.clone()]).await;
    let look = async || store.call_find("1").await.unwrap().unwrap();
    let call = look().await;
    assert_eq!(call.status, CallStatus::InProgress);
    assert_eq!(call.answered_at, Some(NOW + SECOND));
    assert_eq!(call.engines, Some(names(&["deepgram", "openai"])));
    assert_eq!(store.call_last("1").await.unwrap(), Some(NOW + SECOND));
    let said = turn("1", 0, "hello");
    let at = said.at;
    write(&[Write::Turn(said)]).await;
    assert_eq!(
        store.call_last("1").await.unwrap(),
        Some(at.max(NOW + SECOND))
    );
    assert_eq!(store.call_last("2").await.unwrap(), None);
    write(&[Write::End(Box::new(end("1"))), answer]).await;
    assert_eq!(
        look().await.engines,
        end("1").engines,
        "those it ended with"
    );
    let other = CallEnd {
        engines: Some(names(&["another"])),
        ..end("1")
    };
    write(&[Write::End(Box::new(other))]).await;
    assert_eq!(
        look().await.engines,
        end("1").engines,
        "the first end stays"
    );
}

pub async fn turns_that_were_taken_back_are_gone(fresh: Fresh) {
    let store = fresh.migrated().await;
    let taken_back = Write::Turns {
        call_id: "1".to_owned(),
        count: 1,
    };
    let mut writes = vec![
        Write::Call(call("1", NOW)),
        Write::Turn(turn("1", 0, "hello")),
        Write::Turn(turn("1", 1, "on Mon")),
        Write::Turn(turn("1", 2, "which Monday")),
        taken_back,
    ];
    write(&fresh, &store, &writes).await;
    let detail = store.call_detail("1").await.unwrap().unwrap();
    assert_eq!(detail.turns, [turn("1", 0, "hello")]);
    writes.push(Write::Turn(turn("1", 1, "on Monday")));
    write(&fresh, &store, &writes).await;
    let detail = store.call_detail("1").await.unwrap().unwrap();
    assert_eq!(detail.turns.len(), 2);
    assert_eq!(detail.turns[1].text, "on Monday");
}

pub async fn rows_written_twice_are_there_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let checkpoint = |number| Checkpoint {
        call_id: "1".to_owned(),
        number,
        body: Json(json!({"n": number})),
        at: NOW,
    };
    let writes = [
        Write::Call(call("1", NOW)),
        Write::Status {
            call_id: "1".to_owned(),
            status: CallStatus::InProgress,
            at: NOW + SECOND,
        },
        Write::Turn(turn("1", 0, "hello")),
        Write::Checkpoint(checkpoint(1)),
        Write::Turn(turn("1", 1, "yes")),
        Write::Checkpoint(checkpoint(2)),
        Write::Fault(fault("f1", "1")),
        Write::File(file("1", FileKind::Recording, NOW)),
        Write::Transcript(Box::new(transcript("t1", Some("1"), "hello yes"))),
        Write::End(Box::new(end("1"))),
    ];
    write(&fresh, &store, &writes).await;
    let once = store.call_detail("1").await.unwrap().unwrap();
    assert_eq!(once.turns, [turn("1", 0, "hello"), turn("1", 1, "yes")]);
    assert_eq!(once.faults, [fault("f1", "1")]);
    assert_eq!(once.files, [file("1", FileKind::Recording, NOW)]);
    assert_eq!(once.summary, end("1").summary);
    assert_eq!(once.call.start.from_number, "+15005550001");
    assert_eq!(
        (once.call.status, once.call.cost),
        (CallStatus::Completed, Some(0.75))
    );
    write(&fresh, &store, &writes).await;
    assert_eq!(store.call_detail("CA1").await.unwrap().unwrap(), once);
    assert_eq!(store.transcript_of_call("1").await.unwrap().len(), 1);
    let newest = store.checkpoint_find("1").await.unwrap().unwrap();
    assert_eq!(newest, checkpoint(2));
    store.checkpoint_delete("1").await.unwrap();
    assert_eq!(store.checkpoint_find("1").await.unwrap(), None);
}

pub async fn a_caller_put_through_to_another_scenario_has_a_call_for_each(fresh: Fresh) {
    let store = fresh.migrated().await;
    let first = call("01", NOW);
    let mut second = call("02", NOW + SECOND);
    second.call_sid.clone_from(&first.call_sid);
    second.scenario = "it-support".to_owned();
    for leg in [&first, &second] {
        store.call_insert(leg).await.unwrap();
    }
    let found = async |id| {
        let found = store.call_find(id).await.unwrap().unwrap();
        (found.start.id, found.start.scenario)
    };
    assert_eq!(found("CA01").await, ("02".into(), "it-support".into()));
    assert_eq!(found("01").await, ("01".into(), "survey".into()));
    let done = CallStatus::Completed;
    assert!(store.call_status_set("CA01", done, NOW).await.unwrap());
    for id in ["01", "02"] {
        let call = store.call_find(id).await.unwrap().unwrap();
        assert_eq!(call.status, done, "{id}");
    }
    let erased = store
        .number_erase("+15005550001", Suppression::Keep, NOW)
        .await
        .unwrap();
    assert_eq!(erased.calls.len(), 2);
}

pub async fn lists_are_filtered_and_paged_newest_first(fresh: Fresh) {
    let store = fresh.migrated().await;
    for index in 0..9_i64 {
        let mut call = call(&index.to_string(), NOW + index);
        if index % 3 == 0 {
            call.direction = Direction::Outbound;
            call.to = "+15005550009".to_owned();
            call.owner = None;
            call.scenario = "reminder".to_owned();
        }
        store.call_insert(&call).await.unwrap();
    }
    store
        .call_status_set("CA4", CallStatus::Completed, NOW)
        .await
        .unwrap();
    let ids = async |filter: CallFilter, page| {
        let list = store.call_list(&filter, page).await.unwrap();
        let ids: Vec<_> = list.rows.into_iter().map(|call| call.start.id).collect();
        (ids.join(""), list.total)
    };
    let all = Page::default();
    let found = |ids: &str, total| (ids.to_owned(), total);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(ids(CallFilter::default(), all).await, found("876543210", 9));
    let page = Page { skip: 2, limit: 3 };
    assert_eq!(ids(CallFilter::default(), page).await, found("654", 9));
    let filter = CallFilter {
        owner: some("ann"),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("875421", 6));
    let filter = CallFilter {
        direction: Some(Direction::Outbound),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("630", 3));
    let filter = CallFilter {
        number: some("001 500 555 0009"),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("630", 3));
    let filter = CallFilter {
        status: Some(CallStatus::Completed),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("4", 1));
    let filter = CallFilter {
        scenario: some("survey"),
        since: Some(NOW + 2),
        until: Some(NOW + 7),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("542", 3));
    let filter = CallFilter {
        scenario: some("' OR 1=1 --"),
        ..CallFilter::default()
    };
    assert_eq!(ids(filter, all).await, found("", 0));
    let lost = store.call_unended("node 1", NOW + 6).await.unwrap();
    let lost: String = lost.into_iter().map(|call| call.start.id).collect();
    assert_eq!(lost, "01235");
}

fn entry(phone: &str, due_at: i64) -> EntryNew {
    EntryNew {
        owner: Some("ann".to_owned()),
        phone: phone.to_owned(),
        scenario: "reminder".to_owned(),
        scenario_id: None,
        due_at,
        timezone: Some("Europe/Berlin".to_owned()),
        options: Some(Json(json!({"retry": 2}))),
    }
}

pub async fn no_entry_of_the_schedule_goes_to_two_nodes(fresh: Fresh) {
    let store = fresh.migrated().await;
    let wishes: Vec<_> = (0..60)
        .map(|index| entry("+15005550001", NOW + index))
        .collect();
    let booked = store.schedule_insert_all(&wishes, NOW).await.unwrap();
    store
        .schedule_insert(&entry("+15005550002", NOW + 1_000), NOW)
        .await
        .unwrap();
    let mut nodes = JoinSet::new();
    for node in 0..4 {
        let store = fresh.store();
        nodes.spawn(async move {
            let (name, mut ids) = (format!("node {node}"), Vec::new());
            loop {
                let until = NOW + 60 * SECOND;
                let claimed = store
                    .schedule_claim(&name, 3, until, NOW + 100)
                    .await
                    .unwrap();
                if claimed.is_empty() {
                    return ids;
                }
                assert!(claimed.len() <= 3, "more than were asked for");
                for entry in claimed {
                    assert_eq!(entry.lease_owner.as_deref(), Some(name.as_str()));
                    let lease = entry.lease();
                    let done = store.schedule_finish(&lease, &Finish::Completed, NOW + 101);
                    assert!(done.await.unwrap());
                    ids.push(entry.id);
                }
            }
        });
    }
    let claimed: Vec<_> = nodes.join_all().await.into_iter().flatten().collect();
    let different: BTreeSet<_> = claimed.iter().cloned().collect();
    assert_eq!(claimed.len(), different.len(), "an entry went to two");
    assert_eq!(
        different,
        booked.into_iter().map(|entry| entry.id).collect()
    );
    let filter = EntryFilter {
        status: Some(EntryStatus::Scheduled),
        ..EntryFilter::default()
    };
    let left = store.schedule_list(&filter, Page::default()).await.unwrap();
    assert_eq!(
        (left.total, left.rows[0].wish.phone.as_str()),
        (1, "+15005550002")
    );
}

pub async fn whoever_lost_the_lease_changes_nothing(fresh: Fresh) {
    let store = fresh.migrated().await;
    let booked = store
        .schedule_insert(&entry("+1 500 555 0001", NOW), NOW)
        .await
        .unwrap();
    let claim = async |node, at| {
        let claimed = store
            .schedule_claim(node, 5, at + SECOND, at)
            .await
            .unwrap();
        claimed.first().map(ringback_store::Entry::lease)
    };
    let slow = claim("node 1", NOW).await.unwrap();
    let moved = store
        .schedule_move(&booked.id, &EntryMove::default(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(moved, Error::Conflict(_)), "{moved}");
    assert_eq!(
        store.schedule_reap(NOW + SECOND).await.unwrap(),
        (0, 0),
        "not over yet"
    );
    assert_eq!(store.schedule_reap(NOW + 2 * SECOND).await.unwrap(), (1, 0));
    // The same node claims it again: the old lease is worth nothing even then.
    let fresh_lease = claim("node 1", NOW + 3 * SECOND).await.unwrap();
    let at = NOW + 3 * SECOND;
    assert!(!store.schedule_renew(&slow, at + SECOND, at).await.unwrap());
    assert!(
        !store
            .schedule_placed(&slow, "call", None, at)
            .await
            .unwrap()
    );
    assert!(
        !store
            .schedule_finish(&slow, &Finish::Completed, at)
            .await
            .unwrap()
    );
    assert!(
        store
            .schedule_renew(&fresh_lease, at + 9 * SECOND, at)
            .await
            .unwrap()
    );
    let again = Finish::Again(at + 60 * SECOND, "busy".to_owned());
    assert!(
        store
            .schedule_finish(&fresh_lease, &again, at)
            .await
            .unwrap()
    );
    let entry = store.schedule_find(&booked.id).await.unwrap().unwrap();
    assert_eq!(entry.status, EntryStatus::Scheduled);
    assert_eq!(
        (entry.wish.due_at, entry.last_error.as_deref()),
        (at + 60 * SECOND, Some("busy"))
    );
    assert_eq!(claim("node 2", at).await, None, "it is not due");
    let change = EntryMove {
        due_at: Some(at),
        ..EntryMove::default()
    };
    assert_eq!(
        store
            .schedule_move(&booked.id, &change, at)
            .await
            .unwrap()
            .wish
            .due_at,
        at
    );
    store.schedule_cancel(&booked.id, at).await.unwrap();
    assert_eq!(claim("node 2", at).await, None);
    let unknown = store.schedule_cancel("unknown", at).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound(_)), "{unknown}");
}

pub async fn a_call_that_was_placed_is_never_placed_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    let booked = store
        .schedule_insert(&entry("+15005550001", NOW), NOW)
        .await
        .unwrap();
    let claimed = store
        .schedule_claim("node 1", 1, NOW + SECOND, NOW)
        .await
        .unwrap();
    let lease = claimed[0].lease();
    assert!(
        store
            .schedule_placed(&lease, "call 1", None, NOW)
            .await
            .unwrap()
    );
    assert!(
        store
            .schedule_placed(&lease, "call 1", Some("CA1"), NOW)
            .await
            .unwrap()
    );
    assert_eq!(store.schedule_reap(NOW + 5 * SECOND).await.unwrap(), (0, 1));
    let lost = store.schedule_find(&booked.id).await.unwrap().unwrap();
    assert_eq!(lost.status, EntryStatus::Failed);
    assert_eq!(
        (lost.call_id.as_deref(), lost.call_sid.as_deref()),
        (Some("call 1"), Some("CA1"))
    );
    let again = store
        .schedule_claim("node 2", 1, i64::MAX, NOW + 9 * SECOND)
        .await
        .unwrap();
    assert_eq!(again, []);
}

pub async fn a_number_is_erased_from_every_table(fresh: Fresh) {
    let store = fresh.migrated().await;
    let number = "+15005550001";
    let stays = CallStart {
        from: "+15005550777".to_owned(),
        ..call("2", NOW)
    };
    let writes = [
        Write::Call(call("1", NOW)),
        Write::Turn(turn("1", 0, "my name is Ann")),
        Write::Fault(fault("f1", "1")),
        Write::File(file("1", FileKind::Recording, NOW)),
        Write::File(file("1", FileKind::Trace, NOW)),
        Write::Transcript(Box::new(transcript("t1", Some("1"), "hello"))),
        Write::Call(stays),
        Write::Turn(turn("2", 0, "good morning")),
    ];
    write(&fresh, &store, &writes).await;
    let loose = transcript("t2", None, "call me at +15005550001, please");
    store.transcript_set(&loose).await.unwrap();
    store
        .transcript_set(&transcript("t3", None, "50% of _ is \\"))
        .await
        .unwrap();
    store
        .schedule_insert(&entry(number, NOW), NOW)
        .await
        .unwrap();
    let suppressed = DoNotCall {
        phone: "+1 (500) 555-0001".to_owned(),
        reason: "asked not to".to_owned(),
        added_by: None,
        created_at: NOW,
    };
    store.do_not_call_insert(&suppressed).await.unwrap();
    let act = ringback_store::AuditEntry {
        action: "call.place".to_owned(),
        subject: number.to_owned(),
        detail: Json(json!({"to": number})),
        ..ringback_store::AuditEntry::default()
    };
    store.audit_insert(&act, NOW).await.unwrap();
    let erased = store
        .number_erase("0015005550001", Suppression::Keep, NOW)
        .await
        .unwrap();
    assert_eq!((erased.calls, erased.entries), (vec!["1".to_owned()], 1));
    let files = [FileKind::Recording, FileKind::Trace].map(|kind| NodeFile {
        file: file("1", kind, NOW),
        node: "node 1".to_owned(),
    });
    assert_eq!(erased.files, files);
    assert!(
        store.do_not_call_has(number).await.unwrap(),
        "who must not be called stays so"
    );
    store
        .number_erase(number, Suppression::Forget, NOW)
        .await
        .unwrap();
    assert!(!store.do_not_call_has(number).await.unwrap());
    assert_eq!(store.call_find("1").await.unwrap(), None);
    assert_eq!(
        store.call_detail("2").await.unwrap().unwrap().turns.len(),
        1
    );
    assert!(store.transcript_find("t3").await.unwrap().is_some());
    for table in [
        "calls",
        "turns",
        "faults",
        "call_files",
        "transcripts",
        "schedule",
        "audit",
    ] {
        let left = fresh.dump(table).await;
        assert!(
            !left.contains("5550001") && !left.contains("Ann"),
            "{table}: {left}"
        );
    }
    // What a call that goes on would still write is refused.
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    writer.send(Write::Turn(turn("1", 1, "still here")));
    writer.settled().await;
    assert_eq!(writer.state().refused, 1);
    for word in [
        " ",
        "Anonymous",
        "15005550001",
        "5005550001",
        "+1500555000100000",
    ] {
        let nobody = store
            .number_erase(word, Suppression::Keep, NOW)
            .await
            .unwrap_err();
        assert!(matches!(nobody, Error::Refused(_)), "{nobody}");
    }
}

pub async fn each_node_is_told_of_its_own_files_until_they_are_deleted(fresh: Fresh) {
    let store = fresh.migrated().await;
    let elsewhere = CallStart {
        node: "node 2".to_owned(),
        ..call("2", NOW)
    };
    let stays = CallStart {
        from: "+15005550777".to_owned(),
        ..call("3", NOW)
    };
    let mut writes = vec![
        Write::Call(call("1", NOW)),
        Write::Call(elsewhere),
        Write::Call(stays),
    ];
    for id in ["1", "2", "3"] {
        for kind in [FileKind::Recording, FileKind::Trace] {
            writes.push(Write::File(file(id, kind, NOW)));
        }
    }
    write(&fresh, &store, &writes).await;
    let path = |id: &str, kind| file(id, kind, NOW).path;
    let one = FileKind::Recording;
    let known = store.file_paths(one, NOW, NOW + 1).await.unwrap();
    assert_eq!(known.len(), 3, "{known:?}");
    assert_eq!(store.file_paths(one, NOW - 9, NOW).await.unwrap().len(), 0);
    store
        .number_erase("+15005550001", Suppression::Keep, NOW)
        .await
        .unwrap();
    // Another connection, as the other node has.
    let other = fresh.store();
    let mut marked = other.files_to_erase("node 2", "", 10).await.unwrap();
    marked.sort();
    let mut expected = [path("2", one), path("2", FileKind::Trace)];
    expected.sort();
    assert_eq!(marked, expected);
    other.file_erased("node 2", &expected[0]).await.unwrap();
    other.file_erased("node 1", &expected[1]).await.unwrap();
    assert_eq!(
        other.files_to_erase("node 2", "", 10).await.unwrap(),
        expected[1..]
    );
    assert_eq!(
        store.files_to_erase("node 1", "", 1).await.unwrap().len(),
        1
    );
    let after = store
        .files_to_erase("node 1", "", 1)
        .await
        .unwrap()
        .remove(0);
    let next = store.files_to_erase("node 1", &after, 10).await.unwrap();
    assert_eq!(next.len(), 1);
    assert_ne!(next[0], after);
}

pub async fn what_is_old_is_listed_and_forgotten(fresh: Fresh) {
    let store = fresh.migrated().await;
    let day = 86_400 * SECOND;
    let mut writes = Vec::new();
    for (id, age) in [("1", 3), ("2", 2), ("3", 0)] {
        writes.push(Write::Call(call(id, NOW - age * day)));
        writes.push(Write::Turn(turn(id, 0, "hello")));
        writes.push(Write::File(file(id, FileKind::Recording, NOW - age * day)));
        writes.push(Write::End(Box::new(end(id))));
    }
    // One that began long ago and goes on.
    writes.push(Write::Call(call("4", NOW - 9 * day)));
    writes.push(Write::File(file("4", FileKind::Recording, NOW - 9 * day)));
    write(&fresh, &store, &writes).await;
    let old = store
        .file_list_old(FileKind::Recording, NOW - day, "node 1", 10)
        .await
        .unwrap();
    let ids: Vec<_> = old.iter().map(|file| file.call_id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    let elsewhere = store.file_list_old(FileKind::Recording, NOW - day, "node 2", 10);
    assert_eq!(elsewhere.await.unwrap(), []);
    assert_eq!(
        store
            .file_list_old(FileKind::Trace, NOW, "node 1", 10)
            .await
            .unwrap(),
        []
    );
    store.file_delete("1", FileKind::Recording).await.unwrap();
    let old = store
        .file_list_old(FileKind::Recording, NOW - day, "node 1", 1)
        .await
        .unwrap();
    assert_eq!(old[0].call_id, "2");
    assert_eq!(store.transcript_delete_old(NOW - day).await.unwrap(), 4);
    let emptied = store.call_detail("1").await.unwrap().unwrap();
    assert_eq!((emptied.turns.len(), emptied.summary), (0, None));
    assert_eq!(emptied.call.cost, Some(0.75), "what it cost stays");
    assert_eq!(
        store.call_detail("3").await.unwrap().unwrap().turns.len(),
        1
    );
}

pub async fn what_no_row_can_hold_is_not_found(fresh: Fresh) {
    let store = fresh.migrated().await;
    write(&fresh, &store, &[Write::Call(call("1", NOW))]).await;
    let page = Page::default();
    assert_eq!(
        store
            .call_list(&CallFilter::default(), page)
            .await
            .unwrap()
            .total,
        1
    );
    let odd = || Some("1\0".to_owned());
    for filter in [
        CallFilter {
            owner: odd(),
            ..CallFilter::default()
        },
        CallFilter {
            number: odd(),
            ..CallFilter::default()
        },
        CallFilter {
            scenario: odd(),
            ..CallFilter::default()
        },
    ] {
        let found = store.call_list(&filter, page).await.unwrap();
        assert_eq!((found.rows.len(), found.total), (0, 0), "{filter:?}");
    }
    for filter in [
        AuditFilter {
            actor: odd(),
            ..AuditFilter::default()
        },
        AuditFilter {
            action: odd(),
            ..AuditFilter::default()
        },
        AuditFilter {
            subject: odd(),
            ..AuditFilter::default()
        },
    ] {
        assert_eq!(
            store.audit_list(&filter, page).await.unwrap().total,
            0,
            "{filter:?}"
        );
    }
    assert_eq!(store.call_detail("1\0").await.unwrap(), None);
    assert_eq!(store.scenario_find("1\0").await.unwrap(), None);
    assert_eq!(
        store.user_find_by_email("ann@example.org\0").await.unwrap(),
        None
    );
}

pub async fn text_with_any_character_is_kept(fresh: Fresh) {
    let store = fresh.migrated().await;
    let odd = "'; DROP TABLE calls; -- \u{1f4de} 日本 \\ \" % _ \n\t";
    let detail = Turn {
        detail: Some(Json(json!({"raw": "a\0b"}))),
        ..turn("1", 1, "nul \0 within")
    };
    let writes = [
        Write::Call(call("1", NOW)),
        Write::Turn(turn("1", 0, odd)),
        Write::Turn(detail),
    ];
    write(&fresh, &store, &writes).await;
    let turns = store.call_detail("1").await.unwrap().unwrap().turns;
    assert_eq!(turns[0].text, odd);
    assert_eq!(turns[1].text, "nul \u{fffd} within");
    assert_eq!(turns[1].detail, Some(Json(json!({"raw": "a\0b"}))));
    let id = new_id(NOW);
    store
        .transcript_set(&transcript(&id, None, odd))
        .await
        .unwrap();
    let found = store.transcript_find(&id).await.unwrap().unwrap();
    assert_eq!(found.full_text.as_deref(), Some(odd));
}
