//! What may be answered to a question.

use std::collections::BTreeSet;

use ringback_speech::grammar::{Expect, Grammar};

use crate::scenario::field::{Field, Section, instead};
use crate::scenario::problem::Findings;

/// The largest number that can be asked for.
const MAX_NUMBER: i64 = 999_999;
/// The most keys or digits that can be asked for.
const MAX_DIGITS: u32 = 32;

/// The most choices of one question.
const MOST_CHOICES: usize = 20;
/// The most forms of one answer.
const MOST_FORMS: usize = 20;

/// What may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Open,
    YesNo,
    Date,
    Number { min: i64, max: i64 },
    Digits { min: u32, max: u32 },
    Choice { how: How, choices: Vec<Choice> },
    Any(Vec<Expected>),
}

/// How the choices are listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// As whole sentences.
    Phrases,
    /// As names, in a sentence or alone.
    Name,
    /// Anywhere in what is said.
    Keywords,
}

/// One choice: the answer it stands for, which is its first phrase, and all phrases for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) phrases: Vec<String>,
}

impl Choice {
    pub(super) fn answer(&self) -> &str {
        self.phrases.first().map_or("", String::as_str)
    }
}

impl Expected {
    /// As the recogniser takes it.
    pub(super) fn to_expect(&self) -> Expect {
        match self {
            Expected::Open => Expect::Open,
            Expected::YesNo => Expect::YesNo,
            Expected::Date => Expect::Date,
            Expected::Number { min, max } => Expect::Number {
                min: *min,
                max: *max,
            },
            Expected::Digits { min, max } => Expect::Digits {
                min: *min,
                max: *max,
            },
            Expected::Choice { how, choices } => {
                let phrases = choices.iter().flat_map(|c| c.phrases.clone()).collect();
                match how {
                    How::Phrases => Expect::Phrases(phrases),
                    How::Name => Expect::Name(phrases),
                    How::Keywords => Expect::Keywords(phrases),
                }
            }
            Expected::Any(list) => Expect::Any(list.iter().map(Expected::to_expect).collect()),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        match self {
            Expected::Open => true,
            Expected::Any(list) => list.iter().any(Expected::is_open),
            Expected::YesNo
            | Expected::Date
            | Expected::Number { .. }
            | Expected::Digits { .. }
            | Expected::Choice { .. } => false,
        }
    }

    pub(super) fn holds_digits(&self) -> bool {
        match self {
            Expected::Digits { .. } => true,
            Expected::Any(list) => list.iter().any(Expected::holds_digits),
            Expected::Open
            | Expected::YesNo
            | Expected::Date
            | Expected::Number { .. }
            | Expected::Choice { .. } => false,
        }
    }

    /// The answers that can be told apart by their words: yes and no, or the choices.
    pub(super) fn answers(&self) -> Vec<&str> {
        match self {
            Expected::YesNo => vec!["yes", "no"],
            Expected::Choice { choices, .. } => choices.iter().map(Choice::answer).collect(),
            Expected::Any(list) => list.iter().flat_map(Expected::answers).collect(),
            Expected::Open | Expected::Date | Expected::Number { .. } | Expected::Digits { .. } => {
                Vec::new()
            }
        }
    }
}

/// Reads `expect`: a word, or a table with one field.
pub(super) fn read(field: &Field<'_>, findings: &mut Findings) -> Option<Expected> {
    read_part(field, findings, true)
}

fn read_part(field: &Field<'_>, findings: &mut Findings, may_nest: bool) -> Option<Expected> {
    if field.is_text() {
        let words = [("open", 0), ("yes_no", 1), ("date", 2)];
        return match field.word(findings, &words)? {
            0 => Some(Expected::Open),
            1 => Some(Expected::YesNo),
            _ => Some(Expected::Date),
        };
    }
    let mut section = field.section(findings)?;
    let forms = [
        ("phrases", section.take("phrases")),
        ("name", section.take("name")),
        ("keywords", section.take("keywords")),
        ("number", section.take("number")),
        ("digits", section.take("digits")),
        ("any", section.take("any")),
    ];
    section.finish(findings);
    let given: Vec<_> = forms
        .iter()
        .filter_map(|(name, form)| Some((*name, form.as_ref()?)))
        .collect();
    let [(name, form)] = given.as_slice() else {
        field.problem(
            findings,
            format!("{} forms of an answer are given", given.len()),
            "give one of phrases, name, keywords, number, digits; or any = [...] for several",
        );
        return None;
    };
    match *name {
        "phrases" => choices(form, How::Phrases, findings),
        "name" => choices(form, How::Name, findings),
        "keywords" => choices(form, How::Keywords, findings),
        "number" => number(form, findings),
        "digits" => digits(form, findings),
        _ => any(form, findings, may_nest),
    }
}

fn any(field: &Field<'_>, findings: &mut Findings, may_nest: bool) -> Option<Expected> {
    if !may_nest {
        field.problem(findings, "any stands in any", "write one list of forms");
        return None;
    }
    let items = field.list(findings);
    if items.len() > MOST_FORMS {
        let what = format!("there are more than {MOST_FORMS} forms of an answer");
        field.problem(findings, what, "ask in two questions");
        return None;
    }
    let parts: Vec<_> = items
        .iter()
        .filter_map(|item| read_part(item, findings, false))
        .collect();
    if items.len() < 2 {
        field.problem(
            findings,
            "any needs two forms of an answer at least",
            "add one, or leave any out",
        );
        return None;
    }
    (parts.len() == items.len()).then_some(Expected::Any(parts))
}

fn choices(field: &Field<'_>, how: How, findings: &mut Findings) -> Option<Expected> {
    let items = field.list(findings);
    if items.is_empty() && field.is_list() {
        field.problem(findings, "there is nothing to choose", "list the phrases");
    }
    if items.len() > MOST_CHOICES {
        field.problem(
            findings,
            format!("there are more than {MOST_CHOICES} choices"),
            "ask in two questions; nobody remembers so many",
        );
        return None;
    }
    let mut choices: Vec<Choice> = Vec::new();
    let mut known = BTreeSet::new();
    for item in &items {
        let parts = if item.is_list() {
            item.list(findings)
        } else {
            vec![item.clone()]
        };
        let phrases: Vec<_> = parts
            .iter()
            .filter_map(|part| Some((phrase(part, findings)?, part)))
            .collect();
        if parts.is_empty() {
            item.problem(
                findings,
                "this choice has no phrase",
                "write one, or leave it out",
            );
        }
        let mut choice = Choice {
            phrases: Vec::new(),
        };
        for (phrase, part) in phrases {
            if !known.insert(phrase.clone()) {
                part.problem(
                    findings,
                    format!("\"{phrase}\" stands here twice"),
                    "keep one of them",
                );
            } else {
                choice.phrases.push(phrase);
            }
        }
        if !choice.phrases.is_empty() {
            choices.push(choice);
        }
    }
    (!choices.is_empty()).then_some(Expected::Choice { how, choices })
}

/// A phrase as it is spoken: lower case, words of letters and apostrophes.
pub(super) fn phrase(field: &Field<'_>, findings: &mut Findings) -> Option<String> {
    let text = field.text(findings)?.to_lowercase();
    let words: Vec<_> = text.split_whitespace().collect();
    let spoken = |c: char| c.is_alphabetic() || matches!(c, '\'' | '-' | '.');
    if !text.chars().all(|c| spoken(c) || c.is_whitespace()) || words.len() > 12 {
        field.problem(
            findings,
            format!("\"{text}\" is no phrase"),
            "write at most 12 words as they are spoken, without digits and signs",
        );
        return None;
    }
    let phrase = words.join(" ");
    warn_of_unknown_words(&phrase, field, findings);
    Some(phrase)
}

fn warn_of_unknown_words(phrase: &str, field: &Field<'_>, findings: &mut Findings) {
    let Some(dictionary) = &findings.dictionary else {
        return;
    };
    let alone = Expect::Phrases(vec![phrase.to_owned()]);
    if let Err(error) = Grammar::compile(&alone, dictionary) {
        let what = format!("the local recogniser cannot hear the answers to this: {error}");
        field.warning(findings, what);
    }
}

fn number(field: &Field<'_>, findings: &mut Findings) -> Option<Expected> {
    let mut section = field.section(findings)?;
    let min = bound(&mut section, "min", findings);
    let max = bound(&mut section, "max", findings);
    section.finish(findings);
    let (min, max) = (min?, max?);
    if min > max {
        field.problem(findings, "min is more than max", "swap them");
        return None;
    }
    Some(Expected::Number { min, max })
}

fn bound(section: &mut Section<'_>, name: &'static str, findings: &mut Findings) -> Option<i64> {
    match section.take(name) {
        Some(field) => field.whole(findings, 0..=MAX_NUMBER, ""),
        None => {
            section.missing(findings, name, "give the least and the greatest number");
            None
        }
    }
}

fn digits(field: &Field<'_>, findings: &mut Findings) -> Option<Expected> {
    let mut section = field.section(findings)?;
    let mut length = |name| {
        let field = section.take(name)?;
        field.whole(findings, 1..=MAX_DIGITS, "digits")
    };
    let (min, max, count) = (length("min"), length("max"), length("count"));
    section.finish(findings);
    let (min, max) = match (min, max, count) {
        (None, None, Some(count)) => (count, count),
        (min, Some(max), None) if min.unwrap_or(1) <= max => (min.unwrap_or(1), max),
        _ => {
            field.problem(
                findings,
                "the number of digits is not clear",
                "give count, or min and max with min the smaller",
            );
            return None;
        }
    };
    Some(Expected::Digits { min, max })
}

/// Checks that an answer named elsewhere is one of those that can be given.
pub(super) fn check_answer(
    answer: &str,
    expected: &Expected,
    field: &Field<'_>,
    findings: &mut Findings,
) {
    let answers = expected.answers();
    if answers.contains(&answer) || (expected.is_open() && answers.is_empty()) {
        return;
    }
    if answers.is_empty() {
        field.problem(
            findings,
            "the answers to this question have no fixed words",
            "use min and max for numbers, or goto for any answer",
        );
    } else {
        field.problem(
            findings,
            format!("\"{answer}\" is no answer to this question"),
            instead(answer, &answers),
        );
    }
}
