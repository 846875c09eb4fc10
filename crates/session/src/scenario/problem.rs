//! What is wrong with a scenario, where, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ringback_speech::grammar::Dictionary;
use ringback_speech::language::Language;

use super::field::instead;
use crate::secret::Secret;

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Position = Position { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something that keeps a scenario from being used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", line(origin, *at, path, what, remedy))]
pub struct Problem {
    /// The file, or whatever the text was named by.
    pub origin: String,
    /// Where in the text.
    pub at: Position,
    /// The field, as `turn.yield_ms` or `script.state[2].when[0].goto`; empty for the whole text.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// What is said of a field that must be there.
pub(crate) const MISSING: &str = "this is missing";
/// What is said of a field that nothing reads.
pub(crate) const UNKNOWN: &str = "there is no such field";
/// What is said of an address that may not be asked.
pub(crate) const PRIVATE: &str = "the address is a private one";

/// What kind of problem one is, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A field is missing.
    Missing,
    /// There is no such field.
    Unknown,
    /// A value does not do.
    Value,
}

impl Problem {
    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match self.what.as_str() {
            MISSING => Kind::Missing,
            UNKNOWN => Kind::Unknown,
            _ => Kind::Value,
        }
    }

    /// Whether an address is refused that `allow_private` would open.
    pub fn is_private_address(&self) -> bool {
        self.what == PRIVATE
    }
}

/// Something that is kept, but does not do what its author may expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file, or whatever the text was named by.
    pub origin: String,
    /// Where in the text.
    pub at: Position,
    /// The field; empty for the whole text.
    pub path: String,
    /// What is so, and what it means.
    pub what: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.origin, self.at, &self.path, &self.what, ""))
    }
}

fn line(origin: &str, at: Position, path: &str, what: &str, remedy: &str) -> String {
    let path = if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    };
    let remedy = if remedy.is_empty() {
        String::new()
    } else {
        format!("; {remedy}")
    };
    format!("{origin}:{at}: {path}{what}{remedy}")
}

/// So many problems, and as many warnings, are told at once.
const MOST_TOLD: usize = 200;

/// Collects problems and warnings while a text is read, so that all are named at once.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) origin: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
    /// What the local recogniser can pronounce, where that is to be checked.
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    /// Secrets that are kept for this scenario, by their names.
    pub(crate) kept: Arc<BTreeMap<String, Secret>>,
    /// Names of secrets that are kept for it and do not open.
    pub(crate) lost: Arc<BTreeSet<String>>,
    /// The language of our own lines.
    pub(crate) language: Language,
}

impl Findings {
    pub(crate) fn of(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn problem(
        &mut self,
        at: Position,
        path: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem {
            origin: self.origin.clone(),
            at,
            path: path.to_owned(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    pub(crate) fn warning(&mut self, at: Position, path: &str, what: impl Into<String>) {
        self.warnings.push(Warning {
            origin: self.origin.clone(),
            at,
            path: path.to_owned(),
            what: what.into(),
        });
    }

    /// What to write instead of a name that is not known. Where nobody will be told, it is not looked for.
    pub(crate) fn instead<'n>(
        &self,
        wrong: &str,
        known: impl IntoIterator<Item = &'n String>,
    ) -> String {
        if self.are_enough() {
            return String::new();
        }
        let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
        instead(wrong, &known)
    }

    /// Whether no more problems will be told in full, but only counted.
    pub(crate) fn are_enough(&self) -> bool {
        self.problems.len() >= MOST_TOLD
    }

    /// Everything in the order of the text, file by file: so much of it as somebody reads, and how much more there is.
    pub(crate) fn told(mut self) -> (Vec<Problem>, Vec<Warning>) {
        self.problems
            .sort_by(|a, b| (&a.origin, a.at).cmp(&(&b.origin, b.at)));
        self.warnings
            .sort_by(|a, b| (&a.origin, a.at).cmp(&(&b.origin, b.at)));
        let more = self.problems.len().saturating_sub(MOST_TOLD);
        self.problems.truncate(MOST_TOLD);
        if more > 0
            && let Some(at) = self.problems.last().map(|last| last.at)
        {
            let what = format!("there are {more} more problems");
            self.problem(at, "", what, "correct these first");
        }
        let more = self.warnings.len().saturating_sub(MOST_TOLD);
        self.warnings.truncate(MOST_TOLD);
        if more > 0
            && let Some(at) = self.warnings.last().map(|last| last.at)
        {
            self.warning(at, "", format!("there are {more} more warnings"));
        }
        (self.problems, self.warnings)
    }
}
