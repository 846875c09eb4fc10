//! What of a text is still to be spoken when its speech broke off.

use super::stream::TimedWord;

/// How fast people and voices speak, in characters a second.
const PACE: u64 = 15;
/// Nobody speaks so many times as fast.
const HASTE: u64 = 3;
/// What is less than this short may have been left out on purpose, in samples: 1 s.
const MISSING: u64 = 8000;

/// How many characters of an alphabet a character takes the time of: a sign that is a syllable or a word takes that of two.
fn weight(c: char) -> u64 {
    let is_sign = matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}');
    if is_sign { 2 } else { 1 }
}

/// Whether speech, in samples at 8000 Hz, is far too short for a text: nobody could have said it all. Digits and abbreviations
/// take longer than their length, so they never make it so. `speed_pct`: of the usual pace.
pub(super) fn is_cut(text: &str, samples: u64, speed_pct: u16) -> bool {
    let mut directed = false;
    let aloud = text.chars().filter(|&c| {
        // What stands in angle brackets is a direction to the voice and not spoken.
        directed = (directed || c == '<') && c != '>';
        !directed && c.is_alphanumeric()
    });
    let length: u64 = aloud.map(weight).sum();
    let whole = length * 8000 * 100 / (PACE * u64::from(speed_pct.max(1)));
    whole > samples * HASTE && whole - samples >= MISSING
}

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
    let mut said = 0;
    let unsaid = text.char_indices().find(|&(_, c)| {
        said += weight(c);
        said > spoken
    });
    let Some((cut, _)) = unsaid else {
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

    #[test]
    fn a_sign_that_is_a_syllable_takes_longer_than_a_letter() {
        let text = "\u{4eca}\u{65e5}\u{306f} \u{6674}\u{308c}\u{3067}\u{3059}\u{3002}";
        assert_eq!(
            by_length(text, 4800, 100),
            &text["\u{4eca}\u{65e5}\u{306f} ".len()..]
        );
    }

    #[test]
    fn speech_that_nobody_could_have_said_so_fast_is_cut() {
        let text =
            "Your table for two is booked for Friday at eight, and we look forward to seeing you.";
        assert!(is_cut(text, 8000, 100));
        assert!(!is_cut(text, 8000, 200), "it was asked for");
        assert!(!is_cut(text, 16_000, 100));
        let signs = "\u{4eca}\u{65e5}\u{306f}\u{6674}\u{308c}\u{3067}\u{3059}".repeat(5);
        assert!(is_cut(&signs, 8000, 100));
    }

    #[test]
    fn short_texts_and_what_is_not_spoken_are_never_cut() {
        for text in [
            "",
            "One moment.",
            "4155550123",
            "\u{597d}\u{7684}\u{3002}",
            "Hm . . . . . . . . . . . . . . . . . . .",
        ] {
            assert!(!is_cut(text, 800, 100), "{text}");
        }
        assert!(!is_cut(
            "<emotion value=\"excited\"/><speed ratio=\"1.5\"/>Yes!",
            800,
            100
        ));
    }

    proptest! {
        #[test]
        fn what_is_said_as_fast_as_anybody_can_is_never_cut(
            text in "[a-zA-Zäß0-9 ,.!<>\u{2019}日本はい한국]{0,200}",
            speed_pct in 50_u16..200,
        ) {
            // Thirty letters a second, and twenty signs.
            let sixtieths: u64 = text.chars().map(|c| weight(c) + 1).sum();
            let samples = sixtieths * 8000 * 100 / (60 * u64::from(speed_pct));
            prop_assert!(!is_cut(&text, samples, speed_pct));
        }

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
