//! What is done to a live call.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Reader, find};
use crate::app::App;
use crate::openapi::Problem;
use crate::refusal::Refusal;

/// A call that ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EndingCall, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "ending",
}))]
pub struct Ending {
    /// Our id.
    call_id: String,
    /// Twilio's.
    call_sid: String,
    /// `ending`.
    status: &'static str,
}

/// Hang up a live call.
///
/// The call ends after the sentence that is being heard.
#[utoipa::path(post, path = "/calls/{id}/hangup", tag = "Calls", params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 202, description = "It ends.", body = Ending),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It does not go on here.", body = Problem, example = json!({"detail": "the call is over, or goes on at another server"})),
    ))]
pub async fn hang_up(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Ending>), Refusal> {
    let found = find(&app, &reader, &id).await?;
    let live = found.live.filter(|live| live.finish()).ok_or_else(|| {
        let what = "the call is over, or goes on at another server";
        Refusal::new(StatusCode::CONFLICT, what)
    })?;
    tracing::info!(
        call.id = live.call_id,
        call.sid = live.call_sid,
        "a call is hung up on request"
    );
    let told = Ending {
        call_id: live.call_id.clone(),
        call_sid: live.call_sid.clone(),
        status: "ending",
    };
    Ok((StatusCode::ACCEPTED, Json(told)))
}
