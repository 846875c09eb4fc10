//! What others want of a call while it goes on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use ringback_call::{EndCause, Intent, Order, Speaker};
use ringback_session::scenario::Catalog;
use ringback_session::{Follower, News, Outgoing, Refused};
use serde_json::Value;

use crate::peer::{Peer, engines, place, replays_the_same};

const LINE: &str = "The office is on the second floor.";

/// Plays the carrier until the call has told what is waited for.
async fn until(peer: &mut Peer, told: &Mutex<Vec<News>>, is_it: impl Fn(&News) -> bool) {
    let played = async {
        while !told.lock().unwrap().iter().any(&is_it) {
            if let Some(Outgoing::Text(text)) = peer.hears.recv().await
                && text.starts_with("{\"event\":\"mark\"")
            {
                let mut mark: Value = serde_json::from_str(&text).unwrap();
                mark["sequenceNumber"] = "4".into();
                peer.says.send(mark.to_string()).unwrap();
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), played).await;
    assert!(in_time.is_ok(), "{:?}", told.lock().unwrap());
}

fn is_line(news: &News, words: &str) -> bool {
    matches!(news, News::Line { line, .. } if line["heard"] == words)
}

#[tokio::test]
async fn a_call_says_what_it_is_told_and_puts_through_and_its_trace_brings_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let catalog = Catalog::built_in();
    let parrot = catalog.scenario("parrot").unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = Arc::clone(&told);
    let follower = Follower::new(move |news| tells.lock().unwrap().push(news));
    let place = Some(place(folder.path()));
    let mut peer = Peer::followed(&engines, parrot, place, "CA1", follower);
    let orders = peer.orders.clone();
    peer.hears("{\"event\":\"media\"").await;

    let given_up = orders.give(Order::Say {
        text: "Never mind.".to_owned(),
        interrupt: true,
    });
    assert!(given_up.now_or_never().is_none());
    let say = Order::Say {
        text: LINE.to_owned(),
        interrupt: true,
    };
    orders.give(say.clone()).await.unwrap();
    until(&mut peer, &told, |news| is_line(news, LINE)).await;
    let hint = Order::Whisper("Be kind.".to_owned());
    assert_eq!(orders.give(hint).await, Err(Refused::Deaf));
    let transfer = Order::Transfer {
        to: "+15005550009".to_owned(),
        first: None,
    };
    orders.give(transfer).await.unwrap();
    let never = |news: &News| matches!(news, News::Speaking(text) if text.contains("Never"));
    assert!(!told.lock().unwrap().iter().any(never));
    assert_eq!(orders.give(say).await, Err(Refused::Ending));
    let ended = peer.call.await.unwrap();
    let to = Intent::Transfer("+15005550009".to_owned());
    assert_eq!((&ended.intent, ended.cause), (&to, EndCause::Operator));
    let last = ended.report.lines.last().unwrap();
    assert_eq!((last.speaker, &*last.heard), (Speaker::Agent, LINE));
    replays_the_same(&ended);
}
