//! Keys that we press: a part of a reply that is tones instead of speech.
//!
//! A part is known by its text, `[keys 12#]`. So the ledger keeps what was sent of them as it keeps what was said, and the
//! conversation shows them where they were pressed.

use ringback_audio::{dtmf, g711};

const OPEN: &str = "[keys ";
const CLOSE: &str = "]";
/// The most keys that are pressed at once.
const MOST: usize = 32;

/// The text of a part that presses these keys, on a line of its own. `None` if these are no keys, or too many.
pub(crate) fn line(keys: &str) -> Option<String> {
    let known = |key: char| key == 'w' || dtmf::frequencies(key).is_some();
    let fits = keys.len() <= MOST && keys.chars().all(known);
    (fits && keys.chars().any(|key| key != 'w')).then(|| format!("\n{OPEN}{keys}{CLOSE}\n"))
}

/// The keys that a part presses, if it presses any.
pub(crate) fn keys(text: &str) -> Option<&str> {
    let keys = text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    line(keys).map(|_| keys)
}

/// The keys as mu-law at 8000 Hz.
pub(crate) fn sound(keys: &str) -> Vec<u8> {
    let mut mulaw = Vec::new();
    g711::encode_into(&dtmf::tones(keys), &mut mulaw);
    mulaw
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn keys_are_a_sentence_of_their_own_between_others() {
        let text = format!("I press it now.{}Done.", line("1w2#").unwrap());
        let parts = ringback_call::sentences(&text);
        assert_eq!(parts, ["I press it now.", "[keys 1w2#]", "Done."]);
        assert_eq!(keys(&parts[1]), Some("1w2#"));
        assert_eq!(sound("1w2#").len(), 3 * 1600 + 4000);
    }

    #[test]
    fn what_is_no_key_is_not_pressed() {
        for wrong in ["", "w", "12x", "1 2", &"1".repeat(33)] {
            assert_eq!(line(wrong), None, "{wrong}");
        }
        for text in ["[keys ]", "[keys 12", "keys 12", "[keys x]", "Say [keys 1]"] {
            assert_eq!(keys(text), None, "{text}");
        }
    }
}
