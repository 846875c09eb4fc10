//! Every way through the built-in scripts: each sentence that is expected is understood, each key that is told works, and every
//! state leads to an end.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringback_call::Direction;
use ringback_speech::grammar::{Dictionary, Grammar};
use ringback_speech::language::Language;

use super::expected::Expected;
use super::{End, Expect, Hearing, Next, Question, Said, Script, ScriptRun, Snapshot, keypad};
use crate::scenario::{Catalog, Responder, Vars, built_in_slugs};

/// What can be said to a question, with the answer that it is.
fn sayings(expected: &Expected) -> Vec<(String, String)> {
    let same = |text: &str| (text.to_owned(), text.to_owned());
    match expected {
        Expected::Open => vec![same("it is about the garden")],
        Expected::YesNo => vec![same("yes"), same("no")],
        Expected::Date => vec![same("tomorrow")],
        Expected::Number { min, max } => [min, max].map(|number| same(&number.to_string())).into(),
        Expected::Digits { min, .. } => {
            let digits: Vec<_> = (0..*min).map(|n| (n % 10).to_string()).collect();
            vec![(digits.join(" "), digits.concat())]
        }
        Expected::Choice { choices, .. } => choices
            .iter()
            .flat_map(|choice| {
                let answer = choice.answer().to_owned();
                choice
                    .phrases
                    .iter()
                    .map(move |phrase| (phrase.clone(), answer.clone()))
            })
            .collect(),
        Expected::Any(parts) => parts.iter().flat_map(sayings).collect(),
    }
}

struct Walk {
    script: Arc<Script>,
    vars: Vars,
    /// Where the conversation was when it first came to a state.
    found: BTreeMap<String, Snapshot>,
    open: Vec<String>,
    /// From each state, where its answers lead.
    leads: BTreeMap<String, BTreeSet<String>>,
    ends: BTreeSet<String>,
}

impl Walk {
    fn new(script: &Arc<Script>, vars: Vars) -> Self {
        let mut walk = Self {
            script: Arc::clone(script),
            vars,
            found: BTreeMap::new(),
            open: Vec::new(),
            leads: BTreeMap::new(),
            ends: BTreeSet::new(),
        };
        let mut run = walk.run(None);
        let text = run.open().text;
        walk.arrive(None, &run, &text);
        while let Some(state) = walk.open.pop() {
            walk.answer_all(&state);
        }
        walk
    }

    fn run(&self, at: Option<&Snapshot>) -> ScriptRun {
        let (script, vars) = (Arc::clone(&self.script), self.vars.clone());
        match at {
            None => ScriptRun::new(script, vars, Hearing::Speech),
            Some(at) => ScriptRun::restore(script, vars, Hearing::Speech, at.clone()).unwrap(),
        }
    }

    fn arrive(&mut self, from: Option<&str>, run: &ScriptRun, text: &str) {
        let now = run.snapshot();
        let state = now.state.clone().unwrap();
        if let Some(from) = from {
            let leads = self.leads.entry(from.to_owned()).or_default();
            leads.insert(state.clone());
        }
        match &now.end {
            None => assert!(
                text.contains('?') || text.contains("Please"),
                "{state}: {text}"
            ),
            Some(End::HangUp) => assert!(text.ends_with("Goodbye."), "{state}: {text}"),
            Some(End::Transfer(_)) => assert!(text.contains("put you through"), "{state}: {text}"),
        }
        if now.end.is_some() {
            self.ends.insert(state);
        } else if self.found.insert(state.clone(), now).is_none() {
            self.open.push(state);
        }
    }

    fn question(&self, state: &str) -> Question {
        let found = self.script.states.iter().find(|known| known.name == state);
        let Next::Ask(question) = &found.unwrap().next else {
            panic!("{state} asks nothing");
        };
        (**question).clone()
    }

    fn answer_all(&mut self, state: &str) {
        let question = self.question(state);
        let before = self.found[state].clone();
        for (text, answer) in sayings(&question.expected) {
            let mut run = self.run(Some(&before));
            let said = run.answer(&Said {
                text: &text,
                ..Said::default()
            });
            assert_eq!(
                run.snapshot().misses,
                0,
                "{state}: \"{text}\" is not understood"
            );
            if let Some(name) = &question.store {
                assert_eq!(run.collected()[name], answer, "{state}: \"{text}\"");
            }
            self.arrive(Some(state), &run, &said.text);
        }
        if question.keys.is_empty() && !matches!(question.expected, Expected::Any(_)) {
            for (key, answer) in (1..).zip(question.expected.answers()) {
                let typed = keypad::typed(&question, &i32::to_string(&key), Language::English);
                assert_eq!(typed.as_deref(), Some(answer), "{state}");
            }
        }
        let asides = self
            .script
            .anytime
            .iter()
            .flat_map(|aside| aside.phrases.clone());
        let mut others: Vec<_> = asides.map(|text| (text, None)).collect();
        let keys = self
            .script
            .anytime
            .iter()
            .filter_map(|aside| aside.digits.clone());
        others.extend(keys.map(|keys| (String::new(), Some(keys))));
        for (text, digits) in &others {
            let mut run = self.run(Some(&before));
            let said = Said {
                text,
                digits: digits.as_deref(),
                silence: false,
            };
            let said = run.answer(&said);
            assert_eq!(run.snapshot().misses, 0, "{state}: \"{text}\" {digits:?}");
            self.arrive(Some(state), &run, &said.text);
        }
        let mut run = self.run(Some(&before));
        for _ in 0..=question.retry.max {
            let silence = Said {
                silence: true,
                ..Said::default()
            };
            let text = run.answer(&silence).text;
            self.arrive(Some(state), &run, &text);
        }
    }

    /// The states from which no answers lead to an end.
    fn stuck(&self) -> Vec<&String> {
        let mut ending = self.ends.clone();
        loop {
            let more: Vec<_> = self
                .leads
                .iter()
                .filter(|(state, leads)| !ending.contains(*state) && !leads.is_disjoint(&ending))
                .map(|(state, _)| state.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            ending.extend(more);
        }
        self.found
            .keys()
            .filter(|state| !ending.contains(*state))
            .collect()
    }
}

/// How many whole sentences are listened for.
fn sentences(expect: &Expect) -> usize {
    let one = |kind: &Expect| {
        if let Expect::Phrases(phrases) = kind {
            phrases.len()
        } else {
            0
        }
    };
    if let Expect::Any(kinds) = expect {
        kinds.iter().map(one).sum()
    } else {
        one(expect)
    }
}

#[test]
fn the_local_recogniser_can_listen_for_all_that_the_built_in_scripts_expect() {
    let dictionary = Dictionary::load_default().unwrap();
    let catalog = Catalog::built_in();
    for slug in built_in_slugs() {
        let scenario = catalog.scenario(slug).unwrap();
        let Some(Responder::Script { script }) = scenario.engines.responders.last() else {
            continue;
        };
        let vars = scenario.vars(Direction::Inbound, "Compass Group");
        let walk = Walk::new(script, vars);
        for (state, at) in &walk.found {
            let expect = walk.run(Some(at)).again().expect;
            let grammar = Grammar::compile(&expect, &dictionary).unwrap();
            assert_eq!(grammar.is_open(), walk.question(state).expected.is_open());
            // The more sentences, the more of them a noise is like.
            let count = sentences(&expect);
            assert!(count <= 50, "{slug}: {state} listens for {count} sentences");
        }
    }
}

#[test]
fn what_may_be_said_at_any_time_has_more_than_one_word() {
    let catalog = Catalog::built_in();
    let short = |slug: &str| match catalog.scenario(slug).unwrap().engines.responders.last() {
        Some(Responder::Script { script }) => script
            .anytime
            .iter()
            .flat_map(|aside| aside.phrases.clone())
            .filter(|phrase| !phrase.contains(' '))
            .collect(),
        _ => Vec::new(),
    };
    let found: Vec<_> = built_in_slugs()
        .map(|slug| (slug, short(slug)))
        .filter(|(_, short)| !short.is_empty())
        .collect();
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    // These are long, or end what nobody would mind to lose.
    assert_eq!(
        found,
        [
            (
                "guest-relations",
                words(&["operator", "representative", "goodbye"])
            ),
            ("survey", words(&["goodbye", "stop"])),
        ]
    );
}

#[test]
fn every_expected_sentence_and_key_of_the_built_in_scripts_leads_on_and_every_way_to_an_end() {
    let catalog = Catalog::built_in();
    for slug in built_in_slugs() {
        let scenario = catalog.scenario(slug).unwrap();
        let Some(Responder::Script { script }) = scenario.engines.responders.last() else {
            assert_eq!(slug, "parrot");
            continue;
        };
        let asking = |state: &&super::State| matches!(state.next, Next::Ask(_));
        let all: BTreeSet<String> = script
            .states
            .iter()
            .filter(asking)
            .map(|state| state.name.clone())
            .collect();
        let mut found = BTreeSet::new();
        for direction in [Direction::Inbound, Direction::Outbound] {
            for transfers in [
                &[][..],
                &["transfer_to"],
                &[
                    "transfer_to_sales",
                    "transfer_to_support",
                    "transfer_to_billing",
                ],
            ] {
                let mut vars = scenario.vars(direction, "Compass Group");
                for name in transfers {
                    vars.set(name, "+15005550006");
                }
                let walk = Walk::new(script, vars);
                assert_eq!(walk.stuck(), Vec::<&String>::new(), "{slug}");
                found.extend(walk.found.into_keys());
            }
        }
        assert_eq!(found, all, "{slug}");
    }
}
