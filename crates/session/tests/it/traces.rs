//! The reader of traces: what is damaged is named, whatever the damage.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ringback_session::replay::{LONGEST_LINE, replay, replay_from};

#[path = "../../../../fuzz/checks/trace.rs"]
mod checks;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/trace")
}

fn verdict(name: &str) -> String {
    match replay(&corpus().join(name)) {
        Ok(verdict) => verdict.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_corpus_of_traces_holds() {
    let mut replayed = 0;
    for entry in fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| checks::trace(&data));
        assert!(result.is_ok(), "{} breaks the check", path.display());
        replayed += 1;
    }
    assert!(replayed > 20);
}

#[test]
fn the_trace_of_a_real_call_replays_without_a_difference() {
    assert_eq!(
        verdict("whole.jsonl"),
        "109 events, 89 actions: no difference"
    );
}

#[test]
fn damage_is_named_by_its_line_and_reason() {
    let names = [
        "action_missing",
        "action_too_many",
        "blank_line",
        "deep",
        "empty",
        "head_cut_off",
        "head_only",
        "last_line_cut_off",
        "line_of_another_file",
        "lines_doubled",
        "lines_lost",
        "no_utf8",
        "other_action",
        "other_version",
        "time_runs_back",
        "unknown_setting",
        "wrong_kinds",
        "zeros_in_the_middle",
    ];
    let said = names.map(|name| format!("{name}: {}", verdict(&format!("{name}.jsonl"))));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_line_without_an_end_is_not_read_to_its_end() {
    let head = fs::read(corpus().join("head_only.jsonl")).unwrap();
    let endless = std::io::BufReader::new(head.as_slice().chain(std::io::repeat(b'0')));
    let error = replay_from(endless).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("line 2 is no trace record: it is longer than {LONGEST_LINE} bytes")
    );
}
