//! What happens to every request: an id, and a net under panics and bare errors.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use serde_json::json;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::answers::Detail;

/// The header that names a request, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;
/// How large the first line and the headers of a request may be, in bytes. Twilio's have about 1000.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How much of a plain text becomes a `{"detail"}`.
const MAX_TEXT_BYTES: usize = 4 << 10;

/// The id of a request, as an extension of it.
#[derive(Clone, Debug)]
pub struct RequestId(
    /// At most 64 letters, digits, `-`, `_` and `.`.
    pub String,
);

/// Gives a request its id, and the answer too.
pub async fn accompany(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::error_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Has every error answered as `{"detail"}`: a panic is a 500, a plain text becomes JSON, and what is our fault bears the id of the
/// request and nothing of what only the log may know.
pub async fn mend(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>();
    let id = id.map_or_else(String::new, |RequestId(id)| id.clone());
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = match handled {
        Ok(response) => response,
        Err(panic) => {
            let what = panic_text(panic.as_ref());
            tracing::error!(request.id = id, what, "Error: a handler panicked");
            return broken(&id);
        }
    };
    let status = response.status();
    if let Some(Detail(_, what)) = response.extensions().get::<Detail>() {
        if !status.is_server_error() {
            return response;
        }
        let body = Json(json!({ "detail": what, "id": id })).into_response();
        return with_body(response, body);
    }
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || !is_bare(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, MAX_TEXT_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if status.is_server_error() {
        tracing::error!(status = status.as_u16(), what = %text, "Error: a request was not answered");
        return broken(&id);
    }
    let what = match &*text {
        "" => status
            .canonical_reason()
            .unwrap_or("the request is refused"),
        text => text,
    };
    let response = Response::from_parts(parts, Body::empty());
    with_body(response, Detail::new(status, what).into_response())
}

/// Refuses what has too large a head: its first line and its headers.
pub async fn bound_head(request: Request, next: Next) -> Response {
    let line = request.method().as_str().len() + request.uri().to_string().len();
    let headers = request.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if line + headers > MAX_HEAD_BYTES {
        let what = format!("the headers have more than {MAX_HEAD_BYTES} bytes");
        return Detail::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, what).into_response();
    }
    next.run(request).await
}

/// Of what has a NUL in its path there is nothing: no name and no id has one, and databases differ in what they make of it.
pub async fn without_nul(request: Request, next: Next) -> Response {
    if request.uri().path().contains("%00") {
        return Detail::new(StatusCode::NOT_FOUND, "there is nothing at this path").into_response();
    }
    next.run(request).await
}

/// Whether an answer has a plain text or nothing in it.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The answer with another one's body, type and length.
fn with_body(response: Response, other: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let (others, body) = other.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        if let Some(value) = others.headers.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, body)
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

fn broken(id: &str) -> Response {
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
