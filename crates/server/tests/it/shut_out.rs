//! Who loses their account, their role or their sign-in loses what they follow, too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use ringback_server::database::now;
use ringback_session::News;
use ringback_store::UserChange;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::accounts::{ADA, BOB, SECRET, request};
use crate::following::Desk;

const SOON: Duration = Duration::from_secs(2);

/// A desk with a live call, and Bob as a second admin, who follows it.
struct Followed {
    desk: Desk,
    token: String,
    path: String,
    watch: std::sync::Arc<ringback_server::calls::watch::Watch>,
}

impl Followed {
    async fn open() -> Self {
        let desk = Desk::at("").await;
        let (watch, id, _) = desk.live();
        let role = json!({"role": "admin"});
        let told = desk.patch_bob(role).await;
        assert_eq!(told, 200);
        Self {
            token: desk.service.log_in(BOB).await.access,
            path: format!("/calls/{id}/events"),
            watch,
            desk,
        }
    }

    /// The events of this path, of which the first has come.
    async fn follow(&self, path: &str, token: Option<&str>) -> BodyDataStream {
        let mut asked = request("GET", path);
        if let Some(token) = token {
            asked = asked.header("authorization", format!("Bearer {token}"));
        }
        let asked = asked.body(Body::empty()).unwrap();
        let router = self.desk.service.server.router.clone();
        let response = router.oneshot(asked).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let mut body = response.into_body().into_data_stream();
        self.watch.take(&News::Hearing("hello".to_owned()));
        assert!(body.next().await.is_some());
        body
    }

    async fn links(&self, token: &str) -> Value {
        let path = self.path.replace("/events", "/links");
        let service = &self.desk.service;
        let told = service.ask("POST", &path, Some(token), Value::Null).await;
        assert_eq!(told.status, 200, "{told:?}");
        told.json
    }
}

impl Desk {
    async fn patch_bob(&self, change: Value) -> u16 {
        let path = format!("/admin/users/{}", self.bobs_id);
        let told = self.service.ask("PATCH", &path, Some(&self.ada), change);
        told.await.status
    }
}

/// That a stream ends, whatever is said meanwhile: how much of it came, and after how long.
async fn ends(followed: &Followed, mut body: BodyDataStream, within: Duration) -> usize {
    let (begun, mut came) = (Instant::now(), 0);
    loop {
        followed.watch.take(&News::Hearing("a secret".to_owned()));
        let next = tokio::time::timeout(Duration::from_millis(200), body.next()).await;
        match next {
            Ok(None) => return came,
            Ok(Some(_)) => came += 1,
            Err(_) => {}
        }
        assert!(begun.elapsed() < within, "it goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_once_and_links_close_when_their_user_is_changed() {
    let password = json!({"current_password": SECRET, "new_password": "another good sentence"});
    for (what, method, path, body) in [
        (
            "shut out",
            "PATCH",
            "/admin/users/BOB",
            json!({"disabled": true}),
        ),
        (
            "demoted",
            "PATCH",
            "/admin/users/BOB",
            json!({"role": "user"}),
        ),
        (
            "reset",
            "PATCH",
            "/admin/users/BOB",
            json!({"password": "another good sentence"}),
        ),
        ("deleted", "DELETE", "/admin/users/BOB", Value::Null),
        ("another password", "POST", "/users/me/password", password),
        ("logged out", "POST", "/auth/logout", Value::Null),
    ] {
        let followed = Followed::open().await;
        let desk = &followed.desk;
        let links = followed.links(&followed.token).await;
        let link = links["events"].as_str().unwrap();
        let bearer = followed.follow(&followed.path, Some(&followed.token)).await;
        let linked = followed.follow(link, None).await;
        let adas = followed.follow(&followed.path, Some(&desk.ada)).await;

        let path = path.replace("BOB", &desk.bobs_id);
        let who = if path.starts_with("/admin") {
            &desk.ada
        } else {
            &followed.token
        };
        let told = desk.service.ask(method, &path, Some(who), body).await;
        assert_eq!(told.status, 200, "{what}: {told:?}");
        for stream in [bearer, linked] {
            assert_eq!(ends(&followed, stream, SOON).await, 0, "{what}");
        }
        let refused = desk.without_token(link).await;
        assert_eq!(refused.status.as_u16(), 403, "{what}: {refused:?}");
        // Whom it does not concern goes on.
        let mut adas = adas;
        followed.watch.take(&News::Lines(1));
        assert!(adas.next().await.is_some(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_opened_ends_with_the_key_and_with_the_role_of_its_user() {
    let followed = Followed::open().await;
    let (desk, service) = (&followed.desk, &followed.desk.service);
    let keys = "/users/me/api-keys";
    let made = service.ask("POST", keys, Some(&followed.token), json!({"name": "wall"}));
    let made = made.await.json;
    let key = made["key"].as_str().unwrap();
    let link = followed.links(key).await["events"].clone();
    let link = link.as_str().unwrap();
    let stream = followed.follow(link, None).await;
    assert_eq!(desk.patch_bob(json!({"role": "user"})).await, 200);
    assert_eq!(ends(&followed, stream, SOON).await, 0);
    // The link is good still, and opens what its maker may see: no longer this call.
    assert_eq!(desk.without_token(link).await.status.as_u16(), 404);

    assert_eq!(desk.patch_bob(json!({"role": "admin"})).await, 200);
    let stream = followed.follow(&followed.path, Some(key)).await;
    let path = format!("{keys}/{}", made["id"].as_str().unwrap());
    let gone = service.ask("DELETE", &path, Some(key), Value::Null).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(ends(&followed, stream, SOON).await, 0);
    assert_eq!(desk.without_token(link).await.status.as_u16(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_soon_when_its_user_is_shut_out_at_another_server() {
    let followed = Followed::open().await;
    let stream = followed.follow(&followed.path, Some(&followed.token)).await;
    let change = UserChange {
        disabled: Some(true),
        ..UserChange::default()
    };
    // The database alone knows of it, as where another server was asked.
    let store = &followed.desk.service.store;
    let changed = store
        .user_change(&followed.desk.bobs_id, change, now())
        .await;
    changed.unwrap();
    ends(&followed, stream, Duration::from_secs(15)).await;
    assert_eq!(
        followed.desk.service.try_log_in(ADA, SECRET).await.status,
        200
    );
}
