//! Callers are put through by Twilio's REST API, or by the TwiML after the stream.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ringback_call::Intent;
use ringback_session::scenario::{Origin, parse};
use ringback_session::{Ended, Follower, Onward, Rest, Secret};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::peer::{Peer, engines};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const CALL: &str = "CA00000000000000000000000000000077";
const PATH: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/CA00000000000000000000000000000077.json";

/// A call whose script puts the caller through at once to `to`, with the REST API of an account at `server`.
async fn call(account: &str, server: &MockServer, to: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let text = format!(
        "responder = [{{ provider = \"script\" }}]\n[[script.state]]\nname = \"only\"\nsay = \"One moment.\"\ntransfer = \"{to}\"\n"
    );
    let (scenario, _) = parse(&text, &Origin::text("put-through")).unwrap();
    let public = "https://phone.example.org/agents".parse().ok();
    let token = Secret::new("the token of this account".to_owned());
    let url = server.uri().parse().unwrap();
    let rest = Rest::new((account.to_owned(), token), url, public, None).unwrap();
    let onward = Onward {
        rest: Some(Arc::new(rest)),
        may_reach: Some(Arc::new(|slug| slug != "private")),
    };
    let told = (Follower::none(), onward);
    let peer = Peer::with(&engines, &Arc::new(scenario), None, CALL, told);
    peer.call.await.unwrap()
}

/// Basic authentication of the account by that token.
const BASIC: &str =
    "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0aGUgdG9rZW4gb2YgdGhpcyBhY2NvdW50";

#[tokio::test]
async fn a_call_of_the_account_gets_new_twiml_before_its_stream_is_closed() {
    let server = MockServer::start().await;
    let twiml = "Twiml=%3C%3Fxml+version%3D%221.0%22+encoding%3D%22UTF-8%22%3F%3E%3CResponse%3E%3CDial%3E%3CNumber%3E%2B15005550009%3C%2FNumber%3E%3C%2FDial%3E%3CHangup%2F%3E%3C%2FResponse%3E";
    Mock::given(method("POST"))
        .and(path(PATH))
        .and(header("authorization", BASIC))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string(twiml))
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .expect(1)
        .mount(&server)
        .await;
    let ended = call(ACCOUNT, &server, "+15005550009").await;
    assert!(ended.put_through, "{:?}", server.received_requests().await);
    assert_eq!(ended.intent, Intent::Transfer("+15005550009".to_owned()));
}

#[tokio::test]
async fn another_scenario_is_reached_by_a_redirect_to_its_webhook() {
    let server = MockServer::start().await;
    Mock::given(path(PATH))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let ended = call(ACCOUNT, &server, "scenario:it-support").await;
    assert!(ended.put_through);
    let asked = server.received_requests().await.unwrap();
    let body = String::from_utf8(asked[0].body.clone()).unwrap();
    let url = "https%3A%2F%2Fphone.example.org%2Fagents%2Fcall%2Finbound%2Freceive%2Fit-support";
    assert!(
        body.contains("%3CRedirect%3E") && body.contains(url),
        "{body}"
    );
}

#[tokio::test]
async fn what_the_api_refuses_is_left_to_the_twiml_after_the_stream() {
    for refusal in [
        ResponseTemplate::new(400)
            .set_body_string(r#"{"code":21220,"message":"Call is not in-progress."}"#),
        ResponseTemplate::new(502).set_body_string("<html>"),
        ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(30)),
    ] {
        let server = MockServer::start().await;
        Mock::given(path(PATH))
            .respond_with(refusal)
            .expect(1)
            .mount(&server)
            .await;
        let ended = call(ACCOUNT, &server, "+15005550009").await;
        assert!(!ended.put_through);
        assert_eq!(ended.intent, Intent::Transfer("+15005550009".to_owned()));
    }
}

#[tokio::test]
async fn calls_of_other_accounts_are_none_of_its_business() {
    let server = MockServer::start().await;
    let ended = call(
        "AC00000000000000000000000000000002",
        &server,
        "+15005550009",
    )
    .await;
    assert!(!ended.put_through);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_scenario_that_the_calls_owner_may_not_use_is_reached_by_no_way() {
    let server = MockServer::start().await;
    let ended = call(ACCOUNT, &server, "scenario:private").await;
    assert!(!ended.put_through);
    assert_eq!(ended.intent, Intent::HangUp);
    let failed = ended.failed.unwrap();
    assert!(failed.contains("may not use the scenario"), "{failed}");
    assert_eq!(ended.summary["failed"], failed);
    assert!(server.received_requests().await.unwrap().is_empty());
}
