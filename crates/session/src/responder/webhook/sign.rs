//! The signature of a request.

use std::fmt::Write;

use aws_lc_rs::hmac;

use crate::Secret;

/// `v1=` and, in lower-case hexadecimal, the HMAC-SHA256 of `<unix_s>.<body>`.
pub(super) fn sign(secret: &Secret, unix_s: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature was computed with Python's `hmac`.
    #[test]
    fn a_request_is_signed_over_time_and_body() {
        let body = r#"{"text":"héllo"}"#;
        assert_eq!(
            sign(
                &Secret::new("correct horse"),
                1_700_000_000,
                body.as_bytes()
            ),
            "v1=15624cf4cf59368cd3ad722b79af39d68bfdd3bd863817135ef957ce1ab41093"
        );
    }
}
