//! Secrets at rest: sealed under `SECRET_KEY`, opened under it or `SECRET_KEY_PREVIOUS`.
//!
//! A sealed text is `sealed:v1:` and base64 of the key's id (4 bytes), a salt (16), the ciphertext, and its tag (16). HKDF-SHA256
//! makes a key and nonce of AES-256-GCM for each text from the secret key, the purpose and the salt, so that no number of texts wears
//! a key out. Purpose and place are authenticated: a text copied to another row or field does not open there.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Secret;

const PREFIX: &str = "sealed:v1:";
const ID_BYTES: usize = 4;
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Seals and opens.
pub struct Sealer {
    current: SealingKey,
    previous: Option<SealingKey>,
}

/// What was sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether it is to be sealed again: it was under the previous key.
    pub stale: bool,
}

/// Why a text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// It was never sealed, or cut.
    #[error("the text is not sealed")]
    NotSealed,
    /// Neither key sealed it.
    #[error(
        "it was sealed under another key: set SECRET_KEY_PREVIOUS to the SECRET_KEY it was sealed under"
    )]
    OtherKey,
    /// It was changed, or sealed for another purpose or place.
    #[error("the sealed text was changed, or stands where it does not belong")]
    Broken,
}

/// The system gave no random bytes, or the library failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be sealed: the system gives no random bytes")]
pub struct CannotSeal;

impl Sealer {
    /// Seals under `current`; opens what was sealed under `previous` too.
    ///
    /// # Errors
    /// [`CannotSeal`] when the library fails.
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Result<Self, CannotSeal> {
        Ok(Self {
            current: SealingKey::of(current)?,
            previous: previous.map(SealingKey::of).transpose()?,
        })
    }

    /// By which key it seals: the id that stands in sealed texts, as hexadecimal digits.
    pub fn key_id(&self) -> String {
        self.current.digits()
    }

    /// The same of the key before, where there is one.
    pub fn previous_id(&self) -> Option<String> {
        self.previous.as_ref().map(SealingKey::digits)
    }

    /// Whether a text has the form of a sealed one.
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Seals `bytes` for a `purpose` (what kind of secret) and a `place` (whose: a row and field); both must be said again to open.
    ///
    /// # Errors
    /// [`CannotSeal`].
    pub fn seal(&self, purpose: &str, place: &str, bytes: &[u8]) -> Result<String, CannotSeal> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| CannotSeal)?;
        let (key, nonce) = self
            .current
            .derive(purpose, &salt)
            .map_err(|_| CannotSeal)?;
        let mut sealed = bytes.to_vec();
        key.seal_in_place_append_tag(nonce, bound_to(purpose, place), &mut sealed)
            .map_err(|_| CannotSeal)?;
        let parts = [&self.current.id[..], &salt, &sealed].concat();
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(parts)))
    }

    /// Opens a text that was sealed for this purpose and place.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, purpose: &str, place: &str, text: &str) -> Result<Opened, CannotOpen> {
        let parts = text.strip_prefix(PREFIX);
        let parts = parts.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let parts = parts.ok_or(CannotOpen::NotSealed)?;
        let (id, rest) = parts
            .split_at_checked(ID_BYTES)
            .ok_or(CannotOpen::NotSealed)?;
        let (salt, sealed) = rest
            .split_at_checked(SALT_BYTES)
            .ok_or(CannotOpen::NotSealed)?;
        let (key, stale) = if id == self.current.id {
            (&self.current, false)
        } else {
            let previous = self.previous.as_ref().filter(|key| id == key.id);
            (previous.ok_or(CannotOpen::OtherKey)?, true)
        };
        let broken = |_: Unspecified| CannotOpen::Broken;
        let (key, nonce) = key.derive(purpose, salt).map_err(broken)?;
        let mut bytes = sealed.to_vec();
        let bytes = key
            .open_in_place(nonce, bound_to(purpose, place), &mut bytes)
            .map_err(broken)?
            .to_vec();
        Ok(Opened { bytes, stale })
    }
}

/// A purpose is told from a place by its length, which comes first.
fn bound_to(purpose: &str, place: &str) -> Aad<Vec<u8>> {
    let length = (purpose.len() as u64).to_be_bytes();
    Aad::from([&length, purpose.as_bytes(), place.as_bytes()].concat())
}

struct SealingKey {
    id: [u8; ID_BYTES],
    root: Prk,
}

impl SealingKey {
    fn of(secret: &Secret) -> Result<Self, CannotSeal> {
        let root =
            Salt::new(HKDF_SHA256, b"ringback sealed v1").extract(secret.expose().as_bytes());
        let mut id = [0; ID_BYTES];
        let filled = root
            .expand(&[b"id"], Length(ID_BYTES))
            .and_then(|expanded| expanded.fill(&mut id));
        filled.map_err(|_| CannotSeal)?;
        Ok(Self { id, root })
    }

    fn digits(&self) -> String {
        let digits = self.id.iter();
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    fn derive(&self, purpose: &str, salt: &[u8]) -> Result<(LessSafeKey, Nonce), Unspecified> {
        let mut both = [0; KEY_BYTES + NONCE_BYTES];
        let information = [b"text".as_slice(), salt, purpose.as_bytes()];
        let expanded = self.root.expand(&information, Length(both.len()))?;
        expanded.fill(&mut both)?;
        let (key, nonce) = both.split_at(KEY_BYTES);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?);
        Ok((key, Nonce::try_assume_unique_for_key(nonce)?))
    }
}

#[derive(Clone, Copy)]
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened {{ stale: {} }}", self.stale)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn key(text: &str) -> Secret {
        Secret::new(text)
    }

    fn sealer(current: &str, previous: Option<&str>) -> Sealer {
        let previous = previous.map(key);
        Sealer::new(&key(current), previous.as_ref()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_place_only() {
        let sealer = sealer("one key", None);
        for bytes in [&b""[..], b"sk-123", &[0; 5000]] {
            let text = sealer.seal("provider-key", "scenario 7", bytes).unwrap();
            assert!(Sealer::is_sealed(&text) && !text.contains("sk-123"));
            let opened = sealer.open("provider-key", "scenario 7", &text).unwrap();
            assert_eq!((opened.bytes.as_slice(), opened.stale), (bytes, false));
            for (purpose, place) in [
                ("provider-key", "scenario 8"),
                ("calendar", "scenario 7"),
                ("provider-keys", "cenario 7"),
                ("", "provider-keyscenario 7"),
            ] {
                let opened = sealer.open(purpose, place, &text);
                assert_eq!(opened, Err(CannotOpen::Broken), "{purpose} {place}");
            }
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_text() {
        let sealer = sealer("one key", None);
        let texts: std::collections::BTreeSet<String> = (0..100)
            .map(|_| sealer.seal("p", "x", b"same").unwrap())
            .collect();
        assert_eq!(texts.len(), 100);
    }

    #[test]
    fn a_changed_or_cut_text_does_not_open() {
        let sealer = sealer("one key", None);
        let text = sealer.seal("p", "x", b"secret").unwrap();
        for at in PREFIX.len()..text.len() {
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(sealer.open("p", "x", &changed).is_err(), "character {at}");
            assert!(sealer.open("p", "x", &text[..at]).is_err(), "length {at}");
        }
        for odd in ["", "secret", PREFIX, "sealed:v2:AAAA"] {
            assert_eq!(sealer.open("p", "x", odd), Err(CannotOpen::NotSealed));
        }
    }

    #[test]
    fn the_previous_key_opens_and_says_that_it_is_to_be_sealed_again() {
        let text = sealer("old key", None).seal("p", "x", b"secret").unwrap();
        let rotated = sealer("new key", Some("old key"));
        let opened = rotated.open("p", "x", &text).unwrap();
        assert_eq!(
            (opened.bytes.as_slice(), opened.stale),
            (&b"secret"[..], true)
        );
        let again = rotated.seal("p", "x", &opened.bytes).unwrap();
        let done = sealer("new key", None);
        assert!(!done.open("p", "x", &again).unwrap().stale);
        assert_eq!(done.open("p", "x", &text), Err(CannotOpen::OtherKey));
        assert_eq!(
            format!("{opened:?} {done:?}"),
            "Opened { stale: true } Sealer(..)"
        );
    }

    #[test]
    fn a_text_that_other_software_sealed_opens() {
        let text = "sealed:v1:s1ZnrwABAgMEBQYHCAkKCwwNDg92MKGgI4ZjMX81Pl9K4ih2tbHjtuMq-Y7FwPsRXL1u8_qNndvhlEm5hwg";
        let opened = sealer("one key of the test's own", None)
            .open("p", "x", text)
            .unwrap();
        assert_eq!(opened.bytes, b"kept since the first build");
    }
}
