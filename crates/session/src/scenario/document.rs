//! A document as a tree whose every value knows its place in the text.
//!
//! The readers of scenarios work on this tree alone, so another spelling of the same model needs another maker of trees and
//! nothing else.

use std::cell::Cell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::problem::{Findings, Position};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A value that no field takes: a date, a number out of all range, or null in a list.
    Other,
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A field of a table. Its place is that of its key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

impl Value {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Other => "null, a date or a number that is too large",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Value {
    /// The same as JSON, where JSON has it.
    pub(crate) fn to_json(&self) -> Option<serde_json::Value> {
        Some(match self {
            Value::Text(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Bool(value) => (*value).into(),
            Value::Other => return None,
            Value::List(items) => items
                .iter()
                .map(|item| item.value.to_json())
                .collect::<Option<Vec<_>>>()?
                .into(),
            Value::Table(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), entry.node.value.to_json()?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }
}

impl Node {
    /// The tree of a JSON value, all of it at one place. A field that is null is as if it were not there.
    pub(crate) fn of_json(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let at = Position::START;
        let value = match value {
            Json::Null => Value::Other,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Integer(whole),
                (None, Some(fraction)) if !number.is_u64() => Value::Float(fraction),
                (None, _) => Value::Other,
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Self::of_json).collect()),
            Json::Object(fields) => Value::Table(
                fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        at,
                        node: Self::of_json(value),
                    })
                    .collect(),
            ),
        };
        Self { at, value }
    }

    /// How many lists and tables stand within one another.
    pub(crate) fn depth(&self) -> usize {
        let deepest = match &self.value {
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Other => {
                return 0;
            }
            Value::List(items) => items.iter().map(Self::depth).max(),
            Value::Table(entries) => entries.iter().map(|entry| entry.node.depth()).max(),
        };
        1 + deepest.unwrap_or(0)
    }
}

/// The tree of a TOML text, or `None` with the problems noted.
pub(crate) fn from_toml(text: &str, findings: &mut Findings) -> Option<Node> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut told = BTreeSet::new();
    for error in &errors {
        let at = error
            .span()
            .map_or(Position::START, |span| lines.position(span.start));
        // One slip can be found again in every level that it leaves open.
        if !told.insert((at.line, error.message())) {
            continue;
        }
        findings.problem(
            at,
            "",
            format!("this is not TOML: {}", error.message()),
            "correct this line",
        );
    }
    errors.is_empty().then(|| Node {
        at: Position::START,
        value: tree_of_table(table.get_ref(), &lines),
    })
}

fn tree_of_table(table: &DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut fields: Vec<_> = table.iter().collect();
    fields.sort_by_key(|(key, _)| key.span().start);
    Value::Table(
        fields
            .into_iter()
            .map(|(key, value)| {
                let at = lines.position(key.span().start);
                let mut node = tree(value, lines);
                if matches!(node.value, Value::Table(_)) {
                    node.at = at;
                }
                Entry {
                    key: key.get_ref().to_string(),
                    at,
                    node,
                }
            })
            .collect(),
    )
}

fn tree(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let at = lines.position(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => whole(integer).map_or(Value::Other, Value::Integer),
        DeValue::Float(float) => fraction(float).map_or(Value::Other, Value::Float),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(list) => Value::List(list.iter().map(|item| tree(item, lines)).collect()),
        DeValue::Table(table) => tree_of_table(table, lines),
    };
    Node { at, value }
}

fn whole(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn fraction(float: &DeFloat<'_>) -> Option<f64> {
    float
        .as_str()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// Turns offsets in bytes into lines and columns.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The place that was asked for last: the next is mostly behind it in the same line, and that may be long.
    last: Cell<(usize, usize, usize)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let last = Cell::new((0, 0, 0));
        Self { text, starts, last }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let offset = offset.min(self.text.len());
        let (start, counted) = match self.last.get() {
            (same, start, counted) if same == line && start <= offset => (start, counted),
            _ => (self.starts[line - 1], 0),
        };
        let before = self.text.get(start..offset);
        let column = counted + before.map_or(0, |before| before.chars().count()) + 1;
        if before.is_some() {
            self.last.set((line, offset, column - 1));
        }
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn place(text: &str, path: &[&str]) -> Position {
        let mut findings = Findings::of("t");
        let mut node = from_toml(text, &mut findings).unwrap();
        for key in path {
            node = match node.value {
                Value::Table(fields) => fields.into_iter().find(|f| f.key == *key).unwrap().node,
                Value::List(mut list) => list.remove(key.parse().unwrap()),
                Value::Text(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::Other => panic!("there is no {key}"),
            };
        }
        node.at
    }

    #[test]
    fn values_know_their_lines_and_columns_in_characters() {
        let text = "a = 1\n[b]\nc = [1, \"é\", 3]\n[[d]]\nx = 1\n[[d]]\ny = { z = 2 }\n";
        for (path, line, column) in [
            (&["a"][..], 1, 5),
            (&["b"], 2, 2),
            (&["b", "c", "2"], 3, 14),
            (&["d", "1"], 6, 1),
            (&["d", "1", "y", "z"], 7, 11),
        ] {
            assert_eq!(place(text, path), Position { line, column }, "{path:?}");
        }
    }

    #[test]
    fn places_in_a_long_line_are_counted_from_one_another_and_not_wrongly() {
        let text = format!(
            "a = [{}\"é\", 2]\nb = {{ c = 1, \"é\" = {{ d = 2 }} }}\n",
            "\"é\",".repeat(1000)
        );
        for (path, line, column) in [
            (&["a", "999"][..], 1, 6 + 4 * 999),
            (&["a", "1001"], 1, 6 + 4 * 1000 + 5),
            (&["a"], 1, 5),
            (&["b", "é", "d"], 2, 26),
        ] {
            assert_eq!(place(&text, path), Position { line, column }, "{path:?}");
        }
    }

    #[test]
    fn every_mistake_of_a_text_is_named_with_its_line() {
        let mut findings = Findings::of("x.toml");
        assert!(from_toml("a = 1\na = 2\nb = \n", &mut findings).is_none());
        let lines: Vec<_> = findings.problems.iter().map(|p| p.at.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
