//! The tokens in our TwiML: one for the media socket, one for the resume webhook.
//!
//! A token is 128 random bits and a signature over them, what the token is for, and the call's SID. So a token of one
//! call opens nothing for another, and a forged one is told apart before anything is looked up.

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Secret;

const ID_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 16;
const UNTIL_BYTES: usize = 8;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To open the media socket, once.
    Media,
    /// To ask what follows the media stream.
    Resume,
}

/// The random part of a call's tokens: the name under which the registry knows the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; ID_BYTES]);

impl std::fmt::Debug for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenId(..)")
    }
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

impl TokenId {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; ID_BYTES];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(bytes))
    }
}

/// Makes and checks tokens with the server's key.
pub struct Signer {
    key: hmac::Key,
    previous: Option<hmac::Key>,
}

impl Signer {
    /// A signer with this key.
    pub fn new(key: &Secret) -> Self {
        Self {
            key: hmac_key(key),
            previous: None,
        }
    }

    /// The same, which also takes what was signed with the key before.
    pub fn after(mut self, previous: Option<&Secret>) -> Self {
        self.previous = previous.map(hmac_key);
        self
    }

    /// The token of a call: 43 characters that may stand in a URL.
    pub fn token(&self, id: TokenId, purpose: Purpose, call_sid: &str) -> String {
        let mut token = [0; ID_BYTES + SIGNATURE_BYTES];
        token[..ID_BYTES].copy_from_slice(&id.0);
        token[ID_BYTES..].copy_from_slice(&signature(&self.key, id, purpose, call_sid));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The call's name, if the token was made by this key for this purpose and this call. Takes the same time
    /// wherever a signature differs.
    pub fn verify(&self, token: &str, purpose: Purpose, call_sid: &str) -> Option<TokenId> {
        let mut bytes = [0; ID_BYTES + SIGNATURE_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let (id, signature) = bytes.split_at(ID_BYTES);
        let id = TokenId(id.try_into().ok()?);
        let equal = |key: &hmac::Key| {
            let expected = self::signature(key, id, purpose, call_sid);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected, signature).is_ok()
        };
        let equal = equal(&self.key) || self.previous.as_ref().is_some_and(equal);
        (length == bytes.len() && equal).then_some(id)
    }
}

/// A link that opens something for a while, whoever brings it.
impl Signer {
    /// What opens `resource` of this call until then (seconds since 1970): 32 characters that may stand in a URL.
    pub fn link(&self, resource: &str, call_id: &str, until: i64) -> String {
        let mut token = [0; UNTIL_BYTES + SIGNATURE_BYTES];
        token[..UNTIL_BYTES].copy_from_slice(&until.to_be_bytes());
        token[UNTIL_BYTES..].copy_from_slice(&link_signature(&self.key, resource, call_id, until));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Whether this opens `resource` of this call at `now` (seconds since 1970).
    pub fn opens(&self, token: &str, resource: &str, call_id: &str, now: i64) -> bool {
        let mut bytes = [0; UNTIL_BYTES + SIGNATURE_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes);
        let mut until = [0; UNTIL_BYTES];
        until.copy_from_slice(&bytes[..UNTIL_BYTES]);
        let until = i64::from_be_bytes(until);
        let equal = |key: &hmac::Key| {
            let expected = link_signature(key, resource, call_id, until);
            let signature = &bytes[UNTIL_BYTES..];
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected, signature).is_ok()
        };
        let equal = equal(&self.key) || self.previous.as_ref().is_some_and(equal);
        length == Ok(bytes.len()) && equal && now < until
    }
}

fn hmac_key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn signature(
    key: &hmac::Key,
    id: TokenId,
    purpose: Purpose,
    call_sid: &str,
) -> [u8; SIGNATURE_BYTES] {
    let mut context = hmac::Context::with_key(key);
    context.update(match purpose {
        Purpose::Media => b"media\0",
        Purpose::Resume => b"resume\0",
    });
    context.update(&id.0);
    context.update(call_sid.as_bytes());
    let mut signature = [0; SIGNATURE_BYTES];
    signature.copy_from_slice(&context.sign().as_ref()[..SIGNATURE_BYTES]);
    signature
}

fn link_signature(
    key: &hmac::Key,
    resource: &str,
    call_id: &str,
    until: i64,
) -> [u8; SIGNATURE_BYTES] {
    let mut context = hmac::Context::with_key(key);
    for piece in ["link", resource, call_id] {
        context.update(piece.as_bytes());
        context.update(b"\0");
    }
    context.update(&until.to_be_bytes());
    let mut signature = [0; SIGNATURE_BYTES];
    signature.copy_from_slice(&context.sign().as_ref()[..SIGNATURE_BYTES]);
    signature
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_token_is_good_for_its_purpose_call_and_key_only() {
        let signer = Signer::new(&Secret::new("one key"));
        let id = TokenId::random().unwrap();
        let token = signer.token(id, Purpose::Media, "CA1");
        assert_eq!(token.len(), 43);
        assert_eq!(signer.verify(&token, Purpose::Media, "CA1"), Some(id));
        assert_eq!(signer.verify(&token, Purpose::Resume, "CA1"), None);
        assert_eq!(signer.verify(&token, Purpose::Media, "CA2"), None);
        assert_eq!(
            Signer::new(&Secret::new("other")).verify(&token, Purpose::Media, "CA1"),
            None
        );
    }

    #[test]
    fn a_token_of_the_key_before_is_taken_and_none_is_made() {
        let (old, new) = (Secret::new("old key"), Secret::new("new key"));
        let id = TokenId::random().unwrap();
        let before = Signer::new(&old).token(id, Purpose::Resume, "CA1");
        let rotated = Signer::new(&new).after(Some(&old));
        assert_eq!(rotated.verify(&before, Purpose::Resume, "CA1"), Some(id));
        assert_eq!(rotated.verify(&before, Purpose::Media, "CA1"), None);
        let after = rotated.token(id, Purpose::Resume, "CA1");
        assert_eq!(
            Signer::new(&new).verify(&after, Purpose::Resume, "CA1"),
            Some(id)
        );
        assert_eq!(
            Signer::new(&new).verify(&before, Purpose::Resume, "CA1"),
            None
        );
    }

    #[test]
    fn a_link_opens_one_thing_of_one_call_until_its_time() {
        let (old, new) = (Secret::new("old key"), Secret::new("new key"));
        let signer = Signer::new(&old);
        let link = signer.link("recording", "call 1", 1000);
        assert_eq!(link.len(), 32);
        assert!(signer.opens(&link, "recording", "call 1", 999));
        assert!(!signer.opens(&link, "recording", "call 1", 1000));
        assert!(!signer.opens(&link, "events", "call 1", 999));
        assert!(!signer.opens(&link, "recording", "call 2", 999));
        assert!(!signer.opens(&link, "recordingcall", " 1", 999));
        assert!(
            Signer::new(&new)
                .after(Some(&old))
                .opens(&link, "recording", "call 1", 999)
        );
        assert!(!Signer::new(&new).opens(&link, "recording", "call 1", 999));
        for at in 0..link.len() {
            let other = if &link[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &link[..at], &link[at + 1..]);
            for bad in [changed.as_str(), &link[..at], "", "****"] {
                assert!(!signer.opens(bad, "recording", "call 1", 0), "{bad}");
            }
        }
        assert!(!signer.opens(&format!("{link}AAAA"), "recording", "call 1", 0));
    }

    #[test]
    fn a_changed_or_cut_token_is_none() {
        let signer = Signer::new(&Secret::new("one key"));
        let token = signer.token(TokenId::random().unwrap(), Purpose::Media, "CA1");
        for at in 0..token.len() - 1 {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(
                signer.verify(&changed, Purpose::Media, "CA1"),
                None,
                "character {at}"
            );
            assert_eq!(
                signer.verify(&token[..at], Purpose::Media, "CA1"),
                None,
                "length {at}"
            );
        }
        assert_eq!(
            signer.verify(&format!("{token}A"), Purpose::Media, "CA1"),
            None
        );
    }
}
