//! The verifiers of captchas: one token, one answer, and what each of them refuses.

use reqwest::Client;
use ringback_sim::providers::{Options, Provider, Running, SITE_KEY, Solved, State};
use ringback_wire::captcha::{Kind, Question, Verdict};
use serde_json::Value;

use crate::twins::{ask, start, start_with};

fn question(kind: Kind, token: &str) -> Question {
    Question {
        secret: "a-secret".to_owned(),
        response: token.to_owned(),
        remote_ip: "203.0.113.9".parse().ok(),
        site_key: (kind == Kind::HCaptcha).then(|| SITE_KEY.to_owned()),
        idempotency_key: None,
    }
}

async fn post(twins: &Running, kind: Kind, content: &str, body: String) -> Verdict {
    let url = format!("{}{}", twins.url(), kind.path());
    let request = Client::new().post(url).header("content-type", content);
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    Verdict::parse(&answer.bytes().await.unwrap()).unwrap()
}

async fn verify(twins: &Running, kind: Kind, question: &Question) -> Verdict {
    const FORM: &str = "application/x-www-form-urlencoded";
    post(twins, kind, FORM, question.to_form()).await
}

#[tokio::test]
async fn a_token_is_good_once_and_says_where_it_was_made() {
    let twins = start().await;
    for kind in Kind::ALL {
        let token = twins.solve(Solved::now(kind, "sign_in"));
        let verdict = verify(&twins, kind, &question(kind, &token)).await;
        assert!(verdict.success, "{kind:?} {verdict:?}");
        assert_eq!(verdict.hostname.as_deref(), Some("localhost"));
        assert_eq!(verdict.score.is_some(), kind == Kind::RecaptchaV3);
        let with_action = [Kind::RecaptchaV3, Kind::Turnstile].contains(&kind);
        assert_eq!(verdict.action.is_some(), with_action);
        let again = verify(&twins, kind, &question(kind, &token)).await;
        let spent = match kind {
            Kind::HCaptcha => "invalid-or-already-seen-response",
            Kind::RecaptchaV2 | Kind::RecaptchaV3 | Kind::Turnstile => "timeout-or-duplicate",
        };
        assert_eq!((again.success, &*again.error_codes[0]), (false, spent));
    }
    let records = twins.requests();
    assert_eq!(records.len(), 8);
    assert_eq!(
        (records[0].state, records[1].state),
        (State::Done, State::Refused)
    );
    let shown = serde_json::to_string(&records).unwrap();
    assert!(
        !shown.contains("a-secret") && shown.contains("203.0.113.9"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_code() {
    let keys = [(Provider::Captcha, "a-secret".to_owned())].into();
    let twins = start_with(Options {
        keys,
        ..Options::default()
    })
    .await;
    let code = async |kind, question: &Question| {
        let verdict = verify(&twins, kind, question).await;
        assert!(!verdict.success);
        verdict.error_codes.join(",")
    };
    let kind = Kind::RecaptchaV2;
    let token = twins.solve(Solved::now(kind, "sign_in"));
    let good = question(kind, &token);
    let wrong = |change: fn(&mut Question)| {
        let mut question = good.clone();
        change(&mut question);
        question
    };
    let other = wrong(|question| "another".clone_into(&mut question.secret));
    assert_eq!(code(kind, &other).await, "invalid-input-secret");
    let invented = wrong(|question| "invented".clone_into(&mut question.response));
    assert_eq!(code(kind, &invented).await, "invalid-input-response");
    assert_eq!(code(Kind::Turnstile, &good).await, "invalid-input-response");
    let empty = wrong(|question| question.response.clear());
    assert_eq!(code(kind, &empty).await, "invalid-input-response");
    let extra = wrong(|question| question.site_key = Some("x".to_owned()));
    assert_eq!(code(kind, &extra).await, "bad-request");
    let json = "{\"secret\":\"a-secret\"}".to_owned();
    let verdict = post(&twins, kind, "application/json", json).await;
    assert_eq!(verdict.error_codes, ["missing-input-secret"]);
    let old = twins.solve(Solved {
        age_s: 121,
        ..Solved::now(kind, "sign_in")
    });
    assert_eq!(
        code(kind, &question(kind, &old)).await,
        "timeout-or-duplicate"
    );
    let foreign = twins.solve(Solved {
        site_key: "another".to_owned(),
        ..Solved::now(Kind::HCaptcha, "sign_in")
    });
    let foreign = question(Kind::HCaptcha, &foreign);
    assert_eq!(
        code(Kind::HCaptcha, &foreign).await,
        "sitekey-secret-mismatch"
    );
    assert!(
        verify(&twins, kind, &good).await.success,
        "it is still good"
    );
}

#[tokio::test]
async fn turnstile_answers_the_same_question_again_by_its_key() {
    let twins = start().await;
    let token = twins.solve(Solved::now(Kind::Turnstile, "sign_in"));
    let keyed = Question {
        idempotency_key: Some("018f6f1c-0d8e-7f0a-8b5e-9a53706963ff".to_owned()),
        ..question(Kind::Turnstile, &token)
    };
    for _ in 0..2 {
        assert!(verify(&twins, Kind::Turnstile, &keyed).await.success);
    }
    let other = Question {
        idempotency_key: Some("018f6f1c-0d8e-7f0a-8b5e-9a5370696300".to_owned()),
        ..keyed
    };
    assert!(!verify(&twins, Kind::Turnstile, &other).await.success);
}

#[tokio::test]
async fn the_secrets_that_the_vendors_print_do_what_they_say() {
    let twins = start().await;
    for (kind, secret, token, success) in [
        (
            Kind::RecaptchaV2,
            "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",
            "any",
            true,
        ),
        (
            Kind::HCaptcha,
            "0x0000000000000000000000000000000000000000",
            "10000000-aaaa-bbbb-cccc-000000000001",
            true,
        ),
        (
            Kind::HCaptcha,
            "0x0000000000000000000000000000000000000000",
            "any",
            false,
        ),
        (
            Kind::Turnstile,
            "1x0000000000000000000000000000000AA",
            "XXXX.DUMMY.TOKEN.XXXX",
            true,
        ),
        (
            Kind::Turnstile,
            "1x0000000000000000000000000000000AA",
            "any",
            false,
        ),
        (
            Kind::Turnstile,
            "2x0000000000000000000000000000000AA",
            "XXXX.DUMMY.TOKEN.XXXX",
            false,
        ),
        (
            Kind::Turnstile,
            "3x0000000000000000000000000000000AA",
            "XXXX.DUMMY.TOKEN.XXXX",
            false,
        ),
        (Kind::Turnstile, "a-secret", "XXXX.DUMMY.TOKEN.XXXX", false),
    ] {
        let asked = Question {
            secret: secret.to_owned(),
            site_key: None,
            ..question(kind, token)
        };
        let verdict = verify(&twins, kind, &asked).await;
        assert_eq!(verdict.success, success, "{kind:?} {secret} {token}");
    }
}

#[tokio::test]
async fn tokens_are_made_and_faults_are_set_over_http() {
    let twins = start().await;
    let body = r#"{"kind":"recaptcha-v3","score":0.2,"action":"pay","hostname":"shop.example"}"#;
    let made = ask(&twins, "/sim/captcha", &[], body).await;
    let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
    let token = made["token"].as_str().unwrap();
    let knob = r#"{"provider":"captcha","endpoint":"recaptcha","status":503,"next":1}"#;
    assert_eq!(ask(&twins, "/sim/knobs", &[], knob).await.status(), 204);
    let asked = question(Kind::RecaptchaV3, token);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let path = Kind::RecaptchaV3.path();
    let refused = ask(&twins, path, &form, &asked.to_form()).await;
    assert_eq!(refused.status(), 503);
    let verdict = verify(&twins, Kind::RecaptchaV3, &asked).await;
    assert_eq!(
        (
            verdict.score,
            verdict.action.as_deref(),
            verdict.hostname.as_deref()
        ),
        (Some(0.2), Some("pay"), Some("shop.example"))
    );
    for wrong in [
        "{}",
        r#"{"kind":"recaptcha"}"#,
        r#"{"kind":"hcaptcha","colour":1}"#,
    ] {
        let refused = ask(&twins, "/sim/captcha", &[], wrong).await;
        assert_eq!(refused.status(), 422, "{wrong}");
    }
}
