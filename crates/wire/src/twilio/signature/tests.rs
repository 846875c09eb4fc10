//! The vectors of the reference, made with Twilio's own library, and what its validator decides about them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use super::origin::Origin;
use super::*;
use crate::twilio::webhook::Form;

const TOKEN: &str = "tok_made_up_0123456789abcdef";
const INBOUND: &str = "https://agent.example.test/voice/inbound";
const SOCKET: &str = "wss://agent.example.test/media/CA00000000000000000000000000000001";
const V1: &str = "iPmV6EudyBkCmwhXZCuqJaSU02Q=";
const V6A: &str = "A81a+30U17xo7SWvcccsK2fR/8I=";
const V6B: &str = "qVKG+beVZfbIFKBxVmyKKHIc9xM=";
const B4: &str = r#"{"transcript_sid":"GT00000000000000000000000000000001","event_type":"voice_intelligence_transcript_available"}"#;
type Params = [(&'static str, &'static str)];

const P1: [(&str, &str); 9] = [
    ("AccountSid", "AC00000000000000000000000000000001"),
    ("ApiVersion", "2010-04-01"),
    ("CallSid", "CA00000000000000000000000000000001"),
    ("CallStatus", "ringing"),
    ("Called", "+15005550006"),
    ("Caller", "+15005550001"),
    ("Direction", "inbound"),
    ("From", "+15005550001"),
    ("To", "+15005550006"),
];
const V2: [(&str, &str); 4] = [
    ("CallSid", "CA00000000000000000000000000000001"),
    ("Confidence", "0.9123"),
    ("Digits", ""),
    ("SpeechResult", "I would like two pizzas & a coke, please"),
];
const V7: [(&str, &str); 4] = [
    ("Tag", "b"),
    ("Tag", "a"),
    ("Tag", "a"),
    ("CallSid", "CA00000000000000000000000000000001"),
];
const V8: [(&str, &str); 4] = [
    ("callSid", "x"),
    ("CallSid", "CA1"),
    ("SpeechResult", "Grüße, 東京 ☎"),
    ("Zeta", " padded "),
];

fn token(text: &str) -> AuthToken {
    AuthToken::new(text).unwrap()
}

fn form(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().fold(Form::default(), |form, (name, value)| {
        form.with(*name, *value)
    })
}

fn validator(base: &str) -> Validator {
    Validator::new(&token(TOKEN))
        .with_public_base(base)
        .unwrap()
}

fn request<'a>(target: &'a str, signature: &'a str) -> Request<'a> {
    Request {
        base: "http://10.0.0.7:9999",
        target,
        signature: Some(signature),
        settings: None,
    }
}

#[test]
fn every_vector_of_the_reference_has_its_signature() {
    let table: &[(&str, &str, &Params, &str)] = &[
        ("V1", INBOUND, &P1, V1),
        (
            "V2",
            "https://agent.example.test/voice/gather?agent=42&turn=3",
            &V2,
            "o/xE3PAe15jDiDWBJ6OdqXXZRNk=",
        ),
        (
            "V3",
            "https://agent.example.test/voice/inbound?CallSid=CA00000000000000000000000000000001&From=%2B15005550001&To=%2B15005550006",
            &[],
            "ASSmW4dRK5VcJq1GJW18eMr0drg=",
        ),
        (
            "V4",
            "https://agent.example.test/intelligence/webhook?bodySHA256=f03299af4ddff1a19b56844ad4ef7c7adc4fdd0a3487e1d24be9e7bfa97c00cb",
            &[],
            "ekcisolUgJH5gjIKCHlr9UtKxvo=",
        ),
        ("V5a", SOCKET, &[], "+UYBqEBRNsjY5KXz5XUouP4x6JA="),
        (
            "V5b",
            "wss://agent.example.test/media/CA00000000000000000000000000000001/",
            &[],
            "5NkwVsDZrx8KKGPpLoTWz2T3x8Y=",
        ),
        (
            "V5c",
            "https://agent.example.test/media/CA00000000000000000000000000000001",
            &[],
            "3yJYARkbI7+WhuvqNtaBEOi/qzM=",
        ),
        (
            "V6a",
            "https://agent.example.test:443/voice/inbound",
            &P1,
            V6A,
        ),
        (
            "V6b",
            "https://agent.example.test:8443/voice/inbound",
            &P1,
            V6B,
        ),
        (
            "V7",
            "https://agent.example.test/voice/status",
            &V7,
            "O+ACp0OkcArKYSHYmXAvfbnZmnc=",
        ),
        (
            "V8",
            "https://agent.example.test/voice/status",
            &V8,
            "fcncfHuDcP9cvu8jwWO5QWz/wPY=",
        ),
        (
            "V10a",
            "wss://agent.example.test/",
            &[],
            "FjNO4WjfZO9E0v/5wiSGijfVPgo=",
        ),
        (
            "V10b",
            "wss://agent.example.test",
            &[],
            "Z4kw/TU49U5kbAhqiFMbaK/qcHs=",
        ),
    ];
    for (id, url, params, expected) in table {
        assert_eq!(sign(&token(TOKEN), url, params), *expected, "{id}");
    }
}

#[test]
fn the_vectors_twilio_publishes_have_their_signatures() {
    let params = |number: &'static str| {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", number),
            ("Digits", "1234"),
            ("From", number),
            ("To", "+18005551212"),
        ]
    };
    let v11 = sign(
        &token("12345"),
        "https://example.com/myapp.php?foo=1&bar=2",
        &params("+14158675310"),
    );
    assert_eq!(v11, "L/OH5YylLD5NRKLltdqwSvS0BnU=");
    let v12 = sign(
        &token("12345"),
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        &params("+14158675309"),
    );
    assert_eq!(v12, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

#[test]
fn the_strings_to_sign_are_those_of_the_reference() {
    let table: [(&str, &Params, &str); 4] = [
        (
            INBOUND,
            &P1,
            "https://agent.example.test/voice/inboundAccountSidAC00000000000000000000000000000001ApiVersion2010-04-01CallSidCA00000000000000000000000000000001CallStatusringingCalled+15005550006Caller+15005550001DirectioninboundFrom+15005550001To+15005550006",
        ),
        (
            "https://agent.example.test/voice/gather?agent=42&turn=3",
            &V2,
            "https://agent.example.test/voice/gather?agent=42&turn=3CallSidCA00000000000000000000000000000001Confidence0.9123DigitsSpeechResultI would like two pizzas & a coke, please",
        ),
        (
            "https://agent.example.test/voice/status",
            &V7,
            "https://agent.example.test/voice/statusCallSidCA00000000000000000000000000000001TagaTagb",
        ),
        (
            "https://agent.example.test/voice/status",
            &V8,
            "https://agent.example.test/voice/statusCallSidCA1SpeechResultGrüße, 東京 ☎Zeta padded callSidx",
        ),
    ];
    for (url, params, expected) in table {
        assert_eq!(
            String::from_utf8(string_to_sign(url, params)).unwrap(),
            expected
        );
    }
}

#[test]
fn the_port_of_the_public_url_decides_which_ports_are_accepted() {
    let with_port = validator("https://agent.example.test:8443");
    let without = validator("https://agent.example.test/");
    let form = form(&P1);
    let check = |validator: &Validator, signature| {
        validator
            .check_webhook(&request("/voice/inbound", signature), Body::Form(&form))
            .is_ok()
    };
    assert!(check(&with_port, V1) && check(&with_port, V6B));
    assert!(check(&without, V1) && check(&without, V6A));
    assert!(!check(&without, V6B));
}

#[test]
fn a_form_keeps_what_is_signed_from_the_wire_to_the_check() {
    let body = form(&V2).to_urlencoded();
    let form = Form::parse(body.as_bytes()).unwrap();
    let request = request(
        "/voice/gather?agent=42&turn=3",
        "o/xE3PAe15jDiDWBJ6OdqXXZRNk=",
    );
    let validator = validator("https://user:secret@agent.example.test");
    assert_eq!(validator.check_webhook(&request, Body::Form(&form)), Ok(()));
    let dropped = Form::parse(body.replace("Digits=&", "").as_bytes()).unwrap();
    let error = validator
        .check_webhook(&request, Body::Form(&dropped))
        .unwrap_err();
    let base = "https://agent.example.test".to_owned();
    assert_eq!(
        error,
        BadSignature::Mismatch { base },
        "the error shows neither path nor password"
    );
}

#[test]
fn a_json_body_must_be_the_one_that_was_signed() {
    let target = "/intelligence/webhook?bodySHA256=f03299af4ddff1a19b56844ad4ef7c7adc4fdd0a3487e1d24be9e7bfa97c00cb";
    let request = request(target, "ekcisolUgJH5gjIKCHlr9UtKxvo=");
    let check = |body: &str| {
        validator("https://agent.example.test").check_webhook(&request, Body::Raw(body.as_bytes()))
    };
    assert_eq!(check(B4), Ok(()));
    assert_eq!(check(&format!("{B4} ")), Err(BadSignature::BodyDigest));
    let without = Request {
        target: "/intelligence/webhook",
        ..request
    };
    let error =
        validator("https://agent.example.test").check_webhook(&without, Body::Raw(B4.as_bytes()));
    assert_eq!(error, Err(BadSignature::NoBodyDigest));
}

#[test]
fn an_upgrade_is_accepted_in_each_form_and_named() {
    let check = |base: &str, target: &str, signature: &str| {
        validator(base).check_upgrade(&request(target, signature))
    };
    let path = "/media/CA00000000000000000000000000000001";
    let base = "https://agent.example.test";
    assert_eq!(
        check(base, path, "+UYBqEBRNsjY5KXz5XUouP4x6JA="),
        Ok(UpgradeForm::Socket)
    );
    assert_eq!(
        check(base, path, "5NkwVsDZrx8KKGPpLoTWz2T3x8Y="),
        Ok(UpgradeForm::SocketSlash)
    );
    assert_eq!(
        check(base, path, "3yJYARkbI7+WhuvqNtaBEOi/qzM="),
        Ok(UpgradeForm::Web)
    );
    assert_eq!(
        check(base, "/", "FjNO4WjfZO9E0v/5wiSGijfVPgo="),
        Ok(UpgradeForm::Socket)
    );
    assert_eq!(
        check(base, "/", "Z4kw/TU49U5kbAhqiFMbaK/qcHs="),
        Ok(UpgradeForm::SocketSlash)
    );
    assert!(check(base, "/media/CA2", "+UYBqEBRNsjY5KXz5XUouP4x6JA=").is_err());
    assert!(
        check(
            "http://agent.example.test",
            path,
            "+UYBqEBRNsjY5KXz5XUouP4x6JA="
        )
        .is_err()
    );
}

#[test]
fn a_shared_key_is_used_only_if_it_is_configured() {
    let form = form(&[("CallSid", "CA1"), ("From", "+15005550001")]);
    let validator = validator("https://agent.example.test")
        .with_shared_key("WK1", token("sharedkey_secret_made_up"));
    let check = |signature, settings| {
        let request = Request {
            settings,
            ..request("/voice/inbound", signature)
        };
        validator.check_webhook(&request, Body::Form(&form))
    };
    let v9 = "AP8ztsHef/MpueHGnmD5118cIQTaUVVC8IbyoVHMDAg=";
    assert_eq!(check(v9, Some("key=WK1,algorithm=HMAC_SHA256")), Ok(()));
    assert_eq!(check(v9, Some("algorithm=HMAC_SHA256, key=WK1")), Ok(()));
    assert_eq!(
        check(v9, Some("key=WK2,algorithm=HMAC_SHA256")),
        Err(BadSignature::UnknownKey)
    );
    assert_eq!(
        check(v9, Some("algorithm=HMAC_SHA256")),
        Err(BadSignature::UnknownKey)
    );
    assert_eq!(
        check(v9, Some("key=WK1,algorithm=HMAC_MD5")),
        Err(BadSignature::UnknownAlgorithm)
    );
    assert_eq!(
        check(v9, Some("key=WK1,algorithm=")),
        Err(BadSignature::UnknownAlgorithm)
    );
    assert!(matches!(
        check(v9, Some("key=WK1,algorithm=HMAC_SHA1")),
        Err(BadSignature::Mismatch { .. })
    ));
    let by_token = sign(&token(TOKEN), INBOUND, form.pairs());
    for settings in [None, Some(""), Some("key=WK1")] {
        assert_eq!(check(&by_token, settings), Ok(()), "{settings:?}");
        assert!(matches!(
            check(v9, settings),
            Err(BadSignature::Mismatch { .. })
        ));
    }
}

#[test]
fn without_a_public_url_the_requests_own_base_is_signed() {
    let validator = Validator::new(&token(TOKEN));
    let form = form(&P1);
    let check = |base| {
        let request = Request {
            base,
            ..request("/voice/inbound", V1)
        };
        validator.check_webhook(&request, Body::Form(&form))
    };
    assert_eq!(check("https://agent.example.test:9999"), Ok(()));
    assert!(matches!(
        check("https://other.example.test"),
        Err(BadSignature::Mismatch { .. })
    ));
    assert_eq!(
        check("agent.example.test"),
        Err(BadSignature::Base(BadBase))
    );
}

#[test]
fn a_missing_or_broken_header_is_told_apart() {
    let validator = validator("https://agent.example.test");
    let check = |signature| {
        let request = Request {
            signature,
            ..request("/voice/inbound", "")
        };
        validator.check_webhook(&request, Body::None)
    };
    assert_eq!(check(None), Err(BadSignature::Missing));
    assert_eq!(check(Some("")), Err(BadSignature::Missing));
    assert_eq!(check(Some("not base64!")), Err(BadSignature::NotBase64));
    assert!(matches!(
        check(Some("AAAA")),
        Err(BadSignature::Mismatch { .. })
    ));
}

#[test]
fn a_get_is_signed_by_its_url_alone() {
    let target = "/voice/inbound?CallSid=CA00000000000000000000000000000001&From=%2B15005550001&To=%2B15005550006";
    let request = request(target, "ASSmW4dRK5VcJq1GJW18eMr0drg=");
    assert_eq!(
        validator("https://agent.example.test").check_webhook(&request, Body::None),
        Ok(())
    );
}

#[test]
fn a_base_is_taken_apart_as_written() {
    let urls = |base| Origin::new(base).map(|origin| origin.socket_urls("/x?%20=+"));
    let table = [
        (
            "https://a.test",
            vec!["wss://a.test/x?%20=+", "wss://a.test:443/x?%20=+"],
        ),
        (
            "https://A.test:443/",
            vec![
                "wss://A.test:443/x?%20=+",
                "wss://A.test/x?%20=+",
                "wss://A.test:443/x?%20=+",
            ],
        ),
        (
            "http://u:p@[::1]:8080/pre/fix/",
            vec![
                "ws://[::1]:8080/pre/fix/x?%20=+",
                "ws://[::1]/pre/fix/x?%20=+",
                "ws://[::1]:80/pre/fix/x?%20=+",
            ],
        ),
        (
            "http://[::1]",
            vec!["ws://[::1]/x?%20=+", "ws://[::1]:80/x?%20=+"],
        ),
    ];
    for (base, expected) in table {
        assert_eq!(urls(base).unwrap(), expected, "{base}");
    }
    for bad in [
        "",
        "a.test",
        "ftp://a.test",
        "https://",
        "https://a.test?x",
        "https://a.test#x",
        "https://a b",
    ] {
        assert_eq!(urls(bad), Err(BadBase), "{bad}");
    }
}

#[test]
fn a_token_is_never_shown_and_never_empty() {
    assert_eq!(format!("{:?}", token("secret")), "AuthToken(..)");
    assert!(
        !format!(
            "{:?}",
            validator("https://a.test").with_shared_key("WK1", token("secret"))
        )
        .contains("secret")
    );
    assert_eq!(AuthToken::new("").unwrap_err(), EmptyToken);
}
