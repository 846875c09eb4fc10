//! The questions of the built-in scenarios, each as it is listened for in a call, and what is said to them.

use ringback_speech::grammar::{Expect, Meaning, interpret};
use toml::{Table, Value};

const NAMES: [&str; 3] = ["guest-relations", "appointment-reminder", "survey"];

/// Answers of the forms that a scenario does not spell out.
const YES_OR_NO: &[&str] = &[
    "yes",
    "no",
    "yes please",
    "no thank you",
    "yeah",
    "nope",
    "sure",
    "not really",
    "i don't think so",
    "of course",
];
const TO_FIVE: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "i would say four",
    "a three",
    "five please",
];
const NUMBERS: &[&str] = &[
    "five five five one two three four",
    "two oh six five five five oh one four two",
    "eight one five seven nine three six",
    "four four one two nine seven eight",
];
const DAYS: &[&str] = &[
    "today",
    "tomorrow",
    "next monday",
    "friday",
    "march third",
    "the third of march",
    "the day after tomorrow",
    "december twenty first",
    "on july fourth please",
];
/// Answers in other words than the scenario's, which are understood all the same.
const IN_OTHER_WORDS: &[(&str, &str)] = &[
    ("welcome", "i want to leave feedback"),
    ("welcome", "i would like to have a call back please"),
    ("topic", "i would like to talk about the food"),
    ("coming", "i want to reschedule"),
    ("improve", "i think the prices"),
];

/// What is no answer, unless a question happens to expect it: sounds of listening, replies to other questions,
/// beginnings of sentences, and noises.
const NO_ANSWERS: &[&str] = &[
    "uh huh",
    "mm hmm",
    "huh",
    "oh",
    "what",
    "sorry",
    "excuse me",
    "can you hear me",
    "hold on",
    "just a moment",
    "who is this",
    "what was that",
    "let me think",
    "i am not sure",
    "i don't know",
    "how are you",
    "i want to",
    "i would like to",
    "can someone",
    "i want to talk about",
    "four",
    "seven",
    "yes",
    "nope",
    "feedback",
    "a call back",
    "the food",
    "the service",
    "it took too long",
    "something else",
    "cancel it",
    "another time",
    "in the morning",
    "next monday",
    "nothing at all",
    "my name is john",
    "the weather is nice today",
    "we were there last week",
    "he will be back soon",
    "turn the radio down",
    "burst",
    "knocks",
    "cough",
    "breath",
];

/// A form of an answer, and for each of its phrases which answer it stands for.
struct Part {
    expect: Expect,
    choices: Vec<usize>,
}

/// A question.
pub struct Asked {
    pub name: String,
    /// Whether a call begins with it.
    pub opens: bool,
    parts: Vec<Part>,
    said: Vec<String>,
}

impl Asked {
    /// What the recogniser listens for.
    pub fn expect(&self) -> Expect {
        Expect::Any(self.parts.iter().map(|part| part.expect.clone()).collect())
    }

    /// Which answer a text is, whatever its words.
    pub fn answer(&self, text: &str) -> Option<String> {
        self.parts.iter().enumerate().find_map(|(number, part)| {
            let meaning = interpret(&part.expect, text);
            if meaning == Meaning::Nothing {
                None
            } else if let Meaning::Phrase { index, .. } = meaning {
                Some(format!("{number}: {}", part.choices[index]))
            } else {
                Some(format!("{number}: {meaning:?}"))
            }
        })
    }

    /// Answers that a caller may give.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(String::as_str)
    }

    /// Sounds that answer nothing here; every second one, because the questions are many.
    pub fn no_answers(&self, number: usize) -> impl Iterator<Item = &'static str> {
        NO_ANSWERS
            .iter()
            .copied()
            .enumerate()
            .filter(move |(at, said)| at % 2 == number % 2 && self.answer(said).is_none())
            .map(|(_, said)| said)
    }
}

/// All questions, those that are listened for alike once.
pub fn all() -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for name in NAMES {
        let path = format!(
            "{}/../session/scenarios/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let scenario: Table = text.parse().unwrap();
        let script = scenario["script"].as_table().unwrap();
        let asides = asides(script);
        for state in list(&script["state"]) {
            let Some(expect) = state.get("expect") else {
                continue;
            };
            let state = state["name"].as_str().unwrap();
            let mut asked = asked(
                &format!("{name}, {state}"),
                state,
                expect,
                &asides,
                all.len(),
            );
            asked.opens = texts(&script["start"]).iter().any(|start| start == state);
            if !all.iter().any(|other| other.expect() == asked.expect()) {
                all.push(asked);
            }
        }
    }
    all
}

fn asked(name: &str, state: &str, expect: &Value, asides: &[Vec<String>], number: usize) -> Asked {
    let (mut parts, mut said) = (Vec::new(), Vec::new());
    match expect.get("any") {
        Some(forms) => list(forms)
            .iter()
            .for_each(|form| parts.push(part(form, &mut said))),
        None => parts.push(part(expect, &mut said)),
    }
    let others = IN_OTHER_WORDS.iter().filter(|(of, _)| *of == state);
    said.extend(others.map(|(_, other)| (*other).to_string()));
    // What may be said at any time is tried with each question, but not all of it with each.
    let spoken = asides.iter().flatten().enumerate();
    said.extend(
        spoken
            .filter(|(at, _)| at % 3 == number % 3)
            .map(|(_, phrase)| phrase.clone()),
    );
    parts.push(choices(asides));
    Asked {
        name: name.to_string(),
        opens: false,
        parts,
        said,
    }
}

fn part(form: &Value, said: &mut Vec<String>) -> Part {
    let mut fixed = |expect, answers: &[&str]| {
        said.extend(answers.iter().map(ToString::to_string));
        Part {
            expect,
            choices: Vec::new(),
        }
    };
    let bound = |of: &Value, name| of[name].as_integer().unwrap();
    match (form.as_str(), form.as_table()) {
        (Some("yes_no"), _) => fixed(Expect::YesNo, YES_OR_NO),
        (Some("date"), _) => fixed(Expect::Date, DAYS),
        (_, Some(table)) if table.contains_key("number") => {
            let (min, max) = (
                bound(&table["number"], "min"),
                bound(&table["number"], "max"),
            );
            assert_eq!((min, max), (1, 5), "answers are known for these alone");
            fixed(Expect::Number { min, max }, TO_FIVE)
        }
        (_, Some(table)) if table.contains_key("digits") => {
            let bound = |name| u32::try_from(bound(&table["digits"], name)).unwrap();
            let (min, max) = (bound("min"), bound("max"));
            fixed(Expect::Digits { min, max }, NUMBERS)
        }
        (_, Some(table)) if table.contains_key("phrases") => {
            let lists: Vec<_> = list(&table["phrases"]).iter().map(texts).collect();
            said.extend(lists.iter().flatten().cloned());
            choices(&lists)
        }
        _ => panic!("a form that is not known here: {form}"),
    }
}

fn choices(lists: &[Vec<String>]) -> Part {
    let choices = lists
        .iter()
        .enumerate()
        .flat_map(|(number, list)| list.iter().map(move |_| number));
    Part {
        expect: Expect::Phrases(lists.concat()),
        choices: choices.collect(),
    }
}

fn asides(script: &Table) -> Vec<Vec<String>> {
    list(&script["anytime"])
        .iter()
        .map(|aside| texts(&aside["phrases"]))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    if let Some(list) = value.as_array() {
        list.iter().flat_map(texts).collect()
    } else if let Some(table) = value.as_table() {
        table.iter().flat_map(|(_, text)| texts(text)).collect()
    } else {
        vec![value.as_str().unwrap().to_string()]
    }
}
