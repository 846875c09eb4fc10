use proptest::prelude::*;
use ringback_wire::openai::models::{self, ChatTools, Model, Traits};
use ringback_wire::openai::retry::{Advice, Allowance, Limits, MAX_WAIT_MS, duration_ms};
use ringback_wire::openai::{ApiError, Effort, Fault, Refusal};

use super::{fixture, same};

fn error(message: &str, kind: Option<&str>, code: Option<&str>, param: Option<&str>) -> ApiError {
    ApiError {
        message: message.to_owned(),
        kind: kind.map(str::to_owned),
        code: code.map(str::to_owned),
        param: param.map(str::to_owned),
    }
}

#[test]
fn the_error_of_the_reference_is_read_and_written() {
    let text = fixture!("error_context.json");
    let read = ApiError::read(text);
    let expected = error(
        "This model's maximum context length is 128000 tokens.",
        Some("invalid_request_error"),
        Some("context_length_exceeded"),
        Some("messages"),
    );
    assert_eq!(read, expected);
    same(&read.to_text(), text);
    assert_eq!(read.fault(Some(400)), Fault::TooLong);
}

#[test]
fn an_error_is_read_in_every_shape_servers_send() {
    let table = [
        (
            r#"{"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}}"#,
            error(
                "Invalid API Key",
                Some("authentication_error"),
                Some("401"),
                None,
            ),
        ),
        (
            r#"{"error":"no such model"}"#,
            error("no such model", None, None, None),
        ),
        (
            r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
            error("too long", Some("BadRequestError"), Some("400"), None),
        ),
        (
            r#"{"detail":"Not Found"}"#,
            error("Not Found", None, None, None),
        ),
        (
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
            error("field required", None, None, None),
        ),
        (
            r#"[{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED"}}]"#,
            error("Slow down", None, Some("429"), None),
        ),
        (
            "<html><head><title>502 Bad Gateway</title></head>\r\n<body>\u{7}nginx</body></html>",
            error("502 Bad Gateway nginx", None, None, None),
        ),
        ("", ApiError::default()),
        (
            r#"{"error":{"type":"server_error"}}"#,
            error("server_error", Some("server_error"), None, None),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(ApiError::read(body), expected, "{body}");
    }
}

#[test]
fn a_key_that_a_server_repeats_is_not_kept() {
    let read = ApiError::read(r#"{"error":"Incorrect API key provided: sk-proj-abcdefghij."}"#);
    assert_eq!(read.message, "Incorrect API key provided: sk-…");
}

#[test]
fn the_code_decides_before_the_status() {
    let table = [
        (Some(429), Some("insufficient_quota"), Fault::Quota, false),
        (Some(429), Some("rate_limit_exceeded"), Fault::Busy, true),
        (Some(429), None, Fault::Busy, true),
        (Some(498), Some("capacity_exceeded"), Fault::Busy, true),
        (Some(400), None, Fault::Request, false),
        (Some(400), Some("model_not_found"), Fault::NotFound, false),
        (Some(401), Some("invalid_api_key"), Fault::Key, false),
        (Some(403), None, Fault::Forbidden, false),
        (Some(404), None, Fault::NotFound, false),
        (Some(408), None, Fault::Passing, true),
        (Some(409), None, Fault::Passing, true),
        (Some(413), None, Fault::TooLong, false),
        (Some(422), None, Fault::Request, false),
        (Some(500), None, Fault::Server, true),
        (Some(503), None, Fault::Server, true),
        (None, Some("server_error"), Fault::Server, true),
        (None, Some("429"), Fault::Busy, true),
        (None, None, Fault::Server, true),
    ];
    for (status, code, fault, again) in table {
        let told = error("x", None, code, None);
        assert_eq!(told.fault(status), fault, "{status:?} {code:?}");
        assert_eq!(fault.worth_a_retry(), again, "{fault:?}");
    }
    assert!(Fault::Quota.needs_the_operator() && !Fault::Busy.needs_the_operator());
    for (refusal, fault) in [
        (Refusal::quota(), Fault::Quota),
        (Refusal::rate_limit(), Fault::Busy),
        (Refusal::key(), Fault::Key),
        (Refusal::server(503), Fault::Server),
        (Refusal::model_not_found("x"), Fault::NotFound),
    ] {
        assert_eq!(ApiError::read(&refusal.error.to_text()), refusal.error);
        assert_eq!(refusal.error.fault(Some(refusal.status)), fault);
    }
}

fn advice(headers: &[(&str, &'static str)]) -> Advice {
    let header = |name: &str| headers.iter().find(|(other, _)| *other == name);
    Advice::read(|name| header(name).map(|(_, value)| *value), 1_795_176_000)
}

#[test]
fn the_wait_is_read_in_ms_seconds_and_as_a_date() {
    let table = [
        (
            &[("retry-after-ms", "250"), ("retry-after", "9")][..],
            Some(250),
        ),
        (&[("retry-after", "2")], Some(2000)),
        (&[("retry-after", " 0.5 ")], Some(500)),
        (
            &[("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")],
            Some(30_000),
        ),
        (&[("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")], Some(0)),
        (&[("retry-after", "Fri, 32 Nov 2026 11:00:00 GMT")], None),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "inf")], None),
        (&[("retry-after", "soon")], None),
        (&[], None),
    ];
    for (headers, wait_ms) in table {
        assert_eq!(advice(headers).wait_ms, wait_ms, "{headers:?}");
    }
}

#[test]
fn dates_are_counted_through_leap_years() {
    for (date, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 978_307_200),
    ] {
        let read = Advice::read(|name| (name == "retry-after").then_some(date), 0);
        assert_eq!(read.wait_ms, Some(seconds * 1000), "{date}");
    }
}

#[test]
fn waiting_follows_the_server_then_doubles_and_gives_up_where_it_is_no_use() {
    let told = |wait_ms, should_retry| Advice {
        wait_ms,
        should_retry,
    };
    let table = [
        (told(Some(700), None), Fault::Busy, 1, 0, Some(700)),
        (
            told(Some(MAX_WAIT_MS + 1), Some(true)),
            Fault::Busy,
            1,
            0,
            None,
        ),
        (told(Some(0), None), Fault::Busy, 1, 0, Some(500)),
        (told(None, None), Fault::Server, 1, 0, Some(500)),
        (told(None, None), Fault::Server, 2, 1000, Some(750)),
        (told(None, None), Fault::Server, 99, 0, Some(8000)),
        (told(None, Some(false)), Fault::Server, 1, 0, None),
        (told(None, Some(true)), Fault::Request, 1, 0, Some(500)),
        (told(None, Some(true)), Fault::Quota, 1, 0, None),
        (told(None, None), Fault::Request, 1, 0, None),
    ];
    for (advice, fault, attempts, jitter, wait) in table {
        assert_eq!(
            advice.wait(fault, attempts, jitter),
            wait,
            "{advice:?} {fault:?}"
        );
    }
}

#[test]
fn durations_are_read_as_the_headers_have_them() {
    let table = [
        ("1s", Some(1000)),
        ("6m0s", Some(360_000)),
        ("20ms", Some(20)),
        ("7.66s", Some(7660)),
        ("2m59.56s", Some(179_560)),
        ("1h0m2.5s", Some(3_602_500)),
        ("900us", Some(0)),
        ("", None),
        ("12", None),
        ("s", None),
        ("1.2.3s", None),
        ("-1s", None),
        ("99999999999999999999s", None),
        ("9999999999999999h", None),
    ];
    for (text, milliseconds) in table {
        assert_eq!(duration_ms(text), milliseconds, "{text}");
    }
}

#[test]
fn limits_are_written_and_read_and_minus_one_is_none() {
    let limits = Limits {
        requests: Allowance {
            limit: Some(500),
            remaining: Some(499),
            reset_ms: Some(360_000),
        },
        tokens: Allowance {
            limit: Some(30_000),
            remaining: Some(0),
            reset_ms: Some(20),
        },
    };
    let headers = limits.to_headers();
    assert_eq!(
        headers[2],
        ("x-ratelimit-reset-requests".to_owned(), "6m0s".to_owned())
    );
    let find = |name: &str| headers.iter().find(|(other, _)| other == name);
    assert_eq!(
        Limits::read(|name| find(name).map(|(_, value)| value.as_str())),
        limits
    );
    assert_eq!(Limits::read(|_| Some("-1")), Limits::default());
}

#[test]
fn the_models_of_the_reference_are_read_and_written() {
    let text = fixture!("models.json");
    let models = models::parse(text).unwrap();
    let expected = Model {
        id: "gpt-4o".to_owned(),
        created: 1_715_367_049,
        owned_by: Some("system".to_owned()),
        shutdown_date: Some("2027-01-14".to_owned()),
    };
    assert_eq!((models.len(), &models[1]), (2, &expected));
    same(&models::to_text(&models), text);
    let local = r#"{"models":[],"data":[{"id":"qwen","meta":{}},{"id":""},7],"object":"list"}"#;
    assert_eq!(models::parse(local).unwrap()[0].id, "qwen");
    assert!(models::parse(r#"{"data":null}"#).is_err());
}

#[test]
fn each_family_of_models_wants_to_be_asked_in_its_way() {
    let table = [
        ("gpt-6-astra", true, None, ChatTools::Never),
        ("gpt-6.1-sol", true, None, ChatTools::Never),
        (
            "gpt-6-luna",
            true,
            Some(Effort::None),
            ChatTools::OnlyWithoutReasoning,
        ),
        (
            "gpt-5.6-terra",
            true,
            Some(Effort::None),
            ChatTools::OnlyWithoutReasoning,
        ),
        (
            "gpt-5.4-mini",
            true,
            Some(Effort::None),
            ChatTools::UnlessReasoning,
        ),
        ("gpt-5-nano", true, None, ChatTools::Always),
        ("o3", true, None, ChatTools::Always),
        ("gpt-4.1-mini", false, None, ChatTools::Always),
        ("llama-3.3-70b", false, None, ChatTools::Always),
        ("gpt-60", false, None, ChatTools::Always),
    ];
    for (model, reasons, quickest, tools) in table {
        let traits = Traits::of(model);
        assert_eq!(
            (traits.reasons, traits.quickest(), traits.chat_tools),
            (reasons, quickest, tools),
            "{model}"
        );
    }
}

proptest! {
    #[test]
    fn any_body_gives_one_short_line(body in ".{0,400}") {
        for body in [body.clone(), format!("{{\"error\":{body:?}}}")] {
            let read = ApiError::read(&body);
            prop_assert!(read.message.chars().count() <= 200);
            prop_assert!(!read.message.chars().any(char::is_control));
        }
    }

    #[test]
    fn what_is_told_about_limits_comes_back(reset_ms in 0_u64..100_000_000, wait in 0_u64..1_000_000) {
        let limits = Limits { tokens: Allowance { limit: None, remaining: None, reset_ms: Some(reset_ms) }, ..Limits::default() };
        let headers = limits.to_headers();
        prop_assert_eq!(duration_ms(&headers[0].1), Some(reset_ms));
        let advice = Advice { wait_ms: Some(wait), should_retry: Some(true) };
        let headers = advice.to_headers();
        let find = |name: &str| headers.iter().find(|(other, _)| *other == name);
        prop_assert_eq!(Advice::read(|name| find(name).map(|(_, value)| value.as_str()), 0), advice);
    }

    #[test]
    fn no_header_makes_a_panic(text in ".{0,40}", now in 0_u64..u64::MAX) {
        let _ = duration_ms(&text);
        let advice = Advice::read(|_| Some(text.as_str()), now);
        let _ = advice.wait(Fault::Busy, u32::MAX, u16::MAX);
        let _ = Limits::read(|_| Some(text.as_str()));
    }
}
