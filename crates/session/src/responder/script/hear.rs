//! Answers by voice: what recognised words answer.

use ringback_speech::grammar::{Expect, Meaning, interpret, interpret_in};
use ringback_speech::language::Language;

use super::expected::{Choice, Expected};

/// What the words answer, if they answer this question.
pub(super) fn answer(expected: &Expected, text: &str, language: Language) -> Option<String> {
    match expected {
        Expected::Any(list) => list.iter().find_map(|part| answer(part, text, language)),
        Expected::Open => {
            let words: Vec<_> = text.split_whitespace().collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        Expected::YesNo
        | Expected::Date
        | Expected::Number { .. }
        | Expected::Digits { .. }
        | Expected::Choice { .. } => {
            let meaning = interpret_in(language, &expected.to_expect(), text);
            of_meaning(expected, meaning, text)
        }
    }
}

fn of_meaning(expected: &Expected, meaning: Meaning, text: &str) -> Option<String> {
    match (expected, meaning) {
        (Expected::YesNo, Meaning::YesNo(yes)) => Some(if yes { "yes" } else { "no" }.to_owned()),
        (Expected::Number { min, max }, Meaning::Number(number)) => {
            (*min..=*max).contains(&number).then(|| number.to_string())
        }
        (Expected::Digits { min, max }, Meaning::Digits(digits)) => {
            let fits = (*min as usize..=*max as usize).contains(&digits.len());
            fits.then_some(digits)
        }
        (Expected::Date, Meaning::Date(_)) => Some(text.trim().to_owned()),
        (
            Expected::Choice { choices, .. },
            Meaning::Phrase { index, .. }
            | Meaning::Name { index, .. }
            | Meaning::Keyword { index, .. },
        ) => chosen(choices, index),
        _ => None,
    }
}

/// The choice that the phrase of this number stands for, all phrases of all choices being counted in order.
fn chosen(choices: &[Choice], index: usize) -> Option<String> {
    choices
        .iter()
        .flat_map(|choice| choice.phrases.iter().map(move |_| choice))
        .nth(index)
        .map(|choice| choice.answer().to_owned())
}

/// Whether the words are one of these phrases.
pub(super) fn is_phrase(phrases: &[String], text: &str) -> bool {
    !phrases.is_empty()
        && matches!(
            interpret(&Expect::Phrases(phrases.to_vec()), text),
            Meaning::Phrase { .. }
        )
}
