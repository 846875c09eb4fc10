//! A broken rule, and the list of those that are allowed to be broken.

use std::fmt;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// The rule's name, as the list of exceptions spells it.
    pub rule: &'static str,
    /// The file, from the root of the tree.
    pub path: String,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The function or type, where one is meant.
    pub item: Option<String>,
    /// What was counted, for rules that count.
    pub measure: Option<usize>,
    /// What is wrong, as a sentence.
    pub why: String,
}

impl Breach {
    /// A breach without item and measure.
    #[must_use]
    pub fn new(rule: &'static str, path: &str, line: usize, why: impl Into<String>) -> Self {
        Self {
            rule,
            path: path.to_owned(),
            line,
            item: None,
            measure: None,
            why: why.into(),
        }
    }

    /// With what was counted, and in which item.
    #[must_use]
    pub fn measured(mut self, item: Option<&str>, measure: usize) -> Self {
        self.item = item.map(str::to_owned);
        self.measure = Some(measure);
        self
    }

    /// How the list of exceptions names the place: `path` or `path::item`.
    fn subject(&self) -> String {
        match &self.item {
            Some(item) => format!("{}::{item}", self.path),
            None => self.path.clone(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: {}: {}",
            self.path, self.line, self.rule, self.why
        )
    }
}

/// The breaches of one rule that no exception allows, and one for every exception to the rule that is malformed or
/// allows nothing.
///
/// A line of the list is `rule subject limit reason`; the limit is the highest measure allowed, `-` for a rule that
/// does not count. Empty lines and lines beginning with `#` are skipped.
#[must_use]
pub fn settle(rule: &'static str, breaches: Vec<Breach>, exceptions: &str) -> Vec<Breach> {
    let mut left = breaches;
    for (index, text) in exceptions.lines().enumerate() {
        let complain = |why: &str| Breach::new(rule, "crates/tidy/exceptions.txt", index + 1, why);
        let mut words = text.splitn(4, ' ');
        if words.next() != Some(rule) {
            continue;
        }
        let (Some(subject), Some(limit), Some(reason)) = (words.next(), words.next(), words.next())
        else {
            left.push(complain(
                "an exception is: rule, subject, limit or -, reason",
            ));
            continue;
        };
        let limit = limit.parse().ok();
        let before = left.len();
        left.retain(|breach| breach.subject() != subject || breach.measure > limit);
        if reason.trim().len() < 12 {
            left.push(complain("the reason of this exception says nothing"));
        } else if left.len() == before {
            left.push(complain(
                "this exception allows nothing; remove it, or raise its limit",
            ));
        }
    }
    left
}
