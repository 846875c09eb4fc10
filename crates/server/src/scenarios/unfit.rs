//! Why a scenario takes no call.

use std::fmt;

use axum::http::StatusCode;
use ringback_call::Direction;
use ringback_session::scenario::Line;

use super::Entry;
use crate::refusal::Refusal;

/// Why a scenario takes no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is none of this name.
    Absent,
    /// None of this name is known, but the database has not answered since the start.
    Unread,
    /// It is there, and something keeps it from use.
    Unusable(Unusable),
    /// It takes no calls of this direction.
    Direction(String, Direction),
}

/// A scenario that is there and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Its name in addresses.
    pub slug: String,
    /// As `en-US`.
    pub language: String,
    /// The first of its problems, or for a file's where they are told.
    why: String,
}

impl Unusable {
    pub(super) fn of(entry: &Entry) -> Self {
        let problems = entry.read.as_ref().err();
        let problem = problems.and_then(|problems| problems.first());
        let why = problem.map_or_else(String::new, |problem| match problem.path.as_str() {
            "" => format!("{}; {}", problem.what, problem.remedy),
            path => format!("{path}: {}; {}", problem.what, problem.remedy),
        });
        Self {
            slug: entry.slug.clone(),
            language: entry.language.clone(),
            why,
        }
    }
}

impl Unusable {
    /// What a file says is for admins, so that its problems are in the log alone.
    pub(super) fn of_file(file: &str, line: &Line) -> Self {
        Self {
            slug: line.slug.clone(),
            language: line.language.clone(),
            why: format!("its file {file} has a problem: see the log of the server's start"),
        }
    }
}

impl Unfit {
    /// For who may see the scenario: what of theirs cannot be used is the server's trouble, all else is their slip.
    pub fn refusal(&self, field: &str) -> Refusal {
        match self {
            Self::Unusable(_) | Self::Unread => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, self.to_string())
            }
            Self::Absent | Self::Direction(..) => Refusal::field(field, self.to_string()),
        }
    }

    /// What others are told: nothing of what is in it.
    pub fn outside(&self) -> String {
        match self {
            Self::Unusable(_) => "this scenario cannot be used at present".to_owned(),
            Self::Absent | Self::Unread | Self::Direction(..) => self.to_string(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no scenario of this name"),
            Self::Unread => f.write_str(
                "no scenario of this name is known here, and the database has not answered since the start",
            ),
            Self::Unusable(Unusable { slug, why, .. }) => {
                write!(f, "the scenario {slug} cannot be used: {why}")
            }
            Self::Direction(slug, direction) => {
                let direction = format!("{direction:?}").to_lowercase();
                write!(f, "the scenario {slug} takes no {direction} calls")
            }
        }
    }
}
