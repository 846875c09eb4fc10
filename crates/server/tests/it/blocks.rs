//! Blocked addresses: who may block, what that does, here and on other nodes, and that nobody shuts themselves out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use ringback_server::guards::sweep_once;
use ringback_server::routes::ROUTES;
use ringback_store::{IpBlock, Location, Store};
use serde_json::{Value, json};

use crate::accounts::{ADA, BOB, Service, open};
use crate::server::*;

const BLOCKS: &str = "/admin/ip-blocks";

async fn status(server: &TestServer, peer: &str, path: &str) -> u16 {
    let request = Request::get(path).header("host", "agent.example.test");
    let request = request.body(Body::empty()).unwrap();
    server.ask_from(peer, request).await.status.as_u16()
}

async fn admin() -> (Service, String) {
    let service = open().await;
    service.register(ADA).await;
    let token = service.log_in(ADA).await.access;
    (service, token)
}

#[tokio::test]
async fn a_block_closes_all_but_what_twilio_signs_and_is_lifted_again() {
    let (service, token) = admin().await;
    let server = &service.server;
    assert_eq!(status(server, "203.0.113.9", "/live").await, 200);
    let body = json!({"network": "203.0.113.77/24", "reason": "scans", "seconds": 3600});
    let made = service.ask("POST", BLOCKS, Some(&token), body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json["network"], "203.0.113.0/24");
    assert_eq!(made.json["reason"], "scans");
    assert!(made.json["until"].as_str() > made.json["created_at"].as_str());
    let listed = service.get(BLOCKS, &token).await;
    assert_eq!(listed.json, json!([made.json]));
    assert_eq!(listed.headers["x-total-count"], "1");

    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let request = Request::builder().method(route.method).uri(&path);
        let request = request.header("host", "agent.example.test");
        let request = request.body(Body::empty()).unwrap();
        let answer = server.ask_from("203.0.113.9", request).await;
        assert_eq!(answer.status, 403, "{} {path}", route.method);
        let blocked = answer.body.contains("from this address");
        assert_eq!(
            blocked,
            !route.protection.is_signed(),
            "{} {path}",
            answer.body
        );
    }
    assert_eq!(status(server, "[::ffff:203.0.113.9]", "/live").await, 403);
    assert_eq!(status(server, "203.0.114.9", "/live").await, 200);

    let path = format!("{BLOCKS}?network=203.0.113.0/24");
    let lifted = service
        .ask("DELETE", &path, Some(&token), Value::Null)
        .await;
    assert_eq!(lifted.status, 204, "{lifted:?}");
    assert_eq!(status(server, "203.0.113.9", "/live").await, 200);
    let again = service
        .ask("DELETE", &path, Some(&token), Value::Null)
        .await;
    assert_eq!(again.status, 404, "{again:?}");
    let acts = [
        service.acts("ip_block.add").await,
        service.acts("ip_block.remove").await,
    ];
    for act in acts {
        assert_eq!((act.len(), &*act[0].subject), (1, "203.0.113.0/24"));
        assert!(act[0].actor.is_some() && act[0].address.is_some());
    }
}

#[tokio::test]
async fn signed_webhooks_come_from_any_address() {
    let service = Service::start(signed()).await;
    let block = IpBlock {
        network: "192.0.2.1".to_owned(),
        until: None,
        reason: String::new(),
        created_by: Some("admin".to_owned()),
        created_at: 1,
    };
    service.store.ip_block_set(&block).await.unwrap();
    let server = &service.server;
    assert_eq!(status(server, "192.0.2.1", "/live").await, 403);
    let answer = server
        .post_signed("/call/inbound/receive/open-door", &inbound())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let (service, token) = admin().await;
    for network in ["192.0.2.7", "192.0.2.0/24", "0.0.0.0/0"] {
        let body = json!({ "network": network });
        let told = service.ask("POST", BLOCKS, Some(&token), body).await;
        assert_eq!(told.status, 409, "{told:?}");
        assert!(
            told.json["detail"]
                .as_str()
                .unwrap()
                .contains("shut you out")
        );
    }
    for network in [
        "127.0.0.1",
        "127.0.0.0/8",
        "::1",
        "localhost",
        "",
        "1.2.3.4/40",
    ] {
        let body = json!({ "network": network });
        let told = service.ask("POST", BLOCKS, Some(&token), body).await;
        assert_eq!(told.status, 422, "{told:?}");
        assert_eq!(told.json["detail"][0]["loc"], json!(["body", "network"]));
    }
    for (field, value) in [
        ("seconds", json!(0)),
        ("seconds", json!(99_999_999_999_u64)),
        ("reason", json!("x".repeat(201))),
        ("reason", json!("a\nb")),
        ("until", json!("tomorrow")),
    ] {
        let mut body = json!({ "network": "203.0.113.1" });
        body[field] = value;
        let told = service.ask("POST", BLOCKS, Some(&token), body).await;
        assert_eq!(told.status, 422, "{told:?}");
    }
    let whole = IpBlock {
        network: "0.0.0.0/0".to_owned(),
        until: None,
        reason: String::new(),
        created_by: Some("admin".to_owned()),
        created_at: 1,
    };
    service.store.ip_block_set(&whole).await.unwrap();
    service.server.app.guards.blocks.forget();
    assert_eq!(status(&service.server, "192.0.2.7", "/live").await, 403);
    assert_eq!(status(&service.server, "127.0.0.1", "/live").await, 200);
}

#[tokio::test]
async fn only_admins_block() {
    let (service, _) = admin().await;
    service.register(BOB).await;
    let user = service.log_in(BOB).await.access;
    let body = json!({"network": "203.0.113.1"});
    for (method, path) in [
        ("GET", BLOCKS),
        ("POST", BLOCKS),
        ("DELETE", "/admin/ip-blocks?network=203.0.113.1"),
    ] {
        let told = service.ask(method, path, Some(&user), body.clone()).await;
        assert_eq!(told.status, 403, "{method}");
        let told = service.ask(method, path, None, body.clone()).await;
        assert_eq!(told.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_block_by_another_node_holds_within_seconds_and_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("all.db").display());
    let location = || Location::parse(&url, folder.path()).unwrap();
    let node = local().start();
    let dir = folder.path().join("node");
    std::fs::create_dir(&dir).unwrap();
    let store = Store::open(location()).unwrap();
    store.migrate(0).await.unwrap();
    node.app.rows.open(store, &dir).await.unwrap();
    assert_eq!(status(&node, "203.0.113.9", "/live").await, 200);
    let other = Store::open(location()).unwrap();
    let now = ringback_server::database::now();
    let block = |until| IpBlock {
        network: "203.0.113.9".to_owned(),
        until: Some(until),
        reason: String::new(),
        created_by: None,
        created_at: now,
    };
    other
        .ip_block_set(&block(now + 3_600_000_000))
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    while status(&node, "203.0.113.9", "/live").await == 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    other.ip_block_delete("203.0.113.9").await.unwrap();
    other.ip_block_set(&block(now + 1)).await.unwrap();
    node.app.guards.blocks.forget();
    assert_eq!(
        status(&node, "203.0.113.9", "/live").await,
        200,
        "it is over"
    );
}

#[tokio::test]
async fn what_was_blocked_stays_so_while_the_database_is_gone() {
    let service = open().await;
    let block = IpBlock {
        network: "203.0.113.9".to_owned(),
        until: None,
        reason: String::new(),
        created_by: None,
        created_at: 1,
    };
    service.store.ip_block_set(&block).await.unwrap();
    assert_eq!(status(&service.server, "203.0.113.9", "/live").await, 403);
    service.store.close().await;
    service.server.app.guards.blocks.forget();
    assert_eq!(status(&service.server, "203.0.113.9", "/live").await, 403);
    assert_eq!(status(&service.server, "203.0.113.10", "/live").await, 200);
}

#[tokio::test]
async fn what_is_over_leaves_no_rows() {
    let service = open().await;
    let (store, now) = (&service.store, ringback_server::database::now());
    let block = |network: &str, until| IpBlock {
        network: network.to_owned(),
        until,
        reason: String::new(),
        created_by: None,
        created_at: 1,
    };
    let hour = 3_600_000_000;
    for (network, until) in [
        ("203.0.113.1", Some(now - 1)),
        ("203.0.113.2", Some(now + hour)),
        ("203.0.113.3", None),
    ] {
        store.ip_block_set(&block(network, until)).await.unwrap();
    }
    let quota = ringback_server::rates::per_minute(5);
    for (name, at) in [("old", now - hour), ("new", now)] {
        store.rate_take(name, quota, at).await.unwrap();
    }
    assert_eq!(sweep_once(store).await.unwrap(), 2);
    assert_eq!(sweep_once(store).await.unwrap(), 0);
}
