//! Reading a state: what it says and sets, and what follows.

use ringback_call::Direction::{Inbound, Outbound};

use super::check::Use;
use super::question;
use super::read::Reading;
use super::{Destination, Next, State, Ways};
use crate::scenario::destination;
use crate::scenario::field::{Field, Section};
use crate::scenario::problem::Findings;
use crate::scenario::template::{ALWAYS, SOMETIMES, Template, is_name, is_named_destination};

pub(super) fn read(item: &Field<'_>, reading: &mut Reading<'_>) -> Option<State> {
    let mut section = item.section(reading.findings)?;
    // What is wrong with a name was said when all names were read.
    let name = section
        .take("name")
        .and_then(|field| field.text(&mut Findings::default()));
    let set = sets(&mut section, reading);
    let say = section.take("say").map(|field| reading.text(&field, true));
    let has_say = say.is_some();
    let next = next(&mut section, has_say, reading);
    section.finish(reading.findings);
    Some(State {
        name: name?,
        set,
        say: say.flatten(),
        next: next?,
    })
}

fn sets(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<(String, Template)> {
    let Some(values) = section.take("set") else {
        return Vec::new();
    };
    let Some(values) = values.section(reading.findings) else {
        return Vec::new();
    };
    let all = values.all();
    let one = |(name, field): &(&str, Field<'_>)| {
        if own_name(name, field, reading.findings) {
            Some(((*name).to_owned(), reading.text(field, false)?))
        } else {
            None
        }
    };
    all.iter().filter_map(one).collect()
}

/// Whether a script may give this variable a value.
pub(super) fn own_name(name: &str, field: &Field<'_>, findings: &mut Findings) -> bool {
    if !is_name(name) {
        let remedy = "begin with a lower-case letter and use lower-case letters, digits and _";
        field.problem(findings, format!("\"{name}\" is no name"), remedy);
        return false;
    }
    if ALWAYS.contains(&name) || SOMETIMES.contains(&name) || is_named_destination(name) {
        let what = format!("{{{name}}} is given by the call");
        field.problem(findings, what, "choose another name");
        return false;
    }
    true
}

/// Whether a variable holds a destination that the scenario's settings give, and nothing that a caller said.
fn is_setting(name: &str) -> bool {
    name == "transfer_to" || (is_name(name) && is_named_destination(name))
}

/// What a state does when it has spoken: it asks, goes on, transfers or hangs up.
fn next(section: &mut Section<'_>, has_say: bool, reading: &mut Reading<'_>) -> Option<Next> {
    let ask = section.take("ask");
    let transfer = section.take("transfer");
    let hang_up = section.take("hang_up");
    let ends = usize::from(ask.is_some())
        + usize::from(transfer.is_some())
        + usize::from(hang_up.is_some());
    if ends > 1 {
        reading.problem(
            section,
            "a state does one thing",
            "keep one of ask, transfer and hang_up",
        );
        return None;
    }
    if let Some(ask) = ask {
        return question::read(section, &ask, reading)
            .map(|question| Next::Ask(Box::new(question)));
    }
    if ends == 1 && !has_say {
        reading.problem(section, "the call ends without a word", "give say");
    }
    if let Some(field) = transfer {
        return put_through(&field, reading).map(Next::Transfer);
    }
    if let Some(field) = hang_up {
        if field.bool(reading.findings) == Some(false) {
            field.problem(reading.findings, "this does nothing", "leave it out");
        }
        return Some(Next::HangUp);
    }
    let before = reading.findings.problems.len();
    let ways = question::ways(section, question::Asked::Nothing, reading);
    if ways.otherwise.is_some() || reading.findings.problems.len() > before {
        return Some(Next::Go(ways));
    }
    if ways.when.is_empty() {
        reading.problem(
            section,
            "the conversation stops here",
            "give ask, goto, when, transfer or hang_up = true",
        );
    } else if !covers_directions(&ways) {
        reading.problem(
            section,
            "no way on is left when no condition holds",
            "give goto",
        );
    }
    Some(Next::Go(ways))
}

fn covers_directions(ways: &Ways) -> bool {
    let plain = |direction| {
        ways.when
            .iter()
            .any(|when| when.direction == Some(direction) && when.variable.is_none())
    };
    plain(Inbound) && plain(Outbound)
}

fn put_through(field: &Field<'_>, reading: &mut Reading<'_>) -> Option<Destination> {
    let text = field.text(reading.findings)?;
    let variable = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    if let Some(name) = variable.filter(|name| is_setting(name)) {
        reading.uses.push(Use {
            state: Some(reading.state),
            entered: true,
            name: name.to_owned(),
            stands_in: false,
            at: field.at,
            path: field.path.clone(),
        });
        return Some(Destination::Setting(name.to_owned()));
    }
    if text.contains('{') {
        field.problem(
            reading.findings,
            "a caller could choose the number",
            "write it out, or take {transfer_to} or {transfer_to_NAME} for one of [destinations]",
        );
        return None;
    }
    destination::read(field, reading.findings).map(Destination::Fixed)
}
