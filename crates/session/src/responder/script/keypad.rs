//! Answers by keypad: what keys stand for, and how callers are told.

use ringback_speech::language::Language;

use super::Question;
use super::expected::Expected;
use crate::phrases::Phrases;

/// What the typed keys answer, if they answer this question. `#` ends an entry and is no part of it.
pub(super) fn typed(question: &Question, digits: &str, language: Language) -> Option<String> {
    let keys = digits.trim_end_matches('#');
    if let Some(answer) = question.keys.get(keys) {
        return Some(answer.clone());
    }
    of(
        &question.expected,
        keys,
        (question.keys.is_empty(), language),
    )
}

/// `numbered` is whether yes, no and the choices have their usual keys.
fn of(expected: &Expected, keys: &str, (numbered, language): (bool, Language)) -> Option<String> {
    let all_digits = !keys.is_empty() && keys.bytes().all(|b| b.is_ascii_digit());
    match expected {
        Expected::Any(list) => list
            .iter()
            .find_map(|part| of(part, keys, (numbered, language))),
        Expected::Open => None,
        _ if !all_digits => None,
        Expected::YesNo => match keys {
            "1" if numbered => Some("yes".to_owned()),
            "2" if numbered => Some("no".to_owned()),
            _ => None,
        },
        Expected::Choice { choices, .. } => {
            let number: usize = keys.parse().ok()?;
            let choice = choices.get(number.checked_sub(1)?)?;
            numbered.then(|| choice.answer().to_owned())
        }
        Expected::Number { min, max } => {
            let number: i64 = keys.parse().ok()?;
            (*min..=*max).contains(&number).then(|| number.to_string())
        }
        Expected::Digits { min, max } => {
            let fits = (*min as usize..=*max as usize).contains(&keys.len());
            fits.then(|| keys.to_owned())
        }
        Expected::Date => month_and_day(keys, language),
    }
}

/// Four digits as a month and a day, as the language writes them: `March 3`, `3. März`, `3 de marzo`.
fn month_and_day(keys: &str, language: Language) -> Option<String> {
    const DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if keys.len() != 4 {
        return None;
    }
    let (month, day) = keys.split_at(2);
    let month = month.parse::<usize>().ok()?.checked_sub(1)?;
    let (name, days) = (Phrases::of(language).months.get(month)?, DAYS.get(month)?);
    let day: u8 = day.parse().ok()?;
    (1..=*days).contains(&day).then(|| match language {
        Language::English => format!("{name} {day}"),
        Language::German => format!("{day}. {name}"),
        Language::Spanish => format!("{day} de {name}"),
    })
}

/// After how many keys an answer is complete; 0 where only `#` or a pause tells.
pub(super) fn length(question: &Question) -> u8 {
    let mut lengths: Vec<u8> = question
        .keys
        .keys()
        .map(|key| u8::try_from(key.len()).unwrap_or(0))
        .collect();
    lengths_of(&question.expected, question.keys.is_empty(), &mut lengths);
    match lengths.split_first() {
        Some((first, rest)) if rest.iter().all(|length| length == first) => *first,
        Some(_) | None => 0,
    }
}

fn lengths_of(expected: &Expected, numbered: bool, lengths: &mut Vec<u8>) {
    match expected {
        Expected::Any(list) => {
            for part in list {
                lengths_of(part, numbered, lengths);
            }
        }
        Expected::Open => lengths.push(0),
        Expected::YesNo | Expected::Choice { .. } if !numbered => {}
        Expected::YesNo => lengths.push(1),
        Expected::Choice { choices, .. } => lengths.push(if choices.len() <= 9 { 1 } else { 0 }),
        Expected::Number { min, max } => {
            let same = min.to_string().len() == max.to_string().len();
            let length = u8::try_from(max.to_string().len()).unwrap_or(0);
            lengths.push(if same { length } else { 0 });
        }
        Expected::Digits { min, max } => {
            let length = u8::try_from(*max).unwrap_or(0);
            lengths.push(if min == max { length } else { 0 });
        }
        Expected::Date => lengths.push(4),
    }
}

/// How a caller is told what to press: `Press 1 for yes, or 2 for no.`
pub(super) fn spoken_choices(question: &Question, language: Language) -> String {
    let mut sentences = Vec::new();
    if !question.keys.is_empty() {
        let keys = question.keys.iter();
        let pairs: Vec<_> = keys
            .map(|(key, answer)| (spell(key, language), answer.as_str()))
            .collect();
        sentences.push(press(&pairs, language));
    }
    let numbered = question.keys.is_empty();
    sentences_of(&question.expected, (numbered, language), &mut sentences);
    sentences.join(" ")
}

fn sentences_of(
    expected: &Expected,
    (numbered, language): (bool, Language),
    sentences: &mut Vec<String>,
) {
    match expected {
        Expected::Any(list) => {
            for part in list {
                sentences_of(part, (numbered, language), sentences);
            }
        }
        Expected::YesNo | Expected::Choice { .. } => {
            let answers = expected.answers();
            let numbers = (1..).map(|number: u32| number.to_string());
            let pairs: Vec<_> = numbers.zip(answers).collect();
            if numbered {
                sentences.push(press(&pairs, language));
            }
        }
        Expected::Number { min, max } if *max <= 9 => sentences.push(match language {
            Language::English => format!("Press a number from {min} to {max}."),
            Language::German => format!("Drücken Sie eine Zahl von {min} bis {max}."),
            Language::Spanish => format!("Pulse un número del {min} al {max}."),
        }),
        Expected::Number { min, max } => sentences.push(match language {
            Language::English => format!("Enter a number from {min} to {max}, then press pound."),
            Language::German => {
                format!("Geben Sie eine Zahl von {min} bis {max} ein, dann die Raute.")
            }
            Language::Spanish => {
                format!("Marque un número del {min} al {max} y pulse almohadilla.")
            }
        }),
        Expected::Digits { min, max } => sentences.push(digits(*min, *max, language)),
        Expected::Date => sentences.push(
            match language {
                Language::English => "Enter the month and the day as 4 digits.",
                Language::German => "Geben Sie erst den Monat und dann den Tag mit 4 Ziffern ein.",
                Language::Spanish => "Marque primero el mes y luego el día con 4 cifras.",
            }
            .to_owned(),
        ),
        Expected::Open if sentences.is_empty() => sentences.push(
            match language {
                Language::English => "Press pound to go on.",
                Language::German => "Drücken Sie die Raute, um fortzufahren.",
                Language::Spanish => "Pulse almohadilla para continuar.",
            }
            .to_owned(),
        ),
        Expected::Open => {}
    }
}

fn digits(min: u32, max: u32, language: Language) -> String {
    match (language, min == max, max == 1) {
        (Language::English, true, true) => "Enter 1 digit on your keypad.".to_owned(),
        (Language::English, true, false) => format!("Enter {max} digits on your keypad."),
        (Language::English, false, _) => {
            "Enter the digits on your keypad, then press pound.".to_owned()
        }
        (Language::German, true, true) => "Geben Sie eine Ziffer ein.".to_owned(),
        (Language::German, true, false) => format!("Geben Sie {max} Ziffern ein."),
        (Language::German, false, _) => "Geben Sie die Ziffern ein, dann die Raute.".to_owned(),
        (Language::Spanish, true, true) => "Marque una cifra.".to_owned(),
        (Language::Spanish, true, false) => format!("Marque {max} cifras."),
        (Language::Spanish, false, _) => "Marque las cifras y pulse almohadilla.".to_owned(),
    }
}

fn press(pairs: &[(String, &str)], language: Language) -> String {
    let (verb, stands_for, or) = match language {
        Language::English => ("Press ", " for ", ", or "),
        Language::German => ("Drücken Sie ", " für ", " oder "),
        Language::Spanish => ("Pulse ", " para ", ", o "),
    };
    let mut sentence = String::from(verb);
    for (n, (key, answer)) in pairs.iter().enumerate() {
        if n > 0 {
            sentence.push_str(if n + 1 == pairs.len() { or } else { ", " });
        }
        sentence.push_str(key);
        sentence.push_str(stands_for);
        sentence.push_str(match (language, *answer) {
            (Language::German, "yes") => "ja",
            (Language::German, "no") => "nein",
            (Language::Spanish, "yes") => "sí",
            (_, answer) => answer,
        });
    }
    sentence.push('.');
    sentence
}

/// A key as it is spoken.
fn spell(key: &str, language: Language) -> String {
    let [star, _] = Phrases::of(language).keys;
    let name = |key: char| match key {
        '*' => star.to_owned(),
        other => other.to_string(),
    };
    key.chars().map(name).collect::<Vec<_>>().join(" ")
}
