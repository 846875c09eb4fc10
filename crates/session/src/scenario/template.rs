//! Texts with variables: `Hello, this is {company}.` and, for what may be unknown, `Hello {caller_name|there}.`

use std::collections::BTreeMap;
use std::fmt;

use ringback_call::Direction;
use ringback_speech::language::Language;

/// The variables that every call has.
pub const ALWAYS: [&str; 2] = ["company", "direction"];
/// The variables that a call may have; texts must say what stands in for them.
pub const SOMETIMES: [&str; 2] = ["caller_name", "transfer_to"];
/// How the variables begin that hold the scenario's destinations: `transfer_to_sales` holds the destination `sales`.
const NAMED_DESTINATION: &str = "transfer_to_";
/// The longest text that is spoken at once, in characters: about a minute of speech.
pub const MAX_TEXT_CHARS: usize = 1000;

/// What variables may add to a text, in bytes: as much as a whole scenario has.
const MOST_ADDED: usize = 256 << 10;

/// A text to be spoken, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable {
        name: String,
        otherwise: Option<String>,
    },
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("a curly brace stands alone")]
    Brace,
    /// What stands in the braces is no name.
    #[error("{{{0}}} is no variable")]
    Name(String),
    /// It has more than [`MAX_TEXT_CHARS`] characters.
    #[error("the text has {0} characters")]
    Long(usize),
    /// A character that cannot be spoken.
    #[error("the text contains the control character {0:?}")]
    Control(char),
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    /// Where braces do not match, enclose no name, or the text cannot be spoken.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let length = source.chars().count();
        if length > MAX_TEXT_CHARS {
            return Err(TemplateError::Long(length));
        }
        let control = |c: &char| c.is_control() && !c.is_whitespace();
        if let Some(control) = source.chars().find(control) {
            return Err(TemplateError::Control(control));
        }
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let inside = rest[open..].strip_prefix('{').ok_or(TemplateError::Brace)?;
            let (inside, after) = inside.split_once('}').ok_or(TemplateError::Brace)?;
            pieces.push(variable(inside)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self {
            source: source.to_owned(),
            pieces,
        })
    }

    /// Takes a text for a language model apart, which may be long and may hold braces of its own: around anything but the name of a variable
    /// they are text, and `{{name}}` is the text `{name}`.
    pub fn of_prompt(source: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            let (before, inside) = rest.split_at(open);
            plain.push_str(before);
            let doubled = inside.strip_prefix("{{").and_then(|rest| {
                let (name, after) = rest.split_once("}}")?;
                variable(name).ok().map(|_| (name, after))
            });
            let single = || {
                let (name, after) = inside[1..].split_once('}')?;
                Some((variable(name).ok()?, after))
            };
            if let Some((name, after)) = doubled {
                plain.extend(["{", name, "}"]);
                rest = after;
            } else if let Some((piece, after)) = single() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(piece);
                rest = after;
            } else {
                plain.push('{');
                rest = &inside[1..];
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Self {
            source: source.to_owned(),
            pieces,
        }
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names in it, and whether something stands in for each.
    pub fn variables(&self) -> impl Iterator<Item = (&str, bool)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Variable { name, otherwise } => Some((name.as_str(), otherwise.is_some())),
        })
    }

    /// The text with its variables put in; runs of white space become one space.
    pub fn render<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let text = self.fill(value);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The text with its variables put in, as it stands otherwise. Once they have added 256 KiB the rest of the text is left out.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut text = String::with_capacity(self.source.len());
        let mut room = MOST_ADDED;
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Variable { name, otherwise } => {
                    let value = value(name).filter(|value| !value.trim().is_empty());
                    let value = value.or(otherwise.as_deref()).unwrap_or_default();
                    let Some(left) = room.checked_sub(value.len()) else {
                        break;
                    };
                    room = left;
                    text.push_str(value);
                }
            }
        }
        text
    }
}

fn variable(inside: &str) -> Result<Piece, TemplateError> {
    let (name, otherwise) = match inside.split_once('|') {
        Some((name, otherwise)) => (name.trim(), Some(otherwise.trim().to_owned())),
        None => (inside.trim(), None),
    };
    if inside.contains('{') || !is_name(name) {
        return Err(TemplateError::Name(inside.to_owned()));
    }
    Ok(Piece::Variable {
        name: name.to_owned(),
        otherwise,
    })
}

/// The variable that holds a destination of the scenario.
pub(crate) fn destination_variable(destination: &str) -> String {
    format!("{NAMED_DESTINATION}{}", destination.replace('-', "_"))
}

/// Whether this variable holds a destination of the scenario, if it has one of that name.
pub(crate) fn is_named_destination(variable: &str) -> bool {
    variable
        .strip_prefix(NAMED_DESTINATION)
        .is_some_and(|name| !name.is_empty())
}

/// Whether this may name a variable or a state: a lower-case letter, then letters, digits and `_`.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// What the texts of one call are filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vars {
    /// Who called whom.
    pub direction: Direction,
    /// The first words of the call, if the scenario has any: a responder begins its opening with them.
    pub greeting: Option<String>,
    /// The language of our own lines.
    pub language: Language,
    values: BTreeMap<String, String>,
}

impl Vars {
    /// What every call has.
    pub fn new(company: &str, direction: Direction) -> Self {
        let mut vars = Self {
            direction,
            greeting: None,
            language: Language::English,
            values: BTreeMap::new(),
        };
        vars.set("company", company);
        let name = match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        vars.set("direction", name);
        vars
    }

    /// Gives a variable its value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// A variable's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text with these variables put in.
    pub fn render(&self, template: &Template) -> String {
        template.render(|name| self.value(name))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_variables_add_is_bounded() {
        let source = "{long} ".repeat(100);
        let template = Template::parse(&source).unwrap();
        let long = "word ".repeat(10_000);
        let filled = template.fill(|_| Some(&long));
        assert!(
            filled.len() <= MOST_ADDED + source.len(),
            "{}",
            filled.len()
        );
        assert!(filled.starts_with(&long));
    }

    #[test]
    fn variables_are_put_in_and_unknown_ones_stood_in_for() {
        let mut vars = Vars::new("Compass Group", Direction::Inbound);
        vars.set("topic", " ");
        for (template, text) in [
            ("Hello from {company}.", "Hello from Compass Group."),
            (
                "Hello {caller_name|there}, you are {direction}.",
                "Hello there, you are inbound.",
            ),
            ("About {topic|your visit}.", "About your visit."),
            ("a {caller_name|}  b\n c", "a b c"),
        ] {
            assert_eq!(vars.render(&Template::parse(template).unwrap()), text);
        }
    }

    #[test]
    fn a_prompt_keeps_its_lines_and_every_brace_that_holds_no_name() {
        let vars = Vars::new("Compass Group", Direction::Inbound);
        for (prompt, text) in [
            (
                "You are at {company}.\n- Be brief.",
                "You are at Compass Group.\n- Be brief.",
            ),
            (
                r#"Say {"a": {"b": 1}} or {}."#,
                r#"Say {"a": {"b": 1}} or {}."#,
            ),
            (
                r#"{{"a":{"b":{company}}}}"#,
                r#"{{"a":{"b":Compass Group}}}"#,
            ),
            ("The text {{company}} itself.", "The text {company} itself."),
            ("For {caller_name|the caller}.", "For the caller."),
            ("} {Name} { a b } {", "} {Name} { a b } {"),
        ] {
            let template = Template::of_prompt(prompt);
            assert_eq!(template.fill(|name| vars.value(name)), text);
        }
        let long = format!("{}{{company}}", "é".repeat(2000));
        let names = Template::of_prompt(&long);
        assert_eq!(names.variables().collect::<Vec<_>>(), [("company", false)]);
    }

    #[test]
    fn texts_that_are_no_templates_are_refused() {
        for (text, error) in [
            ("a {b", TemplateError::Brace),
            ("a b}", TemplateError::Brace),
            ("{a{b}", TemplateError::Name("a{b".into())),
            ("{}", TemplateError::Name(String::new())),
            ("{Company}", TemplateError::Name("Company".into())),
            ("a\u{7}", TemplateError::Control('\u{7}')),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
        assert_eq!(
            Template::parse(&"é".repeat(1001)),
            Err(TemplateError::Long(1001))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_is_taken_apart_or_refused_and_never_panics(text in ".{0,60}|[a-z{}| ]{0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let said = template.render(|_| None);
                prop_assert!(!said.contains("  "));
                prop_assert_eq!(template.source(), &text);
            }
            let prompt = Template::of_prompt(&text);
            if !text.contains('{') {
                prop_assert_eq!(prompt.fill(|_| None), text);
            }
        }
    }
}
