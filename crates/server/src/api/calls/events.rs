//! `GET /calls/{id}/events`: how a live call goes on, as server-sent events.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};

use super::access::{Reader, away, find};
use crate::accounts::while_good;
use crate::api::sse::sent;
use crate::app::App;
use crate::calls::watch::{Follow, Next};
use crate::openapi::Problem;
use crate::refusal::Refusal;

/// The header by which a browser says what it has read.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Follow a live call.
///
/// What has happened and what happens next, each event with its number, so that `Last-Event-ID` goes on where a connection broke:
/// `began`, `hearing` (words that may still change), `speaking`, `line` (of the transcript, by its `number`; it takes the place of what
/// stood there and of all after it), `lines` (only so many are left), `tool` (a call of
/// one, by its `number`, again when it has ended), `turn` (latencies, usage, cost), `fault`, `end`; `missed` where
/// events before this one are kept no more; and without a number `level`, how loud caller and agent are, five times a second. The stream ends
/// with the call, or when who reads would not be let in any more.
#[utoipa::path(get, path = "/calls/{id}/events", tag = "Calls",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last event that was read."),
        ("token" = Option<String>, Query, description = "Of a link, instead of a bearer token."),
    ),
    responses(
        (status = 200, description = "Server-sent events.", content_type = "text/event-stream", body = String, example = "id: 7\nevent: line\ndata: {\"number\":1,\"speaker\":\"caller\",\"heard\":\"hello\"}\n\n"),
        (status = 204, description = "The call is over, and all was read: do not come again."),
        (status = 403, description = "The link is not good.", body = Problem, example = json!({"detail": "the link is not good, or not any more: ask for another one"})),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It goes on at another server: ask there.", body = Problem, example = json!({"detail": "the call goes on at the server 0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11: ask there"})),
        (status = 429, description = "As many follow it as may.", body = Problem, example = json!({"detail": "as many as may follow this call already; try again later"})),
    ))]
pub async fn follow_call(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = find(&app, &reader, &id).await?;
    if let Some(node) = &found.away {
        return Err(away(node));
    }
    let Some(watch) = found.live else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let seen = headers.get(LAST_EVENT_ID);
    let seen = seen.and_then(|seen| seen.to_str().ok()?.trim().parse().ok());
    if watch.is_over() && seen.is_some_and(|seen| watch.newest_id() <= seen) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follow = watch.follow(seen).ok_or_else(|| {
        let what = "as many as may follow this call already; try again later";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, what)
    })?;
    Ok(sent(while_good(&app, reader.user, events(follow))))
}

fn events(follow: Follow) -> impl Stream<Item = Event> {
    stream::unfold(follow, async |mut follow| {
        let event = match follow.next().await? {
            Next::Event(event) => Event::default()
                .id(event.id.to_string())
                .event(event.kind)
                .data(&event.data),
            Next::Missed(until) => Event::default()
                .id(until.to_string())
                .event("missed")
                .data(format!("{{\"until\":{until}}}")),
            // Without a number, so that nobody goes on from it.
            Next::Level(level) => Event::default().event("level").data(&*level),
        };
        Some((event, follow))
    })
}
