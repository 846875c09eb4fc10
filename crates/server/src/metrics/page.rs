//! `GET /metrics`.

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::State;
use crate::answers::Detail;
use crate::app::App;

/// The media type of OpenMetrics' text form, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`: every figure, in the text form of OpenMetrics.
pub async fn show_metrics(Extract(app): Extract<App>) -> Response {
    match app.metrics.text(&State::of(&app)) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "Error: the metrics cannot be written");
            let what = "the metrics cannot be written";
            Detail::new(StatusCode::INTERNAL_SERVER_ERROR, what).into_response()
        }
    }
}
