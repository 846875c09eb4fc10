use proptest::prelude::*;
use ringback_wire::openai::chat::{Tool, ToolChoice};
use ringback_wire::openai::responses::{
    Echo, Event, FunctionCall, InputContent, InputItem, Output, OutputItem, OutputPart, Place,
    Request, Response, Role, Thread, parse, parse_request, parse_response,
};
use ringback_wire::openai::{Account, ApiError, Effort, Fault, Usage, Verbosity};
use serde_json::{Value, json};

use super::{events, fixture, same};

fn call(arguments: &str) -> FunctionCall {
    FunctionCall {
        call_id: "call_c3".to_owned(),
        name: "free_slots".to_owned(),
        arguments: arguments.to_owned(),
        ..FunctionCall::default()
    }
}

fn request() -> Request {
    let output = InputItem::FunctionCallOutput {
        call_id: "call_c3".to_owned(),
        output: r#"{"slots":["09:00"]}"#.to_owned(),
    };
    Request {
        model: "gpt-6.1-sol".to_owned(),
        input: vec![
            InputItem::message(Role::User, "Can I come on Friday?"),
            InputItem::FunctionCall(call(r#"{"day":"2026-11-27"}"#)),
            output,
        ],
        instructions: Some("You answer the phone for Oakhurst Dental.".to_owned()),
        tools: vec![Tool {
            name: "free_slots".to_owned(),
            description: Some("Free visits on a day".to_owned()),
            parameters: Some(
                json!({"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}),
            ),
            strict: Some(false),
        }],
        tool_choice: Some(ToolChoice::Auto),
        parallel_tool_calls: Some(false),
        stream: true,
        include_obfuscation: Some(false),
        output: Output {
            max_output_tokens: Some(800),
            effort: Some(Effort::Low),
            verbosity: Some(Verbosity::Low),
            ..Output::default()
        },
        account: Account {
            store: Some(false),
            ..Account::default()
        },
        ..Request::default()
    }
}

#[test]
fn the_request_of_the_reference_is_written_and_read() {
    let text = fixture!("responses_request.json");
    same(&request().to_text(), text);
    assert_eq!(parse_request(text), Ok(request()));
}

#[test]
fn what_openais_own_library_sends_is_taken() {
    let request = parse_request(fixture!("sdk_responses_request.json")).unwrap();
    assert_eq!(request.output.reasoning_summary.as_deref(), Some("auto"));
    assert_eq!(request.thread.include, ["reasoning.encrypted_content"]);
    assert_eq!(parse_request(&request.to_text()), Ok(request));
}

#[test]
fn nothing_is_null_where_nothing_is_set() {
    let request = Request {
        model: "m".to_owned(),
        input: vec![InputItem::message(Role::System, "s")],
        tools: vec![Tool {
            name: "f".to_owned(),
            ..Tool::default()
        }],
        ..Request::default()
    };
    same(
        &request.to_text(),
        r#"{"model":"m","input":[{"role":"system","content":"s"}],"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]}"#,
    );
}

fn message(status: &str, content: Vec<OutputPart>) -> OutputItem {
    OutputItem::Message {
        id: "msg_01".to_owned(),
        status: Some(status.to_owned()),
        phase: None,
        content,
    }
}

fn response(status: &str) -> Response {
    Response {
        id: "resp_01".to_owned(),
        created_at: 1_795_100_000,
        model: "gpt-6.1-sol".to_owned(),
        status: status.to_owned(),
        ..Response::default()
    }
}

fn at() -> Place {
    Place {
        item_id: "msg_01".to_owned(),
        ..Place::default()
    }
}

fn check(stream: &str, expected: Vec<Event>) {
    let echo = Echo::of(&request());
    let read = events(stream);
    assert_eq!(read.len(), expected.len());
    for (number, (sent, expected)) in (0..).zip(read.iter().zip(expected)) {
        assert_eq!(sent.name.as_deref(), Some(expected.kind()));
        assert_eq!(parse(&sent.data).as_ref(), Ok(&expected));
        same(&expected.to_text(number, &echo), &sent.data);
    }
}

#[test]
fn a_spoken_answer_of_the_reference_is_read_and_written() {
    let whole = || vec![OutputPart::Text("Friday at nine.".to_owned())];
    let usage = Usage {
        input: 220,
        cached: 128,
        output: 16,
        ..Usage::default()
    };
    let expected = vec![
        Event::Created(response("in_progress")),
        Event::InProgress(response("in_progress")),
        Event::ItemAdded {
            output_index: 0,
            item: message("in_progress", vec![]),
        },
        Event::PartAdded {
            at: at(),
            part: OutputPart::Text(String::new()),
        },
        Event::TextDelta {
            at: at(),
            delta: "Friday at nine".to_owned(),
        },
        Event::TextDone {
            at: at(),
            text: "Friday at nine.".to_owned(),
        },
        Event::PartDone {
            at: at(),
            part: OutputPart::Text("Friday at nine.".to_owned()),
        },
        Event::ItemDone {
            output_index: 0,
            item: message("completed", whole()),
        },
        Event::Completed(Response {
            output: vec![message("completed", whole())],
            usage: Some(usage),
            ..response("completed")
        }),
    ];
    assert_eq!(message("completed", whole()).spoken(), "Friday at nine.");
    check(fixture!("responses_stream.sse"), expected);
}

#[test]
fn a_call_and_every_way_to_end_are_read_and_written() {
    let item = |arguments: &str, status: &str| {
        OutputItem::FunctionCall(FunctionCall {
            id: Some("fc_01".to_owned()),
            call_id: "call_d4".to_owned(),
            status: Some(status.to_owned()),
            ..call(arguments)
        })
    };
    let of_call = || Place {
        item_id: "fc_01".to_owned(),
        ..Place::default()
    };
    let full = r#"{"day":"2026-11-27"}"#;
    let slow = ApiError {
        message: "Slow down.".to_owned(),
        code: Some("rate_limit_exceeded".to_owned()),
        ..ApiError::default()
    };
    let broken = ApiError {
        message: "m".to_owned(),
        code: Some("server_error".to_owned()),
        ..ApiError::default()
    };
    assert_eq!(
        (slow.fault(None), broken.fault(None)),
        (Fault::Busy, Fault::Server)
    );
    let expected = vec![
        Event::ItemAdded {
            output_index: 0,
            item: item("", "in_progress"),
        },
        Event::ArgumentsDelta {
            at: of_call(),
            delta: "{\"day\":".to_owned(),
        },
        Event::ArgumentsDone {
            at: of_call(),
            arguments: full.to_owned(),
        },
        Event::ItemDone {
            output_index: 0,
            item: item(full, "completed"),
        },
        Event::RefusalDelta {
            at: at(),
            delta: "I cannot".to_owned(),
        },
        Event::RefusalDone {
            at: at(),
            refusal: "I cannot.".to_owned(),
        },
        Event::Incomplete(Response {
            incomplete_reason: Some("max_output_tokens".to_owned()),
            ..response("incomplete")
        }),
        Event::Failed(Response {
            error: Some(slow),
            ..response("failed")
        }),
        Event::Error(broken),
    ];
    assert_eq!(expected.iter().filter(|event| event.is_end()).count(), 3);
    check(fixture!("responses_tool_stream.sse"), expected);
}

#[test]
fn unknown_kinds_other_errors_and_done_are_understood() {
    let kind = "response.reasoning_summary_text.delta";
    let text = format!(r#"{{"type":"{kind}","delta":"hm"}}"#);
    assert_eq!(parse(&text), Ok(Event::Other(kind.to_owned())));
    assert_eq!(parse("[DONE]"), Ok(Event::Done));
    for text in [
        r#"{"error":{"message":"m"}}"#,
        r#"{"type":"error","error":{"message":"m"}}"#,
        r#"{"type":"error","message":"m"}"#,
    ] {
        assert!(
            matches!(parse(text), Ok(Event::Error(error)) if error.message == "m"),
            "{text}"
        );
    }
    assert!(matches!(
        parse(r#"{"type":"response.completed"}"#),
        Ok(Event::Completed(_))
    ));
    assert!(parse("{}").is_err() && parse("7").is_err());
}

#[test]
fn items_go_back_as_they_came() {
    let thought =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"});
    let event = json!({"type": "response.output_item.done", "output_index": 0, "item": thought});
    let Ok(Event::ItemDone { item, .. }) = parse(&event.to_string()) else {
        panic!()
    };
    let mut request = request();
    let said = message(
        "completed",
        vec![OutputPart::Text("One moment.".to_owned())],
    );
    request.input.insert(1, item.to_input());
    request.input.insert(2, said.to_input());
    assert!(request.to_text().contains("\"encrypted_content\":\"xyz\""));
    assert_eq!(parse_request(&request.to_text()), Ok(request));
}

#[test]
fn an_answer_that_does_not_stream_is_read_and_written() {
    let whole = Response {
        output: vec![message(
            "completed",
            vec![OutputPart::Refusal("No.".to_owned())],
        )],
        usage: Some(Usage::default()),
        ..response("completed")
    };
    let text = whole.to_text(&Echo::of(&request()));
    assert_eq!(parse_response(&text), Ok(Ok(whole)));
    let failed = parse_response(r#"{"error":"m"}"#).unwrap();
    assert_eq!(failed.unwrap_err().message, "m");
    assert!(parse_response("{}").is_err());
}

fn one(changes: &[(&str, Value)], param: &str, code: &str, message: &str) {
    let mut value: Value = serde_json::from_str(&request().to_text()).unwrap();
    for (name, change) in changes {
        value[*name] = change.clone();
    }
    let refusal = parse_request(&value.to_string()).unwrap_err();
    let error = refusal.error;
    let was = (
        error.param.as_deref().unwrap_or_default(),
        error.code.as_deref().unwrap_or_default(),
    );
    assert_eq!(
        (refusal.status, was),
        (400, (param, code)),
        "{}",
        error.message
    );
    assert!(error.message.contains(message), "{}", error.message);
}

#[test]
fn a_request_is_judged_to_its_last_field() {
    one(
        &[("messages", json!([]))],
        "messages",
        "unknown_parameter",
        "'messages'",
    );
    one(
        &[("max_tokens", json!(1))],
        "max_tokens",
        "unknown_parameter",
        "'max_tokens'",
    );
    one(
        &[("reasoning", json!({"mode": null}))],
        "reasoning.mode",
        "invalid_type",
        "got null",
    );
    one(
        &[("reasoning", json!({"effort": "none"}))],
        "reasoning.effort",
        "unsupported_value",
        "'none'",
    );
    one(
        &[("reasoning", json!({"depth": 1}))],
        "reasoning.depth",
        "unknown_parameter",
        "depth",
    );
    one(
        &[("text", json!({"verbosity": "tiny"}))],
        "text.verbosity",
        "invalid_value",
        "'tiny'",
    );
    one(
        &[("temperature", json!(0.3))],
        "temperature",
        "unsupported_parameter",
        "not supported with this model",
    );
    one(
        &[("stream", json!(false))],
        "stream_options",
        "",
        "only allowed when 'stream'",
    );
    one(
        &[("include", json!(["thoughts"]))],
        "include",
        "invalid_value",
        "reasoning.encrypted_content",
    );
    one(
        &[("truncation", json!("middle"))],
        "truncation",
        "invalid_value",
        "'middle'",
    );
    one(
        &[
            ("conversation", json!("c")),
            ("previous_response_id", json!("r")),
        ],
        "conversation",
        "",
        "cannot be used together",
    );
    one(
        &[("model", json!("gpt-4.1"))],
        "reasoning.effort",
        "unsupported_parameter",
        "reasoning.effort",
    );
    one(
        &[("input", json!(7))],
        "input",
        "invalid_type",
        "an integer",
    );
    one(
        &[("input", json!([{"role": "tool", "content": "x"}]))],
        "input[0].role",
        "invalid_value",
        "'tool'",
    );
    one(
        &[(
            "input",
            json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
        )],
        "input[0].content[0].type",
        "invalid_value",
        "input_text",
    );
    one(
        &[(
            "input",
            json!([{"type": "function_call", "name": "f", "arguments": "{}"}]),
        )],
        "input[0].call_id",
        "missing_required_parameter",
        "call_id",
    );
    one(
        &[("input", json!([{"type": "reasoning", "id": "rs"}]))],
        "input[0].summary",
        "missing_required_parameter",
        "summary",
    );
    let wrapped = json!([{"type": "function", "function": {"name": "f"}}]);
    one(
        &[("tools", wrapped)],
        "tools[0].name",
        "missing_required_parameter",
        "tools[0].name",
    );
}

#[test]
fn calls_and_results_belong_together() {
    let call = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "a", "output": "{}"});
    one(
        &[("input", json!([call]))],
        "input",
        "",
        "No tool output found for function call a.",
    );
    one(
        &[("input", json!([output]))],
        "input",
        "",
        "No tool call found for function call output with call_id a.",
    );
    let request = Request {
        input: vec![InputItem::FunctionCallOutput {
            call_id: "a".to_owned(),
            output: "{}".to_owned(),
        }],
        thread: Thread {
            previous_response_id: Some("resp_0".to_owned()),
            ..Thread::default()
        },
        ..request()
    };
    assert_eq!(parse_request(&request.to_text()), Ok(request));
}

#[test]
fn a_single_text_is_what_the_user_says() {
    let parsed = parse_request(r#"{"model":"m","input":"hello"}"#).unwrap();
    assert_eq!(parsed.input, [InputItem::message(Role::User, "hello")]);
    let parts = json!({"model": "m", "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]});
    let parsed = parse_request(&parts.to_string()).unwrap();
    assert!(
        matches!(&parsed.input[0], InputItem::Message { content: InputContent::Parts(parts), .. } if parts.len() == 1)
    );
}

proptest! {
    #[test]
    fn a_delta_that_is_written_is_read_again(
        item_id in ".{0,9}", output_index in 0_u64..9, content_index in 0_u64..9, text in ".{0,30}", number in any::<u64>(),
    ) {
        let echo = Echo::default();
        let at = Place { item_id, output_index, content_index };
        let of_call = Place { content_index: 0, ..at.clone() };
        for event in [
            Event::TextDelta { at: at.clone(), delta: text.clone() },
            Event::TextDone { at: at.clone(), text: text.clone() },
            Event::RefusalDone { at, refusal: text.clone() },
            Event::ArgumentsDelta { at: of_call.clone(), delta: text.clone() },
            Event::ArgumentsDone { at: of_call, arguments: text.clone() },
        ] {
            prop_assert_eq!(parse(&event.to_text(number, &echo)), Ok(event));
        }
    }

    #[test]
    fn a_request_that_is_written_is_read_again(
        said in proptest::collection::vec((0_u8..4, ".{0,20}"), 0..6),
        instructions in proptest::option::of(".{0,20}"),
        limit in proptest::option::of(1_u64..9999),
        stream in any::<bool>(),
    ) {
        let input = said.into_iter().map(|(role, text)| {
            let role = [Role::User, Role::Assistant, Role::System, Role::Developer][usize::from(role)];
            InputItem::message(role, text)
        });
        let request = Request {
            model: "local".to_owned(),
            input: input.collect(),
            instructions,
            stream,
            output: Output { max_output_tokens: limit, ..Output::default() },
            ..Request::default()
        };
        prop_assert_eq!(parse_request(&request.to_text()), Ok(request));
    }

    #[test]
    fn no_text_makes_a_panic(text in ".{0,200}") {
        let _ = parse(&text);
        let _ = parse_response(&text);
        let _ = parse_request(&text);
    }
}
