//! What happens to every request: an id, a net under panics, headers that browsers heed.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::json;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::config::Config;
use crate::page;

/// The header that names a request, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// Gives a request its id, and answers 500 with it when a handler panics.
pub async fn accompany(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let span = tracing::error_span!("request", request.id = %id);
    let handled = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span)
        .await;
    let mut response = handled.unwrap_or_else(|panic| broken(&id, panic.as_ref()));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The caller's own id if it is a plain word, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(plain)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn broken(id: &str, panic: &(dyn Any + Send)) -> Response {
    let what = panic_text(panic);
    tracing::error!(request.id = id, what, "Error: a handler panicked");
    let detail = json!({ "detail": format!("an error in the server; its id is {id}"), "id": id });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(detail)).into_response()
}

/// What a panic said of itself.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic")
}

/// The headers of every answer; none where they are switched off.
pub fn security_headers(config: &Config) -> Arc<HeaderMap> {
    let mut headers = HeaderMap::new();
    if !config.http.security_headers {
        return Arc::new(headers);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let style = STANDARD.encode(digest::digest(&digest::SHA256, page::STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // Only who is reached by TLS may ask for nothing but TLS.
    if config
        .http
        .public_url
        .as_ref()
        .is_some_and(super::hooks::public_url::PublicBase::is_secure)
    {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    Arc::new(headers)
}

/// Adds headers to an answer that does not have them already.
pub async fn add_headers(
    State(headers): State<Arc<HeaderMap>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in headers.iter() {
        response
            .headers_mut()
            .entry(name)
            .or_insert_with(|| value.clone());
    }
    response
}
