//! Emphasis and code within a line; addresses are read out, or stay whole where no words are known.

use super::web;
use super::words::Words;

/// `line` without the marks of emphasis and code.
pub(super) fn plain(line: &str, words: Option<&Words>) -> String {
    let tokens: Vec<_> = line.split_whitespace().collect();
    let ends_in_digit = |token: &&str| token.ends_with(|last: char| last.is_ascii_digit());
    let begins_with_digit = |token: &&str| token.starts_with(|first: char| first.is_ascii_digit());
    let mut plain = String::with_capacity(line.len());
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            plain.push(' ');
        }
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let multiplied = *token == "*"
            && before.is_some_and(ends_in_digit)
            && tokens.get(at + 1).is_some_and(begins_with_digit);
        if multiplied {
            plain.push('×');
        } else if let Some(address) = web::Address::within(token) {
            plain.push_str(&unmarked(address.before));
            match words {
                Some(words) => plain.push_str(&address.spoken(words)),
                None => plain.push_str(address.text),
            }
            plain.push_str(&unmarked(address.after));
        } else {
            plain.push_str(&unmarked(token));
        }
    }
    plain
}

/// Without asterisks and backticks; an underscore within a word separates, at its edges it is a mark.
fn unmarked(token: &str) -> String {
    let struck = token.replace("~~", "");
    let inner = struck.trim_matches('_');
    let kept = |character: char| match character {
        '*' | '`' => None,
        '_' => Some(' '),
        other => Some(other),
    };
    inner.chars().filter_map(kept).collect()
}
