//! The verdict of answering-machine detection.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use ringback_call::Verdict;
use ringback_wire::twilio::webhook::Form;
use tokio_util::sync::CancellationToken;

use crate::server::*;

fn verdict(call: &str, word: &str) -> Form {
    of_call(call)
        .with("AnsweredBy", word)
        .with("MachineDetectionDuration", "3200")
}

/// What a call is told that was answered by `first`, and whose verdict comes later.
async fn told(first: &Form, later: Option<&str>) -> Option<Verdict> {
    let server = local().start();
    let twiml = server.post("/", first).await.body;
    if let Some(word) = later {
        let answer = server.post("/amd-callback", &verdict(CALL, word)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    let token = stream(&twiml).parameters["token"].clone();
    let app = &server.app;
    let id = app
        .signer
        .verify(&token, ringback_server::calls::Purpose::Media, CALL)
        .unwrap();
    let now = std::time::Instant::now();
    let (_, live) = app
        .registry
        .connect(id, CancellationToken::new(), now)
        .unwrap();
    *live.verdict().borrow()
}

#[tokio::test]
async fn the_verdict_of_the_webhook_and_of_the_callback_reach_the_call() {
    let plain = of_call(CALL);
    assert_eq!(told(&plain, None).await, None);
    let answered = plain.clone().with("AnsweredBy", "human");
    assert_eq!(told(&answered, None).await, Some(Verdict::Human));
    for (word, verdict) in [
        ("human", Verdict::Human),
        ("machine_start", Verdict::MachineStart),
        ("machine_end_beep", Verdict::MachineEnd),
        ("machine_end_silence", Verdict::MachineEnd),
        ("machine_end_other", Verdict::MachineEnd),
        ("fax", Verdict::Fax),
        ("unknown", Verdict::Unknown),
        ("a_new_word", Verdict::Unknown),
    ] {
        assert_eq!(told(&plain, Some(word)).await, Some(verdict), "{word}");
    }
}

#[tokio::test]
async fn a_call_that_is_not_known_changes_nothing_and_what_is_missing_is_named() {
    let server = local().start();
    let answer = server.post("/amd-callback", &verdict("CA2", "fax")).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let answer = server.post("/amd-callback", &of_call(CALL)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("AnsweredBy"), "{}", answer.body);
}

#[tokio::test]
async fn it_is_for_the_carrier_only() {
    let server = signed().start();
    let form = verdict(CALL, "human");
    let answer = server.post("/amd-callback", &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = server.post_signed("/amd-callback", &form).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}
