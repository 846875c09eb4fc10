//! Days named in German and Spanish, put into the words in which the English grammar knows them.

use super::dates::{MONTHS, WEEKDAYS};
use super::other::{german, german_word, spanish};
use crate::language::Language;
use crate::language::vocabulary::SPANISH_MONTHS;

const GERMAN_WEEKDAYS: [&str; 7] = [
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
];
const GERMAN_MONTHS: [&str; 12] = [
    "januar",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
];
/// What German writes together with a weekday.
const PARTS_OF_DAYS: [&str; 8] = [
    "",
    "morgen",
    "früh",
    "vormittag",
    "mittag",
    "nachmittag",
    "abend",
    "nacht",
];
const SPANISH_WEEKDAYS: [&str; 7] = [
    "lunes",
    "martes",
    "miercoles",
    "jueves",
    "viernes",
    "sabado",
    "domingo",
];

/// English words for the days among these words; of all else only the place is left.
pub(super) fn in_english(language: Language, words: &[String]) -> String {
    let plain: Vec<String> = match language {
        Language::Spanish => words.iter().map(|word| unaccented(word)).collect(),
        Language::German | Language::English => words.to_vec(),
    };
    let (mut text, mut at) = (Vec::new(), 0);
    while at < plain.len() {
        let found = match language {
            Language::Spanish => spanish_day(&plain, at),
            Language::German | Language::English => german_day(&plain, at),
        };
        let (day, count) = found.unwrap_or_else(|| ("-".to_owned(), 1));
        text.push(day);
        at += count;
    }
    text.join(" ").replace('-', "x")
}

fn german_day(words: &[String], at: usize) -> Option<(String, usize)> {
    let word = words[at].as_str();
    let before = before(words, at);
    match word {
        "heute" => return Some(("today".to_owned(), 1)),
        "übermorgen" => return Some(("the day after tomorrow".to_owned(), 1)),
        "morgen" if !matches!(before, "guten" | "heute" | "am" | "jeden") => {
            let of_day = german_weekday(before).is_some();
            return (!of_day).then(|| ("tomorrow".to_owned(), 1));
        }
        _ => {}
    }
    if let Some(weekday) = german_weekday(word) {
        let next = matches!(before, "nächsten" | "nächster" | "nächste" | "nächstem");
        return Some((named(weekday, next), 1));
    }
    let rest = &words[at..];
    if let Some(day) = in_figures(rest).filter(|(_, count)| after(rest, *count) != "uhr") {
        return Some(day);
    }
    let ordinal = german_ordinal(word);
    let (day, count) = match ordinal {
        Some(day) => (day, 1),
        None => number(rest, german)?,
    };
    let month = place(&GERMAN_MONTHS, after(rest, count))
        .or_else(|| ordinal.and_then(|_| month(german_ordinal(after(rest, count))?)));
    let Some(month) = month else {
        let named = matches!(before, "am" | "der" | "den" | "dem" | "vom" | "zum" | "bis");
        let time = matches!(after(rest, count), "uhr" | "stock" | "mal");
        return (named && !time && (1..=31).contains(&day))
            .then(|| (format!("the {day}th"), count));
    };
    let year = number(rest.get(count + 1..).unwrap_or_default(), german);
    Some(dated(day, month, year, count + 1))
}

/// The weekday of `freitag` and of `freitagabend`.
fn german_weekday(word: &str) -> Option<usize> {
    let begins = |day: &&str| {
        word.strip_prefix(*day)
            .is_some_and(|part| PARTS_OF_DAYS.contains(&part))
    };
    let saturday = (word == "sonnabend").then_some(5);
    saturday.or_else(|| GERMAN_WEEKDAYS.iter().position(begins))
}

fn german_ordinal(word: &str) -> Option<u32> {
    let endings = ["er", "en", "em", "es", "e"];
    let stem = endings
        .iter()
        .find_map(|ending| word.strip_suffix(ending))?;
    let day = match stem {
        "erst" => 1,
        "dritt" => 3,
        "siebt" | "siebent" => 7,
        "acht" => 8,
        stem => match german_word(stem.strip_suffix("st").unwrap_or_default()) {
            Some(day) if day >= 20 => day,
            Some(_) | None => german_word(stem.strip_suffix('t')?).filter(|day| *day < 20)?,
        },
    };
    (1..=31).contains(&day).then_some(day)
}

fn spanish_day(words: &[String], at: usize) -> Option<(String, usize)> {
    let rest = &words[at..];
    let before = before(words, at);
    match rest {
        [word, ..] if word == "hoy" => return Some(("today".to_owned(), 1)),
        [past, tomorrow, ..] if past == "pasado" && tomorrow == "mañana" => {
            return Some(("the day after tomorrow".to_owned(), 2));
        }
        [word, ..] if word == "mañana" => {
            let morning = matches!(before, "la" | "esta");
            return (!morning).then(|| ("tomorrow".to_owned(), 1));
        }
        [article, number, ..] if article == "primero" && number == "de" => {
            return spanish_month(1, rest, 1);
        }
        _ => {}
    }
    let first = rest.first()?;
    if let Some(weekday) = SPANISH_WEEKDAYS.iter().position(|day| day == first) {
        let next = before == "proximo"
            || after(rest, 1) == "proximo"
            || (after(rest, 1) == "que" && after(rest, 2) == "viene");
        return Some((named(weekday, next), 1));
    }
    if let Some(day) =
        in_figures(rest).filter(|(_, count)| !matches!(after(rest, *count), "h" | "horas"))
    {
        return Some(day);
    }
    let (day, count) = number(rest, spanish)?;
    spanish_month(day, rest, count).or_else(|| {
        let named = matches!(before, "el" | "dia") && (1..=31).contains(&day);
        named.then(|| (format!("the {day}th"), count))
    })
}

fn spanish_month(day: u32, rest: &[String], count: usize) -> Option<(String, usize)> {
    let at = count + usize::from(after(rest, count) == "de");
    let month = place(&SPANISH_MONTHS, after(rest, at))?;
    let linked = matches!(after(rest, at + 1), "de" | "del");
    let year = rest
        .get(at + 2..)
        .filter(|_| linked)
        .and_then(|rest| number(rest, spanish));
    Some(dated(
        day,
        month,
        year.map(|(year, count)| (year, count + 1)),
        at + 1,
    ))
}

/// `3.5.2026`, `3/5`: the day, then the month. A date that begins with the year stays.
fn in_figures(words: &[String]) -> Option<(String, usize)> {
    let number = |at: usize| words.get(at)?.parse::<u32>().ok();
    let (first, second) = (number(0)?, number(1)?);
    if words[0].len() == 4 {
        let day = number(2)?;
        return Some((format!("{first} {second} {day}"), 3));
    }
    let month = month(second)?;
    let year = number(2).map(|year| (year, 1));
    (1..=31)
        .contains(&first)
        .then(|| dated(first, month, year, 2))
}

fn dated(day: u32, month: usize, year: Option<(u32, usize)>, count: usize) -> (String, usize) {
    match year.filter(|(year, _)| (1900..2200).contains(year)) {
        Some((year, more)) => (format!("{year} {} {day}", month + 1), count + more),
        None => (format!("{} {day}", MONTHS[month]), count),
    }
}

/// The number with which words begin, in figures or in words.
fn number(
    words: &[String],
    in_words: fn(&[String]) -> Option<(u32, usize)>,
) -> Option<(u32, usize)> {
    let figures = words.first()?.parse().ok();
    figures
        .map(|number| (number, 1))
        .or_else(|| in_words(words))
}

fn named(weekday: usize, next: bool) -> String {
    let next = if next { "next " } else { "" };
    format!("{next}{}", WEEKDAYS[weekday])
}

fn month(number: u32) -> Option<usize> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    (at < MONTHS.len()).then_some(at)
}

fn place(list: &[&str], word: &str) -> Option<usize> {
    list.iter().position(|entry| *entry == word)
}

fn before(words: &[String], at: usize) -> &str {
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    before.map_or("", String::as_str)
}

fn after(words: &[String], at: usize) -> &str {
    words.get(at).map_or("", String::as_str)
}

/// Recognisers leave accents out now and then.
fn unaccented(word: &str) -> String {
    let plain = |letter: char| match letter {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' => 'u',
        other => other,
    };
    word.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Day, Expect, Meaning, interpret_in};
    use super::*;

    #[track_caller]
    fn check(language: Language, table: &[(&str, Option<Day>)]) {
        for (text, wanted) in table {
            let wanted = wanted.map_or(Meaning::Nothing, Meaning::Date);
            let meaning = interpret_in(language, &Expect::Date, text);
            assert_eq!(meaning, wanted, "{text}");
        }
    }

    const THIRD_OF_MAY: Option<Day> = Some(Day::MonthDay { month: 5, day: 3 });
    const CALENDAR: Option<Day> = Some(Day::Calendar {
        year: 2026,
        month: 5,
        day: 3,
    });

    const fn weekday(weekday: u8, next: bool) -> Option<Day> {
        Some(Day::Weekday { weekday, next })
    }

    #[test]
    fn days_are_understood_in_german() {
        check(
            Language::German,
            &[
                ("Heute.", Some(Day::Today)),
                ("morgen früh", Some(Day::Tomorrow)),
                ("Übermorgen, bitte", Some(Day::AfterTomorrow)),
                ("Ich möchte am Freitag kommen.", weekday(5, false)),
                ("nächsten Montag", weekday(1, true)),
                ("Freitagnachmittag", weekday(5, false)),
                ("am Sonnabend", weekday(6, false)),
                ("Dienstag Morgen", weekday(2, false)),
                ("am 3. Mai", THIRD_OF_MAY),
                ("am dritten Mai", THIRD_OF_MAY),
                ("der dritte fünfte", THIRD_OF_MAY),
                ("am 3.5.", THIRD_OF_MAY),
                ("03.05.2026", CALENDAR),
                ("am dritten Mai zweitausendsechsundzwanzig", CALENDAR),
                ("3. Mai 2026", CALENDAR),
                ("2026-05-03", CALENDAR),
                (
                    "einunddreißigster Dezember",
                    Some(Day::MonthDay { month: 12, day: 31 }),
                ),
                ("am siebten", Some(Day::DayOfMonth(7))),
                ("am 21.", Some(Day::DayOfMonth(21))),
                ("Guten Morgen", None),
                ("im Mai", None),
                ("am 31. Februar", None),
                ("um 8.10 Uhr", None),
                ("im dritten Stock", None),
                ("achtzig", None),
            ],
        );
    }

    #[test]
    fn days_are_understood_in_spanish() {
        check(
            Language::Spanish,
            &[
                ("Hoy.", Some(Day::Today)),
                ("mañana por la mañana", Some(Day::Tomorrow)),
                ("pasado mañana", Some(Day::AfterTomorrow)),
                ("Quiero venir el viernes.", weekday(5, false)),
                ("el lunes que viene", weekday(1, true)),
                ("el próximo sábado", weekday(6, true)),
                ("miercoles", weekday(3, false)),
                ("el 3 de mayo", THIRD_OF_MAY),
                ("el tres de mayo", THIRD_OF_MAY),
                ("3/5/2026", CALENDAR),
                ("tres de mayo de dos mil veintiséis", CALENDAR),
                ("3 de mayo del 2026", CALENDAR),
                ("primero de junio", Some(Day::MonthDay { month: 6, day: 1 })),
                (
                    "el treinta y uno de diciembre",
                    Some(Day::MonthDay { month: 12, day: 31 }),
                ),
                ("el veintiuno", Some(Day::DayOfMonth(21))),
                ("por la mañana", None),
                ("en mayo", None),
                ("a las cinco", None),
                ("31 de febrero", None),
            ],
        );
    }
}
