use futures_util::SinkExt;
use ringback_store::CallDetail;
use serde_json::json;

use super::*;
use crate::media::{Listening, Socket, listening, start, talks};
use crate::simulated::until;

pub struct Line {
    pub house: House,
    listening: Listening,
}

pub async fn line() -> Line {
    let house = house().await;
    let listening = listening(house.service.server.clone()).await;
    Line { house, listening }
}

impl Line {
    /// A call that came and was told its media socket and token.
    pub async fn rings(&self, path: &str, call_sid: &str) -> Stream {
        let answer = self
            .house
            .service
            .server
            .post(path, &of_call(call_sid))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        stream(&answer.body)
    }

    /// Its media socket, talking.
    pub async fn talk(&self, told: &Stream, call_sid: &str) -> Socket {
        let path = told.url.splitn(4, '/').nth(3).unwrap();
        let mut socket = self.listening.open(&format!("/{path}")).await;
        let token = &told.parameters["token"];
        socket.send(start(call_sid, Some(token))).await.unwrap();
        talks(&mut socket).await;
        socket
    }

    /// A stream that TwiML of others opened, talking.
    pub async fn foreign(&self, call_sid: &str) -> Socket {
        let mut socket = self.listening.open("/ws/open-door/audio/stream").await;
        socket.send(start(call_sid, None)).await.unwrap();
        talks(&mut socket).await;
        socket
    }

    /// Waits until no call goes on.
    pub async fn ended(&self) {
        let registry = &self.house.app().registry;
        registry.until(|counts| counts.live == 0).await;
    }

    pub async fn row(&self, call_sid: &str) -> CallDetail {
        until("the call's row", async || {
            self.house
                .service
                .store
                .call_detail(call_sid)
                .await
                .unwrap()
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_keeps_the_version_that_it_began_with_while_it_is_changed_and_deleted() {
    let line = line().await;
    let house = &line.house;
    let made = house.make(&house.ada, called("dentist")).await;
    let id = text(&made, "id");
    let first = line.rings("/call/inbound/receive/dentist", "CA1").await;
    assert!(first.url.ends_with("/ws/dentist/audio/stream"), "{first:?}");
    let renamed = house
        .put(
            &house.ada,
            id,
            json!({"prompt": "Other.", "slug": "surgery"}),
        )
        .await;
    assert_eq!(renamed.status, 200);
    let second = line
        .rings(&format!("/call/inbound/receive/{id}"), "CA2")
        .await;
    assert!(
        second.url.ends_with("/ws/surgery/audio/stream"),
        "{second:?}"
    );
    let one = line.talk(&first, "CA1").await;
    assert_eq!(house.delete(&house.ada, id).await.status, 200);
    let two = line.talk(&second, "CA2").await;
    for (call_sid, slug, version) in [("CA1", "dentist", 1), ("CA2", "surgery", 2)] {
        let start = line.row(call_sid).await.call.start;
        assert_eq!(start.scenario, slug);
        assert_eq!(
            (start.scenario_id.as_deref(), start.scenario_version),
            (Some(id), Some(version))
        );
        assert_eq!(start.owner.as_deref(), made["owner"].as_str());
    }
    drop((one, two));
    let gone = house
        .service
        .server
        .post("/call/inbound/receive/surgery", &of_call("CA3"))
        .await;
    assert_eq!(gone.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_built_in_scenario_belongs_to_nobody() {
    let line = line().await;
    let told = line.rings("/call/inbound/receive/parrot", "CA1").await;
    let _socket = line.talk(&told, "CA1").await;
    let start = line.row("CA1").await.call.start;
    assert_eq!(
        (start.scenario_id, start.scenario_version, start.owner),
        (None, None, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_calls_address_finds_what_is_kept() {
    let line = line().await;
    let made = line.house.make(&line.house.ada, called("dentist")).await;
    let id = text(&made, "id");
    for (number, name) in ["dentist", id].into_iter().enumerate() {
        for path in [
            "/incoming-call",
            "/incoming-call-webhook",
            "/incoming-custom-call",
        ] {
            let sid = format!("CA{number}");
            let posted = line.rings(&format!("{path}/{name}"), &sid).await;
            assert!(
                posted.url.ends_with("/ws/dentist/audio/stream"),
                "{posted:?}"
            );
            let fetched = line
                .house
                .service
                .server
                .get(&format!("{path}/{name}?CallSid={sid}"))
                .await;
            assert_eq!(fetched.status, 200, "{fetched:?}");
            let token = stream(&fetched.body).parameters["token"].clone();
            for socket in ["/media-stream", "/media-stream-custom"] {
                assert_eq!(
                    line.house
                        .service
                        .server
                        .get(&format!("{path}/none?CallSid={sid}"))
                        .await
                        .status,
                    404
                );
                if path == "/incoming-call" && socket == "/media-stream"
                    || path == "/incoming-custom-call" && socket != "/media-stream"
                {
                    let mut open = line.listening.open(&format!("{socket}/{name}")).await;
                    open.send(start(&sid, Some(&token))).await.unwrap();
                    talks(&mut open).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_webhook_that_is_fetched_is_signed_over_its_whole_address() {
    use ringback_wire::twilio::signature::{AuthToken, sign};
    let server = signed().start();
    let ask = async |path: &str, signed_path: &str| {
        let none: &[(String, String)] = &[];
        let signature = sign(
            &AuthToken::new(TOKEN).unwrap(),
            &format!("{BASE}{signed_path}"),
            none,
        );
        let request = axum::http::Request::get(path)
            .header("host", "localhost:8080")
            .header("x-twilio-signature", signature);
        server
            .ask_from("192.0.2.1", request.body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    let path = "/incoming-call/parrot?CallSid=CA1&From=%2B15005550001";
    assert_eq!(ask(path, path).await, 200);
    assert_eq!(ask(path, "/incoming-call/parrot").await, 403);
    assert_eq!(
        ask(
            "/incoming-call/survey?CallSid=CA1&From=%2B15005550001",
            path
        )
        .await,
        403
    );
    assert_eq!(
        ask("/incoming-call/parrot", "/incoming-call/parrot").await,
        422
    );
}
