//! Numbers, days and times of day in words of German and Spanish. What is no plain number is left to the voice.

use ringback_speech::language::Language;

use crate::phrases::Phrases;

use super::counting::{Form, cardinal, german_ordinal, spanish_ordinal};

const MONTH_DAYS: [u64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// Regions of Spanish that write decimals with a point.
const POINT_REGIONS: [&str; 11] = [
    "419", "DO", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "SV", "US",
];

/// How numbers are written and said.
#[derive(Clone, Copy)]
pub(super) struct Figures {
    language: Language,
    /// Between thousands, and before decimals.
    marks: (char, char),
}

impl Figures {
    /// Of a tag; nothing where figures are the voice's.
    pub(super) fn of(tag: &str) -> Option<Self> {
        let language = Language::of(tag).filter(|language| *language != Language::English)?;
        let mut parts = tag.split(['-', '_']);
        let point = language == Language::Spanish
            && parts.any(|part| {
                POINT_REGIONS
                    .iter()
                    .any(|region| region.eq_ignore_ascii_case(part))
            });
        let marks = if point { (',', '.') } else { ('.', ',') };
        Some(Self { language, marks })
    }

    /// The language of the words.
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// `text` with its figures as words.
    pub(super) fn spelled(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(|first: char| first.is_ascii_digit()) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let found = is_free(&out)
                .then(|| self.date(&out, rest).or_else(|| self.time(rest)))
                .flatten()
                .or_else(|| self.ordinal(&out, rest).filter(|_| is_free(&out)))
                .or_else(|| self.number(&out, rest).filter(|_| is_free(&out)));
            let Some((spoken, after)) = found else {
                let end =
                    rest.find(|other: char| !other.is_alphanumeric() && !"/.,:-–".contains(other));
                let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
                out.push_str(run);
                rest = after;
                continue;
            };
            out.push_str(&spoken);
            rest = after;
            if let Some(to) = range_end(rest) {
                out.push_str(match self.language {
                    Language::Spanish => " a ",
                    Language::German | Language::English => " bis ",
                });
                rest = to;
            }
        }
        out.push_str(rest);
        out
    }

    fn months(&self) -> &'static [&'static str; 12] {
        &Phrases::of(self.language).months
    }

    fn words(&self, number: u64, form: Form) -> Option<String> {
        cardinal(self.language, number, form)
    }

    /// `3.5.2026`, `03/05/2026`, `2026-05-03`; in German `3.5.` too.
    fn date<'a>(&self, before: &str, text: &'a str) -> Option<(String, &'a str)> {
        let (first, rest) = digits(text);
        let mark = rest.chars().next().filter(|mark| "./-".contains(*mark))?;
        let (second, rest) = digits(&rest[1..]);
        let third = rest.strip_prefix(mark).map(digits);
        let (day, month, year, rest) = match (first.len(), third) {
            (4, Some((third, rest))) if mark == '-' => (third, second, first, rest),
            (1 | 2, Some((third, rest))) if matches!(third.len(), 2 | 4) => {
                (first, second, third, rest)
            }
            (1 | 2, Some(("", after))) if mark == '.' && self.language == Language::German => {
                let last = after.trim_start().is_empty();
                (first, second, "", if last { rest } else { after })
            }
            _ => return None,
        };
        let ends = is_end(rest);
        let (day, month) = (value(day, 2)?, value(month, 2)?);
        let days = MONTH_DAYS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
        if !ends || !(1..=*days).contains(&day) {
            return None;
        }
        let year = match year.len() {
            0 => None,
            2 => Some(2000 + value(year, 2)?),
            _ => Some(value(year, 4)?),
        };
        let spoken = self.day(before, day, usize::try_from(month).ok()?, year)?;
        Some((spoken, rest))
    }

    fn day(&self, before: &str, day: u64, month: usize, year: Option<u64>) -> Option<String> {
        if self.language == Language::Spanish {
            let day = match day {
                1 => "primero".to_owned(),
                day => self.words(day, Form::Alone)?,
            };
            let month = self.months().get(month - 1)?;
            return Some(match year {
                Some(year) => format!("{day} de {month} de {}", self.words(year, Form::Alone)?),
                None => format!("{day} de {month}"),
            });
        }
        let day = german_ordinal(day, ending(before).unwrap_or("ter"))?;
        let month = self.months().get(month - 1)?;
        Some(match year {
            Some(year) => format!("{day} {month} {}", self.year(year)?),
            None => format!("{day} {month}"),
        })
    }

    /// In German the hundreds of a year before 2000 are counted.
    fn year(&self, year: u64) -> Option<String> {
        if !(1100..2000).contains(&year) || self.language != Language::German {
            return self.words(year, Form::Alone);
        }
        let hundreds = self.words(year / 100, Form::Alone)?;
        let rest = match year % 100 {
            0 => String::new(),
            rest => self.words(rest, Form::Alone)?,
        };
        Some(format!("{hundreds}hundert{rest}"))
    }

    /// `14:30`, with the word or the letter that follows it; in German `14.30 Uhr` too.
    fn time<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let (hour, rest) = digits(text);
        let mark = rest.chars().next().filter(|mark| ":.".contains(*mark))?;
        let (minute, rest) = digits(&rest[1..]);
        let spoken_after = match self.language {
            Language::German | Language::English => [" Uhr", "\u{a0}Uhr", "Uhr"],
            Language::Spanish => [" h.", " h", "h"],
        };
        let after = spoken_after
            .iter()
            .find_map(|word| rest.strip_prefix(word))
            .filter(|after| is_end(after) || range_end(after).is_some());
        let (hour, minute) = (
            value(hour, 2)?,
            value(minute, 2).filter(|_| minute.len() == 2)?,
        );
        let time = mark == ':' || (after.is_some() && self.language == Language::German);
        let after = after.unwrap_or(rest);
        if !time || hour > 24 || minute > 59 || !(is_end(after) || range_end(after).is_some()) {
            return None;
        }
        let spoken = match self.language {
            Language::German | Language::English => {
                let hour = self.words(hour, Form::Masculine)?;
                match minute {
                    0 => format!("{hour} Uhr"),
                    minute => format!("{hour} Uhr {}", self.words(minute, Form::Alone)?),
                }
            }
            Language::Spanish => {
                let hours = self.words(hour, Form::Feminine)?;
                match minute {
                    0 if hour == 0 => format!("{hours} horas"),
                    0 => hours,
                    1..10 => format!("{hours} cero {}", self.words(minute, Form::Alone)?),
                    minute => format!("{hours} {}", self.words(minute, Form::Alone)?),
                }
            }
        };
        Some((spoken, after))
    }

    /// `3. Mai`, `im 2. Stock`; `1.º`, `3er`, `1 de mayo`.
    fn ordinal<'a>(&self, before: &str, text: &'a str) -> Option<(String, &'a str)> {
        let (figures, rest) = digits(text);
        let number = value(figures, 3)?;
        if self.language == Language::Spanish {
            let month = rest
                .strip_prefix(" de ")
                .is_some_and(|next| self.months().contains(&first_word(next)));
            if number == 1 && month {
                return Some(("primero".to_owned(), rest));
            }
            let marks = [
                (".º", Form::Alone),
                ("º", Form::Alone),
                (".ª", Form::Feminine),
                ("ª", Form::Feminine),
                (".er", Form::Masculine),
                ("er", Form::Masculine),
            ];
            let (form, after) = marks
                .iter()
                .find_map(|(mark, form)| Some((*form, rest.strip_prefix(mark)?)))
                .filter(|(_, after)| is_end(after))?;
            return Some((spanish_ordinal(number, form)?, after));
        }
        let after = rest.strip_prefix('.')?;
        let next = first_word(after.strip_prefix([' ', '\u{a0}'])?);
        let ending = match ending(before) {
            Some(ending) if !next.is_empty() => ending,
            _ if self.months().contains(&next) => "ter",
            _ => return None,
        };
        Some((german_ordinal(number, ending)?, after))
    }

    fn number<'a>(&self, before: &str, text: &'a str) -> Option<(String, &'a str)> {
        let end = text.find(|other: char| !other.is_ascii_digit() && other != '.' && other != ',');
        let run = text[..end.unwrap_or(text.len())].trim_end_matches(['.', ',']);
        let after = &text[run.len()..];
        if !is_end(after) && range_end(after).is_none() {
            return None;
        }
        let (thousands, point) = self.marks;
        let other = |mark: char| if mark == point { point } else { thousands };
        let (whole, decimals) = match run.rsplit_once([thousands, point]) {
            None => (run.to_owned(), None),
            Some((whole, last)) => {
                let mark = other(run[whole.len()..].chars().next()?);
                if mark == thousands && is_grouped(run, thousands) {
                    (run.replace(thousands, ""), None)
                } else if whole.bytes().all(|byte| byte.is_ascii_digit()) {
                    (whole.to_owned(), Some((mark, last)))
                } else if mark == point && is_grouped(whole, thousands) {
                    (whole.replace(thousands, ""), Some((mark, last)))
                } else {
                    return None;
                }
            }
        };
        if let Some((mark, decimals)) = decimals {
            let name = match (self.language, mark) {
                (Language::Spanish, ',') => "coma",
                (Language::Spanish, _) => "punto",
                (Language::German | Language::English, ',') => "Komma",
                (Language::German | Language::English, _) => "Punkt",
            };
            let whole = self.whole(&whole, Form::Alone)?;
            return Some((
                format!("{whole} {name} {}", self.decimals(decimals)?),
                after,
            ));
        }
        let year = run.len() == 4 && is_before_year(before);
        let spoken = match value(run, 4).filter(|_| year) {
            Some(year) => self.year(year)?,
            None => self.whole(&whole, self.form(after))?,
        };
        Some((spoken, after))
    }

    /// Figures that begin with a zero or are too many for a number are said one by one.
    fn whole(&self, figures: &str, form: Form) -> Option<String> {
        let number: Option<u64> = figures.parse().ok();
        match number {
            Some(number) if figures.len() == 1 || !figures.starts_with('0') => self
                .words(number, form)
                .or_else(|| self.one_by_one(figures)),
            Some(_) | None => self.one_by_one(figures),
        }
    }

    fn one_by_one(&self, figures: &str) -> Option<String> {
        let digit = |byte: u8| self.words(u64::from(byte - b'0'), Form::Alone);
        let words: Option<Vec<_>> = figures.bytes().map(digit).collect();
        Some(words?.join(" "))
    }

    fn decimals(&self, figures: &str) -> Option<String> {
        let pair = figures.len() <= 2 && !figures.starts_with('0');
        match value(figures, 2).filter(|_| pair && self.language == Language::Spanish) {
            Some(number) => self.words(number, Form::Alone),
            None => self.one_by_one(figures),
        }
    }

    /// How a number stands before the word that follows it, as far as that shows.
    fn form(&self, after: &str) -> Form {
        let next = first_word(after.strip_prefix([' ', '\u{a0}']).unwrap_or_default());
        let capital = next.starts_with(char::is_uppercase);
        let ends_in = |endings: &[&str]| endings.iter().any(|ending| next.ends_with(ending));
        let feminine = match self.language {
            Language::German | Language::English => {
                ends_in(&[
                    "e", "ung", "heit", "keit", "schaft", "ion", "tät", "Person", "Nacht",
                ]) && !["Kunde", "Name", "Ende"].contains(&next)
            }
            Language::Spanish => {
                ends_in(&[
                    "a", "as", "ción", "ciones", "dad", "dades", "noche", "noches",
                ]) && !ends_in(&["día", "días", "ma", "mas"])
            }
        };
        let counts = match self.language {
            Language::German | Language::English => capital,
            Language::Spanish => !capital && !next.is_empty() && !UNCOUNTED.contains(&next),
        };
        match (counts, feminine) {
            (false, _) => Form::Alone,
            (true, true) => Form::Feminine,
            (true, false) => Form::Masculine,
        }
    }
}

/// Spanish words behind a number that it does not count.
const UNCOUNTED: [&str; 24] = [
    "a", "al", "antes", "con", "de", "del", "después", "e", "en", "entre", "es", "igual", "mañana",
    "menos", "más", "o", "para", "pero", "por", "que", "si", "son", "u", "y",
];

/// The ending of a German ordinal behind this text, where its last word asks for one.
fn ending(before: &str) -> Option<&'static str> {
    let mut words = before.split_whitespace().rev().map(str::to_lowercase);
    let last = words.next()?;
    match last.as_str() {
        "am" | "vom" | "zum" | "zur" | "im" | "beim" | "dem" | "den" | "des" | "ab" | "bis"
        | "seit" | "jeden" | "jedem" | "nächsten" | "letzten" | "oder" | "und" => Some("ten"),
        "der" => {
            let dative = [
                "an", "auf", "bei", "in", "mit", "nach", "seit", "von", "vor", "zu",
            ];
            let dative = words
                .next()
                .is_some_and(|word| dative.contains(&word.as_str()));
            Some(if dative { "ten" } else { "te" })
        }
        "die" | "das" | "ins" | "diese" | "dieser" | "dieses" | "eine" | "ihre" | "unsere" => {
            Some("te")
        }
        _ => None,
    }
}

fn is_before_year(before: &str) -> bool {
    let last = before.split_whitespace().next_back().unwrap_or_default();
    Phrases::of(Language::German).months.contains(&last)
        || ["Jahr", "Jahre", "Jahres", "seit"].contains(&last)
}

/// True if a number can begin behind `before`.
fn is_free(before: &str) -> bool {
    let mut last = before.chars().rev();
    match last.next() {
        Some('-' | '–') => last.next().is_none_or(char::is_whitespace),
        Some(mark) => !mark.is_alphanumeric() && !".,:/#_@+=&^$€£".contains(mark),
        None => true,
    }
}

/// True if a number can end before `rest`.
fn is_end(rest: &str) -> bool {
    let mut next = rest.chars();
    let (first, second) = (next.next(), next.next());
    first.is_none_or(|first| {
        let digit = second.is_some_and(|second| second.is_ascii_digit());
        let goes_on = digit && "-–./,:".contains(first);
        let belongs = first.is_alphanumeric() || "_@%²³".contains(first);
        !goes_on && !belongs
    })
}

/// What follows the dash of a range of two numbers.
fn range_end(rest: &str) -> Option<&str> {
    let to = rest.strip_prefix(['-', '–'])?;
    let last = to.trim_start_matches(|part: char| part.is_ascii_digit() || ".,:".contains(part));
    (last.len() < to.len() && is_end(last)).then_some(to)
}

fn is_grouped(figures: &str, mark: char) -> bool {
    let mut groups = figures.split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && digits(first).1.is_empty()
        && groups.all(|group| group.len() == 3 && digits(group).1.is_empty())
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|other: char| !other.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The value of at most so many figures.
fn value(figures: &str, most: usize) -> Option<u64> {
    figures.parse().ok().filter(|_| figures.len() <= most)
}

fn first_word(text: &str) -> &str {
    let end = text.find(|other: char| !other.is_alphabetic());
    &text[..end.unwrap_or(text.len())]
}
