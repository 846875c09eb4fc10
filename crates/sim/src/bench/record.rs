//! What the server's own files say: which call an utterance belongs to, and whether its answer waited for the turn's end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::stages::Link;
use crate::providers::Mark;

/// The utterances of all calls whose files are complete in `folder`, by the numbers of their marks, and how many calls
/// those are. `calls` are the `CallSid`s. Blocking.
///
/// # Errors
/// A folder or trace that cannot be read.
pub fn links(folder: &Path, calls: &[String]) -> anyhow::Result<(BTreeMap<u32, Link>, usize)> {
    let (mut links, mut found) = (BTreeMap::new(), 0);
    let entries = std::fs::read_dir(folder).context("the recordings of the server")?;
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".json") else {
            continue;
        };
        let meta: Value = match std::fs::read(&path).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(meta)) => meta,
            Ok(Err(_)) | Err(_) => continue,
        };
        let Some(call) = calls
            .iter()
            .position(|sid| meta["call_sid"] == sid.as_str())
        else {
            continue;
        };
        let trace = folder.join(format!("{stem}.trace.jsonl"));
        let file = File::open(&trace).with_context(|| format!("the trace {}", trace.display()))?;
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        for (mark, (held, waited)) in answers(lines) {
            let link = Link { call, held, waited };
            links.insert(mark, link);
        }
        found += 1;
    }
    Ok((links, found))
}

/// An answer that the trace tells of.
#[derive(Debug, Default)]
struct Answer {
    mark: u32,
    spoken: bool,
    held: bool,
    waited: bool,
}

/// The utterances that were answered, whether the speech was there before the turn was over, and whether the model was
/// asked only when a wait was over.
fn answers(lines: impl Iterator<Item = String>) -> BTreeMap<u32, (bool, bool)> {
    let mut answers: BTreeMap<u64, Answer> = BTreeMap::new();
    // Most lines are of no interest and are not parsed.
    let wanted = ["\"Respond\"", "\"Spoken\"", "\"Promoted\""];
    for line in lines.filter(|line| wanted.iter().any(|name| line.contains(name))) {
        let Ok(record) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let reply = |value: &Value| value["reply"].as_u64();
        if let Some(answer) = reply(&record["e"]["Spoken"]).and_then(|id| answers.get_mut(&id)) {
            answer.spoken = true;
        }
        for action in record["a"].as_array().into_iter().flatten() {
            let respond = &action["Respond"];
            let mark = respond["text"].as_str().and_then(Mark::last_in);
            if let (Some(id), Some(mark)) = (reply(respond), mark) {
                let mark = mark.number();
                let answer = Answer {
                    mark,
                    waited: record["e"] == "Wake",
                    ..Answer::default()
                };
                answers.insert(id, answer);
            }
            let promoted = reply(&action["Note"]["Promoted"]);
            if let Some(answer) = promoted.and_then(|id| answers.get_mut(&id)) {
                answer.held = answer.spoken;
            }
        }
    }
    answers
        .into_values()
        .map(|answer| (answer.mark, (answer.held, answer.waited)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn trace(lines: &[&str]) -> Vec<String> {
        let (one, two) = (Mark::numbered(1).word(), Mark::numbered(2).word());
        let lines = lines.iter();
        lines
            .map(|line| line.replace("ONE", &one).replace("TWO", &two))
            .collect()
    }

    const ASKED: &str = r#"{"t":1,"e":{"Heard":{"text":"ask ONE"}},"a":[{"Respond":{"turn":1,"reply":2,"cause":"Answer","text":"ask ONE","speculative":true}}]}"#;
    const SPOKEN: &str = r#"{"t":2,"e":{"Spoken":{"reply":2,"part":0,"samples":160}}}"#;
    const OVER: &str = r#"{"t":3,"e":"Wake","a":[{"Note":{"Promoted":{"reply":2,"saved_ms":5}}}]}"#;

    #[test]
    fn speech_before_the_end_of_the_turn_is_told_from_speech_after_it() {
        let held = answers(trace(&[ASKED, SPOKEN, OVER]).into_iter());
        assert_eq!(held, BTreeMap::from([(1, (true, false))]));
        let free = answers(trace(&[ASKED, OVER, SPOKEN]).into_iter());
        assert_eq!(free, BTreeMap::from([(1, (false, false))]));
        let late = ASKED.replace(r#"{"Heard":{"text":"ask ONE"}}"#, r#""Wake""#);
        let late = answers(trace(&[&late, SPOKEN]).into_iter());
        assert_eq!(late, BTreeMap::from([(1, (false, true))]));
    }

    #[test]
    fn utterances_are_found_by_the_call_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("a.json", r#"{"call_sid":"CA2"}"#);
        write("a.transcript.json", r#"{"lines":[]}"#);
        write("a.trace.jsonl", &trace(&[ASKED, OVER, SPOKEN]).join("\n"));
        write("b.json", r#"{"call_sid":"CA3"}"#);
        let calls = ["CA1".to_owned(), "CA2".to_owned()];
        let (links, found) = links(folder.path(), &calls).unwrap();
        assert_eq!(found, 1);
        assert_eq!(
            links,
            BTreeMap::from([(
                1,
                Link {
                    call: 1,
                    held: false,
                    waited: false
                }
            )])
        );
    }
}
