//! What comes in bodies, and how errors are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use ringback_server::answers::Detail;
use ringback_server::body::{JsonBody, Params, bound, read};
use ringback_server::requests::{accompany, mend};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::server::*;

const MOST: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    to_number: String,
    #[serde(default)]
    lines: Vec<u32>,
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

fn router() -> Router {
    Router::new()
        .route(
            "/orders",
            post(async |JsonBody(order): JsonBody<Order>| {
                format!("{}{:?}", order.to_number, order.lines)
            }),
        )
        .route(
            "/size",
            post(async |body: Body| read(body).await.map(|bytes| bytes.len().to_string())),
        )
        .route(
            "/pages",
            get(async |Params(page): Params<Page>| page.limit.to_string()),
        )
        .route("/numbers/{n}", get(async |Path(n): Path<u8>| n.to_string()))
        .route("/panic", get(async || -> String { panic!("the inside") }))
        .route(
            "/inside",
            get(async || (StatusCode::INTERNAL_SERVER_ERROR, "the inside")),
        )
        .route(
            "/provider",
            get(async || Detail::new(StatusCode::BAD_GATEWAY, "openai failed")),
        )
        .layer(from_fn_with_state(MOST, bound))
        .layer(from_fn(mend))
        .layer(from_fn(accompany))
}

async fn ask(request: Request<Body>) -> (u16, String) {
    let answer = router().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn posted(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json; charset=utf-8")
        .header("x-request-id", "mine")
        .body(body.into())
        .unwrap()
}

fn asked(path: &str) -> Request<Body> {
    let request = Request::get(path).header("x-request-id", "mine");
    request.body(Body::empty()).unwrap()
}

fn endless() -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 100])))
}

#[tokio::test]
async fn what_is_wrong_with_json_is_told_by_place() {
    let check = async |body: &str, place: Value, what: &str, kind: &str| {
        let (status, answer) = ask(posted("/orders", body.to_owned())).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let problem = &answer["detail"][0];
        assert_eq!((status, &problem["loc"]), (422, &place), "{body}: {answer}");
        assert_eq!(problem["type"], kind, "{answer}");
        assert!(problem["msg"].as_str().unwrap().contains(what), "{answer}");
    };
    let whole = json!(["body"]);
    for broken in ["", "{", "not json", "{\"to_number\":\"1\"} x"] {
        check(broken, whole.clone(), "no JSON", "json_invalid").await;
    }
    check("7", whole, "invalid type", "value_error").await;
    check(
        "{}",
        json!(["body", "to_number"]),
        "Field required",
        "missing",
    )
    .await;
    check(
        r#"{"to_number":7}"#,
        json!(["body", "to_number"]),
        "expected a string",
        "value_error",
    )
    .await;
    check(
        r#"{"to_number":"1","lines":[1,"x"]}"#,
        json!(["body", "lines", 1]),
        "expected u32",
        "value_error",
    )
    .await;
    check(
        r#"{"to_number":"1","role":"admin"}"#,
        json!(["body", "role"]),
        "unknown field",
        "extra_forbidden",
    )
    .await;
    let good = posted("/orders", r#"{"to_number":"1","lines":[2]}"#);
    assert_eq!(ask(good).await, (200, "1[2]".to_owned()));
}

#[tokio::test]
async fn other_types_of_body_are_not_taken_for_json() {
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = Request::post("/orders").header("content-type", kind);
        let answer = ask(request.body(Body::from("{}")).unwrap()).await;
        let expected = r#"{"detail":"the body must be application/json"}"#;
        assert_eq!(answer, (415, expected.to_owned()), "{kind}");
    }
}

#[tokio::test]
async fn a_body_has_a_bound_whether_it_announces_its_length_or_not() {
    let most = vec![b'x'; MOST];
    assert_eq!(ask(posted("/size", most)).await, (200, "1000".to_owned()));
    let expected = r#"{"detail":"the body has more than 1000 bytes"}"#;
    let announced = posted("/size", vec![b'x'; MOST + 1]);
    assert_eq!(ask(announced).await, (413, expected.to_owned()));
    let unannounced = posted("/size", Body::from_stream(endless()));
    assert_eq!(ask(unannounced).await, (413, expected.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_or_drips_is_not_waited_for() {
    let expected = (
        408,
        r#"{"detail":"the body did not come in time"}"#.to_owned(),
    );
    let begun = tokio::time::Instant::now();
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(ask(posted("/size", never)).await, expected);
    assert_eq!(begun.elapsed().as_secs(), 10);
    let dripping = stream::iter(0..MOST).then(|_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
    });
    let begun = tokio::time::Instant::now();
    let dripping = Body::from_stream(dripping);
    assert_eq!(ask(posted("/size", dripping)).await, expected);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_so() {
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("the inside"))]);
    let answer = ask(posted("/size", Body::from_stream(broken))).await;
    assert_eq!(
        answer,
        (400, r#"{"detail":"the body broke off"}"#.to_owned())
    );
}

#[tokio::test]
async fn what_is_our_fault_bears_an_id_and_nothing_of_the_inside() {
    let told = r#"{"detail":"an error in the server; its id is mine","id":"mine"}"#;
    for path in ["/panic", "/inside"] {
        assert_eq!(ask(asked(path)).await, (500, told.to_owned()), "{path}");
    }
    let told = r#"{"detail":"openai failed","id":"mine"}"#;
    assert_eq!(ask(asked("/provider")).await, (502, told.to_owned()));
}

#[tokio::test]
async fn errors_of_paths_and_queries_are_json_too() {
    let (status, body) = ask(asked("/numbers/x")).await;
    assert_eq!(status, 400);
    assert!(body.starts_with(r#"{"detail":""#), "{body}");
    let (status, body) = ask(asked("/pages?limit=x")).await;
    assert_eq!(status, 422);
    let expected = r#"{"detail":[{"loc":["query","limit"],"msg":"write a whole number that is not too large","type":"value_error"}]}"#;
    assert_eq!(body, expected);
    assert_eq!(ask(asked("/pages?limit=7")).await, (200, "7".to_owned()));
}

#[tokio::test]
async fn nothing_of_the_disk_is_served() {
    let server = local().start();
    for path in [
        "/.env",
        "/.git/config",
        "/ringback.toml",
        "/data/secret_key",
        "/../.env",
        "/..%2f.env",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/local/calls/..%2f..%2f.env",
        "/local/calls/%2fetc%2fpasswd",
        "/local/calls/..%5c..%5c.env",
        "/local/calls/x%00.wav",
        "//etc/passwd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.starts_with(r#"{"detail":"#), "{path}");
    }
}
