//! Names that are not known: what was probably meant.

use super::variables::{LATER, VARIABLES};

/// Settings and words that other programs' names begin with, or that are names of other programs.
const COMMON: [&str; 7] = [
    "ACCESS_TOKEN",
    "DATABASE_URL",
    "HTTPS_PROXY",
    "LOG_DIR",
    "LOG_LEVEL",
    "REFRESH_TOKEN",
    "SECRET_KEY",
];
/// What names begin with that others read from a `.env`.
const FOREIGN: [&str; 5] = ["COMPOSE_", "DOCKER_", "PG", "POSTGRES_", "RUST_"];

/// Whether another program that shares the file `.env` reads this.
pub fn is_foreign(name: &str) -> bool {
    FOREIGN.iter().any(|begin| name.starts_with(begin)) || name == "TZ"
}

/// The setting that was probably meant by a name that breaks off before a word of it, or goes on with another word:
/// `RECORDING_RETENTION` for `RECORDING_RETENTION_DAYS`. One word alone is no beginning, because too many names begin like that.
pub fn cut_or_continued(name: &str) -> Option<&'static str> {
    let begins = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.starts_with('_')) && !COMMON.contains(&short)
    };
    let known = || VARIABLES.iter().map(|variable| variable.name);
    let cut = known().find(|known| name.contains('_') && begins(known, name));
    let continued = || {
        let begun = known().filter(|known| known.len() > 4 && begins(name, known));
        begun.max_by_key(|known| known.len())
    };
    cut.or_else(continued)
}

/// The name that was probably meant by one that is not known.
///
/// A name of four letters or fewer is never taken for a slip: too many other programs use such names.
pub fn near_miss(name: &str) -> Option<&'static str> {
    let spelled = bare(name);
    if spelled.len() < 5 {
        return None;
    }
    let known = || {
        VARIABLES
            .iter()
            .map(|variable| variable.name)
            .chain(LATER.iter().copied())
    };
    known()
        .find(|candidate| bare(candidate) == spelled)
        .or_else(|| {
            known()
                .filter(|candidate| candidate.len() >= 5)
                .find(|candidate| {
                    let allowed = if candidate.len() < 8 { 1 } else { 2 };
                    distance(&bare(candidate), &spelled) <= allowed
                })
        })
}

fn bare(name: &str) -> String {
    let upper = name.to_ascii_uppercase().replace(['_', '-', '.'], "");
    match upper.strip_prefix("RINGBACK") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => upper,
    }
}

/// Levenshtein's distance, in characters.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
