use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::openai::chat::{
    Answer, Choice, Chunk, Delta, FinishReason, Message, Output, Request, StreamOptions, Streamed,
    Tool, ToolCall, ToolCallDelta, ToolChoice, parse, parse_answer, parse_request,
};
use ringback_wire::openai::{Account, ApiError, Effort, Usage};
use serde_json::json;

use super::{events, fixture, same};

const ASKED: StreamOptions = StreamOptions {
    include_usage: Some(true),
    include_obfuscation: Some(false),
};

pub(super) fn request() -> Request {
    let call = ToolCall {
        id: "call_a1".to_owned(),
        name: "free_slots".to_owned(),
        arguments: r#"{"day":"2026-11-27"}"#.to_owned(),
    };
    Request {
        model: "gpt-6-luna".to_owned(),
        messages: vec![
            Message::Developer("You answer the phone for Oakhurst Dental.".into()),
            Message::User("Can I come on Friday?".into()),
            Message::calls(vec![call]),
            Message::Tool {
                tool_call_id: "call_a1".to_owned(),
                content: r#"{"slots":["09:00","14:30"]}"#.into(),
            },
        ],
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
        stream_options: Some(ASKED),
        output: Output {
            max_completion_tokens: Some(300),
            reasoning_effort: Some(Effort::None),
            ..Output::default()
        },
        account: Account {
            prompt_cache_key: Some("tenant-7:agent-3".to_owned()),
            safety_identifier: Some("u_5f1c".to_owned()),
            store: Some(false),
            ..Account::default()
        },
        ..Request::default()
    }
}

#[test]
fn the_request_of_the_reference_is_written_and_read() {
    let text = fixture!("chat_request.json");
    same(&request().to_text(), text);
    assert_eq!(parse_request(text), Ok(request()));
}

#[test]
fn what_is_not_set_is_left_out() {
    let request = Request {
        model: "m".to_owned(),
        messages: vec![Message::System("s".into()), Message::assistant("a")],
        parallel_tool_calls: Some(true),
        stream_options: Some(ASKED),
        ..Request::default()
    };
    same(
        &request.to_text(),
        r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"assistant","content":"a"}]}"#,
    );
}

#[test]
fn fields_of_other_vendors_are_added_and_replace() {
    let mut request = request();
    request.extra.insert("top_k".to_owned(), json!(20));
    request.extra.insert("store".to_owned(), json!(true));
    request.sampling.temperature = Some(f64::NAN);
    let text = request.to_text();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["top_k"], &value["store"]),
        (&json!(20), &json!(true))
    );
    assert_eq!(text.matches("\"store\"").count(), 1);
    assert_eq!(value.get("temperature"), None);
}

fn chunk(delta: Delta, finish_reason: Option<FinishReason>) -> Chunk {
    Chunk {
        id: "chatcmpl-9z".to_owned(),
        created: 1_795_100_000,
        model: "gpt-6-luna".to_owned(),
        service_tier: Some("default".to_owned()),
        choices: vec![Choice {
            index: 0,
            delta,
            finish_reason,
        }],
        usage: None,
    }
}

fn text(content: &str) -> Delta {
    Delta {
        content: Some(content.to_owned()),
        ..Delta::default()
    }
}

#[test]
fn the_stream_of_the_reference_is_read_and_written() {
    let first = Delta {
        role: Some("assistant".to_owned()),
        ..text("")
    };
    let usage = Usage {
        input: 210,
        cached: 128,
        output: 14,
        ..Usage::default()
    };
    let last = Chunk {
        choices: vec![],
        usage: Some(usage),
        ..chunk(Delta::default(), None)
    };
    let expected = [
        chunk(first, None),
        chunk(text("Friday "), None),
        chunk(Delta::default(), Some(FinishReason::Stop)),
        last,
    ];
    let events = events(fixture!("chat_stream.sse"));
    assert_eq!(events.len(), 5);
    for (event, chunk) in events.iter().zip(expected) {
        same(&chunk.to_text(&ASKED), &event.data);
        assert_eq!(parse(&event.data), Ok(Streamed::Chunk(chunk)));
    }
    assert_eq!(parse(&events[4].data), Ok(Streamed::Done));
}

#[test]
fn tool_calls_are_written_as_the_reference_shows_them() {
    for event in events(fixture!("chat_tool_stream.sse")) {
        if let Streamed::Chunk(chunk) = parse(&event.data).unwrap() {
            same(&chunk.to_text(&ASKED), &event.data);
        }
    }
}

#[test]
fn usage_is_left_out_and_padding_sent_unless_the_request_says_otherwise() {
    let written = chunk(text("ab"), None).to_text(&StreamOptions::default());
    let value: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(value.get("usage"), None);
    assert_eq!(value["obfuscation"].as_str().map(str::len), Some(14));
}

#[test]
fn groq_tells_its_usage_in_a_field_of_its_own() {
    let chunks: Vec<_> = events(fixture!("groq_stream.sse"))
        .iter()
        .map(|event| parse(&event.data).unwrap())
        .collect();
    let Streamed::Chunk(thought) = &chunks[1] else {
        panic!()
    };
    assert_eq!(thought.choices[0].delta.reasoning.as_deref(), Some("hm"));
    assert_eq!(thought.choices[0].delta.content, None);
    let Streamed::Chunk(last) = &chunks[3] else {
        panic!()
    };
    let usage = last.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.total()), (9, 2, 11));
}

#[test]
fn an_error_within_the_stream_is_a_failure_in_every_shape() {
    let failed = |data: &str| match parse(data) {
        Ok(Streamed::Failed(error)) => error.message,
        other => panic!("{data}: {other:?}"),
    };
    for data in [
        r#"{"error":{"message":"m","type":"server_error","code":null,"param":null}}"#,
        r#"{"error":"m"}"#,
        r#"{"object":"error","message":"m","code":500}"#,
        r#"{"id":"x","choices":[],"x_groq":{"error":"m"}}"#,
        r#"{"choices":null,"error":{"message":"m"}}"#,
    ] {
        assert_eq!(failed(data), "m");
    }
    let fine = r#"{"id":"x","choices":[],"error":null,"x_groq":{"error":null}}"#;
    assert!(matches!(parse(fine), Ok(Streamed::Chunk(_))));
}

#[test]
fn missing_null_and_odd_fields_are_nothing() {
    for data in [
        r#"{"choices":null}"#,
        r#"{"choices":[{"delta":null}]}"#,
        r#"{"choices":[{"delta":{"content":null,"tool_calls":null},"finish_reason":""}],"usage":null}"#,
        r#"{"choices":[7],"created":1.5,"id":null,"usage":[]}"#,
        "{}",
    ] {
        let Ok(Streamed::Chunk(chunk)) = parse(data) else {
            panic!("{data}")
        };
        assert!(
            chunk
                .choices
                .iter()
                .all(|choice| *choice == Choice::default()),
            "{data}"
        );
        assert_eq!(chunk.usage, None);
    }
    let old = r#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"eos"}]}"#;
    let Ok(Streamed::Chunk(chunk)) = parse(old) else {
        panic!()
    };
    assert_eq!(
        chunk.choices[0].delta.tool_calls[0].name.as_deref(),
        Some("f")
    );
    assert_eq!(
        chunk.choices[0].finish_reason,
        Some(FinishReason::Other("eos".to_owned()))
    );
    assert!(matches!(parse("{\"id\":"), Err(Garbled::Json { .. })));
    assert!(matches!(parse("[]"), Err(Garbled::Shape { .. })));
}

#[test]
fn an_answer_that_does_not_stream_is_read_and_written() {
    let text = fixture!("chat_answer.json");
    let answer: Answer = parse_answer(text, "x").unwrap().unwrap();
    assert_eq!(answer.finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!(
        (answer.content.as_deref(), answer.refusal.as_deref()),
        (None, None)
    );
    assert_eq!(answer.tool_calls[0].id, "call_b7");
    assert_eq!(answer.usage.map(|usage| usage.cached), Some(128));
    same(&answer.to_text(), text);
    let failed = parse_answer(r#"{"error":{"message":"m"}}"#, "x").unwrap();
    assert_eq!(
        failed.map_err(|error: ApiError| error.message),
        Err("m".to_owned())
    );
    assert!(parse_answer(r#"{"choices":[]}"#, "x").is_err());
}

fn optional() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{1,12}")
}

fn tool_delta() -> impl Strategy<Value = ToolCallDelta> {
    (
        proptest::option::of(0_u64..9),
        optional(),
        optional(),
        optional(),
    )
        .prop_map(|(index, id, name, arguments)| ToolCallDelta {
            index,
            id,
            name,
            arguments,
        })
}

proptest! {
    #[test]
    fn a_chunk_that_is_written_is_read_again(
        said in (optional(), optional(), optional()),
        calls in proptest::collection::vec(tool_delta(), 0..3),
        reason in proptest::option::of("[a-z_]{1,16}"),
        counts in proptest::option::of((0_u64..1000, 0_u64..1000, 0_u64..9)),
    ) {
        let (content, refusal, reasoning) = said;
        let delta = Delta { role: None, content, refusal, reasoning, tool_calls: calls };
        let known = [FinishReason::Stop, FinishReason::Length, FinishReason::ToolCalls, FinishReason::ContentFilter];
        let reason = reason.map(|word| known.iter().find(|known| known.name() == word).cloned().unwrap_or(FinishReason::Other(word)));
        let mut chunk = chunk(delta, reason);
        chunk.usage = counts.map(|(input, output, reasoning)| Usage { input, output, reasoning, ..Usage::default() });
        prop_assert_eq!(parse(&chunk.to_text(&ASKED)), Ok(Streamed::Chunk(chunk)));
    }

    #[test]
    fn no_text_makes_a_panic(text in ".{0,200}") {
        let _ = parse(&text);
        let _ = parse_answer(&text, "x");
        let _ = parse_request(&text);
    }
}
