//! What is done to a live call.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_call::Order;
use serde_json::json;

use super::access::{Reader, away, find};
use super::order::{Accepted, accepted, audit};
use crate::accounts::{User, Whence};
use crate::app::App;
use crate::calls::watch::Watch;
use crate::openapi::Problem;
use crate::refusal::Refusal;

/// Hang up a live call.
///
/// The call ends after the sentence that is being heard.
#[utoipa::path(post, path = "/calls/{id}/hangup", tag = "Calls", params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 202, description = "It ends.", body = Accepted, example = json!({
            "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "ending",
        })),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It is over, or goes on at another server, which is named.", body = Problem, example = json!({"detail": "the call is over"})),
    ))]
pub async fn hang_up(
    State(app): State<App>,
    reader: Reader,
    user: User,
    whence: Whence,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let live = live(&app, &reader, &id).await?;
    // One that does not take orders, because it has not begun or ends already, is told as by a server that stops.
    if live.order(Order::HangUp).await.is_err() && !live.finish() {
        return Err(over());
    }
    audit(&app, (&user, &whence), "call.hangup", &live, json!({})).await;
    Ok(accepted(Accepted::by(&live, "ending")))
}

/// A call that goes on here.
///
/// # Errors
/// 404, 409, 503.
pub(super) async fn live(app: &App, reader: &Reader, id: &str) -> Result<Arc<Watch>, Refusal> {
    let found = find(app, reader, id).await?;
    if let Some(node) = &found.away {
        return Err(away(node));
    }
    found.live.filter(|live| !live.is_over()).ok_or_else(over)
}

pub(super) fn over() -> Refusal {
    Refusal::new(StatusCode::CONFLICT, "the call is over")
}
