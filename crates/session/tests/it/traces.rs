//! The reader of traces: what is damaged is named, whatever the damage.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ringback_session::replay::{LONGEST_LINE, recover_transcript, replay, replay_from};

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

/// Recovers the transcript from the first `share` of the whole trace: what it says, or why not.
fn recovered(share: f64) -> Result<serde_json::Value, String> {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("call.trace.jsonl");
    let whole = fs::read(corpus().join("whole.jsonl")).unwrap();
    let kept = (whole.len() as f64 * share) as usize;
    fs::write(&trace, &whole[..kept]).unwrap();
    let verdict = replay(&trace).unwrap();
    let path = recover_transcript(&trace, &verdict).map_err(|error| error.to_string())?;
    assert_eq!(path, folder.path().join("call.transcript.json"));
    let again = recover_transcript(&trace, &verdict).unwrap_err();
    assert_eq!(again.to_string(), "there is a transcript already");
    Ok(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

#[test]
fn the_transcript_is_recovered_from_a_trace_even_one_cut_off() {
    let (whole, part) = (recovered(1.0).unwrap(), recovered(0.8).unwrap());
    let said = |value: &serde_json::Value| -> Vec<String> {
        let lines = value["lines"].as_array().unwrap().iter();
        lines.map(|line| line["heard"].to_string()).collect()
    };
    let (whole, part) = (said(&whole), said(&part));
    assert!(whole.len() > 2 && part.len() > 1, "{whole:?}, {part:?}");
    let (last, before) = part.split_last().unwrap();
    assert_eq!(whole[..before.len()], *before);
    let full = &whole[before.len()];
    assert!(
        full.starts_with(last.trim_end_matches('"')),
        "{last}, {full}"
    );
}

#[test]
fn no_transcript_is_recovered_where_the_replay_differs() {
    let verdict = replay(&corpus().join("other_action.jsonl")).unwrap();
    let refused = recover_transcript(Path::new("call.trace.jsonl"), &verdict).unwrap_err();
    assert!(refused.to_string().contains("differs"), "{refused}");
    let refused = recover_transcript(Path::new("call.wav"), &verdict).unwrap_err();
    assert!(refused.to_string().contains(".trace.jsonl"), "{refused}");
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
