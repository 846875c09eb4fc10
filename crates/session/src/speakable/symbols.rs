//! Symbols that have a name get it; those that only guide the eye go.

use super::words::Words;

/// `text` with its symbols as words.
pub(super) fn spelled(text: &str, words: &Words) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let before = out.chars().next_back();
        let after = characters.peek().copied();
        let word = match character {
            '&' => words.and,
            '+' => words.plus,
            '=' => words.equals,
            '@' => words.at,
            '×' => words.times,
            '%' if out.trim_end().ends_with(|last: char| last.is_ascii_digit()) => words.percent,
            '#' if after.is_some_and(|next| next.is_ascii_digit()) => words.number,
            '-' if is_sign(before, after) => words.minus,
            '/' if is_between_digits(before, after) => "/",
            '/' if is_between_words(before, after) => words.slash,
            '%' | '#' | '/' | '$' | '€' | '£' | '<' | '>' | '|' | '^' | '~' | '\\' | '{' | '}'
            | '[' | ']' => "",
            other => {
                out.push(other);
                continue;
            }
        };
        if word == "/" {
            out.push('/');
            continue;
        }
        for part in [word, ""] {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            out.push_str(part);
        }
    }
    out
}

/// True if a hyphen stands before a number and after nothing.
fn is_sign(before: Option<char>, after: Option<char>) -> bool {
    before.is_none_or(|before| before.is_whitespace() || before == '(')
        && after.is_some_and(|after| after.is_ascii_digit())
}

/// Dates and fractions are the voice's.
fn is_between_digits(before: Option<char>, after: Option<char>) -> bool {
    [before, after]
        .iter()
        .all(|side| side.is_some_and(|side| side.is_ascii_digit()))
}

fn is_between_words(before: Option<char>, after: Option<char>) -> bool {
    [before, after]
        .iter()
        .all(|side| side.is_some_and(char::is_alphanumeric))
}
