//! What somebody without the key, or with a stolen token, may try.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

/// What `Setup::start` gives a server.
const KEY: &str = "a key of the test's own, long enough";

/// The key of access tokens, derived by ourselves.
fn derived(secret: &str) -> hmac::Key {
    let root = Salt::new(HKDF_SHA256, b"ringback access tokens v1").extract(secret.as_bytes());
    let mut bytes = [0; 32];
    let expanded = root.expand(&[b"HS256"], hmac::HMAC_SHA256).unwrap();
    expanded.fill(&mut bytes).unwrap();
    hmac::Key::new(hmac::HMAC_SHA256, &bytes)
}

fn part(json: &Value) -> String {
    // The order of names in a header is a part of it.
    if *json == ours() {
        return URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
    }
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn ours() -> Value {
    json!({"typ": "JWT", "alg": "HS256"})
}

/// A token of any header and claims, signed under a key of HMAC with SHA-256.
fn forged(header: &Value, claims: &Value, key: &hmac::Key) -> String {
    signed_text(&format!("{}.{}", part(header), part(claims)), key)
}

fn signed_text(text: &str, key: &hmac::Key) -> String {
    let tag = hmac::sign(key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let json = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (json(parts[0]), json(parts[1]), parts[2].to_owned())
}

/// A server, a good token, its claims and the key.
async fn victim() -> (Service, String, Value, hmac::Key) {
    let service = open().await;
    service.register(ADA).await;
    let token = service.log_in(ADA).await.access;
    assert_eq!(service.get("/users/me", &token).await.status, 200);
    let (header, claims, _) = parts(&token);
    let key = derived(KEY);
    assert_eq!(header, ours());
    // What is forged below fails for what is wrong with it, and not because it was put together badly.
    let again = forged(&ours(), &claims, &key);
    assert_eq!(service.get("/users/me", &again).await.status, 200);
    (service, token, claims, key)
}

async fn assert_refused(service: &Service, token: &str, why: &str) {
    let told = service.get("/users/me", token).await;
    assert_eq!(told.status, 401, "{why}: {told:?}");
    assert_unknown(&told);
}

/// The claims with one of them changed.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let (service, token, claims, _) = victim().await;
    let (signed, _) = token.rsplit_once('.').unwrap();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({"typ": "JWT", "alg": none});
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", part(&header), part(&claims));
            assert_refused(&service, &token, none).await;
        }
        let cut = format!("{}.{}", part(&header), part(&claims));
        assert_refused(&service, &cut, none).await;
    }
    assert_refused(&service, &format!("{signed}."), "no signature").await;
    assert_refused(&service, signed, "two parts").await;
    assert_refused(&service, &format!("{token}.{token}"), "six parts").await;
}

#[tokio::test]
async fn another_algorithm_is_refused_also_with_a_public_key_as_its_secret() {
    let (service, _, claims, key) = victim().await;
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let text = format!(
        "{}.{}",
        part(&json!({"typ": "JWT", "alg": "RS256"})),
        part(&claims)
    );
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(&signature));
    assert_refused(&service, &token, "RS256").await;
    let public = hmac::Key::new(hmac::HMAC_SHA256, pair.public_key().as_ref());
    assert_refused(&service, &forged(&ours(), &claims, &public), "a public key").await;
    for algorithm in [
        "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256",
    ] {
        let header = json!({"typ": "JWT", "alg": algorithm});
        assert_refused(&service, &forged(&header, &claims, &key), algorithm).await;
    }
    for secret in ["", KEY, "secret", "ringback"] {
        let guessed = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        assert_refused(&service, &forged(&ours(), &claims, &guessed), secret).await;
    }
}

#[tokio::test]
async fn the_header_names_neither_a_key_nor_anything_else() {
    let (service, _, claims, key) = victim().await;
    let own = derived("a key of the attacker's own");
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode("x")});
    for (name, value) in [
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' UNION SELECT 'x' --")),
        ("kid", json!("previous")),
        ("jku", json!("https://evil.example/keys.json")),
        ("x5u", json!("https://evil.example/key.pem")),
        ("jwk", jwk),
        ("crit", json!(["exp"])),
        ("cty", json!("JWT")),
        ("typ", json!("at+jwt")),
    ] {
        let header = with(&ours(), name, value.clone());
        for key in [&own, &key, &hmac::Key::new(hmac::HMAC_SHA256, b"")] {
            assert_refused(&service, &forged(&header, &claims, key), name).await;
        }
    }
}

#[tokio::test]
async fn a_token_out_of_time_is_refused() {
    let (service, _, claims, key) = victim().await;
    let now = claims["iat"].as_i64().unwrap();
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("iat", json!(now + 3600)),
    ] {
        let token = forged(&ours(), &with(&claims, name, value.clone()), &key);
        assert_refused(&service, &token, &format!("{name} {value}")).await;
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let (service, _, claims, key) = victim().await;
    for (name, value) in [
        ("iss", json!("evil")),
        ("iss", json!("")),
        ("iss", json!(["ringback", "evil"])),
        ("aud", json!("another-api")),
        ("aud", json!([])),
        ("aud", json!("")),
        ("typ", json!("refresh")),
        ("typ", json!("id")),
    ] {
        let token = forged(&ours(), &with(&claims, name, value.clone()), &key);
        assert_refused(&service, &token, &format!("{name} {value}")).await;
    }
    for name in [
        "iss", "aud", "sub", "exp", "iat", "typ", "sid", "ver", "jti", "role",
    ] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert_refused(&service, &forged(&ours(), &claims, &key), name).await;
    }
}

#[tokio::test]
async fn an_altered_token_is_refused_wherever_it_is_altered() {
    let (service, token, claims, key) = victim().await;
    let bob = service.register(BOB).await["id"].clone();
    let (header, _, signature) = parts(&token);
    for (name, value) in [
        ("role", json!("admin")),
        ("sub", bob.clone()),
        ("ver", json!(7)),
        ("exp", json!(9_999_999_999_i64)),
        ("sid", json!("' OR '1'='1")),
    ] {
        let altered = part(&with(&claims, name, value));
        let token = format!("{}.{altered}.{signature}", part(&header));
        assert_refused(&service, &token, name).await;
    }
    // Whoever had the key still could not speak for another user with a sign-in of their own.
    let stolen = forged(&ours(), &with(&claims, "sub", bob), &key);
    assert_refused(&service, &stolen, "another user's sign-in").await;
    for at in (0..token.len()).step_by(7) {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let altered = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert_refused(&service, &altered, &format!("character {at}")).await;
    }
}

#[tokio::test]
async fn a_token_of_the_key_before_is_good_as_long_as_that_key_is_set() {
    const BEFORE: &str = "the key before, of the test's own";
    let setup = local().with("SECRET_KEY_PREVIOUS", BEFORE);
    let rotated = Service::start(setup.with("REGISTRATION", "open")).await;
    rotated.register(ADA).await;
    let token = rotated.log_in(ADA).await.access;
    let (header, claims, _) = parts(&token);
    let before = forged(&header, &claims, &derived(BEFORE));
    assert_eq!(rotated.get("/users/me", &before).await.status, 200);
    let own = forged(&header, &claims, &derived("another key of nobody's"));
    assert_refused(&rotated, &own, "another key").await;
    let signed = token.rsplit_once('.').unwrap().0;
    assert_eq!(
        signed_text(signed, &derived(KEY)),
        token,
        "the present key signs"
    );

    let (service, _, claims, _) = victim().await;
    let before = forged(&ours(), &claims, &derived(BEFORE));
    assert_refused(&service, &before, "the key before is not set").await;
}

#[tokio::test]
async fn only_one_bearer_token_that_is_one_is_read() {
    let (service, token, _, _) = victim().await;
    let ask = |values: Vec<String>| {
        let add =
            |request: request::Builder, value: &String| request.header("authorization", value);
        let request = values.iter().fold(request("GET", "/users/me"), add);
        request.body(Body::empty()).unwrap()
    };
    for (values, status) in [
        (vec![format!("Bearer {token}")], 200),
        (vec![format!("bearer {token}")], 200),
        (vec![format!("Bearer {token}"), "Bearer x".into()], 401),
        (vec!["Bearer x".into(), format!("Bearer {token}")], 401),
        (vec![format!("Basic {token}")], 401),
        (vec![token.clone()], 401),
        (vec!["Bearer".into()], 401),
        (vec!["Bearer ".into()], 401),
        (vec![format!("Bearer {token} x")], 401),
        (vec![format!("Bearer {}", "x".repeat(8000))], 401),
        (vec!["Bearer rbk_x".into()], 401),
        (vec![format!("Bearer rbk_{}", "A".repeat(43))], 401),
    ] {
        let told = service.send("192.0.2.7", ask(values.clone())).await;
        assert_eq!(told.status, status, "{values:?}: {told:?}");
    }
    let query = format!("/users/me?access_token={token}");
    assert_unknown(&service.ask("GET", &query, None, Value::Null).await);
    let cookie = request("GET", "/users/me").header("cookie", format!("access_token={token}"));
    let told = service
        .send("192.0.2.7", cookie.body(Body::empty()).unwrap())
        .await;
    assert_unknown(&told);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let (service, token, _, _) = victim().await;
    let session = service.log_in(ADA).await;
    assert_refused(&service, &session.refresh, "a refresh token").await;
    assert_unknown(&service.refresh(&token).await);
    assert_unknown(&service.refresh("").await);
}
