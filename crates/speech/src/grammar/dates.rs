//! Days as people name them. Which calendar day it is depends on today, which nothing here knows.

/// A day as it was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// "today"
    Today,
    /// "tomorrow"
    Tomorrow,
    /// "the day after tomorrow"
    AfterTomorrow,
    /// "Monday", "next Monday"
    Weekday {
        /// Monday is 1, Sunday 7.
        weekday: u8,
        /// Whether "next" was said, which people mean in two ways.
        next: bool,
    },
    /// "March third", "the third of March"
    MonthDay {
        /// 1 to 12.
        month: u8,
        /// 1 to 31; a day that the month has in some year.
        day: u8,
    },
    /// "the third"
    DayOfMonth(u8),
    /// "2026-03-03", which is typed and not spoken.
    Calendar {
        /// Year, 1900 to 2199.
        year: u16,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
}

pub(super) const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// Rules for days.
pub(super) const RULES: &str = "\
<weekday> = monday | tuesday | wednesday | thursday | friday | saturday | sunday;
<month> = january | february | march | april | may | june | july | august | september | october | november | december;
<ordinal> = first | second | third | fourth | fifth | sixth | seventh | eighth | ninth | tenth | eleventh | twelfth
    | thirteenth | fourteenth | fifteenth | sixteenth | seventeenth | eighteenth | nineteenth | twentieth
    | twenty (first | second | third | fourth | fifth | sixth | seventh | eighth | ninth) | thirtieth | thirty first;
<cardinal> = one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve | thirteen | fourteen
    | fifteen | sixteen | seventeen | eighteen | nineteen
    | twenty [one | two | three | four | five | six | seven | eight | nine] | thirty [one];
<day> = today | tomorrow | the day after tomorrow | [this | next] <weekday> | <month> [the] <ordinal>
    | <month> <cardinal> | the <ordinal> [of <month>];
";

/// The day that these words are, all of them.
pub(super) fn day(words: &[String]) -> Option<Day> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["today"] => Some(Day::Today),
        ["tomorrow"] => Some(Day::Tomorrow),
        ["the", "day", "after", "tomorrow"] | ["day", "after", "tomorrow"] => {
            Some(Day::AfterTomorrow)
        }
        ["next", name] => weekday(name, true),
        ["this", name] | [name] if weekday(name, false).is_some() => weekday(name, false),
        ["the", ordinal @ .., "of", name] | [ordinal @ .., "of", name] => month_day(name, ordinal),
        [name, "the", ordinal @ ..] => month_day(name, ordinal),
        [year, month, day] if year.len() == 4 => calendar(year, month, day),
        ["the", ordinal @ ..] => ordinal_day(ordinal).map(Day::DayOfMonth),
        [first, .., last] => {
            let (head, tail) = (&words[1..], &words[..words.len() - 1]);
            month_day(first, head).or_else(|| month_day(last, tail))
        }
        _ => None,
    }
}

fn place(list: &[&str], name: &str) -> Option<u8> {
    let long_enough = |entry: &&str| *entry == name || (name.len() >= 3 && entry.starts_with(name));
    list.iter()
        .position(long_enough)
        .and_then(|at| u8::try_from(at + 1).ok())
}

fn weekday(name: &str, next: bool) -> Option<Day> {
    place(&WEEKDAYS, name).map(|weekday| Day::Weekday { weekday, next })
}

fn month_day(name: &str, number: &[&str]) -> Option<Day> {
    let month = place(&MONTHS, name)?;
    let day = ordinal_day(number).or_else(|| cardinal_day(number))?;
    (day <= MONTH_DAYS[usize::from(month - 1)]).then_some(Day::MonthDay { month, day })
}

fn ordinal_day(words: &[&str]) -> Option<u8> {
    let exact = |word: &str| {
        let at = ORDINALS.iter().position(|entry| *entry == word)?;
        u8::try_from(at + 1).ok()
    };
    let day = match words {
        ["thirtieth"] => 30,
        ["thirty", "first"] => 31,
        ["twenty", ones] => exact(ones).filter(|ones| *ones < 10)? + 20,
        [word] => exact(word).or_else(|| {
            let figures = ["st", "nd", "rd", "th"]
                .iter()
                .find_map(|end| word.strip_suffix(end))?;
            figures.parse().ok()
        })?,
        _ => return None,
    };
    (1..=31).contains(&day).then_some(day)
}

fn cardinal_day(words: &[&str]) -> Option<u8> {
    let owned: Vec<String> = words.iter().map(ToString::to_string).collect();
    let day = u8::try_from(super::numbers::number(&owned)?).ok()?;
    (1..=31).contains(&day).then_some(day)
}

fn calendar(year: &str, month: &str, day: &str) -> Option<Day> {
    let (year, month, day) = (
        year.parse().ok()?,
        month.parse::<u8>().ok()?,
        day.parse().ok()?,
    );
    let days = *MONTH_DAYS.get(usize::from(month).checked_sub(1)?)?;
    let real = (1900..2200).contains(&year) && (1..=days).contains(&day);
    real.then_some(Day::Calendar { year, month, day })
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn check(text: &str, expected: impl Into<Option<Day>>) {
        assert_eq!(day(&words(text)), expected.into(), "{text}");
    }

    #[test]
    fn days_are_understood_as_people_name_them() {
        let third = Day::MonthDay { month: 3, day: 3 };
        check("tomorrow", Day::Tomorrow);
        check("the day after tomorrow", Day::AfterTomorrow);
        check(
            "next Monday",
            Day::Weekday {
                weekday: 1,
                next: true,
            },
        );
        check(
            "this Sunday",
            Day::Weekday {
                weekday: 7,
                next: false,
            },
        );
        check(
            "friday",
            Day::Weekday {
                weekday: 5,
                next: false,
            },
        );
        check("March third", third);
        check("march the third", third);
        check("the third of March", third);
        check("3rd of march", third);
        check("march 3", third);
        check("3 Mar", third);
        check(
            "december thirty first",
            Day::MonthDay { month: 12, day: 31 },
        );
        check("may twenty two", Day::MonthDay { month: 5, day: 22 });
        check("the twenty first", Day::DayOfMonth(21));
        check(
            "2026-03-03",
            Day::Calendar {
                year: 2026,
                month: 3,
                day: 3,
            },
        );
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "the",
            "yesterday's",
            "february thirtieth",
            "the fortieth",
            "march",
            "of march",
            "2026-13-01",
            "2026-02-30",
            "next",
            "m",
            "third",
        ] {
            check(text, None);
        }
    }
}
