//! What browsers are told: security headers, and which other sites' pages may read our answers.

use std::net::IpAddr;

use aws_lc_rs::digest;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ConfigError;
use super::read::{self, Reader};
use crate::hooks::public_url::valid_authority;
use crate::page;

/// The headers of every answer that does not say its own.
#[derive(Clone, Debug, Default)]
pub struct SecurityHeaders {
    /// On every answer.
    pub always: HeaderMap,
    /// `HSTS`: on answers that go out by https (RFC 6797, 7.2).
    pub hsts: Option<HeaderValue>,
}

/// Other sites whose pages may read our answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every site's, without credentials.
    Any,
    /// These sites'; perhaps none.
    These(Vec<HeaderValue>),
}

const ALWAYS: [(&str, HeaderName); 7] = [
    ("CONTENT_SECURITY_POLICY", header::CONTENT_SECURITY_POLICY),
    ("X_CONTENT_TYPE_OPTIONS", header::X_CONTENT_TYPE_OPTIONS),
    ("X_FRAME_OPTIONS", header::X_FRAME_OPTIONS),
    ("REFERRER_POLICY", header::REFERRER_POLICY),
    (
        "PERMISSIONS_POLICY",
        HeaderName::from_static("permissions-policy"),
    ),
    ("CACHE_CONTROL", header::CACHE_CONTROL),
    ("X_XSS_PROTECTION", header::X_XSS_PROTECTION),
];

pub(super) fn headers(reader: &Reader<'_>) -> Result<SecurityHeaders, ConfigError> {
    let mut headers = SecurityHeaders::default();
    for (variable, name) in ALWAYS {
        let value = reader.value(variable, |text| match text {
            "" => value(&own_policy()),
            text => value(text),
        })?;
        if let Some(value) = value {
            headers.always.insert(name, value);
        }
    }
    headers.hsts = reader.value("HSTS", |text| match value(text)? {
        Some(_) if !text.starts_with("max-age=") => {
            Err("write it like max-age=31536000; includeSubDomains, or off".to_owned())
        }
        hsts => Ok(hsts),
    })?;
    if reader.value("ENABLE_SECURITY_HEADERS", read::flag)? {
        Ok(headers)
    } else {
        Ok(SecurityHeaders::default())
    }
}

fn value(text: &str) -> Result<Option<HeaderValue>, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let readable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let value = HeaderValue::from_str(text).ok().filter(|_| readable);
    let value = value.ok_or("must be one line of plain characters: it becomes a header")?;
    Ok(Some(value))
}

/// The policy where none is set: nothing but the style of our page.
pub fn own_policy() -> String {
    let style = STANDARD.encode(digest::digest(&digest::SHA256, page::STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

pub(super) fn origins(text: &str, host: IpAddr) -> Result<Origins, String> {
    if text.trim() == "*" {
        return Ok(Origins::Any);
    }
    let listed = match text.trim() {
        "auto" if host.is_loopback() => "http://localhost:3000,http://localhost:5173",
        "auto" | "none" => "",
        text => text,
    };
    let origins = read::list(listed).into_iter().map(|origin| {
        let lower = origin.to_ascii_lowercase();
        let authority = lower
            .strip_prefix("https://")
            .or_else(|| lower.strip_prefix("http://"))
            .and_then(valid_authority);
        authority
            .and_then(|_| HeaderValue::from_str(&lower).ok())
            .ok_or_else(|| {
                format!("`{origin}` is no origin: write it like https://console.example.org, without a path")
            })
    });
    origins.collect::<Result<_, _>>().map(Origins::These)
}
