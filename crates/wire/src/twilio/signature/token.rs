//! The secret a signature is made with.

use std::fmt;

use aws_lc_rs::hmac;

use super::Algorithm;

/// An account's auth token, or the secret of a shared key. It can be used, but not shown.
#[derive(Clone)]
pub struct AuthToken(String);

/// The token is empty: a signature with it could be made by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the auth token is empty; leave it out, or copy it from the Twilio console")]
pub struct EmptyToken;

impl AuthToken {
    /// Takes the token as it is, untrimmed.
    ///
    /// # Errors
    /// [`EmptyToken`].
    pub fn new(token: impl Into<String>) -> Result<Self, EmptyToken> {
        let token = token.into();
        if token.is_empty() {
            Err(EmptyToken)
        } else {
            Ok(Self(token))
        }
    }

    pub(super) fn key(&self, algorithm: Algorithm) -> hmac::Key {
        let algorithm = match algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::Key::new(algorithm, self.0.as_bytes())
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuthToken(..)")
    }
}
