//! Which variables a text may use.

use std::collections::{BTreeMap, BTreeSet};

use super::field::Field;
use super::problem::Findings;
use super::template::{ALWAYS, MAX_TEXT_CHARS, SOMETIMES, Template, TemplateError, is_name};

/// The most variables of a scenario, or of a script.
pub(crate) const MOST_VARIABLES: usize = 500;

/// The variables of a scenario, by whether they always have a value.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) certain: BTreeSet<String>,
    pub(crate) possible: BTreeSet<String>,
}

impl Names {
    pub(crate) fn with(variables: &BTreeMap<String, String>) -> Self {
        Self {
            certain: ALWAYS
                .into_iter()
                .map(str::to_owned)
                .chain(variables.keys().cloned())
                .collect(),
            possible: SOMETIMES.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Names the variables of a text that are unknown, or may be without a value where nothing stands in for them.
    pub(crate) fn check(&self, text: &Template, field: &Field<'_>, findings: &mut Findings) {
        self.check_with(text, "", field, findings);
    }

    fn check_with(&self, text: &Template, more: &str, field: &Field<'_>, findings: &mut Findings) {
        for (name, stands_in) in text.variables() {
            if self.certain.contains(name) || (stands_in && self.possible.contains(name)) {
                continue;
            }
            if self.possible.contains(name) {
                field.problem(
                    findings,
                    format!("{{{name}}} may have no value here"),
                    format!("say what stands in for it, as {{{name}|...}}"),
                );
                continue;
            }
            let known = self.certain.iter().chain(&self.possible);
            let remedy = findings.instead(name, known) + more;
            field.problem(findings, format!("there is no variable {{{name}}}"), remedy);
        }
    }

    /// A text for a language model whose variables are known.
    pub(crate) fn prompt(&self, field: &Field<'_>, findings: &mut Findings) -> Option<String> {
        let text = field.text(findings)?;
        let more = "; for the text itself write it in double braces";
        self.check_with(&Template::of_prompt(&text), more, field, findings);
        Some(text)
    }

    /// A text whose variables are known.
    pub(crate) fn text(&self, field: &Field<'_>, findings: &mut Findings) -> Option<Template> {
        let text = template(field, findings)?;
        self.check(&text, field, findings);
        Some(text)
    }
}

/// A text that is a template; its variables are not checked.
pub(crate) fn template(field: &Field<'_>, findings: &mut Findings) -> Option<Template> {
    let text = field.text(findings)?;
    match Template::parse(&text) {
        Ok(template) => Some(template),
        Err(error) => {
            let remedy = match error {
                TemplateError::Brace => "write variables as {name}".to_owned(),
                TemplateError::Name(_) => {
                    "a variable has lower-case letters, digits and _ in braces".to_owned()
                }
                TemplateError::Long(_) => format!("give at most {MAX_TEXT_CHARS}"),
                TemplateError::Control(_) => "leave it out".to_owned(),
            };
            field.problem(findings, error.to_string(), remedy);
            None
        }
    }
}

/// A name for a variable or a state.
pub(crate) fn name(field: &Field<'_>, findings: &mut Findings) -> Option<String> {
    let name = field.text(findings)?;
    if !is_name(&name) {
        field.problem(
            findings,
            format!("\"{name}\" is no name"),
            "begin with a lower-case letter and use lower-case letters, digits and _",
        );
        return None;
    }
    Some(name)
}

/// Whether this may name a tool or a destination: lower-case letters, digits, `_` and `-`, 64 at most.
pub(crate) fn is_word(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A table of variables and their values.
pub(crate) fn variables(field: &Field<'_>, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let Some(section) = field.section(findings) else {
        return variables;
    };
    let all = section.all();
    if all.len() > MOST_VARIABLES {
        let what = format!(
            "there are {} variables, more than {MOST_VARIABLES}",
            all.len()
        );
        field.problem(findings, what, "keep fewer");
        return variables;
    }
    for (name, value) in all {
        if !is_name(name) {
            value.problem(
                findings,
                format!("\"{name}\" is no name"),
                "begin with a lower-case letter and use lower-case letters, digits and _",
            );
        } else if ALWAYS.contains(&name) {
            value.problem(
                findings,
                format!("{{{name}}} is given by the call"),
                "choose another name",
            );
        } else if let Some(text) = value.any_text(findings) {
            variables.insert(name.to_owned(), text);
        }
    }
    variables
}
