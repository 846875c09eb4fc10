//! What users want of live calls: lines, hints, transfers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::http::StatusCode;
use ringback_session::scenario::destination::SCENARIO;
use ringback_store::AuditEntry;
use serde_json::{Value, json};

use crate::accounts::Told;
use crate::media::{Socket, closed, echoed, key};
use crate::scenarios::calls::{Line, line};
use crate::scenarios::{House, called, text};
use crate::server::*;

const SAYING: &str = "Your order has been found.";

/// A call to ada's scenario, which is hers.
async fn of_ada(line: &Line) -> Socket {
    line.house.make(&line.house.ada, called("dentist")).await;
    let told = line.rings("/call/inbound/receive/dentist", CALL).await;
    let socket = line.talk(&told, CALL).await;
    line.row(CALL).await;
    socket
}

async fn ask(house: &House, token: Option<&str>, verb: &str, body: Value) -> Told {
    let path = format!("/calls/{CALL}/{verb}");
    house.service.ask("POST", &path, token, body).await
}

/// What is asked of a call, and how it reaches the seat.
fn each() -> [(&'static str, Value); 3] {
    [
        ("say", json!({ "text": SAYING })),
        ("transfer", json!({"to": "+15005550009"})),
        ("whisper", json!({"text": "Offer free delivery."})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_other_twiml_is_not_said_to_be_put_through_where_nobody_can() {
    let line = line().await;
    let _socket = line.foreign(CALL).await;
    line.row(CALL).await;
    let house = &line.house;
    for to in ["+15005550009", "scenario:parrot"] {
        let refused = ask(house, Some(&house.admin), "transfer", json!({ "to": to })).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        let what = refused.json["detail"].as_str().unwrap();
        assert!(what.contains("TWILIO_ACCOUNT_SID"), "{what}");
    }
    assert!(house.service.acts("call.transfer").await.is_empty());
    let said = ask(house, Some(&house.admin), "say", json!({ "text": SAYING })).await;
    assert_eq!(said.status, 202);
}

fn details(acts: &[AuditEntry]) -> Vec<Value> {
    acts.iter().map(|act| act.detail.0.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_a_call_may_tell_it_what_to_do_and_it_is_written_down_without_words() {
    let line = line().await;
    let mut socket = of_ada(&line).await;
    let house = &line.house;
    for (verb, body) in each() {
        let bobs = ask(house, Some(&house.bob), verb, body.clone()).await;
        assert_eq!(bobs.status, 404, "{verb}: {bobs:?}");
        assert_eq!(ask(house, None, verb, body).await.status, 401, "{verb}");
    }
    let body = json!({"text": format!("  {}\n", SAYING.replace(' ', "\t")), "interrupt": true});
    let said = ask(house, Some(&house.ada), "say", body).await;
    let expected = json!({"call_id": said.json["call_id"], "call_sid": CALL, "status": "accepted", "text": SAYING, "interrupt": true});
    assert_eq!((said.status, said.json), (202, expected));
    assert_eq!(
        echoed(&mut socket).await,
        format!("Say {{ text: {SAYING:?}, interrupt: true }}")
    );
    let (verb, body) = &each()[2];
    let deaf = ask(house, Some(&house.ada), verb, body.clone()).await;
    let what = "nobody there can take a hint: no model and no web service answers";
    assert_eq!((deaf.status, deaf.json), (409, json!({ "detail": what })));
    let body = json!({"to": "+15005550009", "say": "One moment."});
    let put = ask(house, Some(&house.admin), "transfer", body).await;
    assert_eq!(
        (put.status, &put.json["status"]),
        (202, &json!("transferring"))
    );
    assert_eq!(
        echoed(&mut socket).await,
        "Transfer { to: \"+15005550009\", first: Some(\"One moment.\") }"
    );
    let hung_up = ask(house, Some(&house.ada), "hangup", Value::Null).await;
    assert_eq!(hung_up.status, 202);

    let acts = house.service.acts("call.say").await;
    assert_eq!(
        details(&acts),
        [json!({"characters": 26, "interrupt": true})]
    );
    assert_eq!(json!(acts[0].subject), put.json["call_id"]);
    assert!(acts[0].actor.is_some());
    let acts = house.service.acts("call.transfer").await;
    assert_eq!(acts.len(), 1);
    let told = format!("{acts:?}");
    assert!(
        !told.contains("5550009") && !told.contains("moment"),
        "{told}"
    );
    assert_eq!(house.service.acts("call.hangup").await.len(), 1);
    assert!(house.service.acts("call.whisper").await.is_empty());

    assert_eq!(closed(&mut socket).await.0, 1000);
    line.ended().await;
    for (verb, body) in each() {
        let over = ask(house, Some(&house.ada), verb, body).await;
        assert_eq!(over.status, 409, "{verb}: {over:?}");
        assert_eq!(over.json["detail"], "the call is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_or_reached_is_told_by_its_place() {
    let line = line().await;
    let mut socket = of_ada(&line).await;
    let house = &line.house;
    let long = |length: usize| "a".repeat(length);
    for (verb, body, place) in [
        ("say", json!({}), "text"),
        ("say", json!({"text": ""}), "text"),
        ("say", json!({"text": " ...\n"}), "text"),
        ("say", json!({"text": "a\u{0}b"}), "text"),
        ("say", json!({"text": long(1001)}), "text"),
        ("say", json!({"text": "[keys 1]"}), "text"),
        ("say", json!({"text": "a", "interrupt": "yes"}), "interrupt"),
        ("say", json!({"text": "a", "voice": "b"}), "voice"),
        ("whisper", json!({"text": long(2001)}), "text"),
        ("transfer", json!({"say": "a"}), "to"),
        ("transfer", json!({"to": "5005550009"}), "to"),
        ("transfer", json!({"to": "+1 500 555 0009"}), "to"),
        ("transfer", json!({"to": "tel:+15005550009"}), "to"),
        ("transfer", json!({"to": "sip:"}), "to"),
        (
            "transfer",
            json!({"to": "+15005550009", "say": long(301)}),
            "say",
        ),
        ("transfer", json!({"to": "scenario:none"}), "to"),
        ("transfer", json!({"to": "scenario:reminders"}), "to"),
    ] {
        let told = ask(house, Some(&house.ada), verb, body.clone()).await;
        assert_eq!(told.status, 422, "{body}: {told:?}");
        assert_eq!(
            told.json["detail"][0]["loc"],
            json!(["body", place]),
            "{body}"
        );
    }
    for (verb, body) in [
        ("say", json!({"text": long(1000)})),
        ("transfer", json!({"to": "sip:desk@example.com"})),
        ("transfer", json!({"to": "+15005550009", "say": long(300)})),
    ] {
        let told = ask(house, Some(&house.ada), verb, body.clone()).await;
        assert_eq!(told.status, 202, "{body}: {told:?}");
        echoed(&mut socket).await;
    }
    for path in [
        "/calls/none/say",
        "/calls/0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11/say",
    ] {
        let body = json!({ "text": SAYING });
        let told = house
            .service
            .ask("POST", path, Some(&house.admin), body)
            .await;
        assert_eq!(told.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_not_put_through_to_what_another_user_keeps_to_themselves() {
    let line = line().await;
    let mut socket = of_ada(&line).await;
    let house = &line.house;
    house.make(&house.ada, called("surgery")).await;
    let private = house.make(&house.bob, called("lawyer")).await;
    let id = text(&private, "id");
    let mut shared = called("bakery");
    shared["shared"] = json!(true);
    house.make(&house.bob, shared).await;
    let put = async |token: &str, slug: &str| {
        let body = json!({ "to": format!("{SCENARIO}{slug}") });
        ask(house, Some(token), "transfer", body).await.status
    };
    for slug in ["parrot", "surgery", "bakery"] {
        assert_eq!(put(&house.ada, slug).await, 202, "{slug}");
        echoed(&mut socket).await;
    }
    // The call is ada's, whoever asks.
    for token in [&house.ada, &house.admin] {
        assert_eq!(put(token, "lawyer").await, 422);
        assert_eq!(put(token, id).await, 422);
    }
    // Whatever answers wants it, it is asked when the call ends.
    let reached = async |socket: &mut Socket| {
        futures_util::SinkExt::send(socket, key('7')).await.unwrap();
        echoed(socket).await
    };
    assert_eq!(reached(&mut socket).await, "lawyer: false");
    let body = json!({ "shared": true });
    assert_eq!(house.put(&house.bob, "lawyer", body).await.status, 200);
    assert_eq!(put(&house.ada, "lawyer").await, 202);
    echoed(&mut socket).await;
    assert_eq!(reached(&mut socket).await, "lawyer: true");

    // A call to what the operator keeps is for admins, and leads anywhere.
    let body = json!({ "shared": false });
    assert_eq!(house.put(&house.bob, "lawyer", body).await.status, 200);
    let told = line.rings("/call/inbound/receive/parrot", "CA2").await;
    let mut other = line.talk(&told, "CA2").await;
    let body = json!({"to": "scenario:lawyer"});
    let told = house
        .service
        .ask("POST", "/calls/CA2/transfer", Some(&house.admin), body);
    assert_eq!(told.await.status, 202);
    echoed(&mut other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_that_leads_to_anothers_own_is_not_kept() {
    let line = line().await;
    let house = &line.house;
    house.make(&house.bob, called("lawyer")).await;
    let leading = |slug: &str| {
        let mut body = called(slug);
        body["fallback"] = json!({"then": "transfer", "to": "scenario:lawyer"});
        body["destinations"] = json!({"desk": "scenario:lawyer", "help": "scenario:parrot"});
        body
    };
    let mut script = called("script");
    script["responder"] = json!([{"provider": "script"}]);
    script["script"] = json!({"state": [
        {"name": "a", "ask": "Sales?", "expect": "yes_no", "when": [{"answer": "yes", "goto": "b"}, {"answer": "no", "goto": "b"}]},
        {"name": "b", "say": "One moment.", "transfer": "scenario:lawyer"},
    ]});
    for token in [&house.ada, &house.admin] {
        let told = house.post(token, leading("dentist")).await;
        assert_eq!(told.status, 422, "{told:?}");
        let places: Vec<_> = told.json["detail"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["loc"])
            .collect();
        assert_eq!(
            places,
            [
                &json!(["body", "fallback", "to"]),
                &json!(["body", "destinations", "desk"])
            ]
        );
    }
    let told = house.post(&house.ada, script).await;
    assert_eq!(
        (told.status, &told.json["detail"][0]["loc"]),
        (422, &json!(["body", "script", "state", 1, "transfer"])),
        "{told:?}"
    );
    let made = house.make(&house.ada, called("dentist")).await;
    let change = json!({"destinations": {"desk": "scenario:lawyer"}});
    for token in [&house.ada, &house.admin] {
        assert_eq!(
            house
                .put(token, text(&made, "id"), change.clone())
                .await
                .status,
            422
        );
    }
    assert_eq!(house.post(&house.bob, leading("notary")).await.status, 201);
    let body = json!({ "shared": true });
    assert_eq!(house.put(&house.bob, "lawyer", body).await.status, 200);
    assert_eq!(
        house
            .put(&house.ada, text(&made, "id"), change)
            .await
            .status,
        200
    );
}
