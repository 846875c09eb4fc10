//! Versions of scenarios as entity tags, so that nobody changes what somebody else changed meanwhile (RFC 9110, 8.8.3 and 13.1.1).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use ringback_store::Scenario;

use crate::refusal::Refusal;

/// The header that names the version of an answer.
pub(super) fn tag(row: &Scenario) -> [(HeaderName, String); 1] {
    [(header::ETAG, quoted(row.version))]
}

fn quoted(version: i64) -> String {
    format!("\"{version}\"")
}

/// The versions of which one must be the newest for a change to be made: what `If-Match` says. Without it any does.
#[derive(Clone, Debug, Default)]
pub struct Basis(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Basis {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        let texts: Vec<_> = values
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        Ok(Self((!texts.is_empty()).then(|| texts.join(","))))
    }
}

impl Basis {
    /// # Errors
    /// 412 where the row is at another version.
    pub(super) fn check(&self, row: &Scenario) -> Result<(), Refusal> {
        let wanted = quoted(row.version);
        let names = |tags: &str| {
            let mut tags = tags.split(',').map(str::trim);
            tags.any(|tag| tag == "*" || tag == wanted)
        };
        if self.0.as_deref().is_none_or(names) {
            return Ok(());
        }
        let what = format!(
            "the scenario is at version {} now: read it, and change that",
            row.version
        );
        Err(Refusal::new(StatusCode::PRECONDITION_FAILED, what))
    }
}
