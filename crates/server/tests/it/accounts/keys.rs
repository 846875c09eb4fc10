//! API keys and passwords of one's own.

use serde_json::{Value, json};

use super::*;

impl Service {
    async fn make_key(&self, token: &str, body: Value) -> Value {
        let path = "/users/me/api-keys";
        let told = self.ask("POST", path, Some(token), body).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.json
    }

    async fn delete_key(&self, token: &str, id: &str) -> Told {
        let path = format!("/users/me/api-keys/{id}");
        self.ask("DELETE", &path, Some(token), Value::Null).await
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_good_until_it_is_deleted() {
    let service = open().await;
    let ada = service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let made = service
        .make_key(&session.access, json!({"name": " script "}))
        .await;
    let key = made["key"].as_str().unwrap();
    assert!(Fresh::ApiKey.fits(key) && key.starts_with(made["prefix"].as_str().unwrap()));
    assert_eq!(made["name"], "script");
    let me = service.get("/users/me", key).await;
    assert_eq!((me.status, &me.json), (200, &ada));
    let told = service
        .ask("POST", "/auth/logout", Some(key), Value::Null)
        .await;
    assert_eq!(told.status, 409, "{told:?}");

    let listed = service.get("/users/me/api-keys", &session.access).await;
    assert_eq!(listed.headers["x-total-count"], "1");
    assert!(!listed.json.to_string().contains(key), "{listed:?}");
    assert_eq!(listed.json[0]["id"], made["id"]);
    assert!(listed.json[0]["last_used_at"].is_string(), "{listed:?}");

    let id = made["id"].as_str().unwrap();
    assert_eq!(service.delete_key(&session.access, id).await.status, 200);
    assert_unknown(&service.get("/users/me", key).await);
    assert_eq!(service.delete_key(&session.access, id).await.status, 404);
    assert_eq!(service.acts("api-key.add").await.len(), 1);
    assert_eq!(service.acts("api-key.delete").await.len(), 1);
    let all = service
        .store
        .audit_list(&AuditFilter::default(), Page::default())
        .await;
    assert!(!format!("{all:?}").contains(key));
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_has_a_plain_name() {
    let service = open().await;
    service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(2);
    let wanted = json!({"name": "short", "expires_at": soon.to_string()});
    let made = service.make_key(&session.access, wanted).await;
    let key = made["key"].as_str().unwrap();
    assert_eq!(service.get("/users/me", key).await.status, 200);
    crate::simulated::until("the end", async || {
        let status = service.get("/users/me", key).await.status;
        (status == 401).then_some(())
    })
    .await;
    let long = "x".repeat(101);
    for body in [
        json!({"name": ""}),
        json!({"name": "two\nlines"}),
        json!({"name": "nul\u{0}"}),
        json!({"name": long}),
        json!({"name": "late", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "odd", "expires_at": "tomorrow"}),
        json!({"name": "x", "user_id": "another"}),
        json!({}),
    ] {
        let path = "/users/me/api-keys";
        let told = service
            .ask("POST", path, Some(&session.access), body.clone())
            .await;
        assert_eq!(told.status, 422, "{body}: {told:?}");
        assert_eq!(told.json["detail"][0]["loc"][0], "body", "{told:?}");
    }
}

#[tokio::test]
async fn a_key_that_ends_makes_none_that_lasts_longer() {
    let service = open().await;
    service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let ends = "2100-01-01T00:00:00Z";
    let made = service
        .make_key(
            &session.access,
            json!({"name": "short", "expires_at": ends}),
        )
        .await;
    let key = made["key"].as_str().unwrap();
    for longer in [json!(null), json!("2100-01-01T00:00:01Z")] {
        let body = json!({"name": "longer", "expires_at": longer});
        let path = "/users/me/api-keys";
        let told = service.ask("POST", path, Some(key), body).await;
        assert_eq!(told.status, 422, "{told:?}");
        assert_eq!(told.json["detail"][0]["loc"], json!(["body", "expires_at"]));
    }
    let as_long = json!({"name": "as long", "expires_at": ends});
    assert_eq!(
        service.make_key(key, as_long).await["expires_at"],
        made["expires_at"]
    );
    let lasting = service
        .make_key(&session.access, json!({"name": "lasting"}))
        .await;
    let key = lasting["key"].as_str().unwrap();
    service.make_key(key, json!({"name": "lasting, too"})).await;
}

#[tokio::test]
async fn nobody_sees_or_deletes_the_keys_of_another_not_even_an_admin_by_this_route() {
    let service = open().await;
    for email in [ADA, BOB] {
        service.register(email).await;
    }
    let (ada, bob) = (service.log_in(ADA).await, service.log_in(BOB).await);
    let made = service
        .make_key(&bob.access, json!({"name": "bob's"}))
        .await;
    let id = made["id"].as_str().unwrap();
    let listed = service.get("/users/me/api-keys", &ada.access).await;
    assert_eq!(listed.json, json!([]));
    for id in [id, "x", "' OR '1'='1", "%00", "..%2F..%2Fusers"] {
        let id = id
            .replace('\'', "%27")
            .replace(' ', "%20")
            .replace('=', "%3D");
        assert_eq!(
            service.delete_key(&ada.access, &id).await.status,
            404,
            "{id}"
        );
    }
    let key = made["key"].as_str().unwrap();
    assert_eq!(service.get("/users/me", key).await.json["email"], BOB);
}

#[tokio::test]
async fn a_new_password_ends_all_sign_ins_and_begins_one() {
    let service = open().await;
    service.register(ADA).await;
    let before = [service.log_in(ADA).await, service.log_in(ADA).await];
    let change = async |current: &str, new: &str, token: &str| {
        let body = json!({"current_password": current, "new_password": new});
        service
            .ask("POST", "/users/me/password", Some(token), body)
            .await
    };
    let new = "another good sentence";
    let told = change("not this one", new, &before[0].access).await;
    assert_eq!(told.status, 422, "{told:?}");
    assert_eq!(
        told.json["detail"][0]["loc"],
        json!(["body", "current_password"])
    );
    let told = change(SECRET, "password1", &before[0].access).await;
    assert_eq!(told.status, 422, "{told:?}");
    assert_eq!(
        told.json["detail"][0]["loc"],
        json!(["body", "new_password"])
    );
    let told = change(SECRET, new, &before[0].access).await;
    assert_eq!(told.status, 200, "{told:?}");
    let after = Session::of(&told.json);
    for gone in &before {
        assert_unknown(&service.get("/users/me", &gone.access).await);
        assert_unknown(&service.refresh(&gone.refresh).await);
    }
    assert_eq!(service.get("/users/me", &after.access).await.status, 200);
    assert_eq!(service.refresh(&after.refresh).await.status, 200);
    assert_unknown(&service.try_log_in(ADA, SECRET).await);
    assert_eq!(service.try_log_in(ADA, new).await.status, 200);
    assert_eq!(service.acts("user.password").await.len(), 1);
}
