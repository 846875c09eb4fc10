//! Captchas: nobody registers or signs in without one where it is set up, by the word of the simulator's verifiers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use axum::body::Body;
use ringback_sim::providers::{Hearing, Options, Rule, Running, SITE_KEY, Solved, Twins};
use ringback_wire::captcha::Kind;
use serde_json::{Value, json};

use crate::accounts::{ADA, SECRET, Service, Told, request};
use crate::server::*;

const KEY: &str = "the-secret-of-the-captcha";

async fn twins() -> Running {
    let options = Options {
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    };
    Twins::start(options).await.unwrap()
}

fn with_captcha(url: &str, kind: Kind) -> Setup {
    let url: &'static str = Box::leak(url.to_owned().into_boxed_str());
    local()
        .with("REGISTRATION", "open")
        .with("CAPTCHA_PROVIDER", kind.name())
        .with("CAPTCHA_URL", url)
        .with("RECAPTCHA_SITE_KEY", SITE_KEY)
        .with("RECAPTCHA_SECRET", KEY)
}

async fn at(twins: &Running, kind: Kind) -> Service {
    Service::start(with_captcha(&twins.url(), kind)).await
}

async fn sign(service: &Service, path: &str, email: &str, token: Option<&str>) -> Told {
    let mut body = json!({"email": email, "password": SECRET});
    if let Some(token) = token {
        body["captcha_token"] = token.into();
    }
    service.ask("POST", path, None, body).await
}

async fn register(service: &Service, email: &str, token: &str) -> Told {
    sign(service, "/auth/register", email, Some(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_solved_it_registers_and_signs_in_once_a_token() {
    let twins = twins().await;
    for kind in Kind::ALL {
        let service = at(&twins, kind).await;
        let token = twins.solve(Solved::now(kind, "sign_in"));
        let made = register(&service, ADA, &token).await;
        assert_eq!(made.status, 201, "{kind:?} {made:?}");
        let again = sign(&service, "/auth/login", ADA, Some(&token)).await;
        assert_eq!(again.status, 403, "a token is good once: {again:?}");
        let token = twins.solve(Solved::now(kind, "sign_in"));
        let signed_in = sign(&service, "/auth/login", ADA, Some(&token)).await;
        assert_eq!(signed_in.status, 200, "{kind:?} {signed_in:?}");
    }
    let asked = twins.requests();
    let received = asked[0].received[0].to_string();
    assert!(
        received.contains("192.0.2.7") && !received.contains(KEY),
        "{received}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_which_captcha_to_show() {
    let twins = twins().await;
    let shown = async |setup: Setup| {
        let answer = setup.start().get("/auth/captcha-key").await;
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    for (kind, provider, version) in [
        (Kind::RecaptchaV2, "recaptcha", json!("v2")),
        (Kind::RecaptchaV3, "recaptcha", json!("v3")),
        (Kind::HCaptcha, "hcaptcha", Value::Null),
        (Kind::Turnstile, "turnstile", Value::Null),
    ] {
        let expected = json!({
            "captcha_key": SITE_KEY, "provider": provider, "version": version, "action": "sign_in",
        });
        assert_eq!(shown(with_captcha(&twins.url(), kind)).await, expected);
    }
    let none = json!({"captcha_key": null, "provider": null, "version": null, "action": null});
    assert_eq!(shown(local()).await, none);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_solve_it_is_refused() {
    let twins = twins().await;
    let v3 = Kind::RecaptchaV3;
    let setup = with_captcha(&twins.url(), v3).with("CAPTCHA_HOSTNAMES", "app.example.org");
    let service = Service::start(setup).await;
    let good = Solved {
        hostname: "App.Example.org".to_owned(),
        ..Solved::now(v3, "sign_in")
    };
    let wrong: [(&str, Solved); 5] = [
        (
            "a low score",
            Solved {
                score: 0.4,
                ..good.clone()
            },
        ),
        (
            "another action",
            Solved {
                action: Some("pay".to_owned()),
                ..good.clone()
            },
        ),
        (
            "no action",
            Solved {
                action: None,
                ..good.clone()
            },
        ),
        (
            "another host",
            Solved {
                hostname: "evil.example".to_owned(),
                ..good.clone()
            },
        ),
        (
            "too old",
            Solved {
                age_s: 200,
                ..good.clone()
            },
        ),
    ];
    for (what, solved) in wrong {
        let token = twins.solve(solved);
        let told = register(&service, ADA, &token).await;
        assert_eq!(told.status, 403, "{what}: {told:?}");
        assert_eq!(
            told.json["detail"],
            "the captcha was not passed: solve it again"
        );
    }
    let no_score = twins.solve(Solved {
        kind: Kind::RecaptchaV2,
        ..good.clone()
    });
    for token in ["invented", &"x".repeat(5_000), &no_score] {
        assert_eq!(register(&service, ADA, token).await.status, 403);
    }
    for path in ["/auth/register", "/auth/login"] {
        for token in [None, Some("")] {
            let told = sign(&service, path, ADA, token).await;
            assert_eq!(told.status, 422, "{told:?}");
            assert_eq!(
                told.json["detail"][0]["loc"],
                json!(["body", "captcha_token"])
            );
        }
    }
    let asked = twins.requests().len();
    assert_eq!(asked, 7, "what cannot be a token is not sent");
    let token = twins.solve(good);
    assert_eq!(register(&service, ADA, &token).await.status, 201);
    let form = "grant_type=password&username=ada%40example.org&password=a+good+long+sentence";
    let request =
        request("POST", "/token").header("content-type", "application/x-www-form-urlencoded");
    let told = service
        .send("192.0.2.7", request.body(Body::from(form)).unwrap())
        .await;
    assert_eq!(
        told.status, 200,
        "the form of OAuth2 has no place for it: {told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_verifier_cannot_be_asked_nobody_gets_in() {
    let twins = twins().await;
    let kind = Kind::RecaptchaV3;
    let service = at(&twins, kind).await;
    let secret = r#"{"success":false,"error-codes":["invalid-input-secret"]}"#;
    let knobs = [
        json!({"status": 500}),
        json!({"status": 429}),
        json!({"status": 400, "body": "<html>no</html>"}),
        json!({"garbage": true}),
        json!({"zero_bytes": true}),
        json!({"disconnect_after_bytes": 5}),
        json!({"half_open": true}),
    ];
    for mut knob in knobs {
        knob["provider"] = "captcha".into();
        knob["next"] = 1.into();
        twins.set(Rule::parse(&knob.to_string()).unwrap());
        let token = twins.solve(Solved::now(kind, "sign_in"));
        let begun = Instant::now();
        let told = register(&service, ADA, &token).await;
        assert_eq!(told.status, 503, "{knob}: {told:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{knob}");
        assert_eq!(told.headers["retry-after"], "10");
        let text = told.json["detail"].as_str().unwrap();
        assert!(text.starts_with("the captcha cannot be checked"), "{text}");
        assert!(!told.json.to_string().contains(KEY));
    }
    let elsewhere = with_captcha("http://127.0.0.1:9", kind);
    let elsewhere = Service::start(elsewhere).await;
    assert_eq!(register(&elsewhere, ADA, "any").await.status, 503);
    let keys = [(
        ringback_sim::providers::Provider::Captcha,
        "another".to_owned(),
    )]
    .into();
    let strict = Twins::start(Options {
        keys,
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    });
    let strict = strict.await.unwrap();
    let ours = at(&strict, kind).await;
    let told = register(&ours, ADA, "any").await;
    assert_eq!(
        told.status, 503,
        "our secret is wrong, not the token: {secret} {told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn turnstile_is_asked_again_with_the_same_key_and_the_others_are_not() {
    let twins = twins().await;
    for (kind, status, asked) in [(Kind::Turnstile, 201, 2), (Kind::HCaptcha, 503, 1)] {
        let service = at(&twins, kind).await;
        let before = twins.requests().len();
        let knob = r#"{"provider":"captcha","status":502,"next":1}"#;
        twins.set(Rule::parse(knob).unwrap());
        let token = twins.solve(Solved::now(kind, "sign_in"));
        let told = register(&service, ADA, &token).await;
        assert_eq!(told.status, status, "{kind:?} {told:?}");
        assert_eq!(twins.requests().len() - before, asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turnstile_has_three_seconds_in_all() {
    let twins = twins().await;
    let service = at(&twins, Kind::Turnstile).await;
    twins.set(Rule::parse(r#"{"provider":"captcha","half_open":true}"#).unwrap());
    let token = twins.solve(Solved::now(Kind::Turnstile, "sign_in"));
    let begun = Instant::now();
    assert_eq!(register(&service, ADA, &token).await.status, 503);
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(2900) && took < Duration::from_millis(5500),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_takes_a_token_twice_is_not_believed_twice() {
    let twins = twins().await;
    let setup = with_captcha(&twins.url(), Kind::RecaptchaV2);
    // Google's secret for tests takes every token, always.
    let setup = setup.with(
        "RECAPTCHA_SECRET",
        "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",
    );
    let service = Service::start(setup).await;
    assert_eq!(register(&service, ADA, "one").await.status, 201);
    assert_eq!(register(&service, "x@example.org", "one").await.status, 403);
    assert_eq!(register(&service, "x@example.org", "two").await.status, 201);
}
