//! Text as the plain words it is spoken with.

use super::numbers;

/// Lower-case words and figures without punctuation: "No, thank-you!" is `no thank you`.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let near = |offset: usize| characters.get(offset).is_some_and(char::is_ascii_digit);
        match character {
            ',' if at > 0 && near(at - 1) && near(at + 1) => {}
            '\u{2019}' | '\'' => plain.push('\''),
            '&' => plain.push_str(" and "),
            '%' => plain.push_str(" percent "),
            '-' | '\u{2212}' if minus(&characters, at) => plain.push_str(" minus "),
            _ if character.is_alphanumeric() => plain.extend(character.to_lowercase()),
            _ => plain.push(' '),
        }
    }
    plain
        .split(' ')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(str::to_string)
        .collect()
}

/// Whether the dash stands before a number and not between two things.
fn minus(characters: &[char], at: usize) -> bool {
    let before = at == 0 || characters[at - 1].is_whitespace();
    before && characters.get(at + 1).is_some_and(char::is_ascii_digit)
}

/// The same with figures spelt out: `24 hours` is `twenty four hours`.
pub(super) fn spelt(words: &[String]) -> Vec<String> {
    let spell = |word: &String| match word.parse::<u32>() {
        Ok(number) if number <= 999_999 && (word.len() == 1 || !word.starts_with('0')) => {
            numbers::spell(number)
        }
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => word
            .bytes()
            .map(|byte| numbers::digit(byte).to_string())
            .collect(),
        _ => vec![word.clone()],
    };
    words.iter().flat_map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(spelt(&words(text)).join(" "), expected, "{text}");
    }

    #[test]
    fn text_becomes_the_words_it_is_spoken_with() {
        check("No, thank-you!", "no thank you");
        check("I\u{2019}d say 'yes'.", "i'd say yes");
        check("24 hours", "twenty four hours");
        check("1,204", "one thousand two hundred four");
        check("007", "zero zero seven");
        check("R&D at 5%", "r and d at five percent");
        check("-5 or 3-4", "minus five or three four");
        check("  ...  ", "");
        check(
            "5551234567",
            "five five five one two three four five six seven",
        );
    }
}
