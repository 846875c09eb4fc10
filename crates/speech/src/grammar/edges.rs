//! What people put before and after an answer without changing it.

use super::matcher::Matcher;

const HESITATIONS: &[&str] = &["um", "uh", "er", "hmm", "well", "so", "okay", "oh"];
/// Probability of each thing that may stand before an answer, as JSGF writes it.
const BEFORE: &str = "0.000001";
/// Probability of each thing that may stand after it.
const AFTER: &str = "0.0001";
const LEADS: &[&str] = &[
    "i would say",
    "i'd say",
    "i think",
    "i guess",
    "it is",
    "it's",
    "that is",
    "that's",
    "that would be",
    "maybe",
    "probably",
    "let me see",
    "i want",
    "i would like",
    "i'd like",
];
const TAILS: &[&str] = &["please", "thank you", "thanks", "i think", "i guess"];
const NUMBER_LEADS: &[&str] = &[
    "about",
    "around",
    "i give it",
    "i would give it",
    "i'd give it",
    "a",
    "an",
    "give it a",
    "number",
];
const NUMBER_TAILS: &[&str] = &[
    "out of ten",
    "out of five",
    "points",
    "stars",
    "people",
    "of us",
    "percent",
    "times",
];
const DIGIT_LEADS: &[&str] = &[
    "my number is",
    "the number is",
    "my code is",
    "the code is",
    "number",
];
const DATE_LEADS: &[&str] = &["on", "for", "how about", "what about", "let's say"];
const DATE_TAILS: &[&str] = &["works", "is fine", "would be great", "would be good"];
const NAME_LEADS: &[&str] = &[
    "my name is",
    "this is",
    "i am",
    "i'm",
    "with",
    "for",
    "to speak to",
    "to speak with",
    "speak to",
    "speak with",
    "can i speak to",
    "may i speak to",
];

/// Whether a word is a mere hesitation.
pub(super) fn is_hesitation(word: &str) -> bool {
    HESITATIONS.contains(&word)
}

/// Which words may stand around an answer of these forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) leads: Vec<&'static str>,
    pub(super) tails: Vec<&'static str>,
}

impl Edges {
    pub(super) fn of(matchers: &[Matcher]) -> Self {
        let mut edges = Self {
            leads: LEADS.to_vec(),
            tails: TAILS.to_vec(),
        };
        for matcher in matchers {
            let (leads, tails): (&[_], &[_]) = match matcher {
                Matcher::Number { .. } => (NUMBER_LEADS, NUMBER_TAILS),
                Matcher::Digits { .. } => (DIGIT_LEADS, &[]),
                Matcher::Date => (DATE_LEADS, DATE_TAILS),
                Matcher::Names(_) => (NAME_LEADS, &[]),
                Matcher::Open | Matcher::YesNo | Matcher::Phrases(_) | Matcher::Keywords(_) => {
                    (&[], &[])
                }
            };
            edges.leads.extend(leads);
            edges.tails.extend(tails);
        }
        edges.leads.sort_unstable();
        edges.leads.dedup();
        edges
    }

    /// The places at which an answer may begin: 0, and each one that only leads stand before.
    pub(super) fn beginnings(&self, words: &[String]) -> Vec<usize> {
        let entries = || HESITATIONS.iter().chain(&self.leads);
        reach(words.len(), |at| {
            let fits = entries().filter(move |entry| starts(&words[at..], entry));
            fits.map(|entry| at + length(entry)).collect()
        })
    }

    /// The places at which an answer may end: the end, and each one that only tails stand after.
    pub(super) fn endings(&self, words: &[String]) -> Vec<usize> {
        let count = words.len();
        let backwards = reach(count, |from_end| {
            let before = &words[..count - from_end];
            let fits = self.tails.iter().filter(|entry| {
                before.len() >= length(entry)
                    && starts(&before[before.len() - length(entry)..], entry)
            });
            fits.map(|entry| from_end + length(entry)).collect()
        });
        backwards
            .into_iter()
            .map(|from_end| count - from_end)
            .collect()
    }

    /// The JSGF rules `<um>`, `<lead>` and `<tail>`.
    ///
    /// Their entries are improbable, or a little noise before a short answer would be heard as one of them. The
    /// decoder's library heeds a weight at a word and drops it at a rule, so each entry has its own.
    pub(super) fn rules(&self) -> String {
        let rule = |weight: &str, entries: &[&str]| {
            let weighted: Vec<_> = entries
                .iter()
                .map(|entry| format!("/{weight}/ {entry}"))
                .collect();
            weighted.join(" | ")
        };
        format!(
            "<um> = {};\n<lead> = {};\n<tail> = {};\n",
            rule(BEFORE, HESITATIONS),
            rule(BEFORE, &self.leads),
            rule(AFTER, &self.tails)
        )
    }
}

fn length(entry: &str) -> usize {
    entry.split(' ').count()
}

fn starts(words: &[String], entry: &str) -> bool {
    let mut words = words.iter();
    entry
        .split(' ')
        .all(|part| words.next().is_some_and(|word| word == part))
}

/// All places from 0 to `count` that steps lead to, in order.
fn reach(count: usize, steps: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut reached = vec![false; count + 1];
    reached[0] = true;
    for at in 0..=count {
        if reached[at] {
            for next in steps(at) {
                reached[next] = true;
            }
        }
    }
    (0..=count).filter(|at| reached[*at]).collect()
}
