//! What of a text is still to be spoken when its speech broke off.

use super::stream::TimedWord;

/// How fast people and voices speak, in characters a second.
const PACE: u64 = 15;

/// The rest by the words whose speech had come to its end. A word that the text does not have, such as a number that
/// the voice spells out, stands for the next word of the text.
pub(super) fn by_words<'a>(text: &'a str, spoken: &[TimedWord]) -> &'a str {
    let mut rest = text;
    for TimedWord { word, .. } in spoken {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() {
            continue;
        }
        // A few words may be missing from the voice's list, not many: a short word is found anywhere.
        let next = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let found = match next.strip_prefix(bare) {
            Some(after) => rest.len() - after.len(),
            None => match rest[..gap(rest, 3)].find(bare) {
                Some(at) => at + bare.len(),
                None => gap(rest, 1),
            },
        };
        rest = &rest[found..];
    }
    if rest.len() == text.len() {
        return rest.trim_start();
    }
    // The end of a word of which only a beginning was found, and what stands behind the word. Where words are not
    // parted by spaces, nothing is in between.
    let cased = |c: char| c.is_lowercase() || c.is_uppercase() || c.is_numeric();
    let rest = if rest.starts_with(cased) {
        &rest[gap(rest, 1)..]
    } else {
        rest.trim_start_matches(|c: char| !c.is_alphanumeric() && !c.is_whitespace())
    };
    rest.trim_start()
}

/// The rest by the length of the speech, in samples at 8000 Hz; it begins with the word in which the speech broke off.
/// `speed_pct`: of the usual pace.
pub(super) fn by_length(text: &str, samples: u64, speed_pct: u16) -> &str {
    let text = text.trim_start();
    let spoken = samples * PACE * u64::from(speed_pct) / (8000 * 100);
    let spoken = usize::try_from(spoken).unwrap_or(usize::MAX);
    let Some((cut, _)) = text.char_indices().nth(spoken) else {
        return "";
    };
    let word = text[..cut].rfind(char::is_whitespace);
    text[word.unwrap_or(0)..].trim_start()
}

/// Where the `n`th gap between words begins, or the end.
fn gap(text: &str, n: usize) -> usize {
    let mut gaps = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if inside && c.is_whitespace() {
            gaps += 1;
            if gaps == n {
                return at;
            }
        }
        inside = !c.is_whitespace();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[&str]) -> Vec<TimedWord> {
        words
            .iter()
            .map(|&word| TimedWord {
                word: word.to_owned(),
                until: 0,
            })
            .collect()
    }

    #[test]
    fn the_rest_begins_after_the_last_word_that_was_spoken() {
        let text = "Your visit, Ms. Lee, is on the 4th of May.";
        let rest = |spoken: &[&str]| by_words(text, &words(spoken));
        assert_eq!(rest(&[]), text);
        assert_eq!(rest(&["Your", "visit,"]), "Ms. Lee, is on the 4th of May.");
        assert_eq!(rest(&["Your", "visit"]), "Ms. Lee, is on the 4th of May.");
        assert_eq!(
            rest(&["Your", "visit", "Ms", "Lee", "is", "on", "the", "fourth"]),
            "of May."
        );
        let all: Vec<_> = text.split(' ').collect();
        assert_eq!(rest(&all), "");
    }

    #[test]
    fn a_word_is_found_whole() {
        let rest = by_words("Dentists open at nine.", &words(&["Dentist"]));
        assert_eq!(rest, "open at nine.");
        let rest = by_words("Is this his?", &words(&["Is"]));
        assert_eq!(rest, "this his?");
        let rest = by_words("A bath is a bath.", &words(&["A", "bath", "is", "a"]));
        assert_eq!(rest, "bath.");
    }

    #[test]
    fn words_need_no_spaces() {
        let rest = by_words(
            "\u{4eca}\u{65e5}\u{306f}\u{3002}",
            &words(&["\u{4eca}", "\u{65e5}"]),
        );
        assert_eq!(rest, "\u{306f}\u{3002}");
    }

    #[test]
    fn by_length_the_word_that_broke_off_is_said_again() {
        let text = "One moment please, I am looking.";
        assert_eq!(by_length(text, 0, 100), text);
        assert_eq!(by_length(text, 8000, 100), "please, I am looking.");
        assert_eq!(by_length(text, 4000, 200), "please, I am looking.");
        assert_eq!(by_length(text, 24_000, 100), "");
    }

    proptest! {
        #[test]
        fn the_rest_is_always_an_end_of_the_text(
            text in "[a-zA-Zäß0-9 ,.!\u{2019}日本]{0,60}",
            spoken in proptest::collection::vec("[a-zäß0-9日本]{0,6}", 0..6),
            samples in 0_u64..80_000,
        ) {
            let spoken: Vec<_> = spoken.iter().map(String::as_str).collect();
            prop_assert!(text.ends_with(by_words(&text, &words(&spoken))));
            prop_assert!(text.ends_with(by_length(&text, samples, 100)));
        }
    }
}
