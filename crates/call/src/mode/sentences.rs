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

/// Fewer words than this are not spoken by themselves.
const FEWEST_WORDS: usize = 3;

/// Takes a beginning off a sentence that is being written: up to its last comma or the like, or with `any` up to its last whole
/// word.
pub(super) fn split_clause(text: &mut String, any: bool) -> Option<String> {
    let mut end = None;
    let mut before = ' ';
    for (index, character) in text.char_indices() {
        let western = matches!(before, ',' | ';' | ':' | '–' | '—') && character.is_whitespace();
        let eastern = matches!(before, '，' | '、' | '；' | '：');
        if western || eastern || (any && character.is_whitespace()) {
            end = Some(index);
        }
        before = character;
    }
    let clause = text[..end?].trim().to_owned();
    // Chinese and Japanese are written without spaces.
    let dense = clause.chars().any(|character| character >= '\u{2e80}');
    let enough = dense || clause.split_whitespace().count() >= FEWEST_WORDS;
    if !enough || !has_words(&clause) {
        return None;
    }
    let rest = text[end?..].trim_start().to_owned();
    *text = rest;
    Some(clause)
}

/// Takes all whole words off a sentence that is being written, however few they are.
pub(super) fn split_words(text: &mut String) -> Option<String> {
    let end = text.rfind(char::is_whitespace)?;
    let words = text[..end].trim().to_owned();
    if !has_words(&words) {
        return None;
    }
    text.drain(..end);
    Some(words)
}

/// Whether there is anything to speak in a text.
pub(super) fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Where the first sentence ends: behind `.`, `!`, `?` or a line break, if white space follows and the sentence does not go on.
fn sentence_end(text: &str) -> Option<usize> {
    let mut before = None;
    for (index, character) in text.char_indices().take(LONGEST_PART) {
        if let Some((mark, end)) = before
            && (character.is_whitespace() || matches!(mark, '\n' | '。' | '！' | '？'))
            && !(mark == '.' && goes_on(&text[..end], &text[index..]))
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

/// Words that are written with a full stop within a sentence, in the languages whose words are known.
const ABBREVIATIONS: [&str; 36] = [
    "Mr", "Mrs", "Ms", "Dr", "St", "No", "vs", "etc", "e.g", "i.e", "a.m", "p.m", "Prof", "Hr",
    "Nr", "Str", "Tel", "bzw", "ca", "d.h", "evtl", "ggf", "inkl", "u.a", "usw", "z.B", "Av",
    "Avda", "Dra", "Sr", "Sra", "Srta", "Ud", "Uds", "núm", "p.ej",
];
/// Months as they follow the figure of an ordinal with a capital: `3. Mai`.
const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// Words before the figure of an ordinal that are of no English sentence: `im 3. Stock`.
const BEFORE_ORDINALS: [&str; 5] = ["beim", "im", "ins", "vom", "zum"];

/// True if the full stop at the end of `text` belongs to a word or a figure, or if `rest` is too short to tell.
fn goes_on(text: &str, rest: &str) -> bool {
    let mut words = text.trim_end_matches('.').rsplit(char::is_whitespace);
    let mut word = || {
        let word = words.next().unwrap_or_default();
        word.trim_start_matches(|mark: char| !mark.is_alphanumeric())
    };
    let last = word();
    if last.bytes().any(|byte| byte.is_ascii_digit()) {
        return last.parse().is_ok_and(|number: u8| number > 0)
            && (is_ordinal_before(rest) || BEFORE_ORDINALS.contains(&word()));
    }
    let mut letters = last.chars();
    let initial = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    (initial && last != "I") || ABBREVIATIONS.contains(&last) || last.ends_with("str")
}

/// Whether a figure with a full stop is an ordinal before `rest`: before a month, and before a word in small letters, as no
/// sentence begins.
fn is_ordinal_before(rest: &str) -> bool {
    let next = rest.trim_start();
    let Some(first) = next.chars().next() else {
        return true;
    };
    let end = next.find(|mark: char| !mark.is_alphabetic());
    let whole = &next[..end.unwrap_or(next.len())];
    first.is_lowercase()
        || MONTHS.contains(&whole)
        || (end.is_none() && MONTHS.iter().any(|month| month.starts_with(whole)))
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
    fn ordinals_and_abbreviations_of_other_languages_end_no_sentence() {
        for sentence in [
            "Am Montag, dem 3. Mai, oder am 21. Dezember.",
            "Der 2. freie Termin, d. h. der im 4. Stock.",
            "Das geht, z. B. bei Dr. Müller (u. a. in der Hauptstr. 5).",
            "La Sra. López, p. ej., en la Av. Mayor, núm. 3.",
        ] {
            check(&format!("{sentence} Und"), &[sentence], "Und");
        }
    }

    #[test]
    fn a_number_ends_a_sentence_as_soon_as_the_next_word_is_no_month() {
        check("It costs 30. Shall", &["It costs 30."], "Shall");
        check("It costs 30. 5 more", &["It costs 30."], "5 more");
        check("It was 2024. august", &["It was 2024."], "august");
        check("It costs 30. Ma", &[], "It costs 30. Ma");
        check("It costs 30. May I", &["It costs 30."], "May I");
        check("Am 30. Ma", &[], "Am 30. Ma");
        assert_eq!(sentences("It costs 30. "), ["It costs 30."]);
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
