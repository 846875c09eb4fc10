//! Answers with a status that is no success.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ringback_call::FaultKind::{Misbehaved, Refused, Unreachable};

use super::super::fault::status;
use crate::provider::Failure;

fn failure(code: u16, headers: &[(&str, &str)], body: &str) -> Failure {
    let headers = headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    status(code, &headers.collect::<HeaderMap>(), body)
}

fn error(code: &str) -> String {
    format!(r#"{{"error":{{"message":"No.","type":"x","param":null,"code":"{code}"}}}}"#)
}

#[test]
fn status_and_code_say_of_what_kind_a_failure_is_and_whether_it_passes() {
    let of = |status, body: &str| {
        let failure = failure(status, &[], body);
        (failure.kind, failure.passing, failure.of_request)
    };
    assert_eq!(
        of(429, &error("rate_limit_exceeded")),
        (Unreachable, true, false)
    );
    assert_eq!(of(429, ""), (Unreachable, true, false));
    assert_eq!(
        of(498, &error("capacity_exceeded")),
        (Unreachable, true, false)
    );
    assert_eq!(of(408, ""), (Unreachable, true, false));
    assert_eq!(
        of(429, &error("insufficient_quota")),
        (Refused, false, false)
    );
    for status in [401, 403, 404] {
        assert_eq!(of(status, ""), (Refused, false, false), "{status}");
    }
    assert_eq!(of(400, &error("model_not_found")), (Refused, false, false));
    for status in [400, 413, 422] {
        assert_eq!(of(status, ""), (Refused, false, true), "{status}");
    }
    let long = error("context_length_exceeded");
    assert_eq!(of(400, &long), (Refused, false, true));
    for status in [301, 500, 502, 503] {
        assert_eq!(of(status, ""), (Misbehaved, true, false), "{status}");
    }
}

#[test]
fn the_servers_own_words_are_told_without_a_key_in_them() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-abcdefghijklmnop.","code":"invalid_api_key"}}"#;
    let detail = failure(401, &[], body).detail;
    assert_eq!(
        detail,
        "openai answered 401: Incorrect API key provided: sk-…"
    );
    let html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    assert_eq!(
        failure(502, &[], html).detail,
        "openai answered 502: 502 Bad Gateway"
    );
    assert_eq!(failure(500, &[], "").detail, "openai answered 500");
}

#[test]
fn the_server_says_when_and_whether_to_come_back() {
    let after = |headers: &[(&str, &str)]| failure(429, headers, "").retry_after;
    assert_eq!(after(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
    let both = [("retry-after-ms", "150"), ("retry-after", "2")];
    assert_eq!(after(&both), Some(Duration::from_millis(150)));
    assert_eq!(after(&[("retry-after", "soon")]), None);
    assert_eq!(after(&[("retry-after", "0")]), None);

    let passing = |status, word| failure(status, &[("x-should-retry", word)], "").passing;
    assert!(!passing(503, "false") && passing(422, "true"));
    assert!(!passing(401, "true"), "a wrong key stays wrong");
}
