//! The signature of a request.

use std::fmt;
use std::fmt::Write;

use aws_lc_rs::hmac;

/// The secret that a server and a web service share. It is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text. An empty one signs nothing: asking with it is a fault.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `v1=` and, in lower-case hexadecimal, the HMAC-SHA256 of `<unix_s>.<body>`.
    pub(super) fn sign(&self, unix_s: u64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(unix_s.to_string().as_bytes());
        context.update(b".");
        context.update(body);
        let mut signature = String::from("v1=");
        for byte in context.sign().as_ref() {
            let _ = write!(signature, "{byte:02x}");
        }
        signature
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature was computed with Python's `hmac`.
    #[test]
    fn a_request_is_signed_over_time_and_body() {
        let body = r#"{"text":"héllo"}"#;
        assert_eq!(
            Secret::new("correct horse").sign(1_700_000_000, body.as_bytes()),
            "v1=15624cf4cf59368cd3ad722b79af39d68bfdd3bd863817135ef957ce1ab41093"
        );
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("correct horse")), "Secret(..)");
    }
}
