//! Calls.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::answers::Detail;
use crate::app::App;

/// `GET /calls/{id}`: a call that ended lately, by Twilio's id or by ours: latencies, usage, cost and faults.
pub async fn show_call(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.recent.find(&id) {
        Some(summary) => Json(&*summary).into_response(),
        None => {
            let what = "no call of this id has ended lately";
            Detail::new(StatusCode::NOT_FOUND, what).into_response()
        }
    }
}
