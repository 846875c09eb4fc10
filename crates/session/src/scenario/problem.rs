//! What is wrong with a scenario, where, and what to do about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ringback_speech::grammar::Dictionary;
use ringback_speech::language::Language;

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

    /// Everything in the order of the text, file by file.
    pub(crate) fn sort(&mut self) {
        self.problems
            .sort_by(|a, b| (&a.origin, a.at).cmp(&(&b.origin, b.at)));
        self.warnings
            .sort_by(|a, b| (&a.origin, a.at).cmp(&(&b.origin, b.at)));
    }
}
