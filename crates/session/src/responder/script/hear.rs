//! Answers by voice: what recognised words answer.

use ringback_speech::grammar::{Expect, Meaning, interpret, interpret_in};
use ringback_speech::language::Language;

use super::expected::{Choice, Expected};

/// What the words answer, if they answer this question.
pub(super) fn answer(expected: &Expected, text: &str, language: Language) -> Option<String> {
    match expected {
        Expected::Any(list) => list.iter().find_map(|part| answer(part, text, language)),
        Expected::Open => {
            let words: Vec<_> = kept(text, language).split_whitespace().collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        Expected::YesNo
        | Expected::Date
        | Expected::Number { .. }
        | Expected::Digits { .. }
        | Expected::Choice { .. } => {
            let meaning = interpret_in(language, &expected.to_expect(), text);
            of_meaning(expected, meaning, kept(text, language))
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
        (Expected::Date, Meaning::Date(_)) => Some(text.to_owned()),
        (
            Expected::Choice { choices, .. },
            Meaning::Phrase { index, .. }
            | Meaning::Name { index, .. }
            | Meaning::Keyword { index, .. },
        ) => chosen(choices, index),
        _ => None,
    }
}

/// What is kept of an answer in words: the marks of a sentence stay away, the point of an abbreviation (`a.m.`) and that of
/// a German ordinal (`3.`) stay.
fn kept(text: &str, language: Language) -> &str {
    let text = text
        .trim()
        .trim_start_matches(['¿', '¡', ',', '.', ';', ':', '!', '?', '…']);
    let bare = text
        .trim_end_matches(['.', ',', ';', ':', '!', '?', '…'])
        .trim_end();
    let last = bare.split_whitespace().next_back().unwrap_or_default();
    let ordinal = language == Language::German && last.ends_with(|c: char| c.is_ascii_digit());
    let pointed = text[bare.len()..].starts_with('.') && (last.contains('.') || ordinal);
    if pointed { &text[..=bare.len()] } else { bare }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_kept_has_no_marks_of_a_sentence() {
        let (de, en, es) = (Language::German, Language::English, Language::Spanish);
        for (language, heard, is_kept) in [
            (de, "Am dritten Mai.", "Am dritten Mai"),
            (de, "Am 3.", "Am 3."),
            (en, "Tomorrow, please!", "Tomorrow, please"),
            (en, "On May 3.", "On May 3"),
            (es, "¿Mañana?", "Mañana"),
            (es, " ¡Mañana!... ", "Mañana"),
            (en, "next monday", "next monday"),
        ] {
            let date = answer(&Expected::Date, heard, language);
            let open = answer(&Expected::Open, heard, language);
            assert_eq!(open.as_deref(), Some(is_kept), "{heard}");
            assert!(date.is_none() || date == open, "{heard}: {date:?}");
        }
        for heard in ["At 8 a.m.", "At 8 a.m..."] {
            let kept = answer(&Expected::Open, heard, en);
            assert_eq!(kept.as_deref(), Some("At 8 a.m."));
        }
        assert_eq!(answer(&Expected::Open, " . ", en), None);
        assert_eq!(
            answer(&Expected::Date, "Am dritten Mai.", de).as_deref(),
            Some("Am dritten Mai")
        );
    }
}
