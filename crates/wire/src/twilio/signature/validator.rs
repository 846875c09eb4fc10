//! The decision whether a request is Twilio's.

use aws_lc_rs::hmac;
use base64_simd::STANDARD;

use super::origin::{BadBase, Origin};
use super::{Algorithm, AuthToken, body_sha256, string_to_sign};
use crate::twilio::webhook::Form;

/// The parts of a request that its signature is about.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Scheme and authority by which the request reached us, such as `https://host:8443`; used only where no public
    /// base is configured, and to be taken from forwarding headers of trusted proxies only.
    pub base: &'a str,
    /// Path and query exactly as received.
    pub target: &'a str,
    /// The value of [`super::SIGNATURE_HEADER`].
    pub signature: Option<&'a str>,
    /// The value of [`super::SETTINGS_HEADER`].
    pub settings: Option<&'a str>,
}

/// What a webhook carried besides its URL.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Nothing: a GET, whose query is part of the URL.
    None,
    /// A form.
    Form(&'a Form),
    /// JSON, or anything else that is signed by its digest in the URL.
    Raw(&'a [u8]),
}

/// Which form of the media socket's URL was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpgradeForm {
    /// As in the TwiML.
    Socket,
    /// With the slash at its end added or, at the root, left out.
    SocketSlash,
    /// As `https`: not documented, accepted as a last resort; worth a log line.
    Web,
}

/// Why a request is not believed to be Twilio's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The header is missing or empty.
    #[error("the request has no X-Twilio-Signature header")]
    Missing,
    /// The header is no base64.
    #[error("the X-Twilio-Signature header is not base64")]
    NotBase64,
    /// The signature is not that of any form of the URL.
    #[error(
        "the signature does not match the request as one to {base}: check the auth token, and that PUBLIC_URL is what Twilio calls"
    )]
    Mismatch {
        /// Scheme, host and port that were tried first. The path is left out: it can hold a token.
        base: String,
    },
    /// A raw body without its digest in the URL.
    #[error("the request has a body that is no form, and no bodySHA256 in its query")]
    NoBodyDigest,
    /// The digest in the URL is that of another body.
    #[error("the body is not the one bodySHA256 was made of")]
    BodyDigest,
    /// A shared key that is not configured, or none named.
    #[error("the request is signed with a shared key that is not configured here")]
    UnknownKey,
    /// An algorithm that is not `HMAC_SHA1` or `HMAC_SHA256`.
    #[error("the request is signed with an algorithm that is not known here")]
    UnknownAlgorithm,
    /// The request's own base is unusable and no public one is configured.
    #[error("{0}")]
    Base(#[from] BadBase),
}

/// Checks requests against an account's token. Compares in constant time.
#[derive(Debug)]
pub struct Validator {
    token_key: hmac::Key,
    public_base: Option<Origin>,
    shared_keys: Vec<(String, AuthToken)>,
}

impl Validator {
    /// Checks against `token`, and against each request's own base until a public one is given.
    #[must_use]
    pub fn new(token: &AuthToken) -> Self {
        Self {
            token_key: token.key(Algorithm::Sha1),
            public_base: None,
            shared_keys: Vec::new(),
        }
    }

    /// Signs against `base`, such as `https://agent.example.test`, whatever host a request names.
    ///
    /// # Errors
    /// [`BadBase`].
    pub fn with_public_base(mut self, base: &str) -> Result<Self, BadBase> {
        self.public_base = Some(Origin::new(base)?);
        Ok(self)
    }

    /// Also accepts the shared key `id`.
    #[must_use]
    pub fn with_shared_key(mut self, id: impl Into<String>, secret: AuthToken) -> Self {
        self.shared_keys.push((id.into(), secret));
        self
    }

    /// Checks a webhook.
    ///
    /// # Errors
    /// [`BadSignature`]; it is to be answered with 403.
    pub fn check_webhook(&self, request: &Request<'_>, body: Body<'_>) -> Result<(), BadSignature> {
        let check = Check::of(self, request)?;
        let params = match body {
            Body::None => &[],
            Body::Form(form) => form.pairs(),
            Body::Raw(body) => {
                let digest = body_digest(request.target).ok_or(BadSignature::NoBodyDigest)?;
                if !digest.eq_ignore_ascii_case(&body_sha256(body)) {
                    return Err(BadSignature::BodyDigest);
                }
                &[]
            }
        };
        let mut urls = check.origin.web_urls(request.target);
        if request.target == "/" {
            urls.extend(check.origin.web_urls(""));
        }
        if urls.iter().any(|url| check.matches(url, params)) {
            Ok(())
        } else {
            Err(mismatch(&urls))
        }
    }

    /// Checks the upgrade to a media socket.
    ///
    /// # Errors
    /// [`BadSignature`]; it is to be answered with 403.
    pub fn check_upgrade(&self, request: &Request<'_>) -> Result<UpgradeForm, BadSignature> {
        let check = Check::of(self, request)?;
        let slashed = match request.target {
            "/" => String::new(),
            target => format!("{target}/"),
        };
        let as_written = check.origin.socket_urls(request.target);
        let forms = [
            (UpgradeForm::Socket, &as_written),
            (
                UpgradeForm::SocketSlash,
                &check.origin.socket_urls(&slashed),
            ),
            (UpgradeForm::Web, &check.origin.web_urls(request.target)),
        ];
        let nothing: &[(String, String)] = &[];
        let matching = |urls: &[String]| urls.iter().any(|url| check.matches(url, nothing));
        let found = forms.into_iter().find(|(_, urls)| matching(urls));
        found
            .map(|(form, _)| form)
            .ok_or_else(|| mismatch(&as_written))
    }

    fn key(&self, settings: Option<&str>) -> Result<hmac::Key, BadSignature> {
        let setting = |name| {
            let mut parts = settings?.split(',');
            parts.find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let algorithm = match setting("algorithm") {
            None => return Ok(self.token_key.clone()),
            Some("HMAC_SHA1") => Algorithm::Sha1,
            Some("HMAC_SHA256") => Algorithm::Sha256,
            Some(_) => return Err(BadSignature::UnknownAlgorithm),
        };
        let named = self
            .shared_keys
            .iter()
            .find(|(id, _)| Some(id.as_str()) == setting("key"));
        let (_, secret) = named.ok_or(BadSignature::UnknownKey)?;
        Ok(secret.key(algorithm))
    }
}

struct Check {
    origin: Origin,
    key: hmac::Key,
    tag: Vec<u8>,
}

impl Check {
    fn of(validator: &Validator, request: &Request<'_>) -> Result<Self, BadSignature> {
        let header = request
            .signature
            .filter(|header| !header.is_empty())
            .ok_or(BadSignature::Missing)?;
        let origin = match &validator.public_base {
            Some(origin) => origin.clone(),
            None => Origin::new(request.base)?,
        };
        Ok(Self {
            origin,
            key: validator.key(request.settings)?,
            tag: STANDARD
                .decode_to_vec(header)
                .map_err(|_| BadSignature::NotBase64)?,
        })
    }

    fn matches(&self, url: &str, params: &[(String, String)]) -> bool {
        hmac::verify(&self.key, &string_to_sign(url, params), &self.tag).is_ok()
    }
}

fn body_digest(target: &str) -> Option<&str> {
    let (_, query) = target.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("bodySHA256="))
}

fn mismatch(urls: &[String]) -> BadSignature {
    let url = urls.first().map_or("", String::as_str);
    let base = url.split('/').take(3).collect::<Vec<_>>().join("/");
    BadSignature::Mismatch { base }
}
