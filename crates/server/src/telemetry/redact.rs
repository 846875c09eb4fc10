//! What must not stand in a log: phone numbers, tokens of URLs, secrets of the configuration.
//!
//! Whole lines are cleaned just before they are written, so it does not matter from which crate, field or error text
//! a number came.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use ringback_wire::phone_number::masked;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::Secret;

/// Digits a phone number has at least when `+` stands before it, and when not.
const SHORTEST_WITH_PLUS: usize = 7;
const SHORTEST_BARE: usize = 10;
/// Digits an E.164 number has at most.
const LONGEST: usize = 15;
/// What comes before a token in one of our paths.
const TOKEN_PATH: &str = "/resume/";

/// Cleans text of what must not be logged.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Arc<[Secret]>,
}

impl Redactor {
    /// A redactor that knows these secrets, and phone numbers and tokens in paths anyway.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self {
            secrets: secrets
                .into_iter()
                .filter(|secret| secret.expose().len() >= 8)
                .collect(),
        }
    }

    /// The text without what must not be logged.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleaned = mask_numbers(text);
        if cleaned.contains(TOKEN_PATH) {
            cleaned = Cow::Owned(mask_tokens(&cleaned));
        }
        for secret in self.secrets.iter().map(Secret::expose) {
            if cleaned.contains(secret) {
                cleaned = Cow::Owned(cleaned.replace(secret, "[secret]"));
            }
        }
        cleaned
    }
}

/// Masks whatever looks like a phone number: 7 to 15 digits after `+` (or its percent form), 10 to 15 digits alone.
/// Digits inside identifiers, decimals and JSON numbers are left as they are.
fn mask_numbers(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut cleaned = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (end, digits) = run_of_digits(bytes, at);
        if is_phone_number(&bytes[..at], bytes.get(end).copied(), digits) {
            cleaned.push_str(&text[copied..at]);
            let number: String = text[at..end].chars().filter(char::is_ascii_digit).collect();
            cleaned.push_str(&masked(&number));
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    cleaned.push_str(&text[copied..]);
    Cow::Owned(cleaned)
}

/// The end of the digits from `at` on, single separators inside a number included, and how many digits there are.
fn run_of_digits(bytes: &[u8], at: usize) -> (usize, usize) {
    let international = at > 0 && bytes[at - 1] == b'+';
    let (mut end, mut digits, mut next) = (at, 0, at);
    while next < bytes.len() {
        if bytes[next].is_ascii_digit() {
            digits += 1;
            end = next + 1;
        } else if !(international && end == next && matches!(bytes[next], b' ' | b'-' | b'.')) {
            break;
        }
        next += 1;
    }
    (end, digits)
}

fn is_phone_number(before: &[u8], after: Option<u8>, digits: usize) -> bool {
    if before.ends_with(b"+") || before.to_ascii_lowercase().ends_with(b"%2b") {
        return (SHORTEST_WITH_PLUS..=LONGEST).contains(&digits);
    }
    let inside_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // `":` comes before a number of JSON, `sip:` before a telephone number.
    let is_json_number = before.ends_with(b"\":");
    let joined_before = is_json_number
        || before
            .last()
            .is_some_and(|&byte| inside_word(byte) || byte == b'.');
    let joined_after = after.is_some_and(|byte| inside_word(byte) || byte == b'.');
    // A number that ends a sentence is followed by a dot too; a decimal is not worth telling apart from it then.
    let sentence_end = after == Some(b'.');
    (SHORTEST_BARE..=LONGEST).contains(&digits) && !joined_before && (!joined_after || sentence_end)
}

fn mask_tokens(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find(TOKEN_PATH) {
        let token = found + TOKEN_PATH.len();
        let length = rest[token..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(rest.len() - token);
        cleaned.push_str(&rest[..token]);
        if length > 0 {
            cleaned.push_str("[token]");
        }
        rest = &rest[token + length..];
    }
    cleaned + rest
}

/// Makes writers that clean each line before another maker's writer gets it.
#[derive(Clone, Debug)]
pub struct Redacting<M> {
    /// Who writes.
    pub inner: M,
    /// Who cleans.
    pub redactor: Redactor,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacting<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter {
            inner: self.inner.make_writer(),
            redactor: self.redactor.clone(),
        }
    }
}

/// Cleans what it is given: a whole line with every write, as the formatter of `tracing` does.
#[derive(Debug)]
pub struct RedactingWriter<W> {
    inner: W,
    redactor: Redactor,
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.inner
            .write_all(self.redactor.clean(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let redactor =
            Redactor::new([Secret::new("a-secret-of-some-length"), Secret::new("short")]);
        assert_eq!(redactor.clean(text), expected);
    }

    #[test]
    fn phone_numbers_are_masked_wherever_they_stand() {
        check(
            "from=+15005550001 to=\"+15005550006\"",
            "from=+15•••01 to=\"+15•••06\"",
        );
        check(
            "From=%2B15005550001&To=%2b15005550006",
            "From=%2B15•••01&To=%2b15•••06",
        );
        check("sip:15005550001@host", "sip:15•••01@host");
        check("called 15005550001.", "called 15•••01.");
        check("+49 170 123-4567 rang", "+49•••67 rang");
        check("{\"from\":\"15005550001\"}", "{\"from\":\"15•••01\"}");
    }

    #[test]
    fn ids_times_and_short_numbers_stay() {
        for text in [
            "CA00000000000000000000000000000001",
            "019a2b3c-1234-7000-8000-000000000001",
            "2026-11-20T09:15:02.123456Z port 8080 took 1.2345678901234 s",
            "{\"stt.latency_us\":1234567890123}",
            "epoch 1763629702123456",
            "+3.5 dB, +12 ms",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn secrets_and_tokens_in_paths_are_masked() {
        check("key a-secret-of-some-length!", "key [secret]!");
        check(
            "POST /resume/AbC-9_z?x=1 and /resume/{token}",
            "POST /resume/[token]?x=1 and /resume/{token}",
        );
        check("short", "short");
    }
}
