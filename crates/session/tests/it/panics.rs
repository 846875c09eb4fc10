//! A panic inside a call ends that call alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ringback_call::EndCause;
use ringback_session::scenario::Catalog;

use crate::peer::{BAD, Peer, engines, place};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_closes_its_own_socket_with_1011_keeps_its_files_and_leaves_the_others_alone() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let place = place(folder.path());
    let catalog = Catalog::built_in();
    let parrot = catalog.scenario("parrot").unwrap();
    let mut other = Peer::of(&engines, parrot, Some(place.clone()), "CA9");
    let mut broken = Peer::of(&engines, parrot, Some(place.clone()), "CA1");
    other.hears("{\"event\":\"media\"").await;
    broken.hears("{\"event\":\"media\"").await;

    broken.says.send("panic".to_owned()).unwrap();
    assert_eq!(
        broken.closed().await,
        (1011, "an error in the server".to_owned())
    );
    let ended = broken.call.await.unwrap();
    assert!(ended.failed.unwrap().contains(BAD));
    assert_eq!(ended.cause, EndCause::Fault);
    assert_eq!(ended.files.len(), 4, "{:?}", ended.files);
    let beside = ended.files[0].with_extension("json");
    let meta = std::fs::read_to_string(beside).unwrap();
    assert!(meta.contains(BAD), "{meta}");
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains(BAD));
    let line = line.expect("no line in the log");
    assert!(
        line.contains("ERROR") && line.contains("CA1") && !line.contains("CA9"),
        "{line}"
    );

    other.hears("{\"event\":\"mark\"").await;
    other.says.send(String::new()).unwrap();
    let ended = other.call.await.unwrap();
    assert_eq!((ended.cause, ended.failed), (EndCause::HungUp, None));
}
