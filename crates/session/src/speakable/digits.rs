//! Telephone numbers, said digit by digit in groups: `5 5 5, 0 1 2 3`.

use super::words::Words;

/// The most digits of a telephone number (E.164), and the fewest that are taken for one.
const MOST_DIGITS: usize = 15;
const FEWEST_DIGITS: usize = 7;
/// A number written without a gap is said digit by digit from here on.
const LONG_NUMBER: usize = 9;
/// How far a telephone number can reach, with all its separators, in characters.
const REACH: usize = 40;

/// `text` with its telephone numbers as digits in groups.
pub(super) fn telephone_numbers(text: &str, words: &Words) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) =
        rest.find(|first: char| first.is_ascii_digit() || first == '+' || first == '(')
    {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let free = out
            .chars()
            .next_back()
            .is_none_or(|last| !last.is_alphanumeric() && !"+-.,:/$€£#@_%=".contains(last));
        let number = free.then(|| Number::at(rest)).flatten();
        let (spoken, taken) = match number {
            Some(number) => (number.spoken(words), number.length),
            None => {
                let digits = rest.len()
                    - rest
                        .trim_start_matches(|digit: char| digit.is_ascii_digit())
                        .len();
                let taken = digits.max(1);
                (rest[..taken].to_owned(), taken)
            }
        };
        out.push_str(&spoken);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

struct Number<'a> {
    international: bool,
    groups: Vec<&'a str>,
    /// In bytes of the text.
    length: usize,
}

impl<'a> Number<'a> {
    /// The longest telephone number that begins here.
    fn at(text: &'a str) -> Option<Self> {
        let reaches =
            |character: char| character.is_ascii_digit() || "+-. /()\u{a0}".contains(character);
        let end = text
            .char_indices()
            .enumerate()
            .find(|(count, (_, character))| *count == REACH || !reaches(*character));
        let run = &text[..end.map_or(text.len(), |(_, (at, _))| at)];
        let mut candidate = run.trim_end_matches(|last: char| !last.is_ascii_digit());
        while digits_in(candidate) >= FEWEST_DIGITS {
            if is_end(&text[candidate.len()..])
                && let Some(number) = Self::of(candidate)
            {
                return Some(number);
            }
            candidate = candidate
                .trim_end_matches(|digit: char| digit.is_ascii_digit())
                .trim_end_matches(|last: char| !last.is_ascii_digit());
        }
        None
    }

    fn of(text: &'a str) -> Option<Self> {
        let international = text.starts_with('+') || text.starts_with("(+");
        let digits = digits_in(text);
        let open = text.starts_with('(') && !text.contains(')');
        if digits > MOST_DIGITS || open || text.trim_start_matches(['(', '+']).contains('+') {
            return None;
        }
        let groups: Vec<_> = text
            .split(|other: char| !other.is_ascii_digit())
            .filter(|group| !group.is_empty())
            .collect();
        let fits = international || is_national(text, &groups, digits);
        fits.then_some(Self {
            international,
            groups,
            length: text.len(),
        })
    }

    fn spoken(&self, words: &Words) -> String {
        let mut spoken = String::new();
        if self.international {
            spoken.push_str(words.plus);
            spoken.push(' ');
        }
        let groups = match self.groups.as_slice() {
            // North America's code has one digit, which a number without gaps does not show.
            [only] if self.international && only.len() == 11 && only.starts_with('1') => {
                let (code, rest) = only.split_at(1);
                vec![code, rest]
            }
            groups => groups.to_vec(),
        };
        let groups = groups.into_iter().flat_map(portions);
        for (at, group) in groups.enumerate() {
            if at > 0 {
                spoken.push_str(", ");
            }
            for (at, digit) in group.chars().enumerate() {
                if at > 0 {
                    spoken.push(' ');
                }
                spoken.push(digit);
            }
        }
        spoken
    }
}

fn digits_in(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// True if a number can end before `rest`.
fn is_end(rest: &str) -> bool {
    let mut next = rest.chars();
    let (first, second) = (next.next(), next.next());
    let digit = second.is_some_and(|second| second.is_ascii_digit());
    first.is_none_or(|first| {
        let goes_on = digit && "-./,:".contains(first);
        let belongs = first.is_alphanumeric() || "%€$£@_=".contains(first);
        !goes_on && !belongs
    })
}

/// True if digits without a country code are written as telephone numbers are: in one long run, with an area code that
/// begins with 0, or as in North America and Spain. Dates, ranges and amounts are not.
fn is_national(text: &str, groups: &[&str], digits: usize) -> bool {
    let lengths: Vec<_> = groups.iter().map(|group| group.len()).collect();
    let first = groups.first().copied().unwrap_or_default();
    let dotted = text.contains('.');
    let code = |group: &str| group.starts_with(|first: char| ('2'..='9').contains(&first));
    match lengths.as_slice() {
        [only] => *only >= LONG_NUMBER || first.starts_with('0'),
        [3, 3, 4] => code(first),
        [1, 3, 3, 4] => first == "1",
        [3, 4] => {
            text.contains('-') && code(first) && groups.iter().all(|group| !group.ends_with("00"))
        }
        [3, 3, 3] | [3, 2, 2, 2] => {
            digits == 9 && !dotted && first.starts_with(['6', '7', '8', '9'])
        }
        [2, 2, 2, 2, 2] => first.starts_with('0'),
        [first_length, ..] => *first_length >= 3 && first.starts_with('0') && !dotted,
        [] => false,
    }
}

/// A group in portions of two to four digits.
fn portions(group: &str) -> Vec<&str> {
    let mut portions = Vec::new();
    let mut rest = group;
    while rest.len() > 4 {
        let (portion, after) = rest.split_at(3);
        portions.push(portion);
        rest = after;
    }
    portions.push(rest);
    portions
}
