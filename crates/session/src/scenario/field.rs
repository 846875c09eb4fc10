//! Reading a tree: fields are asked for by name, and what nobody asked for is refused with the nearest name.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::document::{Entry, Node, Value};
use super::problem::{Findings, MISSING, Position, UNKNOWN};

/// A value with the path that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) path: String,
    pub(crate) at: Position,
    node: &'a Node,
}

impl<'a> Field<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self {
            path: String::new(),
            at: node.at,
            node,
        }
    }

    pub(crate) fn problem(
        &self,
        findings: &mut Findings,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        findings.problem(self.at, &self.path, what, remedy);
    }

    pub(crate) fn warning(&self, findings: &mut Findings, what: impl Into<String>) {
        findings.warning(self.at, &self.path, what);
    }

    fn wrong(&self, findings: &mut Findings, wanted: &str) {
        self.problem(
            findings,
            format!("this is {}", self.node.value.kind()),
            format!("give {wanted}"),
        );
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    pub(crate) fn is_bool(&self) -> bool {
        matches!(self.node.value, Value::Bool(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// A text that is not blank.
    pub(crate) fn text(&self, findings: &mut Findings) -> Option<String> {
        let text = self.any_text(findings)?;
        if text.trim().is_empty() {
            self.problem(findings, "this text is empty", "write it, or leave it out");
            return None;
        }
        Some(text)
    }

    /// A text that may be blank.
    pub(crate) fn any_text(&self, findings: &mut Findings) -> Option<String> {
        let Value::Text(text) = &self.node.value else {
            self.wrong(findings, "a text in quotes");
            return None;
        };
        Some(text.trim().to_owned())
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &self,
        findings: &mut Findings,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(findings)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.problem(
                findings,
                format!("\"{text}\" is not known here"),
                instead(&text, &names),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// A whole number in a range; `unit` as in "milliseconds".
    pub(crate) fn whole<T>(
        &self,
        findings: &mut Findings,
        range: RangeInclusive<T>,
        unit: &str,
    ) -> Option<T>
    where
        T: Copy + Display + PartialOrd + TryFrom<i64>,
    {
        let wanted = format!("{} to {} {unit}", range.start(), range.end());
        let wanted = wanted.trim_end();
        let Value::Integer(number) = self.node.value else {
            self.wrong(findings, &format!("a whole number, {wanted}"));
            return None;
        };
        let value = T::try_from(number)
            .ok()
            .filter(|value| range.contains(value));
        if value.is_none() {
            self.problem(
                findings,
                format!("{number} is out of range"),
                format!("give {wanted}"),
            );
        }
        value
    }

    /// A number in a range, with or without a fraction.
    pub(crate) fn number(
        &self,
        findings: &mut Findings,
        range: RangeInclusive<f64>,
    ) -> Option<f64> {
        let number = match self.node.value {
            Value::Float(number) => number,
            #[allow(
                clippy::cast_precision_loss,
                reason = "numbers here have two digits, larger ones are refused"
            )]
            Value::Integer(number) => number as f64,
            Value::Text(_) | Value::Bool(_) | Value::Other | Value::List(_) | Value::Table(_) => {
                self.wrong(findings, "a number");
                return None;
            }
        };
        if !range.contains(&number) {
            self.problem(
                findings,
                format!("{number} is out of range"),
                format!("give {} to {}", range.start(), range.end()),
            );
            return None;
        }
        Some(number)
    }

    pub(crate) fn bool(&self, findings: &mut Findings) -> Option<bool> {
        let Value::Bool(value) = self.node.value else {
            self.wrong(findings, "true or false");
            return None;
        };
        Some(value)
    }

    /// The items of a list.
    pub(crate) fn list(&self, findings: &mut Findings) -> Vec<Field<'a>> {
        let Value::List(items) = &self.node.value else {
            self.wrong(findings, "a list in square brackets");
            return Vec::new();
        };
        let item = |(n, node): (usize, &'a Node)| Field {
            path: format!("{}[{n}]", self.path),
            at: node.at,
            node,
        };
        items.iter().enumerate().map(item).collect()
    }

    /// A list of texts that are not blank.
    pub(crate) fn texts(&self, findings: &mut Findings) -> Vec<String> {
        let items = self.list(findings);
        items
            .iter()
            .filter_map(|item| item.text(findings))
            .collect()
    }

    /// The whole tree below it as JSON.
    pub(crate) fn json(&self, findings: &mut Findings) -> Option<serde_json::Value> {
        let json = self.node.value.to_json();
        if json.is_none() {
            self.problem(
                findings,
                "it holds null, a date or a number that is too large",
                "write it as a text",
            );
        }
        json
    }

    pub(crate) fn section(&self, findings: &mut Findings) -> Option<Section<'a>> {
        let Value::Table(entries) = &self.node.value else {
            self.wrong(findings, "a table of named fields");
            return None;
        };
        Some(Section {
            path: self.path.clone(),
            at: self.at,
            entries,
            asked: Vec::new(),
        })
    }
}

/// A table that is being read.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) path: String,
    pub(crate) at: Position,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The field of this name. Its place is that of its value, or of its key where the value is a table.
    /// Whether there is such a field, taken or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all().iter().any(|(own, _)| *own == name)
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.asked.push(name);
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(self.field(entry))
    }

    /// All fields, for tables whose keys are free.
    pub(crate) fn all(&self) -> Vec<(&'a str, Field<'a>)> {
        self.entries
            .iter()
            .map(|entry| (entry.key.as_str(), self.field(entry)))
            .collect()
    }

    fn field(&self, entry: &'a Entry) -> Field<'a> {
        Field {
            path: self.path_of(&entry.key),
            at: entry.node.at,
            node: &entry.node,
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The place of the first of these fields that is there, or of the table.
    pub(crate) fn place_of(&self, first: &str, second: &str) -> Position {
        [first, second]
            .iter()
            .find_map(|name| self.entries.iter().find(|entry| entry.key == *name))
            .map_or(self.at, |entry| entry.at)
    }

    pub(crate) fn missing(&self, findings: &mut Findings, name: &str, remedy: &str) {
        findings.problem(self.at, &self.path_of(name), MISSING, remedy);
    }

    /// What is wrong with one of its fields.
    pub(crate) fn wrong(
        &self,
        findings: &mut Findings,
        name: &str,
        what: impl Into<String>,
        remedy: &str,
    ) {
        let at = self.place_of(name, name);
        findings.problem(at, &self.path_of(name), what, remedy);
    }

    /// Refuses the fields that nobody asked for.
    pub(crate) fn finish(self, findings: &mut Findings) {
        for entry in self.entries {
            if !self.asked.contains(&entry.key.as_str()) {
                let remedy = match findings.are_enough() {
                    true => String::new(),
                    false => instead(&entry.key, &self.asked),
                };
                findings.problem(entry.at, &self.path_of(&entry.key), UNKNOWN, remedy);
            }
        }
    }
}

/// What to write instead of a name that is not known.
pub(crate) fn instead(wrong: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(wrong, known) {
        return format!("did you mean \"{near}\"?");
    }
    match known {
        [] => "leave it out".to_owned(),
        [one] => format!("only \"{one}\" is known"),
        _ => format!("known are {}", known.join(", ")),
    }
}

/// The known name that is one slip away from this one, or two where the name is long. Case is no slip.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let allowed = match wrong.chars().count() {
        0..=2 => 0,
        3 | 4 => 1,
        _ => 2,
    };
    known
        .iter()
        .map(|name| (distance(&wrong, &name.to_lowercase()), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        for (wrong, remedy) in [
            ("yeild_ms", "did you mean \"yield_ms\"?"),
            ("YIELD_MS", "did you mean \"yield_ms\"?"),
            ("onset", "known are yield_ms, onset_ms"),
            ("onst_ms", "did you mean \"onset_ms\"?"),
        ] {
            assert_eq!(instead(wrong, &["yield_ms", "onset_ms"]), remedy, "{wrong}");
        }
    }

    #[test]
    fn distance_counts_single_slips() {
        for (a, b, slips) in [
            ("", "abc", 3),
            ("ab", "ba", 1),
            ("kitten", "sitting", 3),
            ("x", "x", 0),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
        }
    }
}
