//! Links that need no header: for audio elements and event sources of browsers, which cannot send one.

use axum::Json;
use axum::extract::{MatchedPath, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Reader, find};
use crate::accounts::{self, Pass, behind};
use crate::app::App;
use crate::database::{now, rfc3339};
use crate::openapi::Problem;
use crate::refusal::Refusal;

const SECOND: i64 = 1_000_000;
/// So long a link is good, in microseconds.
const GOOD: i64 = 300 * SECOND;

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
/// whoever has them, while who made them may see the call.
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
    let maker = Pass::of(&reader.user).text();
    let link = |resource: &str| {
        let token = app.signer.link(resource, &id, &maker, until / SECOND);
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
    let maker = app.signer.opens(&token, resource, &id, now() / SECOND);
    let user = match maker.as_deref().and_then(Pass::read) {
        Some(maker) => behind(&app, &maker).await,
        None => return bad().into_response(),
    };
    match user {
        // What they may see no more is not opened by what they made before.
        Ok(user) => request.extensions_mut().insert(user),
        Err(gone @ Refusal::Later(..)) => return gone.into_response(),
        Err(Refusal::Said(_) | Refusal::Misfits(_)) => return bad().into_response(),
    };
    next.run(request).await
}

fn bad() -> Refusal {
    let what = "the link is not good, or not any more: ask for another one";
    Refusal::new(StatusCode::FORBIDDEN, what)
}
