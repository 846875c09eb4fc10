//! A process that is killed in the middle of a call.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use ringback_store::{Location, Store, Write, Writer};
use sqlx::Connection;

use crate::calls::{call, turn};
use crate::{NOW, run};

const VICTIM: &str = "RINGBACK_STORE_VICTIM";

/// The test runs itself once more as the process that is killed, while somebody else holds the database: so what it
/// tells can only be in the journal.
#[test]
fn what_a_killed_process_has_kept_is_in_the_database_after_the_next_start() {
    if let Some(dir) = std::env::var_os(VICTIM) {
        run(talk(Path::new(&dir)));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let store = open(dir.path());
        store.migrate(NOW).await.unwrap();
        store.close().await;
        let url = format!("sqlite:{}", dir.path().join("ringback.db").display());
        let mut held = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut held)
            .await
            .unwrap();
        let finished = kill_after(dir.path(), 25);
        sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();

        let store = open(dir.path());
        let writer = Writer::start(store.clone(), &dir.path().join("journal")).unwrap();
        writer.settled().await;
        let turns = store.call_detail("1").await.unwrap().unwrap().turns;
        assert!(
            turns.len() as i64 > finished,
            "{} of {finished}",
            turns.len()
        );
        for (index, turn) in turns.iter().enumerate() {
            assert_eq!(turn.number, i64::try_from(index).unwrap());
        }
        assert_eq!(writer.state().dropped, 0);
    });
}

fn open(dir: &Path) -> Store {
    Store::open(Location::parse("", dir).unwrap()).unwrap()
}

async fn talk(dir: &Path) {
    let writer = Writer::start(open(dir), &dir.join("journal")).unwrap();
    writer.send(Write::Call(call("1", NOW)));
    for number in 0.. {
        writer.send(Write::Turn(turn("1", number, "and another thing")));
        writer.kept().await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "finished {number}").unwrap();
        out.flush().unwrap();
    }
}

/// Answers the number of the last turn that the victim called finished.
fn kill_after(dir: &Path, turns: i64) -> i64 {
    let name = std::thread::current().name().unwrap().to_owned();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let finished = lines.map_while(Result::ok).filter_map(|line| {
        let (_, number) = line.split_once("finished ")?;
        number.parse::<i64>().ok()
    });
    let last = finished.take_while(|number| *number <= turns).last();
    victim.kill().unwrap();
    victim.wait().unwrap();
    last.unwrap()
}
