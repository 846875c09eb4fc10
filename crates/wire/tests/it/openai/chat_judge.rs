use proptest::prelude::*;
use ringback_wire::openai::chat::{Message, Request, Sampling, Tool, ToolChoice, parse_request};
use serde_json::{Value, json};

use super::chat::request;
use super::fixture;

/// The request of the reference with some fields replaced, or removed by a null of Rust.
fn with(changes: &[(&str, Option<Value>)]) -> String {
    let mut value: Value = serde_json::from_str(&request().to_text()).unwrap();
    for (name, change) in changes {
        let fields = value.as_object_mut().unwrap();
        match change {
            Some(change) => drop(fields.insert((*name).to_owned(), change.clone())),
            None => drop(fields.remove(*name)),
        }
    }
    value.to_string()
}

fn refused(text: &str) -> (Option<String>, Option<String>, String) {
    let refusal = parse_request(text).unwrap_err();
    assert_eq!(refusal.status, 400);
    assert_eq!(refusal.error.kind.as_deref(), Some("invalid_request_error"));
    (
        refusal.error.param,
        refusal.error.code,
        refusal.error.message,
    )
}

fn check(changes: &[(&str, Option<Value>)], param: &str, code: &str, message: &str) {
    let (was_param, was_code, was_message) = refused(&with(changes));
    let was = (was_param.unwrap_or_default(), was_code.unwrap_or_default());
    assert_eq!(
        (was.0.as_str(), was.1.as_str()),
        (param, code),
        "{was_message}"
    );
    assert!(was_message.contains(message), "{was_message}");
}

fn one(name: &str, value: Value, param: &str, code: &str, message: &str) {
    check(&[(name, Some(value))], param, code, message);
}

#[test]
fn what_openais_own_library_sends_is_taken() {
    let request = parse_request(fixture!("sdk_chat_request.json")).unwrap();
    assert_eq!(request.messages.len(), 4);
    assert_eq!(request.account.metadata["a"], "b");
    assert_eq!(parse_request(&request.to_text()), Ok(request));
}

#[test]
fn what_is_not_json_is_refused() {
    for text in ["", "[]", "{"] {
        assert!(
            refused(text)
                .2
                .starts_with("We could not parse the JSON body")
        );
    }
}

#[test]
fn a_field_must_be_known_and_of_its_type() {
    one(
        "top_k",
        json!(1),
        "top_k",
        "unknown_parameter",
        "Unknown parameter: 'top_k'.",
    );
    check(
        &[("model", None)],
        "model",
        "missing_required_parameter",
        "'model'",
    );
    check(
        &[("messages", None)],
        "messages",
        "missing_required_parameter",
        "'messages'",
    );
    one(
        "messages",
        json!([]),
        "messages",
        "empty_array",
        "empty array",
    );
    one(
        "temperature",
        json!("hot"),
        "temperature",
        "invalid_type",
        "expected a decimal, but got a string",
    );
    one(
        "temperature",
        json!(3),
        "temperature",
        "decimal_above_max_value",
        "Expected a value <= 2, but got 3",
    );
    one(
        "top_p",
        json!(-0.5),
        "top_p",
        "decimal_below_min_value",
        ">= 0",
    );
    one(
        "max_completion_tokens",
        json!(0),
        "max_completion_tokens",
        "integer_below_min_value",
        ">= 1",
    );
    one(
        "n",
        json!(1.5),
        "n",
        "invalid_type",
        "expected an integer, but got a decimal",
    );
    one(
        "parallel_tool_calls",
        json!(null),
        "parallel_tool_calls",
        "invalid_type",
        "got null",
    );
    one(
        "stream",
        json!("yes"),
        "stream",
        "invalid_type",
        "expected a boolean",
    );
    one(
        "reasoning_effort",
        json!("ultra"),
        "reasoning_effort",
        "invalid_value",
        "'ultra'",
    );
    one(
        "service_tier",
        json!("turbo"),
        "service_tier",
        "invalid_value",
        "'priority'",
    );
    one(
        "stop",
        json!(["a", 1]),
        "stop[1]",
        "invalid_type",
        "expected a string",
    );
    one(
        "stop",
        json!(["a", "b", "c", "d", "e"]),
        "stop",
        "array_above_max_length",
        "length 5",
    );
    one(
        "safety_identifier",
        json!("x".repeat(129)),
        "safety_identifier",
        "string_above_max_length",
        "129",
    );
    one(
        "metadata",
        json!({"a": 1}),
        "metadata.a",
        "invalid_type",
        "a string",
    );
    let many: serde_json::Map<_, _> = (0..17).map(|n| (n.to_string(), json!("x"))).collect();
    one(
        "metadata",
        json!(many),
        "metadata",
        "object_above_max_properties",
        "17",
    );
    one(
        "response_format",
        json!({"type": "xml"}),
        "response_format.type",
        "invalid_value",
        "json_schema",
    );
    one(
        "stream_options",
        json!({"usage": true}),
        "stream_options.usage",
        "unknown_parameter",
        "usage",
    );
    one(
        "logit_bias",
        json!({"50256": 101}),
        "logit_bias.50256",
        "integer_above_max_value",
        "101",
    );
}

#[test]
fn null_means_left_out_where_the_reference_allows_it() {
    let text = with(&[
        ("temperature", Some(json!(null))),
        ("seed", Some(json!(null))),
    ]);
    assert_eq!(parse_request(&text), Ok(request()));
    let user = with(&[("user", Some(json!("u")))]);
    assert_eq!(parse_request(&user).unwrap().extra["user"], json!("u"));
}

#[test]
fn stream_options_need_a_stream() {
    check(
        &[("stream", None)],
        "stream_options",
        "",
        "only allowed when 'stream' is enabled",
    );
}

#[test]
fn messages_are_judged_to_their_last_field() {
    let messages = |message: Value| json!([message]);
    one(
        "messages",
        messages(json!({"role": "bot", "content": "x"})),
        "messages[0].role",
        "invalid_value",
        "'bot'",
    );
    one(
        "messages",
        messages(json!({"role": "user"})),
        "messages[0].content",
        "missing_required_parameter",
        "content",
    );
    one(
        "messages",
        messages(json!({"role": "user", "content": 7})),
        "messages[0].content",
        "invalid_type",
        "an integer",
    );
    one(
        "messages",
        messages(json!({"role": "user", "content": "x", "id": "1"})),
        "messages[0].id",
        "unknown_parameter",
        "id",
    );
    one(
        "messages",
        messages(json!({"role": "assistant"})),
        "messages[0].content",
        "",
        "got null",
    );
    one(
        "messages",
        messages(json!({"role": "user", "content": [{"type": "text"}]})),
        "messages[0].content[0].text",
        "missing_required_parameter",
        "text",
    );
    one(
        "messages",
        messages(json!({"role": "user", "content": [{"type": "video"}]})),
        "messages[0].content[0].type",
        "invalid_value",
        "video",
    );
    one(
        "messages",
        messages(
            json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": {}}}]}),
        ),
        "messages[0].tool_calls[0].function.arguments",
        "invalid_type",
        "an object",
    );
}

fn call(ids: &[&str]) -> Value {
    let calls: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}))
        .collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "{}"})
}

fn user() -> Value {
    json!({"role": "user", "content": "x"})
}

#[test]
fn every_call_needs_its_result_before_the_next_message() {
    let unanswered = "did not have response messages: ";
    for (messages, ids) in [
        (json!([user(), call(&["a"])]), "a"),
        (json!([call(&["a", "b"]), result("a")]), "b"),
        (json!([call(&["a"]), user(), result("a")]), "a"),
        (json!([call(&["a"]), call(&["b"]), result("b")]), "a"),
    ] {
        one(
            "messages",
            messages,
            "messages",
            "",
            &format!("{unanswered}{ids}"),
        );
    }
    let orphan = "must be a response to a preceeding message with 'tool_calls'";
    for (messages, at) in [
        (json!([result("a")]), "messages.[0].role"),
        (json!([call(&["a"]), result("b")]), "messages.[1].role"),
        (
            json!([call(&["a"]), result("a"), result("a")]),
            "messages.[2].role",
        ),
        (
            json!([call(&["a"]), result("a"), user(), result("a")]),
            "messages.[3].role",
        ),
    ] {
        one("messages", messages, at, "", orphan);
    }
    let fine = json!([call(&["a", "b"]), result("b"), result("a"), user()]);
    assert!(parse_request(&with(&[("messages", Some(fine))])).is_ok());
}

#[test]
fn tools_are_judged() {
    let tool = |function: Value| json!([{"type": "function", "function": function}]);
    let name = "tools[0].function.name";
    one(
        "tools",
        tool(json!({"name": "a b"})),
        name,
        "invalid_value",
        "pattern",
    );
    one(
        "tools",
        tool(json!({"name": "a".repeat(65)})),
        name,
        "string_above_max_length",
        "65",
    );
    one(
        "tools",
        tool(json!({})),
        name,
        "missing_required_parameter",
        "name",
    );
    one(
        "tools",
        tool(json!({"name": "f", "parameters": "{}"})),
        "tools[0].function.parameters",
        "invalid_type",
        "an object",
    );
    one(
        "tools",
        json!([{"type": "function", "name": "f"}]),
        "tools[0].function",
        "missing_required_parameter",
        "function",
    );
    check(
        &[("tools", None)],
        "tool_choice",
        "",
        "only allowed when 'tools' are specified",
    );
    check(
        &[("tools", None), ("tool_choice", None)],
        "parallel_tool_calls",
        "",
        "only allowed when 'tools'",
    );
    one(
        "tool_choice",
        json!("maybe"),
        "tool_choice",
        "invalid_value",
        "'required'",
    );
    let chosen = json!({"type": "function", "function": {"name": "free_slots"}});
    let parsed = parse_request(&with(&[("tool_choice", Some(chosen))])).unwrap();
    assert_eq!(
        parsed.tool_choice,
        Some(ToolChoice::Function("free_slots".to_owned()))
    );
}

#[test]
fn tools_go_with_reasoning_only_where_the_model_takes_both() {
    let of = |model: &str, effort: Option<&str>| {
        with(&[
            ("model", Some(json!(model))),
            ("reasoning_effort", effort.map(|effort| json!(effort))),
        ])
    };
    for (model, effort) in [
        ("gpt-6-luna", None),
        ("gpt-6-luna", Some("low")),
        ("gpt-5.6-sol", None),
        ("gpt-5.4", Some("medium")),
        ("gpt-6-astra", Some("low")),
        ("gpt-6.1-sol", None),
    ] {
        let (param, code, message) = refused(&of(model, effort));
        assert_eq!(
            (param.as_deref(), code),
            (Some("reasoning_effort"), None),
            "{model}"
        );
        assert!(message.contains("/v1/responses"), "{message}");
    }
    for (model, effort) in [
        ("gpt-6-sol", Some("none")),
        ("gpt-5.4", None),
        ("gpt-5-mini", Some("minimal")),
        ("gpt-4.1", None),
        ("llama", Some("low")),
    ] {
        assert!(
            parse_request(&of(model, effort)).is_ok(),
            "{model} {effort:?}"
        );
    }
    let (param, code, _) = refused(&of("gpt-6-astra", Some("none")));
    assert_eq!(
        (param.as_deref(), code.as_deref()),
        (Some("reasoning_effort"), Some("unsupported_value"))
    );
    let (param, _, message) = refused(&of("gpt-4.1", Some("none")));
    assert_eq!(
        (param, message.as_str()),
        (
            None,
            "Unrecognized request argument supplied: reasoning_effort"
        )
    );
}

#[test]
fn reasoning_models_refuse_the_old_limit_and_what_shapes_sampling() {
    one(
        "max_tokens",
        json!(9),
        "max_tokens",
        "unsupported_parameter",
        "Use 'max_completion_tokens' instead.",
    );
    one("stop", json!("x"), "stop", "unsupported_parameter", "stop");
    let plain = |more: &[(&str, Option<Value>)]| {
        let mut changes = vec![
            ("tools", None),
            ("tool_choice", None),
            ("parallel_tool_calls", None),
            ("reasoning_effort", Some(json!("low"))),
        ];
        changes.extend(more.iter().cloned());
        with(&changes)
    };
    for name in ["temperature", "top_p"] {
        let (param, code, _) = refused(&plain(&[(name, Some(json!(0.2)))]));
        assert_eq!(
            (param.as_deref(), code.as_deref()),
            (Some(name), Some("unsupported_value"))
        );
        assert!(parse_request(&plain(&[(name, Some(json!(1)))])).is_ok());
    }
    assert_eq!(
        refused(&plain(&[("logprobs", Some(json!(true)))]))
            .0
            .as_deref(),
        Some("logprobs")
    );
    let cold = [
        ("temperature", Some(json!(0.2))),
        ("reasoning_effort", Some(json!("none"))),
    ];
    assert!(parse_request(&plain(&cold)).is_ok());
    let older = [
        ("model", Some(json!("gpt-4.1"))),
        ("reasoning_effort", None),
        ("max_tokens", Some(json!(9))),
        ("stop", Some(json!(["x"]))),
    ];
    assert_eq!(parse_request(&with(&older)).unwrap().output.stop, ["x"]);
}

proptest! {
    #[test]
    fn a_request_that_is_written_is_read_again(
        said in proptest::collection::vec((0_u8..4, ".{0,20}"), 1..6),
        tools in proptest::collection::btree_set("[a-zA-Z0-9_-]{1,64}", 0..3),
        sampling in (proptest::option::of(0_u16..200), proptest::option::of(any::<i64>()), proptest::option::of(1_u64..9)),
        stream in any::<bool>(),
    ) {
        let (temperature, seed, n) = sampling;
        let messages = said.into_iter().map(|(role, text)| match role {
            0 => Message::Developer(text.into()),
            1 => Message::System(text.into()),
            2 => Message::User(text.into()),
            _ => Message::assistant(text),
        });
        let request = Request {
            model: "local".to_owned(),
            messages: messages.collect(),
            tools: tools.into_iter().map(|name| Tool { name, parameters: Some(json!({"type": "object"})), ..Tool::default() }).collect(),
            stream,
            sampling: Sampling { temperature: temperature.map(|t| f64::from(t) / 100.0), seed, n, ..Sampling::default() },
            ..Request::default()
        };
        prop_assert_eq!(parse_request(&request.to_text()), Ok(request));
    }
}
