//! Captchas: the verifiers' answers as they are documented, and what they are worth.

use ringback_wire::captcha::{Demands, Kind, Objection, Question, Verdict};

macro_rules! fixture {
    ($name:literal) => {
        Verdict::parse(include_bytes!(concat!("../fixtures/captcha/", $name))).unwrap()
    };
}

fn hosts() -> Vec<String> {
    vec!["other.example.org".to_owned(), "APP.example.org".to_owned()]
}

fn judge(verdict: &Verdict, kind: Kind) -> Result<(), Objection> {
    verdict.judge(&Demands {
        kind,
        action: "login",
        min_score: 0.5,
        hostnames: &hosts(),
    })
}

#[test]
fn the_documented_answers_are_worth_what_they_say() {
    assert_eq!(
        judge(&fixture!("recaptcha_v2.json"), Kind::RecaptchaV2),
        Ok(())
    );
    assert_eq!(
        judge(&fixture!("recaptcha_v3.json"), Kind::RecaptchaV3),
        Ok(())
    );
    assert_eq!(judge(&fixture!("turnstile.json"), Kind::Turnstile), Ok(()));
    for verdict in [
        fixture!("hcaptcha.json"),
        fixture!("hcaptcha_enterprise.json"),
    ] {
        assert_eq!(judge(&verdict, Kind::HCaptcha), Ok(()));
    }
    let spent = fixture!("recaptcha_spent.json");
    assert_eq!(judge(&spent, Kind::RecaptchaV2), Err(Objection::Spent));
    let spent = fixture!("hcaptcha_spent.json");
    assert_eq!(judge(&spent, Kind::HCaptcha), Err(Objection::Spent));
    let secret = Err(Objection::Ours("invalid-input-secret".to_owned()));
    assert_eq!(
        judge(&fixture!("recaptcha_secret.json"), Kind::RecaptchaV3),
        secret
    );
    let mismatch = Err(Objection::Ours("sitekey-secret-mismatch".to_owned()));
    assert_eq!(
        judge(&fixture!("hcaptcha_mismatch.json"), Kind::HCaptcha),
        mismatch
    );
    let failed = Err(Objection::Failed("internal-error".to_owned()));
    assert_eq!(
        judge(&fixture!("turnstile_failed.json"), Kind::Turnstile),
        failed
    );
    assert_eq!(
        judge(&fixture!("recaptcha_android.json"), Kind::RecaptchaV2),
        Err(Objection::Hostname(String::new())),
        "an app is not one of our hosts"
    );
}

#[test]
fn a_score_counts_with_its_action_and_only_where_there_must_be_one() {
    let of = |score: Option<f32>, action: Option<&str>| Verdict {
        score,
        action: action.map(str::to_owned),
        ..fixture!("recaptcha_v3.json")
    };
    for (verdict, expected) in [
        (of(Some(0.5), Some("login")), Ok(())),
        (
            of(Some(0.49), Some("login")),
            Err(Objection::Score(Some(0.49))),
        ),
        (of(None, Some("login")), Err(Objection::Score(None))),
        (
            of(Some(0.9), Some("pay")),
            Err(Objection::Action("pay".to_owned())),
        ),
        (of(Some(0.9), None), Err(Objection::Action(String::new()))),
    ] {
        assert_eq!(judge(&verdict, Kind::RecaptchaV3), expected);
    }
    assert_eq!(judge(&of(Some(0.1), None), Kind::HCaptcha), Ok(()));
    assert_eq!(judge(&of(None, None), Kind::Turnstile), Ok(()));
    let other = Err(Objection::Action("pay".to_owned()));
    assert_eq!(judge(&of(None, Some("pay")), Kind::Turnstile), other);
}

#[test]
fn a_page_of_another_host_is_no_page_of_ours() {
    let elsewhere = Verdict {
        hostname: Some("app.example.org.evil.example".to_owned()),
        ..fixture!("recaptcha_v2.json")
    };
    for kind in Kind::ALL {
        let judged = judge(&elsewhere, kind);
        let host = "app.example.org.evil.example".to_owned();
        assert_eq!(judged, Err(Objection::Hostname(host)));
    }
    let demands = Demands {
        kind: Kind::RecaptchaV2,
        action: "login",
        min_score: 0.5,
        hostnames: &[],
    };
    assert_eq!(elsewhere.judge(&demands), Ok(()), "any host");
}

#[test]
fn what_a_verifier_is_asked_is_a_form_that_a_strict_reader_takes() {
    let question = Question {
        secret: "s&=é".to_owned(),
        response: "03AFc+/=".to_owned(),
        remote_ip: "2001:db8::1".parse().ok(),
        site_key: None,
        idempotency_key: None,
    };
    for kind in Kind::ALL {
        assert_eq!(
            Question::parse(&question.to_form(), kind).as_ref(),
            Ok(&question)
        );
    }
    assert_eq!(
        question.to_form(),
        "secret=s%26%3D%C3%A9&response=03AFc%2B%2F%3D&remoteip=2001%3Adb8%3A%3A1"
    );
    let shown = format!("{question:?}");
    assert!(!shown.contains("03AFc") && !shown.contains("s&"), "{shown}");
    for (form, kind, why) in [
        ("response=t", Kind::RecaptchaV2, "secret is required"),
        ("secret=s", Kind::HCaptcha, "response is required"),
        (
            "secret=s&response=",
            Kind::HCaptcha,
            "response must be not empty, not \"\"",
        ),
        (
            "secret=s&response=t&response=t",
            Kind::RecaptchaV3,
            "response is given twice",
        ),
        (
            "secret=s&response=t&remoteip=here",
            Kind::Turnstile,
            "remoteip must be an address, not here",
        ),
        (
            "secret=s&response=t&sitekey=k",
            Kind::RecaptchaV3,
            "sitekey is not a field of this message",
        ),
        (
            "secret=s&response=t&idempotency_key=7",
            Kind::Turnstile,
            "idempotency_key must be a UUID, not 7",
        ),
        (
            "{\"secret\":\"s\"}",
            Kind::RecaptchaV2,
            "secret is required",
        ),
    ] {
        assert_eq!(
            Question::parse(form, kind).unwrap_err().to_string(),
            why,
            "{form}"
        );
    }
}

#[test]
fn an_answer_that_says_nothing_is_no_answer() {
    for body in ["", "ok", "[]", "{}", "{\"success\":1}", "<html>", "null"] {
        assert!(Verdict::parse(body.as_bytes()).is_err(), "{body}");
    }
    let odd = br#"{"success":true,"score":7,"hostname":[],"error-codes":"x"}"#;
    let odd = Verdict::parse(odd).unwrap();
    assert_eq!(
        (odd.score, odd.hostname, odd.error_codes.len()),
        (None, None, 0)
    );
}

#[test]
fn names_lead_back_to_what_they_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(&kind.name().to_uppercase()), Some(kind));
        assert!(kind.name().starts_with(kind.provider()));
    }
    assert_eq!(Kind::named("recaptcha"), None);
}
