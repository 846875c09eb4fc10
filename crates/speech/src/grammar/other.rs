//! Answers in German and Spanish, from text of a recogniser that knows them. What a phrase is needs no language; yes, no,
//! numbers and days do.

use super::other_days::in_english;
use super::words::words;
use super::{Expect, Meaning, interpret};
use crate::language::Language;
use crate::language::vocabulary::{
    GERMAN_NUMBERS, GERMAN_TENS, SPANISH_HUNDREDS, SPANISH_NUMBERS, SPANISH_TENS,
};

/// What the text means in a language.
pub fn interpret_in(language: Language, expect: &Expect, text: &str) -> Meaning {
    let number: fn(&[String]) -> Option<(u32, usize)> = match language {
        Language::English => return interpret(expect, text),
        Language::German => german,
        Language::Spanish => spanish,
    };
    match expect {
        Expect::YesNo => yes_no(language, &words(text)).map_or(Meaning::Nothing, Meaning::YesNo),
        Expect::Number { .. } | Expect::Digits { .. } => {
            interpret(expect, &in_figures(&words(text), number))
        }
        Expect::Date => interpret(expect, &in_english(language, &words(text))),
        Expect::Any(parts) => {
            let mut meanings = parts.iter().map(|part| interpret_in(language, part, text));
            let some = meanings.find(|meaning| *meaning != Meaning::Nothing);
            some.unwrap_or(Meaning::Nothing)
        }
        Expect::Open | Expect::Phrases(_) | Expect::Name(_) | Expect::Keywords(_) => {
            interpret(expect, text)
        }
    }
}

const YES: [&[&str]; 2] = [
    &[
        "ja",
        "jawohl",
        "jep",
        "jo",
        "klar",
        "gern",
        "gerne",
        "genau",
        "richtig",
        "stimmt",
        "natürlich",
        "sicher",
        "okay",
        "einverstanden",
        "selbstverständlich",
    ],
    &[
        "sí",
        "claro",
        "correcto",
        "exacto",
        "vale",
        "cierto",
        "bueno",
        "okay",
        "efectivamente",
    ],
];
const NO: [&[&str]; 2] = [&["nein", "nö", "nee", "ne"], &["no", "nunca"]];
/// Words that turn a sentence round.
const TURNS: [&[&str]; 2] = [
    &[
        "nicht", "kein", "keine", "keinen", "nie", "niemals", "falsch",
    ],
    &["tampoco", "nada", "incorrecto"],
];

/// Yes or no, if nothing in the sentence speaks for the other.
fn yes_no(language: Language, words: &[String]) -> Option<bool> {
    let list = usize::from(language == Language::Spanish);
    let any = |lists: [&[&str]; 2]| {
        words
            .iter()
            .any(|word| lists[list].contains(&word.as_str()))
    };
    // "si" is "if", and yes where a recogniser wrote no accent.
    let bare = language == Language::Spanish && matches!(words, [word] if word == "si");
    match (any(YES) || bare, any(NO), any(TURNS)) {
        (true, false, false) => Some(true),
        (false, true, _) => Some(false),
        // "Nein, das ist nicht richtig."
        (true, true, true)
            if words
                .first()
                .is_some_and(|first| NO[list].contains(&first.as_str())) =>
        {
            Some(false)
        }
        // "das ist nicht richtig" may answer either way of asking, and "ja, nein" is neither.
        _ => None,
    }
}

/// The words with their numbers as figures.
fn in_figures(words: &[String], number: fn(&[String]) -> Option<(u32, usize)>) -> String {
    let (mut text, mut at) = (Vec::new(), 0);
    while let Some(word) = words.get(at) {
        match number(&words[at..]) {
            Some((value, count)) => {
                text.push(value.to_string());
                at += count;
            }
            None => {
                text.push(word.clone());
                at += 1;
            }
        }
    }
    text.join(" ")
}

/// The German number with which these words begin, which may have been written apart: `ein und zwanzig`.
pub(super) fn german(words: &[String]) -> Option<(u32, usize)> {
    let longest = words.len().min(8);
    (1..=longest).rev().find_map(|count| {
        let word: String = words[..count].concat();
        // "ein" alone is an article.
        german_word(&word)
            .filter(|_| word != "ein")
            .map(|value| (value, count))
    })
}

pub(super) fn german_word(word: &str) -> Option<u32> {
    if let Some((before, after)) = word.split_once("tausend") {
        let thousands = if before.is_empty() {
            1
        } else {
            german_below_1000(before)?
        };
        let rest = if after.is_empty() {
            0
        } else {
            german_below_1000(after)?
        };
        return (thousands > 0).then_some(thousands * 1000 + rest);
    }
    german_below_1000(word)
}

fn german_below_1000(word: &str) -> Option<u32> {
    let Some((before, after)) = word.split_once("hundert") else {
        return german_below_100(word);
    };
    let hundreds = if before.is_empty() {
        1
    } else {
        german_below_100(before)?
    };
    let after = after
        .strip_prefix("und")
        .filter(|rest| german_below_100(rest).is_some())
        .unwrap_or(after);
    let rest = if after.is_empty() {
        0
    } else {
        german_below_100(after)?
    };
    (1..10).contains(&hundreds).then_some(hundreds * 100 + rest)
}

fn german_below_100(word: &str) -> Option<u32> {
    let place = |list: &[&str], word: &str| {
        let at = list.iter().position(|entry| *entry == word)?;
        u32::try_from(at).ok()
    };
    let ones = |word: &str| match word {
        "ein" => Some(1),
        "zwo" => Some(2),
        word => place(&GERMAN_NUMBERS, word),
    };
    ones(word)
        .or_else(|| place(&GERMAN_TENS, word).map(|at| at * 10 + 20))
        .or_else(|| {
            GERMAN_TENS.iter().zip(2_u32..).find_map(|(tens, at)| {
                let before = word.strip_suffix(tens)?.strip_suffix("und")?;
                let ones = ones(before).filter(|ones| (1..10).contains(ones))?;
                Some(at * 10 + ones)
            })
        })
}

/// The Spanish number with which these words begin.
pub(super) fn spanish(words: &[String]) -> Option<(u32, usize)> {
    let (thousands, count) = match words.first()?.as_str() {
        "mil" => (1, 0),
        _ => spanish_below_1000(words)?,
    };
    if words.get(count).is_none_or(|word| word != "mil") || thousands == 0 {
        return Some((thousands, count));
    }
    let count = count + 1;
    let rest = spanish_below_1000(&words[count..]).filter(|(value, _)| *value > 0);
    let (value, more) = rest.unwrap_or((0, 0));
    Some((thousands * 1000 + value, count + more))
}

fn spanish_below_1000(words: &[String]) -> Option<(u32, usize)> {
    let first = words.first()?.as_str();
    let masculine = first
        .replace("cientas", "cientos")
        .replace("quinientas", "quinientos");
    let hundreds = SPANISH_HUNDREDS
        .iter()
        .zip(1_u32..)
        .find(|(entry, _)| **entry == masculine);
    match hundreds {
        Some((_, hundreds)) => {
            let rest = spanish_below_100(&words[1..]).filter(|(value, _)| *value > 0);
            let (value, count) = rest.unwrap_or((0, 0));
            Some((hundreds * 100 + value, 1 + count))
        }
        None if first == "cien" => Some((100, 1)),
        None => spanish_below_100(words),
    }
}

fn spanish_below_100(words: &[String]) -> Option<(u32, usize)> {
    let first = words.first()?.as_str();
    let tens = SPANISH_TENS
        .iter()
        .zip(3_u32..)
        .find(|(entry, _)| **entry == first);
    let Some((_, tens)) = tens else {
        return spanish_word(first).map(|value| (value, 1));
    };
    let ones = match words {
        [_, and, ones, ..] if and == "y" => match ones.as_str() {
            "un" | "una" => Some(1),
            ones => spanish_word(ones).filter(|ones| (1..10).contains(ones)),
        },
        _ => None,
    };
    Some(ones.map_or((tens * 10, 1), |ones| (tens * 10 + ones, 3)))
}

fn spanish_word(word: &str) -> Option<u32> {
    let plain = |word: &str| word.replace('é', "e").replace('ó', "o").replace('ú', "u");
    let word = match plain(word).as_str() {
        "veintiun" | "veintiuna" => "veintiuno".to_owned(),
        other => other.to_owned(),
    };
    let at = SPANISH_NUMBERS
        .iter()
        .position(|entry| plain(entry) == word)?;
    u32::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_understood_in_words_and_in_figures() {
        let up_to = Expect::Number {
            min: 0,
            max: 999_999,
        };
        for (language, text, number) in [
            (Language::German, "einundzwanzig", 21),
            (Language::German, "ein und zwanzig", 21),
            (Language::German, "Zweihundertfünf.", 205),
            (Language::German, "hundert eins", 101),
            (
                Language::German,
                "dreitausendvierhundertsiebenundsechzig",
                3467,
            ),
            (Language::German, "ich sage vier bitte", 4),
            (Language::German, "12", 12),
            (Language::Spanish, "treinta y cinco", 35),
            (Language::Spanish, "veintiún", 21),
            (Language::Spanish, "Doscientas cuarenta y una.", 241),
            (Language::Spanish, "dos mil quinientos", 2500),
            (Language::Spanish, "mil uno", 1001),
            (Language::Spanish, "diría que cuatro", 4),
            (Language::Spanish, "12", 12),
        ] {
            let meaning = interpret_in(language, &up_to, text);
            assert_eq!(meaning, Meaning::Number(number), "{text}");
        }
        let stars = Expect::Number { min: 1, max: 5 };
        for (language, text) in [
            (Language::German, "einundzwanzig"),
            (Language::German, "ein Tisch"),
            (Language::Spanish, "cincuenta"),
            (Language::Spanish, "una mesa"),
        ] {
            assert_eq!(
                interpret_in(language, &stars, text),
                Meaning::Nothing,
                "{text}"
            );
        }
    }

    #[test]
    fn digits_are_understood_one_by_one_and_in_pairs() {
        let digits = Expect::Digits { min: 4, max: 15 };
        for (language, text, wanted) in [
            (Language::German, "null eins sieben zwo", "0172"),
            (Language::German, "dreizehn fünfundsechzig", "1365"),
            (
                Language::Spanish,
                "seis cero cero, doce, treinta y cuatro",
                "6001234",
            ),
            (Language::Spanish, "5550 12", "555012"),
        ] {
            let meaning = interpret_in(language, &digits, text);
            assert_eq!(meaning, Meaning::Digits(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_understood_and_what_is_neither_is_asked_again() {
        for (language, text, wanted) in [
            (Language::German, "Ja, bitte.", Some(true)),
            (Language::German, "genau", Some(true)),
            (Language::German, "Nein danke", Some(false)),
            (
                Language::German,
                "Nein, das ist nicht richtig.",
                Some(false),
            ),
            (Language::German, "das ist nicht richtig", None),
            (Language::German, "vielleicht", None),
            (Language::Spanish, "Sí, por favor.", Some(true)),
            (Language::Spanish, "si", Some(true)),
            (Language::Spanish, "claro", Some(true)),
            (Language::Spanish, "No, gracias", Some(false)),
            (Language::Spanish, "si puede ser", None),
            (Language::Spanish, "claro que no", None),
        ] {
            let wanted = wanted.map_or(Meaning::Nothing, Meaning::YesNo);
            assert_eq!(
                interpret_in(language, &Expect::YesNo, text),
                wanted,
                "{text}"
            );
        }
    }
}
