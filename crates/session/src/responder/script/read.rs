//! From the table of a script to the script.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{self, Use};
use super::expected;
use super::question;
use super::state;
use super::{Always, Anytime, Next, Retry, Script, State};
use crate::phrases::Phrases;
use crate::scenario::field::{Field, Section};
use crate::scenario::names::{self, Names};
use crate::scenario::problem::{Findings, Position};
use crate::scenario::template::Template;

/// The most states of a script. The largest that is built in has 37.
const MOST_STATES: usize = 500;
/// The most things that callers may say or key at any question.
const MOST_ANYTIME: usize = 50;

/// What is known while the states are read.
pub(super) struct Reading<'f> {
    pub(super) findings: &'f mut Findings,
    /// The states by name.
    pub(super) states: BTreeMap<String, usize>,
    /// Every use of a variable, to be checked when all ways are known.
    pub(super) uses: Vec<Use>,
    /// The state that is being read.
    pub(super) state: usize,
    /// Where each state stands.
    pub(super) places: Vec<(Position, String)>,
    /// The retry of questions that have none of their own.
    pub(super) retry: Retry,
}

impl Reading<'_> {
    /// The state that a field names.
    pub(super) fn target(&mut self, field: &Field<'_>) -> Option<usize> {
        let name = field.text(self.findings)?;
        let state = self.states.get(&name).copied();
        if state.is_none() {
            let remedy = self.findings.instead(&name, self.states.keys());
            let what = format!("there is no state \"{name}\"");
            field.problem(self.findings, what, remedy);
        }
        state
    }

    /// A text of the present state. `entered` is whether the state's own `set` has happened by then.
    pub(super) fn text(&mut self, field: &Field<'_>, entered: bool) -> Option<Template> {
        let text = names::template(field, self.findings)?;
        if entered && text.render(|_| None).is_empty() {
            field.problem(
                self.findings,
                "without its variables there is nothing to say",
                "add words, or say what stands in for the variable",
            );
        }
        for (name, stands_in) in text.variables() {
            self.uses.push(Use {
                state: Some(self.state),
                entered,
                name: name.to_owned(),
                stands_in,
                at: field.at,
                path: field.path.clone(),
            });
        }
        Some(text)
    }

    pub(super) fn problem(&mut self, section: &Section<'_>, what: &str, remedy: &str) {
        self.findings
            .problem(section.at, &section.path, what, remedy);
    }
}

/// Reads a script, and checks its states and ways. `names` are the variables that the call and the scenario give.
pub(crate) fn read(field: &Field<'_>, names: &Names, findings: &mut Findings) -> Option<Script> {
    let before = findings.problems.len();
    let mut root = field.section(findings)?;
    let variables = root
        .take("variables")
        .map(|field| names::variables(&field, findings))
        .unwrap_or_default();
    let Some(items) = state_items(&mut root, findings) else {
        for name in ["retry", "start", "anytime"] {
            root.take(name);
        }
        root.finish(findings);
        return None;
    };
    let (states, places) = state_names(&items, findings);
    let retry = default_retry(Phrases::of(findings.language))?;
    let mut reading = Reading {
        findings,
        states,
        uses: Vec::new(),
        state: 0,
        places,
        retry,
    };
    let give_up = script_retry(&mut root, &mut reading);
    let starts = starts(&mut root, &mut reading);
    let anytime = anytime(&mut root, &mut reading);
    root.finish(reading.findings);
    let mut read = Vec::new();
    for (index, item) in items.iter().enumerate() {
        reading.state = index;
        read.extend(state::read(item, &mut reading));
    }
    if reading.findings.problems.len() > before {
        return None;
    }
    let digit_variables = digit_variables(&read);
    let script = Script {
        states: read,
        inbound: starts.0,
        outbound: starts.1,
        anytime,
        give_up: give_up?,
        variables,
        digit_variables,
    };
    check::check(&script, names, &mut reading);
    (reading.findings.problems.len() == before).then_some(script)
}

/// The states, where there are any and not too many.
fn state_items<'a>(root: &mut Section<'a>, findings: &mut Findings) -> Option<Vec<Field<'a>>> {
    let listed = root.take("state");
    let items = listed.as_ref().map(|field| field.list(findings));
    match (listed, items) {
        (Some(field), Some(items)) if items.len() > MOST_STATES => {
            let what = format!("there are {} states, more than {MOST_STATES}", items.len());
            field.problem(findings, what, "make it several scenarios");
            None
        }
        (_, Some(items)) if !items.is_empty() => Some(items),
        _ => {
            let remedy = "add a [[script.state]] with name, say or ask";
            root.missing(findings, "state", remedy);
            None
        }
    }
}

fn digit_variables(states: &[State]) -> BTreeSet<String> {
    states
        .iter()
        .filter_map(|state| match &state.next {
            Next::Ask(question) if question.expected.holds_digits() => question.store.clone(),
            Next::Ask(_) | Next::Go(_) | Next::Transfer(_) | Next::HangUp => None,
        })
        .collect()
}

fn state_names(
    items: &[Field<'_>],
    findings: &mut Findings,
) -> (BTreeMap<String, usize>, Vec<(Position, String)>) {
    let mut states = BTreeMap::new();
    let mut places: Vec<(Position, String)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        places.push((item.at, item.path.clone()));
        let Some(mut section) = item.section(findings) else {
            continue;
        };
        let Some(field) = section.take("name") else {
            section.missing(findings, "name", "name the state");
            continue;
        };
        let Some(name) = names::name(&field, findings) else {
            continue;
        };
        if let Some(first) = states
            .get(&name)
            .and_then(|first: &usize| places.get(*first))
        {
            let what = format!(
                "there is a state \"{name}\" in line {} already",
                first.0.line
            );
            field.problem(findings, what, "choose another name");
        } else {
            states.insert(name, index);
        }
    }
    (states, places)
}

fn default_retry(phrases: &Phrases) -> Option<Retry> {
    Some(Retry {
        max: 2,
        say: Template::parse(phrases.sorry).ok()?,
        silence: Template::parse(phrases.idle[0]).ok()?,
        then: None,
    })
}

/// Reads `[script.retry]` into the defaults, and answers the line for giving up.
fn script_retry(root: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<Template> {
    let default = Template::parse(Phrases::of(reading.findings.language).give_up).ok();
    let Some(field) = root.take("retry") else {
        return default;
    };
    let mut section = field.section(reading.findings)?;
    let give_up = section.take("give_up");
    reading.retry = question::retry(&mut section, reading, false);
    section.finish(reading.findings);
    let then = reading.retry.then;
    match give_up {
        Some(field) if then.is_some() => {
            field.problem(
                reading.findings,
                "give_up is never said: then leads elsewhere",
                "keep one of them",
            );
            None
        }
        Some(field) => shared_text(&field, reading),
        None => default,
    }
}

/// A text that may be said in any state.
pub(super) fn shared_text(field: &Field<'_>, reading: &mut Reading<'_>) -> Option<Template> {
    let from = reading.uses.len();
    let text = reading.text(field, true);
    for used in reading.uses.iter_mut().skip(from) {
        used.state = None;
    }
    text
}

fn starts(root: &mut Section<'_>, reading: &mut Reading<'_>) -> (usize, usize) {
    let Some(field) = root.take("start") else {
        return (0, 0);
    };
    if field.is_text() {
        let start = reading.target(&field).unwrap_or(0);
        return (start, start);
    }
    let Some(mut section) = field.section(reading.findings) else {
        return (0, 0);
    };
    let mut of = |name| {
        let field = section.take(name)?;
        reading.target(&field)
    };
    let starts = (of("inbound").unwrap_or(0), of("outbound").unwrap_or(0));
    section.finish(reading.findings);
    starts
}

fn anytime(root: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<Anytime> {
    let Some(field) = root.take("anytime") else {
        return Vec::new();
    };
    let items = field.list(reading.findings);
    if items.len() > MOST_ANYTIME {
        let what = format!("there are more than {MOST_ANYTIME} things to say at any time");
        field.problem(reading.findings, what, "keep fewer");
        return Vec::new();
    }
    items
        .iter()
        .filter_map(|item| one_anytime(item, reading))
        .collect()
}

fn one_anytime(item: &Field<'_>, reading: &mut Reading<'_>) -> Option<Anytime> {
    let mut section = item.section(reading.findings)?;
    let phrases = match section.take("phrases") {
        Some(field) => {
            let items = field.list(reading.findings);
            let phrase = |item| expected::phrase(item, reading.findings);
            items.iter().filter_map(phrase).collect()
        }
        None => Vec::new(),
    };
    let digits = section
        .take("digits")
        .and_then(|field| keys(&field, reading.findings));
    let repeat = section.take("repeat");
    let goto = section.take("goto");
    let action = match (&repeat, &goto) {
        (Some(field), None) => field
            .bool(reading.findings)
            .filter(|repeat| *repeat)
            .map(|_| Always::Repeat),
        (None, Some(field)) => reading.target(field).map(Always::Go),
        (Some(_), Some(_)) | (None, None) => {
            reading.problem(
                &section,
                "what happens then is not clear",
                "give goto, or repeat = true",
            );
            None
        }
    };
    if phrases.is_empty() && digits.is_none() {
        reading.problem(
            &section,
            "nobody can ask for this",
            "give phrases, digits, or both",
        );
    }
    section.finish(reading.findings);
    Some(Anytime {
        phrases,
        digits,
        action: action?,
    })
}

/// Keys of a telephone.
pub(super) fn keys(field: &Field<'_>, findings: &mut Findings) -> Option<String> {
    let keys = field.text(findings)?;
    if keys.len() > 32 || !keys.bytes().all(|b| b.is_ascii_digit() || b == b'*') {
        field.problem(
            findings,
            format!("\"{keys}\" are no keys"),
            "use 0 to 9 and *; # ends every entry",
        );
        return None;
    }
    Some(keys)
}
