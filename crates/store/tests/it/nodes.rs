//! Nodes that are lost, and those that come back.

use ringback_store::{CallStart, CallStatus, NodeSign, Write, Writer};

use crate::calls::{call, end, turn};
use crate::{Fresh, NOW, SECOND};

fn live(id: &str, node: &str) -> CallStart {
    CallStart {
        status: CallStatus::InProgress,
        node: node.to_owned(),
        ..call(id, NOW)
    }
}

fn sign(node: &str, seen_at: Option<i64>) -> NodeSign {
    let node = node.to_owned();
    NodeSign { node, seen_at }
}

pub async fn nodes_with_live_calls_are_listed_with_their_last_sign(fresh: Fresh) {
    let store = fresh.migrated().await;
    for node in ["here", "there", "mute", "idle"] {
        store.call_insert(&live(node, node)).await.unwrap();
    }
    for (node, seen_at) in [
        ("here", NOW),
        ("there", NOW),
        ("there", NOW + 1),
        ("idle", 7),
    ] {
        store.node_seen(node, seen_at).await.unwrap();
    }
    assert!(store.call_presume_over("idle", NOW, "lost").await.unwrap());
    let unended = async |before| store.node_unended("here", before).await.unwrap();
    let there = sign("there", Some(NOW + 1));
    assert_eq!(unended(NOW).await, std::slice::from_ref(&there));
    assert_eq!(unended(NOW + 1).await, [sign("mute", None), there.clone()]);
    // What has a live call is not forgotten.
    assert_eq!(store.node_sweep(NOW + 2).await.unwrap(), 1);
    assert_eq!(unended(NOW).await, [there]);
}

pub async fn what_a_node_says_that_came_back_takes_the_place_of_a_presumed_end(fresh: Fresh) {
    let store = fresh.migrated().await;
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    writer.send(Write::Call(live("1", "there")));
    writer.settled().await;
    let presume = async |reason| {
        let done = store.call_presume_over("1", NOW + SECOND, reason).await;
        done.unwrap()
    };
    assert!(presume("the server was lost").await);
    assert!(!presume("once more").await);
    let look = async || store.call_detail("1").await.unwrap().unwrap();
    let found = look().await.call;
    assert_eq!(
        (found.status, found.ended_at),
        (CallStatus::Failed, Some(NOW + SECOND))
    );
    assert_eq!(found.end_reason.as_deref(), Some("the server was lost"));
    let left = store.call_left("there", NOW + 1).await.unwrap();
    assert_eq!(left.len(), 1, "its own start knows better when it ended");

    assert_eq!(store.call_presumed("there").await.unwrap(), ["1"]);
    store.call_goes_on("1").await.unwrap();
    let found = look().await.call;
    assert_eq!(
        (found.status, found.ended_at),
        (CallStatus::InProgress, None)
    );
    assert_eq!(found.end_reason, None);

    assert!(presume("the server was lost").await);
    writer.send(Write::Turn(turn("1", 0, "still talking")));
    writer.send(Write::End(Box::new(end("1"))));
    writer.settled().await;
    // Too late, all of it: the call has ended in truth.
    assert!(!presume("lost").await);
    store.call_goes_on("1").await.unwrap();
    let found = look().await;
    let expected = end("1");
    assert_eq!(found.turns[0].text, "still talking");
    assert_eq!(found.summary, expected.summary);
    let found = found.call;
    assert_eq!(
        (found.status, found.ended_at),
        (expected.status, Some(expected.ended_at))
    );
    assert_eq!(found.end_reason, Some(expected.reason));
    assert_eq!(store.call_presumed("there").await.unwrap(), [""; 0]);
    assert!(store.call_left("there", NOW + 1).await.unwrap().is_empty());
}
