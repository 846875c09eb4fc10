//! Amounts of money: `$5.50` is said `5 dollars and 50 cents`.

use super::words::{Currency, Words};

/// `text` with its amounts in words. A symbol without a number stays.
pub(super) fn spelled(text: &str, words: &Words) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let free = !out.ends_with(|last: char| last.is_alphanumeric() || ".,".contains(last));
        let (spoken, after) = amount(rest, free, words).unwrap_or_else(|| {
            let digits = number(rest).map_or(first.len_utf8(), str::len);
            (rest[..digits].to_owned(), &rest[digits..])
        });
        out.push_str(&spoken);
        rest = after;
    }
    out
}

/// The amount with which `text` begins, in words, and what follows it.
fn amount<'a>(text: &'a str, free: bool, words: &Words) -> Option<(String, &'a str)> {
    let first = text.chars().next()?;
    let (currency, number, after) = if let Some(currency) = words.currency(first) {
        let after = text[first.len_utf8()..].trim_start();
        let number = number(after)?;
        (currency, number, &after[number.len()..])
    } else {
        let number = number(text).filter(|_| free)?;
        let after = text[number.len()..].trim_start();
        let symbol = after.chars().next()?;
        let currency = words.currency(symbol)?;
        (currency, number, &after[symbol.len_utf8()..])
    };
    if after.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    if let Some((scale, after)) = scale(after, words) {
        return Some((format!("{number} {scale} {}", currency.many), after));
    }
    let space = if after.starts_with(char::is_alphabetic) {
        " "
    } else {
        ""
    };
    Some((format!("{}{space}", in_words(number, currency)), after))
}

/// Digits with points and commas between them.
fn number(text: &str) -> Option<&str> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let end = text.find(|other: char| !other.is_ascii_digit() && other != '.' && other != ',');
    Some(text[..end.unwrap_or(text.len())].trim_end_matches(['.', ',']))
}

/// The word for thousands or millions after an amount.
fn scale<'a>(after: &'a str, words: &Words) -> Option<(&'static str, &'a str)> {
    let after = after.strip_prefix(' ')?;
    let found = words
        .scales
        .iter()
        .filter_map(|scale| after.strip_prefix(scale).map(|rest| (*scale, rest)));
    found
        .into_iter()
        .find(|(_, rest)| !rest.starts_with(char::is_alphanumeric))
}

fn in_words(number: &str, currency: &Currency) -> String {
    let name = |whole: &str| {
        if whole == "1" {
            currency.one
        } else {
            currency.many
        }
    };
    let Some((whole, hundredths)) = parts(number) else {
        return format!("{number} {}", name(number));
    };
    let count = hundredths.trim_start_matches('0');
    let many = usize::from(count != "1");
    if count.is_empty() {
        format!("{whole} {}", name(whole))
    } else if whole.bytes().all(|digit| digit == b'0') {
        format!("{count} {}", currency.alone[many])
    } else {
        let words = format!(
            "{whole} {}{}{count} {}",
            name(whole),
            currency.joint,
            currency.after[many]
        );
        words.trim_end().to_owned()
    }
}

/// The whole and the hundredths of a number that has exactly two decimals.
fn parts(number: &str) -> Option<(&str, &str)> {
    let at = number.rfind(['.', ','])?;
    let (whole, hundredths) = (&number[..at], &number[at + 1..]);
    (hundredths.len() == 2).then_some((whole, hundredths))
}
