//! Knobs, records and reset over HTTP.

use reqwest::Client;
use ringback_sim::providers::{Provider, State};

use crate::twins::{ask, start};

#[tokio::test]
async fn knobs_are_set_and_reset_and_requests_are_shown() {
    let twins = start().await;
    let version = ("Cartesia-Version", "2026-03-01");
    let set = ask(
        &twins,
        "/sim/knobs",
        &[],
        r#"{"provider":"cartesia","endpoint":"voices","status":402}"#,
    )
    .await;
    assert_eq!(set.status(), 204);
    let voices = || async {
        let request = Client::new().get(format!("{}/voices", twins.url()));
        let request = request
            .header("X-API-Key", "key")
            .header(version.0, version.1);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        answer.bytes().await.unwrap();
        status
    };
    assert_eq!(voices().await, 402);
    let shown = Client::new()
        .get(format!("{}/sim/requests", twins.url()))
        .send()
        .await
        .unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown.text().await.unwrap()).unwrap();
    assert_eq!(shown[0]["provider"], Provider::Cartesia.name());
    assert_eq!(
        (&shown[0]["status"], &shown[0]["state"]),
        (&402.into(), &"refused".into())
    );
    assert_eq!(ask(&twins, "/sim/reset", &[], "").await.status(), 204);
    assert!(twins.requests().is_empty());
    assert_eq!(voices().await, 200);
    assert_eq!(twins.requests()[0].state, State::Done);
}

#[tokio::test]
async fn a_wrong_knob_is_refused_by_name() {
    let twins = start().await;
    let refused = ask(
        &twins,
        "/sim/knobs",
        &[],
        r#"{"provider":"cartesia","dealy_ms":4}"#,
    )
    .await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("dealy_ms"));
}

#[tokio::test]
async fn a_request_that_the_client_gives_up_is_shown_as_aborted() {
    let twins = start().await;
    let set = ask(
        &twins,
        "/sim/knobs",
        &[],
        r#"{"provider":"cartesia","half_open":true}"#,
    )
    .await;
    assert_eq!(set.status(), 204);
    let request = Client::new()
        .get(format!("{}/voices", twins.url()))
        .header("X-API-Key", "key");
    let request = request.header("Cartesia-Version", "2026-03-01");
    let given_up = request
        .timeout(std::time::Duration::from_millis(300))
        .send()
        .await;
    assert!(given_up.unwrap_err().is_timeout());
    for _ in 0..50 {
        if twins.requests()[0].state == State::Aborted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{:?}", twins.requests());
}
