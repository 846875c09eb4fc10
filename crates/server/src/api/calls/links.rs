//! Links that need no header: for audio elements and event sources of browsers, which cannot send one.

use axum::Json;
use axum::extract::{MatchedPath, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Reader, find};
use crate::accounts;
use crate::app::App;
use crate::database::{now, rfc3339};
use crate::openapi::Problem;
use crate::refusal::Refusal;

const SECOND: i64 = 1_000_000;
/// So long a link is good, in microseconds.
const GOOD: i64 = 300 * SECOND;

/// Marks a request that came by a good link to what it asks for.
#[derive(Clone, Copy, Debug)]
pub struct ByLink;

/// Paths that open for whoever has them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallLinks, example = json!({
    "expires_at": "2026-11-20T09:20:02Z",
    "recording": "/calls/0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11/recording?token=AAAAAGkf...",
    "events": "/calls/0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11/events?token=AAAAAGkf...",
}))]
pub struct Links {
    /// Until then.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The recording.
    recording: String,
    /// The events of the call while it goes on.
    events: String,
}

/// Make links that need no header.
///
/// For audio elements and event sources of browsers: paths that open the recording and the events of this call for five minutes, for
/// whoever has them.
#[utoipa::path(post, path = "/calls/{id}/links", tag = "Calls", params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 200, description = "The links.", body = Links),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
    ))]
pub async fn make_links(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Links>, Refusal> {
    let id = find(&app, &reader, &id).await?.id;
    let until = now() + GOOD;
    let link = |resource: &str| {
        let token = app.signer.link(resource, &id, until / SECOND);
        format!("/calls/{id}/{resource}?token={token}")
    };
    Ok(Json(Links {
        expires_at: rfc3339(until),
        recording: link("recording"),
        events: link("events"),
    }))
}

#[derive(Debug, Deserialize)]
struct Brought {
    token: Option<String>,
}

/// Lets whoever brings a good link through, and whoever may see calls anyway.
pub async fn linked(
    State(app): State<App>,
    Path(id): Path<String>,
    matched: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let brought = Query::<Brought>::try_from_uri(request.uri()).ok();
    let Some(token) = brought.and_then(|Query(brought)| brought.token) else {
        return accounts::user(State(app), request, next).await;
    };
    let resource = matched.as_str().rsplit('/').next().unwrap_or_default();
    if !app.signer.opens(&token, resource, &id, now() / SECOND) {
        let what = "the link is not good, or not any more: ask for another one";
        return Refusal::new(StatusCode::FORBIDDEN, what).into_response();
    }
    request.extensions_mut().insert(ByLink);
    next.run(request).await
}
