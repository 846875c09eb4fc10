//! How a server stops, and that it does not grow.

use std::time::{Duration, Instant};

use crate::barge_in::story;
use crate::outcome::Outcome;
use crate::server::Server;
use crate::sound::{self, MS};
use crate::telephone::Placed;
use crate::until;

fn talking(server: &Server) -> Placed {
    let placed = server
        .call("closed")
        .kept()
        .script(&["pause_ms = 60000"])
        .place();
    until("a live call", Duration::from_secs(8), || {
        server.log().contains("WebSocket connected").then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    placed
}

fn check_files(server: &Server, outcome: &Outcome) {
    let files = server.files(outcome);
    let recorded = sound::read(&files.recording()).unwrap();
    let (length, call) = (recorded.left.len() / MS, outcome.duration_ms as usize);
    assert!(
        length.abs_diff(call) <= 500,
        "{length} ms are recorded of {call}: {}",
        files.meta
    );
    assert_eq!(server.replayed().unwrap(), 1);
}

fn draining() -> Server {
    Server::with(&[("DRAIN_SECONDS", "18")])
        .scenario("closed", &story("\"yes_no\""))
        .start()
}

#[test]
fn at_sigterm_new_callers_hear_a_line_and_live_calls_finish() {
    let mut server = draining();
    let live = talking(&server);
    server.signal("TERM");
    let begun = Instant::now();
    until("the log of the stop", Duration::from_secs(2), || {
        server
            .log()
            .contains("stopping: no new calls")
            .then_some(())
    });
    let refused = server.call("closed").script(&["expect_end = 5000"]).made();
    let refused = refused.outcome.expect("the call was not answered");
    assert!(
        refused
            .twilio_said()
            .contains("cannot take your call at this moment")
            && refused.ended.by == "server",
        "a new caller hears {:?}: {}",
        refused.twilio_said(),
        refused.summary()
    );
    let live = live.over();
    let outcome = live.outcome.as_ref().unwrap();
    let after = begun.elapsed().as_secs_f64();
    assert_eq!(outcome.ended.by, "server", "{}", outcome.summary());
    assert!(
        (12.0..18.5).contains(&after),
        "the live call ended {after:.1} s after SIGTERM"
    );
    assert_eq!(
        server.gone(Duration::from_secs(8)),
        Some(0),
        "{}",
        server.log()
    );
    assert_eq!(server.files(outcome).meta["cause"], "finish");
    // It was heard to its end: the sentence that was being said when the time ran out, then nothing.
    let last = server.files(outcome);
    let last = last
        .lines
        .iter()
        .rfind(|line| line["speaker"] == "agent")
        .unwrap();
    assert_eq!(last["interrupted"], false, "{last}");
    check_files(&server, outcome);
    eprintln!("the live call ended {after:.1} s after SIGTERM");
}

#[test]
fn a_second_sigterm_stops_at_once_and_leaves_whole_files() {
    let mut server = draining();
    let live = talking(&server);
    server.signal("TERM");
    until("the log of the stop", Duration::from_secs(2), || {
        server
            .log()
            .contains("stopping: no new calls")
            .then_some(())
    });
    server.signal("TERM");
    let begun = Instant::now();
    assert_eq!(
        server.gone(Duration::from_secs(3)),
        Some(0),
        "{}",
        server.log()
    );
    eprintln!(
        "gone {:.0} ms after the second SIGTERM",
        begun.elapsed().as_secs_f64() * 1000.0
    );
    let live = live.over();
    let outcome = live.outcome.as_ref().unwrap();
    let end = outcome
        .moments("end")
        .next()
        .map_or("", |end| end.how.as_str());
    assert!(end.contains("1001"), "{end}: {}", outcome.summary());
    check_files(&server, outcome);
    let said = server.files(outcome);
    assert!(
        said.lines.iter().any(|line| line["heard"] != line["said"]),
        "the sentence that was being heard is missing: {:?}",
        said.lines
    );
}

/// One short call, and its files are written.
fn short_call(server: &Server, number: usize) {
    let made = server
        .call("survey")
        .script(&["expect_audio = 5000", "pause_ms = 200", "hang_up = true"])
        .made();
    assert_eq!(
        made.status, 0,
        "call {number}: {}{:?}",
        made.complaint, made.outcome
    );
    until("the files", Duration::from_secs(5), || {
        (server.recordings(".transcript.json").len() == number).then_some(())
    });
}

#[test]
fn calls_in_a_row_leave_memory_and_descriptors_where_they_were() {
    // Each decoder loads its models when it is first used, so there is one.
    let server = Server::with(&[("RECOGNIZERS", "1")]).start();
    (1..=3).for_each(|number| short_call(&server, number));
    std::thread::sleep(Duration::from_secs(1));
    let (descriptors, memory) = (server.descriptors(), server.resident_kib());
    (4..=23).for_each(|number| short_call(&server, number));
    until("the descriptors", Duration::from_secs(4), || {
        (server.descriptors() <= descriptors).then_some(())
    });
    let grown = server.resident_kib().saturating_sub(memory);
    eprintln!("20 calls: {descriptors} descriptors, {memory} KiB, grown by {grown} KiB");
    assert!(
        grown < 4096,
        "20 calls let {memory} KiB grow by {grown} KiB"
    );
}
