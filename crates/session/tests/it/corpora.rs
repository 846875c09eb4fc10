//! Replays what the fuzzers of scenarios begin with and what they have found, on a stable compiler and in every run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use ringback_session::scenario::{built_in, built_in_slugs};

#[path = "../../../../fuzz/checks/scenario.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| check(&data));
        assert!(result.is_ok(), "{} breaks the check", path.display());
        replayed += 1;
    }
    assert!(replayed > 5, "{}", folder.display());
}

#[test]
fn the_corpora_of_scenarios_hold() {
    replay("scenario_toml", checks::toml);
    replay("scenario_json", checks::json);
}

#[test]
fn every_built_in_scenario_holds() {
    for slug in built_in_slugs() {
        checks::toml(built_in(slug).unwrap().as_bytes());
    }
}
