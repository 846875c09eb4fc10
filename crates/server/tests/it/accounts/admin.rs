//! What admins do, and nobody else.

use serde_json::{Value, json};

use super::*;

/// A server with an admin and a user, their tokens and the id of the user.
async fn both() -> (Service, String, String, String) {
    let service = open().await;
    service.register(ADA).await;
    let id = service.register(BOB).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (ada, bob) = (service.log_in(ADA).await, service.log_in(BOB).await);
    (service, ada.access, bob.access, id)
}

#[tokio::test]
async fn users_are_listed_made_changed_and_deleted_by_admins_alone() {
    let (service, ada, bob, id) = both().await;
    let path = format!("/admin/users/{id}");
    let new = json!({"email": "eve@example.org", "password": SECRET});
    for (method, path, body) in [
        ("GET", "/admin/users", Value::Null),
        ("POST", "/admin/users", new.clone()),
        ("PATCH", &path, json!({"role": "admin"})),
        ("DELETE", &path, Value::Null),
        ("GET", "/admin/audit", Value::Null),
    ] {
        let told = service.ask(method, path, Some(&bob), body.clone()).await;
        assert_eq!(told.status, 403, "{method} {path}: {told:?}");
        assert_unknown(&service.ask(method, path, None, body).await);
    }
    let made = service
        .ask("POST", "/admin/users", Some(&ada), new.clone())
        .await;
    assert_eq!((made.status, &made.json["role"]), (201, &json!("user")));
    let again = service.ask("POST", "/admin/users", Some(&ada), new).await;
    assert_eq!(again.status, 409, "{again:?}");
    let listed = service.get("/admin/users?limit=2", &ada).await;
    assert_eq!(listed.headers["x-total-count"], "3");
    let emails: Vec<_> = listed
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["email"])
        .collect();
    assert_eq!(emails, ["eve@example.org", BOB]);
    assert!(!listed.json.to_string().contains("argon2"), "{listed:?}");

    let told = service
        .ask("PATCH", &path, Some(&ada), json!({"role": "admin"}))
        .await;
    assert_eq!((told.status, &told.json["role"]), (200, &json!("admin")));
    assert_unknown(&service.get("/users/me", &bob).await);
    let bob = service.log_in(BOB).await.access;
    assert_eq!(service.get("/admin/users", &bob).await.status, 200);
    let told = service
        .ask("PATCH", &path, Some(&ada), json!({"disabled": true}))
        .await;
    assert_eq!((told.status, &told.json["disabled"]), (200, &json!(true)));
    assert_unknown(&service.get("/admin/users", &bob).await);
    let change = json!({"disabled": false, "role": "user", "password": "another good sentence"});
    let told = service.ask("PATCH", &path, Some(&ada), change).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_unknown(&service.try_log_in(BOB, SECRET).await);
    let told = service.try_log_in(BOB, "another good sentence").await;
    let bob = Session::of(&told.json);
    let told = service.ask("DELETE", &path, Some(&ada), Value::Null).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_unknown(&service.get("/users/me", &bob.access).await);
    assert_unknown(&service.refresh(&bob.refresh).await);
    for method in ["DELETE", "PATCH"] {
        let body = json!({"disabled": true});
        assert_eq!(
            service.ask(method, &path, Some(&ada), body).await.status,
            404
        );
    }
}

#[tokio::test]
async fn the_last_admin_stays() {
    let (service, ada, _, _) = both().await;
    let me = service.get("/users/me", &ada).await.json["id"].clone();
    let path = format!("/admin/users/{}", me.as_str().unwrap());
    for (method, body) in [
        ("PATCH", json!({"role": "user"})),
        ("PATCH", json!({"disabled": true})),
        ("DELETE", Value::Null),
    ] {
        let told = service.ask(method, &path, Some(&ada), body).await;
        assert_eq!(told.status, 409, "{told:?}");
        assert!(told.json["detail"].as_str().unwrap().contains("no admin"));
    }
    assert_eq!(service.get("/admin/users", &ada).await.status, 200);
}

#[tokio::test]
async fn acts_are_found_by_who_did_what_to_whom() {
    let (service, ada, _, bob) = both().await;
    let told = service
        .ask(
            "PATCH",
            &format!("/admin/users/{bob}"),
            Some(&ada),
            json!({"disabled": true}),
        )
        .await;
    assert_eq!(told.status, 200, "{told:?}");
    let me = service.get("/users/me", &ada).await.json["id"].clone();
    let me = me.as_str().unwrap();
    let found = async |query: &str| {
        let told = service.get(&format!("/admin/audit{query}"), &ada).await;
        assert_eq!(told.status, 200, "{query}: {told:?}");
        let total = told.headers["x-total-count"].to_str().unwrap().to_owned();
        (total, told.json)
    };
    let (total, acts) = found(&format!("?action=user.change&actor={me}&subject={bob}")).await;
    assert_eq!(total, "1");
    let act = &acts[0];
    assert_eq!(act["detail"]["disabled"], true);
    assert_eq!(act["address"], "192.0.2.7");
    assert!(act["request_id"].is_string() && act["at"].is_string());
    assert_eq!(found("?action=user.register").await.0, "2");
    assert_eq!(found("?action=%27%20OR%20%271%27%3D%271").await.0, "0");
    let (_, all) = found("?skip=1&limit=2").await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    for query in [
        "?limit=0",
        "?limit=201",
        "?limit=x",
        "?skip=-1",
        "?colour=red",
        "?action=%00",
        "?actor=nobody%40example.org",
    ] {
        let told = service.get(&format!("/admin/audit{query}"), &ada).await;
        assert_eq!(told.status, 422, "{query}: {told:?}");
    }
}

#[tokio::test]
async fn acts_tell_whose_an_id_is_also_when_the_account_is_gone() {
    let (service, ada, _, bob) = both().await;
    let audit = async |query: &str| {
        let path = format!("/admin/audit{query}");
        let told = service.get(&path, &ada).await;
        assert_eq!(told.status, 200, "{query}: {told:?}");
        told.json
    };
    let eve = json!({"email": "eve@example.org", "password": SECRET});
    let made = service.ask("POST", "/admin/users", Some(&ada), eve).await;
    assert_eq!(made.status, 201, "{made:?}");
    let bobs = audit("?actor=BOB%40example.org").await;
    let count = bobs.as_array().unwrap().len();
    assert!(count > 0, "{bobs}");
    assert_eq!(bobs[0]["actor"], json!(bob));
    assert_eq!(bobs[0]["actor_email"], BOB);

    let path = format!("/admin/users/{bob}");
    let gone = service.ask("DELETE", &path, Some(&ada), Value::Null).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    for (action, email) in [
        ("user.register", BOB),
        ("user.add", "eve@example.org"),
        ("user.delete", BOB),
    ] {
        let acts = audit(&format!("?action={action}")).await;
        assert_eq!(acts[0]["detail"]["email"], email, "{acts}");
        assert!(acts[0]["detail"]["role"].is_string(), "{acts}");
    }
    let deleted = audit("?action=user.delete").await;
    assert_eq!(deleted[0]["subject"], json!(bob));
    assert_eq!(deleted[0]["actor_email"], ADA);
    let still = audit(&format!("?actor={bob}")).await;
    assert!(still.as_array().unwrap().len() >= count, "{still}");
    assert_eq!(still[0]["actor_email"], Value::Null);
}
