//! Which addresses and passwords are taken.

use serde::Deserialize;

use crate::config::Secret;

/// The six thousand commonest passwords of eight characters or more that leaked elsewhere, in lower case; from the lists of the password
/// meter zxcvbn, whose licence stands beside it.
const COMMON: &str = include_str!("common_passwords.txt");

/// Characters of a password (NIST SP 800-63B asks for eight at least, and for no other rules of composition).
const SHORTEST: usize = 8;
const LONGEST: usize = 128;

/// RFC 5321, 4.5.3.1: the longest address and the longest part before the `@`.
const LONGEST_EMAIL: usize = 254;
const LONGEST_LOCAL: usize = 64;
const LONGEST_LABEL: usize = 63;

/// A password as it comes in a body; prints as nothing.
#[derive(Clone, Debug)]
pub struct Password(
    /// The text.
    pub Secret,
);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

/// Why a text is no address of electronic mail that we take; `None` where it is one.
pub fn email_problem(email: &str) -> Option<&'static str> {
    let email = email.trim();
    let parts = email.rsplit_once('@').filter(|_| {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[]\\".contains(c);
        email.len() <= LONGEST_EMAIL && !email.contains(odd)
    });
    let fits = parts.is_some_and(|(local, domain)| {
        let local = (1..=LONGEST_LOCAL).contains(&local.len()) && !local.contains('@');
        local && domain.split('.').all(is_label)
    });
    (!fits).then_some("write an e-mail address, like name@example.org")
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

/// Why a password is not taken for the account of this address; `None` where it is.
pub fn password_problem(password: &Secret, email: &str) -> Option<String> {
    let text = password.expose();
    let length = text.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Some(format!(
            "a password has {SHORTEST} to {LONGEST} characters; this one has {length}"
        ));
    }
    let mut characters = text.chars();
    let first = characters.next();
    if text.trim().is_empty() || characters.all(|character| Some(character) == first) {
        return Some("a password is not one character again and again: choose another".to_owned());
    }
    let lower = text.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return Some("this password is one of the commonest: choose another".to_owned());
    }
    let email = email.trim().to_lowercase();
    let local = email.rsplit_once('@').map_or("", |(local, _)| local);
    if lower == email || lower == local {
        return Some("the address is no password: choose another".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        let long = format!("{}@example.org", "a".repeat(65));
        for good in [
            "ada@example.org",
            " Ada.Lovelace+calls@mail.example.co.uk ",
            "o'hara@example.org",
            "root@localhost",
            "jörg@münchen.example",
        ] {
            assert_eq!(email_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@example..org",
            "ada@-example.org",
            "ada@exa mple.org",
            "ada@b@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada\0@example.org",
            "Ada <ada@example.org>",
            &long,
        ] {
            assert!(email_problem(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_neither_short_nor_common_nor_the_address() {
        let problem = |text: &str| password_problem(&Secret::new(text), "Ada.Lovelace@example.org");
        for good in [
            "eightch8",
            "correct horse battery",
            "ключ к двери",
            &"xy".repeat(64),
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "",
            "seven77",
            "ÄÖÜäöüß",
            "password1",
            "PassWord1",
            "12345678",
            "        ",
            "aaaaaaaa",
            "жжжжжжжж",
            " \t \t \t \t",
            "ada.lovelace",
            "ADA.LOVELACE@EXAMPLE.ORG",
            &"x".repeat(129),
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_list_of_common_passwords_is_as_it_is_searched() {
        assert_eq!(COMMON.lines().count(), 6000);
        for line in COMMON.lines() {
            assert_eq!(line, line.trim().to_lowercase());
            assert!(
                (SHORTEST..=LONGEST).contains(&line.chars().count()),
                "{line}"
            );
        }
    }
}
