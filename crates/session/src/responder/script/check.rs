//! What must hold between the states of a script: all can be reached, none leads round without a question, and every variable has
//! a value where it is spoken.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{AT_ONCE, Graph};
use super::read::Reading;
use super::{Next, Script, State};
use crate::scenario::names::{MOST_VARIABLES, Names};
use crate::scenario::problem::Position;
use crate::scenario::template::is_named_destination;

/// A use of a variable in a text.
#[derive(Clone, Debug)]
pub(super) struct Use {
    /// The state, or `None` for texts that any state may say.
    pub(super) state: Option<usize>,
    /// Whether the state's own `set` has happened.
    pub(super) entered: bool,
    pub(super) name: String,
    /// Whether the text says what stands in for it.
    pub(super) stands_in: bool,
    pub(super) at: Position,
    pub(super) path: String,
}

pub(super) fn check(script: &Script, names: &Names, reading: &mut Reading<'_>) {
    let graph = Graph::of(script);
    reachable(script, &graph, reading);
    circles(script, &graph, reading);
    variables(script, &graph, names, reading);
}

fn reachable(script: &Script, graph: &Graph<'_>, reading: &mut Reading<'_>) {
    let reached = graph.reached([script.inbound, script.outbound]);
    let states = script.states.iter().zip(reached).enumerate();
    for (index, (state, _)) in states.filter(|(_, (_, reached))| !reached) {
        state_problem(
            index,
            format!("no way leads to the state \"{}\"", state.name),
            "lead to it with goto, or remove it",
            reading,
        );
    }
}

fn state_problem(index: usize, what: String, remedy: &str, reading: &mut Reading<'_>) {
    if let Some((at, path)) = reading.places.get(index) {
        reading.findings.problem(*at, path, what, remedy);
    }
}

/// Names the states that lead back to themselves without asking anything.
fn circles(script: &Script, graph: &Graph<'_>, reading: &mut Reading<'_>) {
    for circle in graph.circles() {
        let round = circle.iter().chain(circle.first());
        let way: Vec<&str> = round
            .filter_map(|index| script.states.get(*index))
            .map(|state| state.name.as_str())
            .collect();
        state_problem(
            circle.first().copied().unwrap_or_default(),
            format!(
                "these states lead round without a question: {}",
                way.join(" -> ")
            ),
            "put a question between them",
            reading,
        );
    }
}

/// Names the uses of variables that no state sets, or that may have no value on some way to where they are spoken.
fn variables(script: &Script, graph: &Graph<'_>, names: &Names, reading: &mut Reading<'_>) {
    if has_too_many_variables(script, reading) {
        return;
    }
    let mut certain = names.certain.clone();
    certain.extend(script.variables.keys().cloned());
    let mut known: BTreeSet<String> = certain.union(&names.possible).cloned().collect();
    known.extend(script.states.iter().flat_map(given).map(str::to_owned));
    // A script may ask whether there is a destination that its scenario does not name, or does not name yet.
    let asked = reading.uses.iter().map(|used| &used.name);
    known.extend(asked.filter(|name| is_named_destination(name)).cloned());
    warn_of_missing_destinations(names, reading);
    let empty = empty(script, graph, &certain, &reading.uses);
    let uses = std::mem::take(&mut reading.uses);
    for (number, used) in uses.iter().enumerate() {
        let name = &used.name;
        if !known.contains(name) {
            let what = format!("there is no variable {{{name}}}");
            let remedy = reading.findings.instead(name, &known);
            reading.findings.problem(used.at, &used.path, what, remedy);
        } else if empty.contains(&number) {
            let what = format!("{{{name}}} may have no value here");
            let remedy =
                format!("say what stands in for it, as {{{name}|...}}, or ask for it on every way");
            reading.findings.problem(used.at, &used.path, what, remedy);
        }
    }
}

fn has_too_many_variables(script: &Script, reading: &mut Reading<'_>) -> bool {
    let mut names: BTreeSet<&str> = script.variables.keys().map(String::as_str).collect();
    for (index, state) in script.states.iter().enumerate() {
        names.extend(given(state));
        if names.len() > MOST_VARIABLES {
            let what = format!("the script has more than {MOST_VARIABLES} variables from here on");
            state_problem(
                index,
                what,
                "keep fewer: take one again where it is no longer needed",
                reading,
            );
            return true;
        }
    }
    false
}

/// The variables that a state sets or stores.
fn given(state: &State) -> impl Iterator<Item = &str> {
    let stored = match &state.next {
        Next::Ask(question) => question.store.as_deref(),
        Next::Go(_) | Next::Transfer(_) | Next::HangUp => None,
    };
    sets(state).chain(stored)
}

fn sets(state: &State) -> impl Iterator<Item = &str> {
    state.set.iter().map(|(name, _)| name.as_str())
}

/// The uses, by their numbers, of variables that may have no value there and for which nothing stands in.
fn empty(
    script: &Script,
    graph: &Graph<'_>,
    certain: &BTreeSet<String>,
    uses: &[Use],
) -> BTreeSet<usize> {
    let sets: Vec<BTreeSet<&str>> = script
        .states
        .iter()
        .map(|state| sets(state).collect())
        .collect();
    let mut empty = BTreeSet::new();
    let mut by_name: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, used) in uses.iter().enumerate() {
        let name = used.name.as_str();
        if used.stands_in || certain.contains(name) {
            continue;
        }
        match used.state {
            Some(state) if used.entered && sets[state].contains(name) => {}
            Some(state) => by_name.entry(name).or_default().push((number, state)),
            None => {
                empty.insert(number);
            }
        }
    }
    let starts = [script.inbound, script.outbound];
    let names: Vec<&str> = by_name.keys().copied().collect();
    for names in names.chunks(AT_ONCE) {
        let missing = graph.missing(starts, names, &sets);
        for (place, name) in names.iter().enumerate() {
            let missed = by_name[name]
                .iter()
                .filter(|(_, state)| missing[*state] >> place & 1 == 1);
            empty.extend(missed.map(|(number, _)| *number));
        }
    }
    empty
}

/// Where a scenario names destinations, one that only its script knows may be misspelt.
fn warn_of_missing_destinations(names: &Names, reading: &mut Reading<'_>) {
    if !names.certain.iter().any(|name| is_named_destination(name)) {
        return;
    }
    let missing = |used: &&Use| {
        let spoken_or_dialled = !used.stands_in && is_named_destination(&used.name);
        spoken_or_dialled && !names.certain.contains(&used.name)
    };
    for used in reading.uses.iter().filter(missing) {
        let what = format!(
            "{{{}}} is none of [destinations]: it never has a value",
            used.name
        );
        reading.findings.warning(used.at, &used.path, what);
    }
}
