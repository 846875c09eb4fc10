//! Request signatures: who may post a webhook or open a media socket.
//!
//! Twilio signs the URL it requested, followed by the sorted form fields. What it requested is known from our own
//! configuration and the request target as received, never from a header anybody can set; the query is never written
//! anew.

mod origin;
mod token;
mod validator;

use aws_lc_rs::{digest, hmac};
use base64_simd::STANDARD;

pub use origin::BadBase;
pub use token::{AuthToken, EmptyToken};
pub use validator::{BadSignature, Body, Request, UpgradeForm, Validator};

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";
/// The header that names a shared key and its algorithm, where an account uses them.
pub const SETTINGS_HEADER: &str = "X-Twilio-Webhooks-Signature-Settings";

/// The signature Twilio puts on a request for `url` with the decoded form fields `params`; none for a GET, a JSON body
/// or a WebSocket upgrade.
#[must_use]
pub fn sign<N: AsRef<str>, V: AsRef<str>>(
    token: &AuthToken,
    url: &str,
    params: &[(N, V)],
) -> String {
    let tag = hmac::sign(&token.key(Algorithm::Sha1), &string_to_sign(url, params));
    STANDARD.encode_to_string(tag.as_ref())
}

/// The hex digest that Twilio adds to the URL of a request with a JSON body, as `bodySHA256`.
#[must_use]
pub fn body_sha256(body: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, body);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The hash of a signature; SHA-1 unless a shared key says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
}

fn string_to_sign<N: AsRef<str>, V: AsRef<str>>(url: &str, params: &[(N, V)]) -> Vec<u8> {
    let mut sorted: Vec<_> = params
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut text = url.as_bytes().to_vec();
    for (name, value) in sorted {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    text
}

#[cfg(test)]
mod tests;
