//! What must hold for any text that claims to be a scenario, in TOML or in JSON.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-session` on the committed corpora.

use ringback_session::scenario::{
    Origin, Problem, Scenario, Warning, from_toml, parse, parse_json, steps, to_toml,
};
use serde_json::Value;

type Read = Result<(Scenario, Vec<Warning>), Vec<Problem>>;

/// What TOML says, JSON says too: both are taken, or refused for the same.
pub fn toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = parse(text, &Origin::text("fuzzed"));
    match from_toml(text, "fuzzed") {
        Ok(json) => {
            told(&read, &json);
            same(&read, &parse_json(&json, &Origin::text("fuzzed")));
            rewritten(&json);
        }
        Err(problems) => assert!(read.is_err() && !problems.is_empty()),
    }
}

/// What is wrong has a place in the document, and what can be written as TOML says the same.
pub fn json(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let read = parse_json(&json, &Origin::text("fuzzed"));
    told(&read, &json);
    if json.is_object() {
        rewritten(&json);
    }
}

fn rewritten(json: &Value) {
    let Ok(text) = to_toml(json) else {
        return;
    };
    // Without what is null, and without deeper nesting than a reader of TOML takes, it is the same document.
    if let Ok(again) = from_toml(&text, "fuzzed") {
        let of = |json: &Value| parse_json(json, &Origin::text("fuzzed"));
        same(&of(json), &of(&again));
        assert_eq!(to_toml(&again).as_deref(), Ok(&*text));
    }
}

fn told(read: &Read, json: &Value) {
    match read {
        Ok((scenario, warnings)) => {
            assert!((1..=64).contains(&scenario.slug.len()));
            for warning in warnings {
                assert!(!warning.what.is_empty());
                let _ = steps(&warning.path, json);
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
                let _ = (problem.kind(), steps(&problem.path, json));
            }
        }
    }
}

fn same(one: &Read, other: &Read) {
    match (one, other) {
        (Ok((one, warnings)), Ok((other, again))) => {
            assert_eq!((&one.slug, &one.name), (&other.slug, &other.name));
            assert_eq!(warnings.len(), again.len());
        }
        (Err(one), Err(other)) => assert_eq!(places(one), places(other)),
        (Ok(_), Err(problems)) | (Err(problems), Ok(_)) => {
            panic!("one spelling alone is refused: {}", problems[0]);
        }
    }
}

/// What is said may name lines, which JSON does not have.
fn places(problems: &[Problem]) -> Vec<&str> {
    let mut places: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
    places.sort_unstable();
    places
}
