//! Numbers and strings of digits, in words and figures.

const DIGITS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// The word for an ASCII digit.
pub(super) fn digit(byte: u8) -> &'static str {
    DIGITS[usize::from(byte.saturating_sub(b'0').min(9))]
}

/// A number up to 999,999 in words, without "and".
pub(super) fn spell(number: u32) -> Vec<String> {
    let mut words = Vec::new();
    if number >= 1000 {
        below_thousand(number / 1000, &mut words);
        words.push("thousand");
    }
    if !number.is_multiple_of(1000) || number == 0 {
        below_thousand(number % 1000, &mut words);
    }
    words.into_iter().map(str::to_string).collect()
}

fn below_thousand(number: u32, words: &mut Vec<&'static str>) {
    let at = |place: u32| place as usize;
    if number >= 100 {
        words.extend([DIGITS[at(number / 100 % 10)], "hundred"]);
    }
    match number % 100 {
        0 if number >= 100 => {}
        ones @ 0..10 => words.push(DIGITS[at(ones)]),
        teen @ 10..20 => words.push(TEENS[at(teen - 10)]),
        rest => {
            words.push(TENS[at(rest / 10 - 2)]);
            if rest % 10 > 0 {
                words.push(DIGITS[at(rest % 10)]);
            }
        }
    }
}

/// One word of a number.
enum Part {
    Digit(i64),
    Teen(i64),
    Tens(i64),
    Hundred,
    Thousand,
    And,
    Figures(i64),
}

fn part(word: &str) -> Option<Part> {
    let place = |list: &[&str]| {
        list.iter()
            .position(|entry| *entry == word)
            .and_then(|at| i64::try_from(at).ok())
    };
    Some(match word {
        "oh" | "o" => Part::Digit(0),
        "a" | "an" => Part::Digit(1),
        "hundred" => Part::Hundred,
        "thousand" => Part::Thousand,
        "and" => Part::And,
        _ if word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_digit()) => {
            Part::Figures(word.parse().ok()?)
        }
        _ => place(&DIGITS)
            .map(Part::Digit)
            .or_else(|| place(&TEENS).map(|at| Part::Teen(at + 10)))
            .or_else(|| place(&TENS).map(|at| Part::Tens(at * 10 + 20)))?,
    })
}

/// Whether the word belongs to a number wherever it stands.
pub(super) fn is_number_word(word: &str) -> bool {
    let sign_or_repeat = matches!(word, "minus" | "negative" | "double" | "triple");
    sign_or_repeat || !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) || {
        !matches!(word, "a" | "an" | "and" | "o") && part(word).is_some()
    }
}

/// The number that these words are, all of them.
pub(super) fn number(words: &[String]) -> Option<i64> {
    match words.split_first() {
        Some((first, rest)) if first == "minus" || first == "negative" => {
            positive(rest).map(|value| -value)
        }
        _ => positive(words),
    }
}

fn positive(words: &[String]) -> Option<i64> {
    if words
        .first()
        .is_some_and(|word| matches!(word.as_str(), "a" | "an"))
        && !words
            .get(1)
            .is_some_and(|word| matches!(word.as_str(), "hundred" | "thousand"))
    {
        return None;
    }
    cardinal(words).or_else(|| one_by_one(words))
}

/// "four two" as forty-two: figures one by one.
fn one_by_one(words: &[String]) -> Option<i64> {
    if words.is_empty()
        || words.len() > 6
        || words.iter().any(|word| matches!(word.as_str(), "a" | "an"))
    {
        return None;
    }
    words.iter().try_fold(0, |value, word| match part(word)? {
        Part::Digit(digit) | Part::Figures(digit @ 0..=9) => Some(value * 10 + digit),
        Part::Teen(_)
        | Part::Tens(_)
        | Part::Hundred
        | Part::Thousand
        | Part::And
        | Part::Figures(_) => None,
    })
}

/// A number as it is read out: each part smaller than the room left by the one before.
fn cardinal(words: &[String]) -> Option<i64> {
    let (mut total, mut group) = (0, 0);
    // The least power of ten that the group's last part leaves no room for; `None` before the group begins.
    let mut room: Option<i64> = None;
    let mut after_and = false;
    for word in words {
        let part = part(word)?;
        let free = room.unwrap_or(1000);
        after_and = match part {
            Part::And
                if !after_and
                    && (room.is_some_and(|room| room == 100) || (room.is_none() && total > 0)) =>
            {
                true
            }
            Part::Digit(0) | Part::Figures(0) if words.len() == 1 => return Some(0),
            Part::Digit(value) if free >= 10 && value > 0 => {
                (group, room) = (group + value, Some(1));
                false
            }
            Part::Teen(value) | Part::Figures(value @ 10..=99) if free >= 100 => {
                (group, room) = (group + value, Some(1));
                false
            }
            Part::Tens(value) if free >= 100 => {
                (group, room) = (group + value, Some(10));
                false
            }
            Part::Hundred if (0..10).contains(&group) && !after_and => {
                (group, room) = (group.max(1) * 100, Some(100));
                false
            }
            Part::Thousand if total == 0 && !after_and && group < 1000 => {
                (total, group, room) = (group.max(1) * 1000, 0, None);
                false
            }
            Part::Figures(value) if group == 0 && (value < free) => {
                (group, room) = (value, Some(1));
                false
            }
            Part::Figures(value) if words.len() == 1 => return Some(value),
            Part::Digit(_)
            | Part::Teen(_)
            | Part::Tens(_)
            | Part::Hundred
            | Part::Thousand
            | Part::And
            | Part::Figures(_) => return None,
        };
    }
    (!after_and && !words.is_empty()).then_some(total + group)
}

/// The digits that these words are, all of them: "nine oh five double two", "twenty five", "eight hundred".
pub(super) fn digits(words: &[String]) -> Option<String> {
    let mut text = String::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let repeat = match word.as_str() {
            "double" => 2,
            "triple" => 3,
            _ => 1,
        };
        if repeat > 1 {
            let single = single(words.get(at)?)?;
            text.extend(std::iter::repeat_n(single, repeat));
            at += 1;
            continue;
        }
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(word);
            continue;
        }
        match part(word)? {
            Part::Digit(_) => text.push(single(word)?),
            Part::Teen(value) => text.push_str(&value.to_string()),
            Part::Tens(value) => {
                let ones = words
                    .get(at)
                    .and_then(|next| single(next))
                    .filter(|ones| *ones != '0');
                at += usize::from(ones.is_some());
                text.push_str(&(value / 10).to_string());
                text.push(ones.unwrap_or('0'));
            }
            Part::Hundred if !text.is_empty() => text.push_str("00"),
            Part::Thousand if !text.is_empty() => text.push_str("000"),
            Part::Hundred | Part::Thousand | Part::And | Part::Figures(_) => return None,
        }
    }
    (!text.is_empty()).then_some(text)
}

fn single(word: &str) -> Option<char> {
    match word {
        "oh" | "o" => Some('0'),
        _ if word.len() == 1 => word.chars().next().filter(char::is_ascii_digit),
        _ => DIGITS
            .iter()
            .position(|entry| *entry == word)
            .and_then(|at| char::from_digit(u32::try_from(at).ok()?, 10)),
    }
}

/// Rules that the alternatives of numbers and digits are built from.
pub(super) const RULES: &str = "\
<digit> = zero | oh | one | two | three | four | five | six | seven | eight | nine;
<ones> = one | two | three | four | five | six | seven | eight | nine;
<teens> = ten | eleven | twelve | thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen;
<tens> = twenty | thirty | forty | fifty | sixty | seventy | eighty | ninety;
<below_100> = <ones> | <teens> | <tens> [<ones>];
<below_1000> = <below_100> | (<ones> | a) hundred [[and] <below_100>];
";

/// Ranges of up to this many numbers are listed one by one.
const LISTED: i64 = 120;

/// The JSGF expansion for numbers in a range.
pub(super) fn expansion(min: i64, max: i64) -> String {
    let sign = if min < 0 { "[minus | negative] " } else { "" };
    if min >= 0 && max - min < LISTED {
        let listed: Vec<_> = (min..=max)
            .filter_map(|number| u32::try_from(number).ok())
            .flat_map(spoken)
            .collect();
        return listed.join(" | ");
    }
    let body = match min.abs().max(max.abs()) {
        0..100 => "<below_100>",
        100..1000 => "<below_1000>",
        _ => "<below_1000> | (<below_1000> | a) thousand [[and] <below_1000>]",
    };
    let zero = if min <= 0 { " | zero" } else { "" };
    format!("{sign}({body}{zero})")
}

/// The ways to say a number of a short list.
fn spoken(number: u32) -> Vec<String> {
    let words = spell(number);
    let plain = words.join(" ");
    let mut ways = vec![plain.clone()];
    if let Some(rest) = plain.strip_prefix("one hundred") {
        ways.push(format!("a hundred{rest}"));
    }
    for way in ways.clone() {
        if let Some((before, after)) = way.split_once("hundred ") {
            ways.push(format!("{before}hundred and {after}"));
        }
    }
    ways
}

/// The JSGF expansion for so many digits.
///
/// The plain way is unrolled: a decoder that must hear ten digits neither drops nor invents one.
pub(super) fn digits_expansion(min: u32, max: u32) -> String {
    let max = max.clamp(1, 32);
    let min = min.clamp(1, max);
    let certain = many(min);
    let spare = (max - min) as usize;
    let optional = format!("{}{}", " [<digit>".repeat(spare), "]".repeat(spare));
    let mut ways = vec![format!("{certain}{optional}")];
    if max <= UNROLLED && max - min <= 2 {
        for count in min..=max {
            repeated("double", 2, count, &mut ways);
            repeated("triple", 3, count, &mut ways);
            if count >= 3 {
                ways.push(format!("<ones> hundred {}", many(count - 3)));
            }
        }
    } else {
        ways.push("<digit>* (double | triple) <digit> <digit>*".to_string());
        ways.push("<ones> hundred <digit>*".to_string());
    }
    ways.join(" | ")
}

/// Up to this many digits every place of "double" is written out.
const UNROLLED: u32 = 12;

/// The ways to say so many digits with one of them repeated.
fn repeated(word: &str, times: u32, count: u32, ways: &mut Vec<String>) {
    for before in 0..=count.saturating_sub(times) {
        if count >= times {
            let after = many(count - times - before);
            ways.push(format!("{} {word} <digit> {after}", many(before)));
        }
    }
}

fn many(count: u32) -> String {
    vec!["<digit>"; count as usize].join(" ")
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
