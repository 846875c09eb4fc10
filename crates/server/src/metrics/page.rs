//! `GET /metrics`.

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::State;
use crate::answers::Detail;
use crate::app::App;

/// The media type of OpenMetrics' text form, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Show every figure.
///
/// In the text form of OpenMetrics, for Prometheus. docs/metrics.md names them.
#[utoipa::path(get, path = "/metrics", tag = "Operation", responses(
    (status = 200, description = "OpenMetrics.", body = String, content_type = "application/openmetrics-text",
        example = json!("# HELP ringback_calls_live Calls that are live.\n# TYPE ringback_calls_live gauge\nringback_calls_live 3\n# EOF\n")),
))]
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
