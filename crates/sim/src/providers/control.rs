//! The control of the simulator, on loopback only: knobs, the record of requests, reset.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::Twin;
use super::captcha::Solved;
use super::knobs::Rule;

/// `/sim/*`.
pub(super) fn routes() -> Router<Arc<Twin>> {
    Router::new()
        .route("/sim/knobs", post(set_knobs))
        .route("/sim/captcha", post(make_token))
        .route("/sim/requests", get(list_requests))
        .route("/sim/stamps", get(list_stamps))
        .route("/sim/reset", post(reset))
        .route_layer(middleware::from_fn(loopback_only))
}

async fn loopback_only(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if peer.ip().is_loopback() {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn set_knobs(State(twin): State<Arc<Twin>>, body: String) -> Response {
    match Rule::parse(&body) {
        Ok(rule) => {
            twin.desk.add(rule);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(detail) => unfit(&detail),
    }
}

async fn make_token(State(twin): State<Arc<Twin>>, body: String) -> Response {
    match serde_json::from_str::<Solved>(&body) {
        Ok(solved) => axum::Json(json!({ "token": twin.captchas.make(solved) })).into_response(),
        Err(error) => unfit(&error.to_string()),
    }
}

fn unfit(detail: &str) -> Response {
    let detail = axum::Json(json!({ "detail": detail }));
    (StatusCode::UNPROCESSABLE_ENTITY, detail).into_response()
}

async fn list_requests(State(twin): State<Arc<Twin>>) -> Response {
    axum::Json(twin.requests.all()).into_response()
}

async fn list_stamps(State(twin): State<Arc<Twin>>) -> Response {
    axum::Json(twin.requests.stamps.all()).into_response()
}

async fn reset(State(twin): State<Arc<Twin>>) -> StatusCode {
    twin.desk.reset();
    twin.requests.reset();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use axum::extract::connect_info::MockConnectInfo;
    use tokio::net::TcpListener;

    use super::super::Options;
    use super::*;

    #[tokio::test]
    async fn nobody_reaches_the_control_but_over_loopback() {
        let twin = Arc::new(Twin::build(Options::default()).unwrap());
        for (peer, status) in [([192, 0, 2, 1], 404), ([127, 0, 0, 1], 200)] {
            let peer = MockConnectInfo(SocketAddr::from((peer, 4000)));
            let app = routes().with_state(Arc::clone(&twin)).layer(peer);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/sim/requests", listener.local_addr().unwrap());
            let server = tokio::spawn(async move { axum::serve(listener, app).await });
            assert_eq!(reqwest::get(url).await.unwrap().status(), status);
            server.abort();
        }
    }
}
