//! The tokens in our TwiML: one for the media socket, one for the resume webhook.
//!
//! A token is 128 random bits and a signature over them, what the token is for, and the call's SID. So a token of one
//! call opens nothing for another, and a forged one is told apart before anything is looked up.

use std::iter;

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Secret;

const ID_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 16;
const UNTIL_BYTES: usize = 8;
/// No link of ours is longer, in characters.
const LONGEST_LINK: usize = 512;

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
    /// What opens `resource` of this call until then (seconds since 1970) for whoever brings it, while its maker may: a text that may
    /// stand in a URL.
    pub fn link(&self, resource: &str, call_id: &str, maker: &str, until: i64) -> String {
        let mut token = link_signature(&self.key, [resource, call_id, maker], until).to_vec();
        token.extend(until.to_be_bytes());
        token.extend(maker.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Who made what opens `resource` of this call at `now` (seconds since 1970), if this does.
    pub fn opens(&self, token: &str, resource: &str, call_id: &str, now: i64) -> Option<String> {
        let within = token.len() <= LONGEST_LINK;
        let bytes = within.then(|| URL_SAFE_NO_PAD.decode(token).ok())??;
        let (signature, rest) = bytes.split_first_chunk::<SIGNATURE_BYTES>()?;
        let (until, maker) = rest.split_first_chunk::<UNTIL_BYTES>()?;
        let (until, maker) = (i64::from_be_bytes(*until), std::str::from_utf8(maker).ok()?);
        let equal = |key: &hmac::Key| {
            let expected = link_signature(key, [resource, call_id, maker], until);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected, signature).is_ok()
        };
        let equal = equal(&self.key) || self.previous.as_ref().is_some_and(equal);
        (equal && now < until).then(|| maker.to_owned())
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

fn link_signature(key: &hmac::Key, of: [&str; 3], until: i64) -> [u8; SIGNATURE_BYTES] {
    let mut context = hmac::Context::with_key(key);
    for piece in iter::once("link").chain(of) {
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
        let link = signer.link("recording", "call 1", "key 1 2", 1000);
        let opens = |signer: &Signer, link: &str, resource: &str, call: &str, now| {
            signer.opens(link, resource, call, now).is_some()
        };
        let maker = signer.opens(&link, "recording", "call 1", 999);
        assert_eq!(maker.as_deref(), Some("key 1 2"));
        assert!(!opens(&signer, &link, "recording", "call 1", 1000));
        assert!(!opens(&signer, &link, "events", "call 1", 999));
        assert!(!opens(&signer, &link, "recording", "call 2", 999));
        assert!(!opens(&signer, &link, "recordingcall", " 1", 999));
        let (new, rotated) = (Signer::new(&new), Signer::new(&new).after(Some(&old)));
        assert!(opens(&rotated, &link, "recording", "call 1", 999));
        assert!(!opens(&new, &link, "recording", "call 1", 999));
        for at in 0..link.len() {
            let other = if &link[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &link[..at], &link[at + 1..]);
            for bad in [changed.as_str(), &link[..at], "", "****"] {
                assert!(!opens(&signer, bad, "recording", "call 1", 0), "{bad}");
            }
        }
        for more in ["A", "AAAA", &"AAAA".repeat(200)] {
            let longer = format!("{link}{more}");
            assert!(!opens(&signer, &longer, "recording", "call 1", 0));
        }
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
