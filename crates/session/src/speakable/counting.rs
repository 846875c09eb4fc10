//! Numbers in words of German and Spanish.

use ringback_speech::language::Language;
use ringback_speech::language::vocabulary::{
    GERMAN_NUMBERS, GERMAN_TENS, SPANISH_HUNDREDS, SPANISH_NUMBERS, SPANISH_TENS,
};

/// How a number stands in its sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Alone: `eins`, `uno`.
    Alone,
    /// Before a masculine word: `ein`, `un`.
    Masculine,
    /// Before a feminine word: `eine`, `una`.
    Feminine,
}

/// Numbers from here on have no words.
pub(super) const END: u64 = 1_000_000_000_000;

/// A number below [`END`] in words.
pub(super) fn cardinal(language: Language, number: u64, form: Form) -> Option<String> {
    match language {
        _ if number >= END => None,
        Language::English => None,
        Language::German => Some(german(number, form)),
        Language::Spanish => Some(spanish(number, form)),
    }
}

/// The place in a row in German words with this ending: `ten` of `dritten`. Up to 999.
pub(super) fn german_ordinal(number: u64, ending: &str) -> Option<String> {
    if !(1..1000).contains(&number) {
        return None;
    }
    let words = german(number, Form::Alone);
    if !(1..20).contains(&(number % 100)) {
        return Some(format!("{words}s{ending}"));
    }
    let irregular = [
        ("eins", "ers"),
        ("drei", "drit"),
        ("sieben", "sieb"),
        ("acht", "ach"),
    ];
    let stem = irregular.iter().find_map(|(plain, stem)| {
        let before = words.strip_suffix(plain)?;
        Some(format!("{before}{stem}"))
    });
    Some(stem.unwrap_or(words) + ending)
}

/// The Spanish place in a row, up to ten; short before a masculine word (`primer`).
pub(super) fn spanish_ordinal(number: u64, form: Form) -> Option<String> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    let stem = [
        "primer", "segund", "tercer", "cuart", "quint", "sext", "séptim", "octav", "noven", "décim",
    ]
    .get(at)?;
    let ending = match form {
        Form::Alone => "o",
        Form::Masculine => "",
        Form::Feminine => "a",
    };
    Some(format!("{stem}{ending}"))
}

const GERMAN_SCALES: [(u64, &str, &str); 2] = [
    (1_000_000_000, "Milliarde", "Milliarden"),
    (1_000_000, "Million", "Millionen"),
];

fn german(number: u64, form: Form) -> String {
    let mut parts = Vec::new();
    let mut rest = number;
    for (scale, one, many) in GERMAN_SCALES {
        match rest / scale {
            0 => {}
            1 => parts.push(format!("eine {one}")),
            count => parts.push(format!("{} {many}", german_below_million(count))),
        }
        rest %= scale;
    }
    if rest > 0 || parts.is_empty() {
        let mut word = german_below_million(rest);
        if form != Form::Alone && word.ends_with("eins") {
            word.pop();
            if form == Form::Feminine {
                word.push('e');
            }
        }
        parts.push(word);
    }
    parts.join(" ")
}

fn german_below_million(number: u64) -> String {
    if number < 1000 {
        return german_below_thousand(number);
    }
    let thousands = german_below_thousand(number / 1000);
    let thousands = match thousands
        .strip_suffix('s')
        .filter(|_| thousands.ends_with("eins"))
    {
        Some(short) => short.to_owned(),
        None => thousands,
    };
    let rest = match number % 1000 {
        0 => String::new(),
        rest => german_below_thousand(rest),
    };
    format!("{thousands}tausend{rest}")
}

fn german_below_thousand(number: u64) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    let before = match hundreds {
        0 => String::new(),
        1 => "einhundert".to_owned(),
        hundreds => format!("{}hundert", word(&GERMAN_NUMBERS, hundreds)),
    };
    let (tens, ones) = (rest / 10, rest % 10);
    let after = match (tens, ones) {
        (0, 0) if hundreds > 0 => String::new(),
        (0 | 1, _) => word(&GERMAN_NUMBERS, rest).to_owned(),
        (tens, 0) => word(&GERMAN_TENS, tens - 2).to_owned(),
        (tens, 1) => format!("einund{}", word(&GERMAN_TENS, tens - 2)),
        (tens, ones) => format!(
            "{}und{}",
            word(&GERMAN_NUMBERS, ones),
            word(&GERMAN_TENS, tens - 2)
        ),
    };
    before + &after
}

fn spanish(number: u64, form: Form) -> String {
    let mut parts = Vec::new();
    let (millions, rest) = (number / 1_000_000, number % 1_000_000);
    match millions {
        0 => {}
        1 => parts.push("un millón".to_owned()),
        millions => parts.push(format!(
            "{} millones",
            spanish_below_million(millions, Form::Masculine)
        )),
    }
    if rest > 0 || millions == 0 {
        parts.push(spanish_below_million(rest, form));
    } else if form != Form::Alone {
        parts.push("de".to_owned());
    }
    parts.join(" ")
}

fn spanish_below_million(number: u64, form: Form) -> String {
    let (thousands, rest) = (number / 1000, number % 1000);
    let before = match (thousands, form) {
        (0, _) => return spanish_below_thousand(rest, form),
        (1, _) => "mil".to_owned(),
        (thousands, Form::Feminine) => format!("{} mil", spanish_below_thousand(thousands, form)),
        (thousands, Form::Alone | Form::Masculine) => {
            format!("{} mil", spanish_below_thousand(thousands, Form::Masculine))
        }
    };
    match rest {
        0 => before,
        rest => format!("{before} {}", spanish_below_thousand(rest, form)),
    }
}

fn spanish_below_thousand(number: u64, form: Form) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    let after = spanish_below_hundred(rest, form);
    match (hundreds, rest) {
        (0, _) => after,
        (1, 0) => "cien".to_owned(),
        (hundreds, rest) => {
            let mut words = word(&SPANISH_HUNDREDS, hundreds - 1).to_owned();
            if form == Form::Feminine && hundreds > 1 {
                words.truncate(words.len() - 2);
                words.push_str("as");
            }
            if rest > 0 {
                words.push(' ');
                words.push_str(&after);
            }
            words
        }
    }
}

fn spanish_below_hundred(number: u64, form: Form) -> String {
    let (tens, ones) = (number / 10, number % 10);
    let words = match (tens, ones) {
        (0..3, _) => word(&SPANISH_NUMBERS, number).to_owned(),
        (tens, 0) => word(&SPANISH_TENS, tens - 3).to_owned(),
        (tens, ones) => format!(
            "{} y {}",
            word(&SPANISH_TENS, tens - 3),
            word(&SPANISH_NUMBERS, ones)
        ),
    };
    match (words.strip_suffix("uno"), form) {
        (Some("veinti"), Form::Masculine) => "veintiún".to_owned(),
        (Some(before), Form::Masculine) => format!("{before}un"),
        (Some(before), Form::Feminine) => format!("{before}una"),
        (_, Form::Alone) | (None, _) => words,
    }
}

fn word<'a>(list: &[&'a str], at: u64) -> &'a str {
    let at = usize::try_from(at).ok();
    at.and_then(|at| list.get(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_the_words_of_their_language() {
        for (number, german, spanish) in [
            (0, "null", "cero"),
            (1, "eins", "uno"),
            (16, "sechzehn", "dieciséis"),
            (21, "einundzwanzig", "veintiuno"),
            (30, "dreißig", "treinta"),
            (77, "siebenundsiebzig", "setenta y siete"),
            (100, "einhundert", "cien"),
            (101, "einhunderteins", "ciento uno"),
            (
                555,
                "fünfhundertfünfundfünfzig",
                "quinientos cincuenta y cinco",
            ),
            (1_000, "eintausend", "mil"),
            (2_026, "zweitausendsechsundzwanzig", "dos mil veintiséis"),
            (21_000, "einundzwanzigtausend", "veintiún mil"),
            (101_001, "einhunderteintausendeins", "ciento un mil uno"),
            (1_000_000, "eine Million", "un millón"),
            (
                31_000_100,
                "einunddreißig Millionen einhundert",
                "treinta y un millones cien",
            ),
            (1_000_000_000, "eine Milliarde", "mil millones"),
            (
                2_000_000_001,
                "zwei Milliarden eins",
                "dos mil millones uno",
            ),
        ] {
            let words = |language| cardinal(language, number, Form::Alone);
            assert_eq!(words(Language::German).as_deref(), Some(german));
            assert_eq!(words(Language::Spanish).as_deref(), Some(spanish));
        }
        assert_eq!(cardinal(Language::German, END, Form::Alone), None);
        assert_eq!(cardinal(Language::English, 5, Form::Alone), None);
    }

    #[test]
    fn numbers_agree_with_what_they_count() {
        for (language, number, form, words) in [
            (Language::German, 1, Form::Masculine, "ein"),
            (Language::German, 1, Form::Feminine, "eine"),
            (Language::German, 21, Form::Feminine, "einundzwanzig"),
            (Language::Spanish, 1, Form::Masculine, "un"),
            (Language::Spanish, 21, Form::Masculine, "veintiún"),
            (Language::Spanish, 31, Form::Feminine, "treinta y una"),
            (Language::Spanish, 200, Form::Feminine, "doscientas"),
            (
                Language::Spanish,
                500_100,
                Form::Feminine,
                "quinientas mil cien",
            ),
            (
                Language::Spanish,
                1_000_000,
                Form::Masculine,
                "un millón de",
            ),
        ] {
            assert_eq!(cardinal(language, number, form).as_deref(), Some(words));
        }
    }

    #[test]
    fn ordinals_have_their_own_words() {
        for (number, words) in [
            (1, "ersten"),
            (2, "zweiten"),
            (3, "dritten"),
            (7, "siebten"),
            (8, "achten"),
            (13, "dreizehnten"),
            (20, "zwanzigsten"),
            (21, "einundzwanzigsten"),
            (31, "einunddreißigsten"),
            (101, "einhundertersten"),
        ] {
            assert_eq!(german_ordinal(number, "ten").as_deref(), Some(words));
        }
        assert_eq!(german_ordinal(0, "ten"), None);
        let spanish = |number, form| spanish_ordinal(number, form);
        assert_eq!(spanish(3, Form::Masculine).as_deref(), Some("tercer"));
        assert_eq!(spanish(2, Form::Feminine).as_deref(), Some("segunda"));
        assert_eq!(spanish(11, Form::Alone), None);
    }

    proptest! {
        #[test]
        fn no_two_numbers_have_the_same_words(
            numbers in prop::collection::btree_set(
                prop_oneof![0..=1_000_000_000_u64, 0..=2_000_u64, (0..=1_000_u64).prop_map(|n| n * 1_000_000)],
                2..200,
            )
        ) {
            for language in [Language::German, Language::Spanish] {
                for form in [Form::Alone, Form::Masculine, Form::Feminine] {
                    let mut known = BTreeMap::new();
                    for number in &numbers {
                        let words = cardinal(language, *number, form).unwrap_or_default();
                        prop_assert!(!words.is_empty());
                        prop_assert!(words.chars().all(|mark| mark.is_alphabetic() || mark == ' '));
                        prop_assert!(!words.contains("  ") && words.trim() == words);
                        if let Some(other) = known.insert(words.clone(), number) {
                            prop_assert!(false, "{other} and {number} are {words}");
                        }
                    }
                }
            }
        }
    }
}
