//! Text for the ear: what Pico is given, sentence by sentence.
//!
//! Pico reads `<...>` as markup that can even write files, so no `<` of a text ever reaches it.

use std::collections::VecDeque;

/// Bytes of one sentence at most; a longer one is parted at a comma or a space.
const SENTENCE_BYTES: usize = 240;
/// Letters of one word at most: Pico keeps a word in 255 bytes.
const WORD_CHARS: usize = 60;
/// As many digits in a row are a telephone number or the like and said one by one; of 60 digits Pico says nothing, or stops.
const DIGITS_ONE_BY_ONE: usize = 7;
/// Characters of a tag at most, for a `<` to count as one.
const TAG_CHARS: usize = 80;

/// The base letters of U+0100 to U+017F, in order.
const LATIN_EXTENDED_A: &str = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// Abbreviations whose full stop ends no sentence, in small letters.
const ABBREVIATIONS: [&str; 14] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "e.g", "i.e", "etc", "jr", "sr", "approx",
];

/// Cleans a text and parts it into sentences that hold something to say; none when there is nothing.
pub(super) fn sentences(text: &str) -> VecDeque<String> {
    let mut sentences = VecDeque::new();
    for line in without_tags(text).lines() {
        split_sentences(&clean_line(line), &mut sentences);
    }
    sentences.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    sentences
}

/// Takes out `<tag ...>`; any other `<` stays, to be said in words.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let end = after
            .char_indices()
            .take(TAG_CHARS)
            .find(|&(_, c)| c == '>' || c == '<');
        match end {
            Some((close, '>')) if is_tag => {
                out.push(' ');
                rest = &after[close + 1..];
            }
            _ => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// One line in words Pico can say, single spaces between them.
fn clean_line(line: &str) -> String {
    let line = line.trim();
    let line = line
        .strip_prefix(['*', '-', '\u{2022}', '>'])
        .filter(|rest| rest.starts_with(' '))
        .or_else(|| line.strip_prefix("# "))
        .unwrap_or(line);
    let mut spoken = String::with_capacity(line.len() + 16);
    for word in line.split(|c: char| c.is_whitespace() || c.is_control()) {
        let start = spoken.len();
        spoken.push(' ');
        push_word(word, &mut spoken);
        if spoken[start..].trim().is_empty() {
            spoken.truncate(start);
        }
    }
    single_spaced(&spoken)
}

fn push_word(word: &str, out: &mut String) {
    match word.trim_end_matches(['.', ',', '!', '?', ';', ':']) {
        "*" => return out.push_str("star"),
        "#" => return out.push_str("pound"),
        _ => {}
    }
    let mut run = 0;
    let mut spelled = 0;
    let mut characters = word.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let before = out.len();
        if spelled == 0 && character.is_ascii_digit() {
            let digits = digits_ahead(&word[at..]);
            spelled = if digits >= DIGITS_ONE_BY_ONE {
                digits
            } else {
                0
            };
        }
        if spelled > 0 {
            spelled -= 1;
            out.extend([' ', character, ' ']);
            run = 0;
            continue;
        }
        match character {
            '<' => out.push_str(" less than "),
            '>' => out.push_str(" greater than "),
            '&' => out.push_str(" and "),
            '#' if characters.peek().is_some_and(|(_, c)| c.is_ascii_digit()) => {
                out.push_str(" number ")
            }
            '*' | '_' | '`' | '~' | '^' | '|' | '\\' | '{' | '}' | '[' | ']' | '#' => out.push(' '),
            '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' => out.push('\''),
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{00AB}' | '\u{00BB}' => out.push('"'),
            '\u{2010}' | '\u{2011}' => out.push('-'),
            '\u{2012}'..='\u{2015}' => out.push_str(", "),
            '\u{2026}' => out.push_str(".."),
            '\u{0100}'..='\u{017F}' => {
                let index = character as usize - 0x100;
                out.extend(LATIN_EXTENDED_A.chars().nth(index));
            }
            ' '..='~' | '\u{00A3}' | '\u{00C0}'..='\u{00FF}' => out.push(character),
            _ => {}
        }
        run = if out[before..].ends_with(char::is_alphanumeric) {
            run + 1
        } else {
            0
        };
        if run == WORD_CHARS {
            out.push(' ');
            run = 0;
        }
    }
}

fn digits_ahead(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Single spaces, none before a comma or a full stop; a row of dots is one comma inside a sentence, one stop at its end.
fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let is_mark = word.starts_with([',', '.', '!', '?', ';', ':']);
        let follows_letter = word.chars().next().is_some_and(char::is_lowercase);
        if out.ends_with("..") {
            out.truncate(out.trim_end_matches('.').len());
            out.push(if follows_letter { ',' } else { '.' });
        }
        let joins = is_mark && out.ends_with(char::is_alphanumeric);
        if !out.is_empty() && !joins {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.ends_with("..") {
        out.truncate(out.trim_end_matches('.').len() + 1);
    }
    out
}

fn split_sentences(line: &str, sentences: &mut VecDeque<String>) {
    let mut sentence = String::new();
    for word in line.split_whitespace() {
        if !sentence.is_empty() && sentence.len() + word.len() >= SENTENCE_BYTES {
            let end = sentence
                .rfind(", ")
                .map_or(sentence.len(), |comma| comma + 1);
            let rest = sentence[end..].trim_start().to_owned();
            sentence.truncate(end);
            sentences.push_back(std::mem::replace(&mut sentence, rest));
        }
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        if ends_sentence(word) {
            sentences.push_back(std::mem::take(&mut sentence));
        }
    }
    if !sentence.is_empty() {
        sentences.push_back(sentence);
    }
}

fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', ')']);
    if word.ends_with(['!', '?']) {
        return true;
    }
    let Some(stem) = word.strip_suffix('.') else {
        return false;
    };
    let stem = stem.trim_start_matches(['"', '\'', '(']).to_lowercase();
    let is_initial =
        stem.chars().count() == 1 && stem.chars().all(char::is_alphabetic) && stem != "i";
    !is_initial && !ABBREVIATIONS.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected, "{text:?}");
    }

    #[test]
    fn a_text_is_parted_at_its_full_stops() {
        check(
            "Hello there. How are you? Fine!",
            &["Hello there.", "How are you?", "Fine!"],
        );
        check(
            "Dr. Smith met J. Doe at 5.30. Yes.",
            &["Dr. Smith met J. Doe at 5.30.", "Yes."],
        );
        check("You said: \"yes.\" Good.", &["You said: \"yes.\"", "Good."]);
        check("First line\nsecond line", &["First line", "second line"]);
    }

    #[test]
    fn markup_is_never_spoken_nor_kept() {
        check("<break time=\"3s\"/>Hi <b>you</b>", &["Hi you"]);
        check("<genfile file=\"/etc/passwd\">x</genfile>", &["x"]);
        check(
            "if a < b and b > c",
            &["if a less than b and b greater than c"],
        );
        check("<", &["less than"]);
        check("2<3", &["2 less than 3"]);
    }

    #[test]
    fn signs_become_words_or_go() {
        check("**Bold** and `code`", &["Bold and code"]);
        check("* first\n* second", &["first", "second"]);
        check("Press * or #.", &["Press star or pound"]);
        check("We are #1 & proud", &["We are number 1 and proud"]);
        check(
            "I can\u{2019}t \u{2014} really\u{2026}",
            &["I can't, really."],
        );
        check(
            "Call +15005550001 by 2026.",
            &["Call + 1 5 0 0 5 5 5 0 0 0 1 by 2026."],
        );
        check("Wait... what", &["Wait, what"]);
        check("a\u{0}b\u{7}c\u{200B}d", &["a b cd"]);
        check(
            "Dvo\u{0159}\u{e1}k, \u{0141}ukasz",
            &["Dvor\u{e1}k, Lukasz"],
        );
    }

    #[test]
    fn nothing_to_say_is_no_sentence() {
        for text in [
            "",
            " ",
            "...",
            "!?",
            "\u{1F600}",
            "\u{65E5}\u{672C}",
            "---",
            "\u{0}",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn the_table_of_accented_letters_is_complete() {
        assert_eq!(LATIN_EXTENDED_A.chars().count(), 0x80);
        check(
            "\u{015B}\u{017E}\u{0151}\u{0144}\u{0177}\u{017F}\u{0100}",
            &["szonysA"],
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_text_brings_markup_or_a_long_piece_to_the_engine(text in "[ -~\\n<>&*#.,é]{0,600}") {
            for sentence in sentences(&text) {
                prop_assert!(!sentence.contains(['<', '>', '\0']), "{sentence:?}");
                prop_assert!(sentence.len() < SENTENCE_BYTES + 300, "{}", sentence.len());
                prop_assert!(sentence.chars().any(char::is_alphanumeric));
            }
        }

        #[test]
        fn any_characters_are_taken(text in "\\PC{0,80}") {
            for sentence in sentences(&text) {
                prop_assert!(!sentence.contains(['<', '\0']));
            }
        }
    }
}
