//! Guessing passwords: who does it waits longer and longer, whether there is such an account or not, and is shut out at last.

use ringback_server::accounts::{Whence, admit};
use ringback_server::refusal::Refusal;

use super::*;

/// Guesses count here; how often a route may be used does not.
async fn counting() -> Service {
    let setup = local().with("REGISTRATION", "open");
    Service::start(setup.with("RATE_LIMITS", "auth.login=100000/s")).await
}

fn waits(told: &Told) -> u64 {
    assert_eq!(told.status, 429, "{told:?}");
    told.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn an_account_slows_down_whether_it_exists_or_not() {
    let service = counting().await;
    service.register(ADA).await;
    let mut answers = Vec::new();
    for email in [ADA, "nobody@example.org"] {
        let mut of_one = Vec::new();
        for guess in 0..7 {
            let told = service.try_log_in(email, &format!("guess {guess}")).await;
            let wait = (told.status == 429).then(|| waits(&told));
            of_one.push((told.status, wait.is_some(), told.json["detail"].is_string()));
        }
        let told = service.try_log_in(email, SECRET).await;
        assert!((1..=12).contains(&waits(&told)), "{told:?}");
        let text = told.json["detail"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with("too many failed sign-ins: try again in "),
            "{text}"
        );
        answers.push(of_one);
    }
    assert_eq!(answers[0], answers[1]);
    let statuses: Vec<u16> = answers[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let shouted = service.try_log_in(" ADA@Example.ORG ", "guess").await;
    assert_eq!(shouted.status, 429, "however it is spelled");
    service.register(BOB).await;
    service.log_in(BOB).await;
}

#[tokio::test]
async fn who_gets_it_right_in_time_begins_anew() {
    let service = counting().await;
    service.register(ADA).await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(service.try_log_in(ADA, "wrong wrong").await.status, 401);
        }
        service.log_in(ADA).await;
    }
}

#[tokio::test]
async fn the_wait_grows_with_the_failures() {
    let service = counting().await;
    let app = &service.server.app;
    let whence = Whence::default();
    for (email, count, expected) in [
        ("a@example.org", 5, 11..=12),
        ("b@example.org", 10, 115..=120),
        ("c@example.org", 20, 1_070..=1_080),
    ] {
        // As if all came at once: each was let through before any had failed.
        let mut attempts = Vec::new();
        for _ in 0..count {
            attempts.push(admit(app, email).await.unwrap());
        }
        for attempt in &attempts {
            attempt.failed(app, &whence).await;
        }
        let refused = admit(app, email).await.unwrap_err();
        let Refusal::Later(detail, seconds) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(detail.0, StatusCode::TOO_MANY_REQUESTS);
        assert!(expected.contains(&seconds), "{email}: {seconds}");
    }
}

#[tokio::test]
async fn an_address_that_fails_often_is_shut_out_and_an_admin_lets_it_in_again() {
    let service = counting().await;
    service.register(ADA).await;
    let admin = service.log_in(ADA).await.access;
    let guess = async |peer: &str, number: u32| {
        let body = json!({"email": format!("{number}@example.org"), "password": "a guess"});
        let request = request("POST", "/auth/login").header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        service.send(peer, request).await.status
    };
    for number in 0..20 {
        assert_eq!(guess("198.51.100.9", number).await, 401);
    }
    assert_eq!(guess("198.51.100.9", 20).await, 401, "it is noticed now");
    assert_eq!(guess("198.51.100.9", 21).await, 403);
    assert_eq!(guess("198.51.100.10", 22).await, 401, "another address");
    let listed = service.get("/admin/ip-blocks", &admin).await;
    assert_eq!(listed.json[0]["network"], "198.51.100.9", "{listed:?}");
    assert!(listed.json[0]["created_by"].is_null() && listed.json[0]["until"].is_string());
    let acts = service.acts("ip_block.add").await;
    assert_eq!((acts.len(), &*acts[0].subject), (1, "198.51.100.9"));
    assert_eq!(acts[0].actor, None);
    let path = "/admin/ip-blocks?network=198.51.100.9";
    let lifted = service.ask("DELETE", path, Some(&admin), Value::Null).await;
    assert_eq!(lifted.status, 204, "{lifted:?}");
    assert_eq!(guess("198.51.100.9", 23).await, 401);
    for number in 100..130 {
        let status = guess("127.0.0.1", number).await;
        assert_eq!(status, 401, "this machine is never shut out");
    }
}

#[tokio::test]
async fn a_client_of_ipv6_is_shut_out_with_its_64_bits() {
    let service = counting().await;
    let guess = async |peer: String, number: u32| {
        let body = json!({"email": format!("{number}@example.org"), "password": "a guess"});
        let request = request("POST", "/auth/login").header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        service.send(&peer, request).await.status
    };
    for number in 0..21 {
        assert_eq!(
            guess(format!("[2001:db8:1:2::{number:x}]"), number).await,
            401
        );
    }
    assert_eq!(guess("[2001:db8:1:2:ffff::1]".to_owned(), 50).await, 403);
    assert_eq!(guess("[2001:db8:1:3::1]".to_owned(), 51).await, 401);
}

#[tokio::test]
async fn who_stole_a_token_guesses_the_password_no_faster() {
    let service = counting().await;
    service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let guess = async |current: &str| {
        let body = serde_json::json!({"current_password": current, "new_password": "a password of the thief"});
        let path = "/users/me/password";
        service.ask("POST", path, Some(&session.access), body).await
    };
    for _ in 0..5 {
        let told = guess("wrong wrong").await;
        assert_eq!(told.status, 422, "{told:?}");
    }
    assert!((1..=12).contains(&waits(&guess(SECRET).await)));
    assert_eq!(service.try_log_in(ADA, SECRET).await.status, 429);
}
