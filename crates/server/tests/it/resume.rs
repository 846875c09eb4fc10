#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use ringback_server::hooks::resume::BROKE;
use ringback_server::hooks::voice::STOPPING;

use crate::server::*;

/// Of a scenario that says nothing of its own.
const APOLOGY: &str =
    "I am sorry, something went wrong on our side. Thank you for your time. Goodbye.";

async fn resume_path(server: &TestServer) -> String {
    let url = stream(&server.post("/", &of_call(CALL)).await.body).resume;
    url.strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_call_whose_socket_never_came_hears_an_apology_and_frees_its_seat() {
    let server = local().with("MAX_CALLS", "1").start();
    let path = resume_path(&server).await;
    for _ in 0..2 {
        assert_eq!(
            spoken(&server.post(&path, &of_call(CALL)).await.body),
            APOLOGY
        );
    }
    assert_eq!(server.app.registry.counts().expected, 0);
}

#[tokio::test]
async fn the_apology_is_the_scenarios_own_and_in_its_language() {
    let server = local().start();
    let twiml = server
        .post("/call/inbound/receive/auskunft", &of_call(CALL))
        .await;
    let resume = stream(&twiml.body).resume;
    let path = resume.strip_prefix("http://localhost:8080").unwrap();
    let broke = server.post(path, &of_call(CALL)).await.body;
    assert_eq!(
        spoken(&broke),
        "Das war Compass Group. Vielen Dank für Ihre Zeit. Auf Wiederhören."
    );
    assert!(broke.contains("language=\"de-DE\""), "{broke}");
}

#[tokio::test]
async fn while_the_server_stops_it_says_so_in_the_scenarios_language() {
    let server = local().start();
    let path = resume_path(&server).await;
    let german = server
        .post("/call/inbound/receive/auskunft", &of_call("CA2"))
        .await;
    let german = stream(&german.body).resume;
    let german = german.strip_prefix("http://localhost:8080").unwrap();
    server.app.lifecycle.draining.cancel();
    assert_eq!(
        spoken(&server.post(&path, &of_call(CALL)).await.body),
        STOPPING
    );
    let said = spoken(&server.post(german, &of_call("CA2")).await.body);
    assert!(said.starts_with("Es tut uns leid"), "{said}");
}

#[tokio::test]
async fn a_token_of_another_call_or_of_nobody_is_not_found() {
    let server = local().start();
    let path = resume_path(&server).await;
    for (path, call) in [
        (path.as_str(), "CA2"),
        ("/resume/x", CALL),
        ("/resume/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", CALL),
    ] {
        let answer = server.post(path, &of_call(call)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let media = stream(&server.post("/", &of_call(CALL)).await.body).parameters["token"].clone();
    let answer = server
        .post(&format!("/resume/{media}"), &of_call(CALL))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn after_a_restart_the_token_is_still_ours_and_an_apology_is_spoken() {
    let path = resume_path(&local().start()).await;
    let restarted = local().start();
    assert_eq!(
        spoken(&restarted.post(&path, &of_call(CALL)).await.body),
        APOLOGY
    );
    let (path, _) = path.split_once('?').unwrap();
    for unknown in ["", "?", "?scenario=", "?scenario=gone"] {
        let twiml = restarted
            .post(&format!("{path}{unknown}"), &of_call(CALL))
            .await;
        assert_eq!(spoken(&twiml.body), BROKE, "{unknown}");
    }
}

#[tokio::test]
async fn it_is_for_the_carrier_only() {
    let server = signed().start();
    assert_eq!(
        server.post("/resume/x", &of_call(CALL)).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        server.post_signed("/resume/x", &of_call(CALL)).await.status,
        StatusCode::NOT_FOUND
    );
}
