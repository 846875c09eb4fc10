//! Where a text that grows is cut into sentences.

use std::collections::VecDeque;

/// A sentence longer than this is cut at a space, in characters.
const LONGEST_PART: usize = 400;

/// The sentences in which a text is spoken: what a voice is asked for, and what a cache of lines is keyed by.
pub fn sentences(text: &str) -> Vec<String> {
    let mut rest = text.to_owned();
    let mut parts = VecDeque::new();
    split_parts(&mut rest, &mut parts);
    if has_words(&rest) {
        parts.push_back(rest.trim().to_owned());
    }
    parts.into()
}

/// Moves the whole sentences out of a text that may still grow.
pub(super) fn split_parts(text: &mut String, parts: &mut VecDeque<String>) {
    let mut start = 0;
    while let Some(end) = sentence_end(&text[start..]).or_else(|| long_part(&text[start..])) {
        let part = text[start..start + end].trim();
        if has_words(part) {
            parts.push_back(part.to_owned());
        }
        start += end;
        let rest = &text[start..];
        start += rest.len() - rest.trim_start().len();
    }
    text.drain(..start);
}

/// Whether there is anything to speak in a text.
pub(super) fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Where the first sentence ends: behind `.`, `!`, `?` or a line break, if white space follows and it is no abbreviation.
fn sentence_end(text: &str) -> Option<usize> {
    let mut before = None;
    for (index, character) in text.char_indices().take(LONGEST_PART) {
        if let Some((mark, end)) = before
            && (character.is_whitespace() || matches!(mark, '\n' | '。' | '！' | '？'))
            && !(mark == '.' && is_abbreviation(&text[..end]))
        {
            return Some(index);
        }
        before = match character {
            '.' | '!' | '?' | '\n' | '。' | '！' | '？' => {
                Some((character, index + character.len_utf8()))
            }
            '"' | '\'' | ')' | '”' => before,
            _ => None,
        };
    }
    None
}

fn is_abbreviation(text: &str) -> bool {
    let word = text
        .trim_end_matches('.')
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or("");
    let letters = word.chars().count();
    let initial = letters == 1 && word.chars().all(char::is_uppercase) && word != "I";
    initial
        || [
            "Mr", "Mrs", "Ms", "Dr", "St", "No", "vs", "etc", "e.g", "i.e", "a.m", "p.m",
        ]
        .contains(&word)
}

fn long_part(text: &str) -> Option<usize> {
    let (limit, _) = text.char_indices().nth(LONGEST_PART)?;
    let space = text[..limit].rfind(char::is_whitespace);
    Some(space.filter(|&space| space > 0).unwrap_or(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, parts: &[&str], rest: &str) {
        let mut text = text.to_owned();
        let mut found = VecDeque::new();
        split_parts(&mut text, &mut found);
        assert_eq!(found, parts);
        assert_eq!(text, rest);
    }

    #[test]
    fn a_sentence_is_whole_when_white_space_follows_its_mark() {
        check("Hello. How are", &["Hello."], "How are");
        check("Hello.", &[], "Hello.");
        check("Is it? Yes! ", &["Is it?", "Yes!"], "");
        check("He said \"no.\" Then", &["He said \"no.\""], "Then");
    }

    #[test]
    fn marks_of_scripts_without_spaces_end_a_sentence_by_themselves() {
        check("你好。很高兴", &["你好。"], "很高兴");
    }

    #[test]
    fn abbreviations_numbers_and_initials_end_no_sentence() {
        check(
            "Dr. J. Smith costs 3.50 today. Ok",
            &["Dr. J. Smith costs 3.50 today."],
            "Ok",
        );
    }

    #[test]
    fn a_text_without_marks_is_cut_at_a_space() {
        let mut parts = VecDeque::new();
        split_parts(&mut "word ".repeat(100), &mut parts);
        assert_eq!(parts.len(), 1);
        assert!(parts[0].chars().count() <= LONGEST_PART);
        assert!(parts[0].ends_with("word"));
    }

    #[test]
    fn a_text_without_marks_or_spaces_is_cut_anywhere() {
        check(
            &format!(" {}", "x".repeat(500)),
            &["x".repeat(399).as_str()],
            &"x".repeat(101),
        );
    }

    #[test]
    fn marks_without_words_are_no_part() {
        check("... !? Hello. x", &["Hello."], "x");
        check(&"! ".repeat(20_000), &[], "");
    }
}
