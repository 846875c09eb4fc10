//! What is given out: access tokens, which are signed, and refresh tokens and API keys, which are random and known by their hash alone.
//!
//! An access token is a JWT (RFC 7519) of HS256 under a key made from `SECRET_KEY` for this purpose alone. Its header is always the same,
//! and no other is taken: so nobody chooses an algorithm or a key for us.

use std::time::Duration;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ringback_store::{Role, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::{ConfigError, Secret};
use crate::refusal::Refusal;

/// Who makes access tokens (`iss`).
const ISSUER: &str = "ringback";
/// For whom (`aud`).
const AUDIENCE: &str = "ringback-api";
/// What they are (`typ`, a claim).
const KIND: &str = "access";
/// What the key is derived for.
const PURPOSE: &[u8] = b"ringback access tokens v1";
/// The clocks of two servers may differ by so many seconds.
const SKEW: i64 = 60;
/// No token of ours is longer.
const LONGEST: usize = 2048;
const RANDOM_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    typ: String,
    /// As it was: what counts is in the database.
    role: Role,
    /// The family of refresh tokens that it came with.
    sid: String,
    /// The user's token version.
    ver: i64,
    iat: i64,
    exp: i64,
    jti: String,
}

/// What a good access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub user_id: String,
    /// The sign-in that it came from: a family of refresh tokens.
    pub session: String,
    /// The user's token version when it was made.
    pub version: i64,
}

/// Makes and checks access tokens.
pub struct AccessTokens {
    encoding: EncodingKey,
    /// The present key first.
    decoding: Vec<DecodingKey>,
    header: String,
    validation: Validation,
}

impl AccessTokens {
    /// Signs under `key`; takes what was signed under `previous` too.
    ///
    /// # Errors
    /// No key can be derived.
    pub fn new(key: &Secret, previous: Option<&Secret>) -> Result<Self, ConfigError> {
        let keys = [Some(key), previous].into_iter().flatten().map(derived);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The time is compared with the time that the caller gives.
        validation.validate_exp = false;
        let encoding = EncodingKey::from_secret(&keys[0]);
        let any = encode(&Header::new(Algorithm::HS256), &(), &encoding)
            .map_err(|error| ConfigError(format!("SECRET_KEY: nothing can be signed: {error}")))?;
        let (header, _) = any.split_once('.').unwrap_or_default();
        Ok(Self {
            decoding: keys
                .iter()
                .map(|key| DecodingKey::from_secret(key))
                .collect(),
            header: header.to_owned(),
            encoding,
            validation,
        })
    }

    /// A token of this user's sign-in, good for `life` from `now` (µs since 1970).
    ///
    /// # Errors
    /// The library fails.
    pub fn issue(
        &self,
        user: &User,
        session: &str,
        life: Duration,
        now: i64,
    ) -> Result<String, Refusal> {
        let iat = now.div_euclid(1_000_000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.id.clone(),
            typ: KIND.to_owned(),
            role: user.role,
            sid: session.to_owned(),
            ver: user.token_version,
            iat,
            exp: iat + i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2),
            jti: Uuid::now_v7().to_string(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|error| {
            tracing::error!("Error: no access token can be signed: {error}");
            Refusal::later("no token can be signed; try again later", 5)
        })
    }

    /// What a token says, if we signed it and its time has not run out at `now` (µs since 1970).
    pub fn verify(&self, token: &str, now: i64) -> Option<Access> {
        let (header, _) = token.split_once('.')?;
        if token.len() > LONGEST || header != self.header {
            return None;
        }
        let mut decoded = self
            .decoding
            .iter()
            .map(|key| decode::<Claims>(token, key, &self.validation));
        let claims = decoded.find_map(Result::ok)?.claims;
        let now = now.div_euclid(1_000_000);
        let fits = claims.typ == KIND && now < claims.exp && claims.iat <= now + SKEW;
        fits.then_some(Access {
            user_id: claims.sub,
            session: claims.sid,
            version: claims.ver,
        })
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessTokens(..)")
    }
}

fn derived(secret: &Secret) -> Result<[u8; KEY_BYTES], ConfigError> {
    let root = Salt::new(HKDF_SHA256, PURPOSE).extract(secret.expose().as_bytes());
    let mut key = [0; KEY_BYTES];
    root.expand(&[b"HS256"], hmac::HMAC_SHA256)
        .and_then(|expanded| expanded.fill(&mut key))
        .map_err(|_| ConfigError("SECRET_KEY: no key can be derived from it".to_owned()))?;
    Ok(key)
}

/// What a random token is for: its first letters tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// Gives the next access token, once.
    Refresh,
    /// Speaks for a user until it is deleted.
    ApiKey,
}

impl Fresh {
    /// What it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "rbr_",
            Self::ApiKey => "rbk_",
        }
    }

    /// A new one: the letters and 256 random bits.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn make(self) -> Result<String, Refusal> {
        let mut bytes = [0; RANDOM_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
            tracing::error!("Error: the system gives no random bytes");
            Refusal::later("no token can be made; try again later", 5)
        })?;
        Ok(format!(
            "{}{}",
            self.prefix(),
            URL_SAFE_NO_PAD.encode(bytes)
        ))
    }

    /// Whether a text has the form of one.
    pub fn fits(self, text: &str) -> bool {
        let random = text.strip_prefix(self.prefix());
        random.is_some_and(|text| {
            URL_SAFE_NO_PAD
                .decode(text)
                .is_ok_and(|bytes| bytes.len() == RANDOM_BYTES)
        })
    }
}

/// By what a random token is known: 256 random bits need no slow hash.
pub fn digest(token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}
