//! What answers are dressed in: headers that browsers heed, leave for other sites' pages, compression.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::app::App;
use crate::client::{Peer, is_secure};
use crate::config::browsers::Origins;
use crate::requests::REQUEST_ID;

/// How long a browser may remember what it may send.
const PREFLIGHT: Duration = Duration::from_secs(600);
/// Below this, gzip costs more than it saves, in bytes.
const WORTH_IT: u16 = 860;

/// Adds the headers of the configuration to an answer that does not have them already.
pub async fn add(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = &app.config.http.security_headers;
    let peer = Peer::of(request.extensions());
    let hsts = headers
        .hsts
        .as_ref()
        .filter(|_| is_secure(request.headers(), peer, &app.config.http));
    let mut response = next.run(request).await;
    let hsts = hsts.map(|value| (&header::STRICT_TRANSPORT_SECURITY, value));
    for (name, value) in headers.always.iter().chain(hsts) {
        response
            .headers_mut()
            .entry(name)
            .or_insert_with(|| value.clone());
    }
    response
}

/// What pages of other sites may send and read; `None` where there are none. Cookies are never allowed: who we are talking to is
/// said by a token.
pub fn cors(origins: &Origins) -> Option<CorsLayer> {
    let origins = match origins {
        Origins::Any => AllowOrigin::from(Any),
        Origins::These(none) if none.is_empty() => return None,
        Origins::These(origins) => AllowOrigin::list(origins.clone()),
    };
    let header = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::RANGE,
            header("idempotency-key"),
            header("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::CONTENT_RANGE,
            header::ETAG,
            header::RETRY_AFTER,
            header("ratelimit-limit"),
            header("ratelimit-remaining"),
            header("ratelimit-reset"),
            header("x-total-count"),
            REQUEST_ID,
        ])
        .max_age(PREFLIGHT);
    Some(layer)
}

/// Whether an answer is worth compressing, by its headers.
pub type IsText = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// gzip for answers of text that are worth it; never for sound, nor for events, which must not be held up.
pub fn compression() -> CompressionLayer<And<SizeAbove, IsText>> {
    let worth_it: And<SizeAbove, IsText> = SizeAbove::new(WORTH_IT).and(is_text as IsText);
    CompressionLayer::new().compress_when(worth_it)
}

fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => {
            matches!(kind, "json" | "xml" | "javascript" | "wasm") || kind.ends_with("+json")
        }
        Some(("image", kind)) => kind == "svg+xml",
        Some(_) | None => false,
    }
}
