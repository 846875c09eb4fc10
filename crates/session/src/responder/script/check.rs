//! What must hold between the states of a script: all can be reached, none leads round without a question, and every variable has
//! a value where it is spoken.

use std::collections::{BTreeMap, BTreeSet};

use super::read::Reading;
use super::{Always, Next, Script, State, Ways};
use crate::scenario::field::instead;
use crate::scenario::names::Names;
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

/// A way from one state to another, with the variables that have a value on it.
struct Edge {
    from: usize,
    to: usize,
    gains: Vec<String>,
    /// Whether the caller was asked on the way.
    asked: bool,
}

pub(super) fn check(script: &Script, names: &Names, reading: &mut Reading<'_>) {
    let edges = edges(script);
    reachable(script, &edges, reading);
    circles(script, &edges, reading);
    variables(script, &edges, names, reading);
}

fn edges(script: &Script) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (from, state) in script.states.iter().enumerate() {
        match &state.next {
            Next::Ask(question) => {
                // By keypad an open question is answered without words, so its variable may stay empty.
                let stored = match question.expected.is_open() {
                    true => &[],
                    false => question.store.as_slice(),
                };
                of_ways(&question.ways, from, stored, true, &mut edges);
                let asides = script.anytime.iter().filter_map(|a| match a.action {
                    Always::Go(to) => Some(to),
                    Always::Repeat => None,
                });
                for to in asides.chain(question.retry.then) {
                    edges.push(Edge {
                        from,
                        to,
                        gains: Vec::new(),
                        asked: true,
                    });
                }
            }
            Next::Go(ways) => of_ways(ways, from, &[], false, &mut edges),
            Next::Transfer(_) | Next::HangUp => {}
        }
    }
    edges
}

fn of_ways(ways: &Ways, from: usize, stored: &[String], asked: bool, edges: &mut Vec<Edge>) {
    for when in &ways.when {
        let mut gains = stored.to_vec();
        if let Some(test) = &when.variable
            && test.known != Some(false)
        {
            gains.push(test.name.clone());
        }
        edges.push(Edge {
            from,
            to: when.to,
            gains,
            asked,
        });
    }
    if let Some(to) = ways.otherwise {
        edges.push(Edge {
            from,
            to,
            gains: stored.to_vec(),
            asked,
        });
    }
}

fn reachable(script: &Script, edges: &[Edge], reading: &mut Reading<'_>) {
    let mut reached = BTreeSet::from([script.inbound, script.outbound]);
    let mut open: Vec<usize> = reached.iter().copied().collect();
    while let Some(state) = open.pop() {
        for edge in edges.iter().filter(|edge| edge.from == state) {
            if reached.insert(edge.to) {
                open.push(edge.to);
            }
        }
    }
    for (index, state) in script.states.iter().enumerate() {
        if !reached.contains(&index) {
            state_problem(
                index,
                format!("no way leads to the state \"{}\"", state.name),
                "lead to it with goto, or remove it",
                reading,
            );
        }
    }
}

fn state_problem(index: usize, what: String, remedy: &str, reading: &mut Reading<'_>) {
    if let Some((at, path)) = reading.places.get(index) {
        reading.findings.problem(*at, path, what, remedy);
    }
}

/// Names the states that lead back to themselves without asking anything.
fn circles(script: &Script, edges: &[Edge], reading: &mut Reading<'_>) {
    let mut named = BTreeSet::new();
    for start in 0..script.states.len() {
        let Some(circle) = circle(start, edges) else {
            continue;
        };
        let members: BTreeSet<usize> = circle.iter().copied().collect();
        if !named.is_disjoint(&members) {
            continue;
        }
        let way: Vec<&str> = circle
            .iter()
            .chain([&start])
            .filter_map(|index| script.states.get(*index))
            .map(|state| state.name.as_str())
            .collect();
        named.extend(members);
        state_problem(
            start,
            format!(
                "these states lead round without a question: {}",
                way.join(" -> ")
            ),
            "put a question between them",
            reading,
        );
    }
}

/// The shortest way from a state back to it over ways without a question.
fn circle(start: usize, edges: &[Edge]) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(state) = open.pop_front() {
        for edge in edges.iter().filter(|e| e.from == state && !e.asked) {
            if edge.to == start {
                let mut way = vec![state];
                while let Some(previous) = way.last().and_then(|last| before.get(last)) {
                    way.push(*previous);
                }
                way.reverse();
                return Some(way);
            }
            if let std::collections::btree_map::Entry::Vacant(entry) = before.entry(edge.to) {
                entry.insert(state);
                open.push_back(edge.to);
            }
        }
    }
    None
}

/// Names the uses of variables that no state sets, or that may have no value on some way to where they are spoken.
fn variables(script: &Script, edges: &[Edge], names: &Names, reading: &mut Reading<'_>) {
    let mut certain = names.certain.clone();
    certain.extend(script.variables.keys().cloned());
    let mut known: BTreeSet<String> = certain.union(&names.possible).cloned().collect();
    known.extend(script.states.iter().flat_map(sets).cloned());
    // A script may ask whether there is a destination that its scenario does not name, or does not name yet.
    let asked = reading.uses.iter().map(|used| &used.name);
    known.extend(asked.filter(|name| is_named_destination(name)).cloned());
    for state in &script.states {
        if let Next::Ask(question) = &state.next {
            known.extend(question.store.clone());
        }
    }
    let entering = assigned(script, edges, &certain, &known);
    warn_of_missing_destinations(names, reading);
    let problems: Vec<_> = reading
        .uses
        .iter()
        .filter_map(|used| {
            let (what, remedy) = complaint(used, script, &entering, &certain, &known)?;
            Some((used.at, used.path.clone(), what, remedy))
        })
        .collect();
    for (at, path, what, remedy) in problems {
        reading.findings.problem(at, &path, what, remedy);
    }
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

fn complaint(
    used: &Use,
    script: &Script,
    entering: &[BTreeSet<String>],
    certain: &BTreeSet<String>,
    known: &BTreeSet<String>,
) -> Option<(String, String)> {
    let name = &used.name;
    if !known.contains(name) {
        let all: Vec<&str> = known.iter().map(String::as_str).collect();
        return Some((
            format!("there is no variable {{{name}}}"),
            instead(name, &all),
        ));
    }
    if used.stands_in {
        return None;
    }
    let assigned = match used.state {
        Some(state) => {
            let own = used.entered
                && script
                    .states
                    .get(state)
                    .is_some_and(|state| sets(state).any(|set| set == name));
            own || entering.get(state).is_some_and(|set| set.contains(name))
        }
        None => certain.contains(name),
    };
    (!assigned).then(|| {
        (
            format!("{{{name}}} may have no value here"),
            format!("say what stands in for it, as {{{name}|...}}, or ask for it on every way"),
        )
    })
}

fn sets(state: &State) -> impl Iterator<Item = &String> {
    state.set.iter().map(|(name, _)| name)
}

/// The variables that have a value whenever a state is entered.
fn assigned(
    script: &Script,
    edges: &[Edge],
    certain: &BTreeSet<String>,
    known: &BTreeSet<String>,
) -> Vec<BTreeSet<String>> {
    let mut entering = vec![known.clone(); script.states.len()];
    for start in [script.inbound, script.outbound] {
        if let Some(set) = entering.get_mut(start) {
            set.clone_from(certain);
        }
    }
    loop {
        let mut changed = false;
        for edge in edges {
            let (Some(from), Some(state)) = (entering.get(edge.from), script.states.get(edge.from))
            else {
                continue;
            };
            let mut leaving = from.clone();
            leaving.extend(sets(state).cloned());
            leaving.extend(edge.gains.iter().cloned());
            if let Some(set) = entering.get_mut(edge.to) {
                let before = set.len();
                set.retain(|name| leaving.contains(name));
                changed |= set.len() != before;
            }
        }
        if !changed {
            return entering;
        }
    }
}
