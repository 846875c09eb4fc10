//! The ways between the states of a script. Whatever is asked of them takes time by their number and not by its square, since a
//! user's script is checked beside the calls of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Always, Next, Script, Ways};

/// So many variables are followed along the ways at once.
pub(super) const AT_ONCE: usize = 64;

/// A way from one state to another, with the variables that have a value on it.
pub(super) struct Edge<'s> {
    from: usize,
    to: usize,
    gains: Vec<&'s str>,
    /// Whether the caller was asked on the way.
    asked: bool,
}

/// All ways.
pub(super) struct Graph<'s> {
    /// In the order of the states that they lead from.
    edges: Vec<Edge<'s>>,
    /// Where the ways of each state begin among them, and where those of the last end.
    begins: Vec<usize>,
}

impl<'s> Graph<'s> {
    pub(super) fn of(script: &'s Script) -> Self {
        let mut graph = Self {
            edges: Vec::new(),
            begins: vec![0],
        };
        for (from, state) in script.states.iter().enumerate() {
            match &state.next {
                Next::Ask(question) => {
                    // By keypad an open question is answered without words, so its variable may stay empty.
                    let stored = match question.expected.is_open() {
                        true => None,
                        false => question.store.as_deref(),
                    };
                    graph.add_ways(&question.ways, from, stored, true);
                    let asides = script.anytime.iter().filter_map(|a| match a.action {
                        Always::Go(to) => Some(to),
                        Always::Repeat => None,
                    });
                    for to in asides.chain(question.retry.then) {
                        graph.add(from, to, Vec::new(), true);
                    }
                }
                Next::Go(ways) => graph.add_ways(ways, from, None, false),
                Next::Transfer(_) | Next::HangUp => {}
            }
            graph.begins.push(graph.edges.len());
        }
        graph
    }

    fn add_ways(&mut self, ways: &'s Ways, from: usize, stored: Option<&'s str>, asked: bool) {
        for when in &ways.when {
            let test = when.variable.as_ref();
            let test = test.filter(|test| test.known != Some(false));
            let gains = stored.into_iter().chain(test.map(|test| &*test.name));
            self.add(from, when.to, gains.collect(), asked);
        }
        if let Some(to) = ways.otherwise {
            self.add(from, to, stored.into_iter().collect(), asked);
        }
    }

    fn add(&mut self, from: usize, to: usize, gains: Vec<&'s str>, asked: bool) {
        self.edges.push(Edge {
            from,
            to,
            gains,
            asked,
        });
    }

    fn states(&self) -> usize {
        self.begins.len() - 1
    }

    fn leaving(&self, state: usize) -> &[Edge<'s>] {
        let begin = self.begins.get(state).copied().unwrap_or(0);
        let end = self.begins.get(state + 1).copied().unwrap_or(begin);
        &self.edges[begin..end]
    }

    /// Whether each state can be reached from these.
    pub(super) fn reached(&self, starts: [usize; 2]) -> Vec<bool> {
        let mut reached = vec![false; self.states()];
        let mut open = starts.to_vec();
        while let Some(state) = open.pop() {
            if !std::mem::replace(&mut reached[state], true) {
                open.extend(self.leaving(state).iter().map(|edge| edge.to));
            }
        }
        reached
    }

    /// The ways round without a question: of the states that lead to one another, the shortest way from the first back to it.
    pub(super) fn circles(&self) -> Vec<Vec<usize>> {
        let groups = self.groups();
        let mut seen = vec![false; self.states()];
        let mut circles = Vec::new();
        for start in 0..self.states() {
            if !std::mem::replace(&mut seen[groups[start]], true) {
                circles.extend(self.circle(start, &groups));
            }
        }
        circles
    }

    /// The ways without a question between states of one group.
    fn within<'g>(
        &'g self,
        state: usize,
        groups: &'g [usize],
    ) -> impl Iterator<Item = &'g Edge<'s>> {
        let inside = move |edge: &&Edge<'s>| !edge.asked && groups[edge.to] == groups[state];
        self.leaving(state).iter().filter(inside)
    }

    /// The shortest way from a state back to it.
    fn circle(&self, start: usize, groups: &[usize]) -> Option<Vec<usize>> {
        let mut before: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(state) = open.pop_front() {
            for edge in self.within(state, groups) {
                if edge.to == start {
                    let mut way = vec![state];
                    while let Some(previous) = way.last().and_then(|last| before.get(last)) {
                        way.push(*previous);
                    }
                    way.reverse();
                    return Some(way);
                }
                before.entry(edge.to).or_insert_with(|| {
                    open.push_back(edge.to);
                    state
                });
            }
        }
        None
    }

    /// A number for each state, the same for those that lead to one another without a question (Kosaraju: whatever leads to a state,
    /// of those that were left last, belongs to it).
    fn groups(&self) -> Vec<usize> {
        let mut arriving = vec![Vec::new(); self.states()];
        for edge in self.edges.iter().filter(|edge| !edge.asked) {
            arriving[edge.to].push(edge.from);
        }
        let mut groups = vec![None; self.states()];
        for first in self.by_leaving().into_iter().rev() {
            let mut open = vec![first];
            while let Some(state) = open.pop() {
                if groups[state].is_none() {
                    groups[state] = Some(first);
                    open.extend(arriving[state].iter().copied());
                }
            }
        }
        groups.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// The states in the order in which a walk in depth, without questions, leaves them.
    fn by_leaving(&self) -> Vec<usize> {
        let mut entered = vec![false; self.states()];
        let mut left = Vec::with_capacity(self.states());
        for first in 0..self.states() {
            let mut walk = vec![(first, 0)];
            while let Some((state, gone)) = walk.pop() {
                if gone == 0 && std::mem::replace(&mut entered[state], true) {
                    continue;
                }
                match self.leaving(state).get(gone) {
                    Some(edge) => {
                        walk.push((state, gone + 1));
                        if !edge.asked {
                            walk.push((edge.to, 0));
                        }
                    }
                    None => left.push(state),
                }
            }
        }
        left
    }

    /// Of at most [`AT_ONCE`] variables, those that may have no value when a state is entered: a bit each, by their place in `names`.
    /// `sets` are the variables that each state gives a value. Where no way leads, nothing is missing.
    pub(super) fn missing(
        &self,
        starts: [usize; 2],
        names: &[&str],
        sets: &[BTreeSet<&str>],
    ) -> Vec<u64> {
        let bits: BTreeMap<&str, u64> = names.iter().zip(0..).map(|(n, b)| (*n, 1 << b)).collect();
        let bit = |name: &&str| bits.get(name).copied().unwrap_or(0);
        let all = |bits: &mut dyn Iterator<Item = u64>| bits.fold(0, |all, bit| all | bit);
        let set = sets.iter().map(|names| all(&mut names.iter().map(bit)));
        let set: Vec<u64> = set.collect();
        let gains = self.edges.iter();
        let gains: Vec<u64> = gains
            .map(|edge| all(&mut edge.gains.iter().map(bit)))
            .collect();
        let mut missing = vec![0; self.states()];
        for start in starts {
            missing[start] = all(&mut bits.values().copied());
        }
        let mut open = VecDeque::from(starts);
        let mut waits = vec![false; self.states()];
        while let Some(state) = open.pop_front() {
            waits[state] = false;
            let leaving = missing[state] & !set[state];
            for (edge, gains) in self.leaving(state).iter().zip(&gains[self.begins[state]..]) {
                let more = leaving & !gains & !missing[edge.to];
                missing[edge.to] |= more;
                // A bit is added to a state once, so this ends soon.
                if more != 0 && !std::mem::replace(&mut waits[edge.to], true) {
                    open.push_back(edge.to);
                }
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: usize = 7;
    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn any_names() -> impl Strategy<Value = Vec<&'static str>> {
        proptest::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len())
    }

    prop_compose! {
        fn any_edge()(from in 0..STATES, to in 0..STATES, gains in any_names(), asked in any::<bool>()) -> Edge<'static> {
            Edge { from, to, gains, asked }
        }
    }

    impl std::fmt::Debug for Edge<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let mark = if self.asked { "?" } else { "" };
            write!(f, "{}->{}{mark} {:?}", self.from, self.to, self.gains)
        }
    }

    fn graph(mut edges: Vec<Edge<'static>>) -> Graph<'static> {
        edges.sort_by_key(|edge| edge.from);
        let begins = (0..=STATES).map(|state| edges.partition_point(|edge| edge.from < state));
        Graph {
            begins: begins.collect(),
            edges,
        }
    }

    /// Which state leads to which, over one way at least that fits.
    fn leads(graph: &Graph<'_>, fits: impl Fn(&Edge<'_>) -> bool) -> [[bool; STATES]; STATES] {
        let mut leads = [[false; STATES]; STATES];
        for edge in graph.edges.iter().filter(|edge| fits(edge)) {
            leads[edge.from][edge.to] = true;
        }
        for by in 0..STATES {
            for from in 0..STATES {
                for to in 0..STATES {
                    leads[from][to] |= leads[from][by] && leads[by][to];
                }
            }
        }
        leads
    }

    proptest! {
        #[test]
        fn what_is_told_of_the_ways_is_what_trying_all_of_them_finds(
            edges in proptest::collection::vec(any_edge(), 0..20),
            sets in proptest::collection::vec(any_names(), STATES),
            starts in any::<[prop::sample::Index; 2]>(),
        ) {
            let graph = graph(edges);
            let starts = starts.map(|start| start.index(STATES));
            let all = leads(&graph, |_| true);
            let reached = graph.reached(starts);
            for state in 0..STATES {
                let expected = starts.iter().any(|start| *start == state || all[*start][state]);
                prop_assert_eq!(reached[state], expected, "{}", state);
            }

            let sets: Vec<BTreeSet<&str>> = sets.into_iter().map(|names| names.into_iter().collect()).collect();
            let missing = graph.missing(starts, &NAMES, &sets);
            for (bit, name) in NAMES.iter().enumerate() {
                let without = leads(&graph, |edge| !edge.gains.contains(name) && !sets[edge.from].contains(name));
                for state in 0..STATES {
                    let expected = starts.iter().any(|start| *start == state || without[*start][state]);
                    prop_assert_eq!(missing[state] >> bit & 1 == 1, expected, "{} {}", state, name);
                }
            }

            let silent = leads(&graph, |edge| !edge.asked);
            let circles = graph.circles();
            let first_of_its_group = |state: &usize| {
                let earlier = (0..*state).any(|other| silent[*state][other] && silent[other][*state]);
                silent[*state][*state] && !earlier
            };
            let expected: Vec<usize> = (0..STATES).filter(first_of_its_group).collect();
            let told: Vec<usize> = circles.iter().map(|circle| circle[0]).collect();
            prop_assert_eq!(told, expected);
            for circle in circles {
                for (from, to) in circle.iter().zip(circle.iter().skip(1).chain([&circle[0]])) {
                    let is_way = graph.leaving(*from).iter().any(|edge| edge.to == *to && !edge.asked);
                    prop_assert!(is_way, "{:?}", circle);
                }
            }
        }
    }
}
