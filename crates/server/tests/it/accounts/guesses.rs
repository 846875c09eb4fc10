//! Guessing, probing and flooding.

use std::time::{Duration, Instant};

use axum::body::Body;
use ringback_server::accounts::Passwords;
use ringback_server::config::Secret;
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password_and_is_told_alike() {
    let service = open().await;
    service.register(ADA).await;
    let mut times = [Vec::new(), Vec::new()];
    let mut told = Vec::new();
    for _ in 0..15 {
        for (email, times) in [ADA, BOB].iter().zip(&mut times) {
            let begun = Instant::now();
            let mut answer = service.try_log_in(email, "not this one").await;
            times.push(begun.elapsed());
            answer.headers.remove("x-request-id");
            told.push((answer.status, answer.headers, answer.json));
        }
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    // Hashing takes some tens of milliseconds, everything else about one.
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.67..1.5).contains(&ratio), "{known:?} {unknown:?}");
}

#[tokio::test]
async fn a_closed_registration_tells_nothing_of_addresses() {
    let service = Service::start(local()).await;
    service.register(ADA).await;
    let mut told = Vec::new();
    for email in [ADA, BOB] {
        let body = json!({"email": email, "password": SECRET});
        let answer = service.ask("POST", "/auth/register", None, body).await;
        told.push((answer.status, answer.json));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn nobody_makes_an_admin_of_themselves_by_a_field_of_a_body() {
    let service = open().await;
    service.register(ADA).await;
    for (name, value) in [
        ("role", json!("admin")),
        ("is_admin", json!(true)),
        ("id", json!("0")),
        ("disabled", json!(false)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("token_version", json!(9)),
    ] {
        let mut body = json!({"email": BOB, "password": SECRET});
        body[name] = value;
        for path in ["/auth/register", "/auth/login"] {
            let told = service.ask("POST", path, None, body.clone()).await;
            assert_eq!(told.status, 422, "{name}: {told:?}");
            assert_eq!(told.json["detail"][0]["type"], "extra_forbidden");
        }
    }
    assert_eq!(service.register(BOB).await["role"], "user");
}

#[tokio::test]
async fn sql_and_headers_in_fields_are_text_and_nothing_else() {
    let service = open().await;
    service.register(ADA).await;
    for email in [
        "' OR '1'='1",
        "ada@example.org' --",
        "ada@example.org'; DROP TABLE users; --",
        "\" OR \"\"=\"",
        "ada@example.org\0",
        "%@example.org",
        "ada@example.org\r\nX-Evil: 1",
    ] {
        let told = service.try_log_in(email, SECRET).await;
        assert_unknown(&told);
        let told = service.try_log_in(ADA, email).await;
        assert_unknown(&told);
        assert!(!told.headers.contains_key("x-evil"));
        let body = json!({"email": email, "password": SECRET});
        let told = service.ask("POST", "/auth/register", None, body).await;
        assert!(matches!(told.status, 201 | 422), "{email:?}: {told:?}");
        let told = service.refresh(email).await;
        assert_unknown(&told);
    }
    let odd = service.register("o'hara@example.org").await;
    assert_eq!(odd["email"], "o'hara@example.org");
    assert_eq!(
        service
            .log_in("O'Hara@example.org")
            .await
            .access
            .split('.')
            .count(),
        3
    );
    service.log_in(ADA).await;
}

#[tokio::test]
async fn large_bodies_are_refused_before_anything_is_hashed() {
    let service = open().await;
    service.register(ADA).await;
    let long = "x".repeat(20_000);
    for path in ["/auth/login", "/auth/register", "/auth/refresh"] {
        let body = json!({"email": ADA, "password": long, "refresh_token": long});
        let told = service.ask("POST", path, None, body).await;
        assert_eq!(told.status, 413, "{path}: {told:?}");
    }
    let form = request("POST", "/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("username={ADA}&password={long}")))
        .unwrap();
    assert_eq!(service.send("192.0.2.7", form).await.status, 413);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"email\":\"a\",\"email\":\"b\"}",
    ] {
        let request = request("POST", "/auth/login")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let told = service.send("192.0.2.7", request).await;
        assert_eq!(told.status, 422, "{body}: {told:?}");
    }
    let nested = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let request = request("POST", "/auth/login")
        .header("content-type", "application/json")
        .body(Body::from(nested))
        .unwrap();
    assert_eq!(service.send("192.0.2.7", request).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_is_refused_early_and_holds_up_nothing_else() {
    let service = open().await;
    service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let flood = async {
        let tries = (0..400).map(|_| async {
            let begun = Instant::now();
            let told = service.try_log_in(ADA, "not this one").await;
            (told, begun.elapsed())
        });
        futures_util::future::join_all(tries).await
    };
    let other = async {
        let begun = Instant::now();
        let me = service.get("/users/me", &session.access).await;
        (me.status, begun.elapsed())
    };
    let (flooded, (status, took)) = tokio::join!(flood, other);
    assert_eq!(status, 200);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let (mut refused, mut checked) = (0, 0);
    for (told, _) in &flooded {
        match told.status {
            503 => {
                assert_eq!(told.headers["retry-after"], "1");
                refused += 1;
            }
            401 => checked += 1,
            status => panic!("{status}"),
        }
    }
    assert!(refused > 0 && checked > 0, "{refused} {checked}");
    service.log_in(ADA).await;
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_made_anew_when_its_password_comes() {
    let service = open().await;
    let id = service.register(ADA).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Of the tests of Argon2's reference implementation.
    let old =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let now = ringback_server::database::now();
    service
        .store
        .user_password_set(&id, old, now)
        .await
        .unwrap();
    assert_unknown(&service.try_log_in(ADA, "not this one").await);
    assert_eq!(service.try_log_in(ADA, "password").await.status, 200);
    let user = service.store.user_find(&id).await.unwrap().unwrap();
    assert!(
        user.password_hash
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    assert_eq!(service.try_log_in(ADA, "password").await.status, 200);
}

#[tokio::test]
async fn a_damaged_hash_is_nobodys_password() {
    let passwords = Passwords::start().unwrap();
    for damaged in [
        "",
        "x",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        SECRET,
    ] {
        let checked = passwords
            .check(&Secret::new(SECRET), Some(damaged))
            .await
            .unwrap();
        assert!(!checked.right, "{damaged}");
    }
    let hash = passwords.hash(&Secret::new(SECRET)).await.unwrap();
    let again = passwords.hash(&Secret::new(SECRET)).await.unwrap();
    assert_ne!(hash, again);
    for (password, right) in [(SECRET, true), ("A good long sentence", false), ("", false)] {
        let checked = passwords
            .check(&Secret::new(password), Some(&hash))
            .await
            .unwrap();
        assert_eq!((checked.right, checked.stale), (right, false), "{password}");
    }
    let nobody = passwords.check(&Secret::new(SECRET), None).await.unwrap();
    assert!(!nobody.right);
}
