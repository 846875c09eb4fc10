//! A database that does not take what it is given.

use std::sync::Arc;

use ringback_store::{Error, Write, Writer};

use crate::calls::{call, end, turn};
use crate::cluster::Cluster;
use crate::{Fresh, NOW, run};

pub async fn rows_wait_in_the_journal_until_there_are_tables(fresh: Fresh) {
    let store = fresh.store();
    let journal = fresh.dir.path().join("journal");
    let writer = Writer::start(store.clone(), &journal).unwrap();
    writer.send(Write::Call(call("1", NOW)));
    writer.send(Write::Turn(turn("1", 0, "hello")));
    writer.kept().await;
    assert!(writer.state().journal_bytes > 0);
    store.migrate(NOW).await.unwrap();
    writer.send(Write::End(Box::new(end("1"))));
    writer.settled().await;
    let detail = store.call_detail("1").await.unwrap().unwrap();
    assert_eq!(
        (detail.turns.len(), detail.call.status.is_final()),
        (1, true)
    );
    let state = writer.state();
    assert_eq!(
        (
            state.dropped,
            state.refused,
            state.journal_bytes,
            state.down
        ),
        (0, 0, 0, false)
    );
}

pub async fn what_the_database_refuses_holds_nothing_up(fresh: Fresh) {
    let store = fresh.migrated().await;
    let writer = Writer::start(store.clone(), &fresh.dir.path().join("journal")).unwrap();
    writer.send(Write::Call(call("1", NOW)));
    writer.send(Write::Turn(turn("no such call", 0, "lost")));
    writer.send(Write::Turn(turn("1", 0, "hello")));
    writer.send(Write::End(Box::new(end("no such call"))));
    writer.send(Write::Turn(turn("nor this one", 0, "lost")));
    writer.send(Write::Turn(turn("1", 1, "goodbye")));
    writer.settled().await;
    let state = writer.state();
    assert_eq!(
        (state.refused, state.dropped, state.journal_bytes),
        (2, 0, 0)
    );
    assert_eq!(
        store.call_detail("1").await.unwrap().unwrap().turns.len(),
        2
    );
}

pub async fn a_full_journal_counts_what_it_drops(fresh: Fresh) {
    let store = fresh.store();
    let journal = fresh.dir.path().join("journal");
    let writer = Writer::start_bounded(store.clone(), &journal, 2_000).unwrap();
    writer.send(Write::Call(call("1", NOW)));
    for number in 0..50 {
        writer.send(Write::Turn(turn("1", number, "hello")));
    }
    writer.kept().await;
    let dropped = writer.state().dropped;
    assert!((30..50).contains(&dropped), "{dropped}");
    store.migrate(NOW).await.unwrap();
    writer.settled().await;
    let turns = store.call_detail("1").await.unwrap().unwrap().turns;
    assert_eq!(turns.len() as u64 + dropped, 50);
    let numbers: Vec<_> = turns.iter().map(|turn| turn.number).collect();
    assert!(
        numbers.is_sorted() && numbers[0] == 0,
        "the oldest are kept: {numbers:?}"
    );
}

#[test]
fn a_server_that_goes_away_and_comes_back_has_every_row() {
    run(async {
        let cluster = Arc::new(Cluster::start());
        let fresh = Fresh::postgres(&cluster, "down");
        let store = fresh.migrated().await;
        let journal = fresh.dir.path().join("journal");
        let writer = Writer::start(store.clone(), &journal).unwrap();
        writer.send(Write::Call(call("1", NOW)));
        writer.send(Write::Turn(turn("1", 0, "hello")));
        writer.settled().await;

        cluster.down();
        for number in 1..40 {
            writer.send(Write::Turn(turn("1", number, "still talking")));
        }
        writer.kept().await;
        let error = store.ping().await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        // Once from a connection that it broke, then with none left.
        for error in [error, store.ping().await.unwrap_err()] {
            assert!(error.to_string().contains("/.s.PGSQL.5432: "), "{error}");
        }

        // The process goes, too; the next one finds what it left.
        drop(writer);
        let writer = reopened(&fresh, &journal).await;
        writer.send(Write::End(Box::new(end("1"))));
        cluster.up();
        writer.settled().await;
        let detail = store.call_detail("1").await.unwrap().unwrap();
        assert_eq!(
            (detail.turns.len(), detail.call.status.is_final()),
            (40, true)
        );
        let state = writer.state();
        assert_eq!(
            (state.dropped, state.refused, state.journal_bytes),
            (0, 0, 0)
        );
    });
}

/// The tasks of a writer that was dropped let go of the journal when their last attempt has failed.
async fn reopened(fresh: &Fresh, journal: &std::path::Path) -> Writer {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        match Writer::start(fresh.store(), journal) {
            Ok(writer) => return writer,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
