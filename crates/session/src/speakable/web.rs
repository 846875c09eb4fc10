//! Addresses of pages and of mail.

use super::words::Words;

/// The last labels of host names that are taken for one without `http` or `www` before them.
const ENDINGS: [&str; 30] = [
    "com", "org", "net", "edu", "gov", "info", "biz", "io", "ai", "app", "dev", "co", "me", "tv",
    "eu", "uk", "us", "ca", "au", "de", "at", "ch", "es", "mx", "fr", "it", "nl", "pt", "test",
    "example",
];

/// An address in a word, and the marks around it.
pub(super) struct Address<'a> {
    pub(super) before: &'a str,
    pub(super) text: &'a str,
    pub(super) after: &'a str,
    is_mail: bool,
}

impl<'a> Address<'a> {
    /// The address that a word is, if it is one.
    pub(super) fn within(token: &'a str) -> Option<Self> {
        let opening = ['(', '[', '{', '<', '"', '\'', '“', '„', '«', '*', '_', '`'];
        let closing = [
            ')', ']', '}', '>', '"', '\'', '”', '“', '»', '*', '_', '`', '.', ',', ';', ':', '!',
            '?', '…',
        ];
        let start = token.len() - token.trim_start_matches(opening).len();
        let end = start + token[start..].trim_end_matches(closing).len();
        let text = &token[start..end];
        let (before, after) = (&token[..start], &token[end..]);
        if text.contains(['*', '`']) {
            return None;
        }
        let is_mail = is_mail(text);
        (is_mail || is_page(text)).then_some(Self {
            before,
            text,
            after,
            is_mail,
        })
    }

    /// The address read out: `example dot com slash path`. Protocol, query and fragment are not said.
    pub(super) fn spoken(&self, words: &Words) -> String {
        let text = self.text.strip_prefix("mailto:").unwrap_or(self.text);
        let text = match text.split_once("://") {
            Some((_, rest)) if !self.is_mail => rest,
            Some(_) | None => text,
        };
        let text = text
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        let mut parts: Vec<String> = vec![String::new()];
        for character in text.chars() {
            let word = match character {
                '.' => words.dot,
                '@' => words.at,
                '/' => words.slash,
                '-' => words.dash,
                '_' => words.underscore,
                ':' => words.colon,
                '+' => words.plus,
                other => {
                    let letter = if other.is_alphanumeric() { other } else { ' ' };
                    if let Some(last) = parts.last_mut() {
                        last.push(letter);
                    }
                    continue;
                }
            };
            parts.push(word.to_owned());
            parts.push(String::new());
        }
        parts.retain(|part| !part.trim().is_empty());
        parts.dedup();
        parts.join(" ")
    }
}

fn is_mail(text: &str) -> bool {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let fits = |character: char| character.is_alphanumeric() || "._-+%".contains(character);
    name.contains(char::is_alphanumeric) && name.chars().all(fits) && is_host(host)
}

fn is_page(text: &str) -> bool {
    let lower = text.to_lowercase();
    if let Some((scheme, rest)) = lower.split_once("://") {
        return ["http", "https", "ftp"].contains(&scheme) && rest.contains(char::is_alphanumeric);
    }
    let host = lower.split(['/', '?', '#', ':']).next().unwrap_or_default();
    if !is_host(host) {
        return false;
    }
    let ending = host.rsplit('.').next().unwrap_or_default();
    host.starts_with("www.") || (ENDINGS.contains(&ending) && !begins_sentence(text, host.len()))
}

/// True for `done.At`, where a space is missing: the last label of a host is not written with a capital and small letters.
fn begins_sentence(text: &str, host: usize) -> bool {
    let ending = text.get(..host).and_then(|host| host.rsplit('.').next());
    let mut letters = ending.unwrap_or_default().chars();
    letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
}

/// Labels of letters, digits and hyphens, at least two, the last without digits.
fn is_host(host: &str) -> bool {
    let fits = |character: char| character.is_alphanumeric() || character == '-';
    let labels: Vec<_> = host.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    labels.len() >= 2
        && labels
            .iter()
            .all(|label| !label.is_empty() && label.chars().all(fits))
        && last.chars().count() >= 2
        && last.chars().all(char::is_alphabetic)
}
