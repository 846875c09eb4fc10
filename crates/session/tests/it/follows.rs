//! Whoever follows a call knows at its end what its transcript says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringback_session::scenario::Catalog;
use ringback_session::{Follower, News, Outgoing};
use serde_json::Value;

use crate::peer::{Peer, engines, place};

#[tokio::test]
async fn who_follows_a_call_knows_its_lines_and_turns_before_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let catalog = Catalog::built_in();
    let parrot = catalog.scenario("parrot").unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = Arc::clone(&told);
    let follower = Follower::new(move |news| tells.lock().unwrap().push(news));
    let mut peer = Peer::followed(
        &engines,
        parrot,
        Some(place(folder.path())),
        "CA1",
        follower,
    );
    peer.hears("{\"event\":\"mark\"").await;
    let digit = r#"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"3","dtmf":{"track":"inbound_track","digit":"5"}}"#;
    peer.says.send(digit.to_owned()).unwrap();
    let is_answered = |news: &News| matches!(news, News::Turn(turn) if turn["audible_ms"].is_u64());
    let turn_told = async {
        while !told.lock().unwrap().iter().any(is_answered) {
            // A carrier echoes the marks of what was played.
            if let Some(Outgoing::Text(text)) = peer.hears.recv().await
                && text.starts_with("{\"event\":\"mark\"")
            {
                let mut mark: Value = serde_json::from_str(&text).unwrap();
                mark["sequenceNumber"] = "4".into();
                peer.says.send(mark.to_string()).unwrap();
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), turn_told).await;
    assert!(in_time.is_ok(), "{:?}", told.lock().unwrap());
    peer.says.send(String::new()).unwrap();
    let ended = peer.call.await.unwrap();

    let (mut lines, mut turns, mut files) = (Vec::new(), BTreeMap::new(), Vec::new());
    for news in told.lock().unwrap().drain(..) {
        match news {
            News::Began { recorded, .. } => assert!(recorded),
            News::Files(begun) => files.extend(begun),
            News::Line { number, line } => {
                lines.truncate(number);
                assert_eq!(lines.len(), number);
                lines.push(line);
            }
            News::Lines(count) => lines.truncate(count),
            News::Tool { .. } => {}
            News::Turn(turn) => drop(turns.insert(turn["turn"].as_u64(), turn)),
            News::Hearing(_) | News::Speaking(_) => {}
            News::Fault(fault) => panic!("{fault:?}"),
            News::Level { .. } => panic!("nobody wanted to know"),
        }
    }
    assert_eq!(files, ended.files[..2]);
    let transcript = ended
        .files
        .iter()
        .find(|file| file.to_string_lossy().contains("transcript"));
    let transcript: Value =
        serde_json::from_slice(&std::fs::read(transcript.unwrap()).unwrap()).unwrap();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(Value::from(lines), transcript["lines"]);
    let turns: Vec<Value> = turns.into_values().collect();
    assert_eq!(Value::from(turns), transcript["turns"]);
}

#[tokio::test]
async fn how_loud_a_call_is_is_told_while_somebody_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let catalog = Catalog::built_in();
    let parrot = catalog.scenario("parrot").unwrap();
    let (tells, mut told) = tokio::sync::mpsc::unbounded_channel();
    let wanted = Arc::new(AtomicUsize::new(0));
    let follower = Follower::new(move |news| {
        if let News::Level { caller, agent } = news {
            tells.send((caller, agent)).unwrap();
        }
    });
    let follower = follower.metering(Arc::clone(&wanted));
    let mut peer = Peer::followed(&engines, parrot, None, "CA1", follower);
    peer.hears("{\"event\":\"media\"").await;
    // The loudest code there is: -0.2 dBFS.
    let loud = "gICA".repeat(160 / 3);
    let frame = format!(
        r#"{{"event":"media","streamSid":"MZ1","sequenceNumber":"3","media":{{"track":"inbound","chunk":"1","timestamp":"5","payload":"{loud}"}}}}"#
    );
    let mut frames = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..30 {
        frames.tick().await;
        peer.says.send(frame.clone()).unwrap();
    }
    assert!(told.try_recv().is_err());
    wanted.store(1, Ordering::Relaxed);
    let begun = Instant::now();
    let mut levels = Vec::new();
    while levels.len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        frames.tick().await;
        peer.says.send(frame.clone()).unwrap();
        levels.extend(told.try_recv());
    }
    assert!(begun.elapsed() >= Duration::from_millis(800), "{levels:?}");
    assert!(
        levels.iter().all(|(caller, _)| *caller == -0.2),
        "{levels:?}"
    );
    wanted.store(0, Ordering::Relaxed);
    peer.says.send(String::new()).unwrap();
    peer.call.await.unwrap();
    assert!(told.try_recv().is_err());
}
