//! OpenAI's twin over real sockets.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::Response;
use ringback_sim::providers::{Options, Provider, Rule, Running, Script, State};
use ringback_wire::openai::chat::{
    FinishReason, Message, Request, StreamOptions, Streamed, Tool, ToolCalls, parse, parse_answer,
};
use ringback_wire::openai::{ApiError, Usage, models};
use ringback_wire::sse::{Decoder, Event};

use crate::twins::{ask, start, start_with};

pub const KEY: (&str, &str) = ("Authorization", "Bearer sk-0123456789abcdef");
const CHAT: &str = "/v1/chat/completions";

pub fn script(text: &str) -> Options {
    Options {
        replies: Script::parse(text).unwrap().replies,
        ..Options::default()
    }
}

fn user(text: &str) -> Message {
    Message::User(text.into())
}

fn request(messages: Vec<Message>) -> Request {
    Request {
        model: "gpt-6-luna".to_owned(),
        messages,
        stream: true,
        stream_options: Some(StreamOptions {
            include_usage: Some(true),
            include_obfuscation: Some(false),
        }),
        ..Request::default()
    }
}

/// The events of a stream, until it ends or breaks.
pub async fn events(response: Response) -> (Vec<Event>, bool) {
    let (mut decoder, mut events, mut whole) = (Decoder::default(), Vec::new(), true);
    let mut bytes = response.bytes_stream();
    while let Some(piece) = bytes.next().await {
        match piece {
            Ok(piece) => decoder.push(&piece).unwrap(),
            Err(_) => whole = false,
        }
        events.extend(std::iter::from_fn(|| decoder.poll()));
    }
    (events, whole)
}

#[derive(Debug, Default)]
struct Got {
    text: String,
    calls: Vec<ringback_wire::openai::chat::ToolCall>,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    done: bool,
    deltas: usize,
}

async fn answer(twins: &Running, request: &Request) -> Got {
    let response = ask(twins, CHAT, &[KEY], &request.to_text()).await;
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    assert!(response.headers().contains_key("x-request-id"));
    let (mut got, mut calls) = (Got::default(), ToolCalls::default());
    for event in events(response).await.0 {
        match parse(&event.data) {
            Ok(Streamed::Chunk(chunk)) => {
                got.usage = chunk.usage.or(got.usage);
                for choice in chunk.choices {
                    got.deltas += 1;
                    got.text += &choice.delta.content.unwrap_or_default();
                    got.reason = choice.finish_reason.or(got.reason);
                    for call in &choice.delta.tool_calls {
                        calls.push(call).unwrap();
                    }
                }
            }
            Ok(Streamed::Done) => got.done = true,
            Ok(Streamed::Failed(error)) => panic!("{error}"),
            Err(_) => {}
        }
    }
    got.calls = calls.finish("made-up");
    got
}

#[tokio::test]
async fn an_answer_streams_word_by_word_with_its_usage() {
    let twins = start().await;
    let messages = vec![
        Message::System("Be brief.".into()),
        user("I would like a table."),
    ];
    let got = answer(&twins, &request(messages)).await;
    assert_eq!(got.text, "You said: I would like a table.");
    assert_eq!(
        (got.reason, got.done, got.deltas),
        (Some(FinishReason::Stop), true, 9)
    );
    let usage = got.usage.unwrap();
    assert_eq!((usage.input, usage.output), (7, 7));
    let record = &twins.requests()[0];
    assert_eq!(
        record.received[0]["messages"][1]["content"],
        "I would like a table."
    );
    assert_eq!((record.state, record.status), (State::Done, Some(200)));
    assert!(!format!("{record:?}").contains("0123456789"));
}

#[tokio::test]
async fn an_answer_that_does_not_stream_comes_whole() {
    let twins = start().await;
    let whole = Request {
        stream: false,
        stream_options: None,
        ..request(vec![user("Hello.")])
    };
    let body = ask(&twins, CHAT, &[KEY], &whole.to_text())
        .await
        .text()
        .await
        .unwrap();
    let answer = parse_answer(&body, "x").unwrap().unwrap();
    assert_eq!(answer.content.as_deref(), Some("You said: Hello."));
    assert_eq!(answer.usage.unwrap().output, 3);
    let mut short = whole.clone();
    short.output.max_completion_tokens = Some(2);
    let body = ask(&twins, CHAT, &[KEY], &short.to_text())
        .await
        .text()
        .await
        .unwrap();
    let answer = parse_answer(&body, "x").unwrap().unwrap();
    assert_eq!(answer.content.as_deref(), Some("You said: "));
    assert_eq!(answer.finish_reason, Some(FinishReason::Length));
}

#[tokio::test]
async fn a_script_calls_a_tool_and_goes_on_with_its_result() {
    let twins = start_with(script(
        r#"
        [[reply]]
        when = "friday"
        text = "One moment. "
        tool_call = { name = "free_slots", arguments = { day = "2026-11-27" } }
        [[reply]]
        when = "09:00"
        text = "Nine is free."
        "#,
    ))
    .await;
    let tool = Tool {
        name: "free_slots".to_owned(),
        ..Tool::default()
    };
    let mut asked = Request {
        tools: vec![tool],
        ..request(vec![user("Can I come on Friday?")])
    };
    asked.output.reasoning_effort = Some(ringback_wire::openai::Effort::None);
    let got = answer(&twins, &asked).await;
    assert_eq!(
        (got.text.as_str(), got.reason.clone()),
        ("One moment. ", Some(FinishReason::ToolCalls))
    );
    let [call] = &got.calls[..] else {
        panic!("{got:?}")
    };
    assert_eq!(
        (call.name.as_str(), call.arguments.as_str()),
        ("free_slots", r#"{"day":"2026-11-27"}"#)
    );
    asked.messages.push(Message::calls(got.calls.clone()));
    let refused = ask(&twins, CHAT, &[KEY], &asked.to_text()).await;
    assert_eq!(refused.status(), 400, "a call without its result");
    asked.messages.push(Message::Tool {
        tool_call_id: call.id.clone(),
        content: r#"["09:00"]"#.into(),
    });
    assert_eq!(answer(&twins, &asked).await.text, "Nine is free.");
}

#[tokio::test]
async fn any_model_answers_where_that_is_asked_for() {
    let good = request(vec![user("Hi.")]).to_text();
    let asked = good.replace("gpt-6-luna", "qwen3");
    for (any_model, status) in [(false, 404), (true, 200)] {
        let twins = start_with(Options {
            any_model,
            ..Options::default()
        })
        .await;
        let answer = ask(&twins, CHAT, &[KEY], &asked).await;
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn what_openai_refuses_is_refused_in_its_words() {
    let keys = [(Provider::OpenAi, "sk-0123456789abcdef".to_owned())].into();
    let twins = start_with(Options {
        keys,
        ..Options::default()
    })
    .await;
    let good = request(vec![user("Hi.")]).to_text();
    let wrong = ("Authorization", "Bearer sk-wrong");
    for (key, body, status, code, param) in [
        (wrong, good.clone(), 401, Some("invalid_api_key"), None),
        (KEY, "{".to_owned(), 400, None, None),
        (
            KEY,
            good.replace("gpt-6-luna", "gpt-4-turbo"),
            404,
            Some("model_not_found"),
            None,
        ),
        (
            KEY,
            good.replace("gpt-6-luna", "gpt-4-32k"),
            404,
            Some("model_not_found"),
            None,
        ),
        (
            KEY,
            good.replace("\"stream\":true", "\"strem\":true"),
            400,
            Some("unknown_parameter"),
            Some("strem"),
        ),
    ] {
        let answer = ask(&twins, CHAT, &[key], &body).await;
        assert_eq!(answer.status(), status, "{body}");
        let error = ApiError::read(&answer.text().await.unwrap());
        assert_eq!(error.code.as_deref(), code, "{error:?}");
        if let Some(param) = param {
            assert_eq!(error.param.as_deref(), Some(param));
        }
    }
}

#[tokio::test]
async fn models_are_listed_with_the_day_they_end() {
    let twins = start().await;
    let request = reqwest::Client::new()
        .get(format!("{}/v1/models", twins.url()))
        .header(KEY.0, KEY.1);
    let listed = models::parse(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    assert!(
        listed
            .iter()
            .any(|model| model.id == "gpt-6-luna" && model.shutdown_date.is_none())
    );
    assert!(listed.iter().any(|model| model.shutdown_date.is_some()));
}

fn knob(twins: &Running, rule: &str) {
    twins.set(Rule::parse_flag(&format!("openai.chat:{rule},next=1")).unwrap());
}

#[tokio::test]
async fn knobs_delay_slow_cut_and_garble_a_stream() {
    let twins = start().await;
    let hello = request(vec![user("one two three")]);
    let timed = async |rule: &str| {
        knob(&twins, rule);
        let began = Instant::now();
        let got = answer(&twins, &hello).await;
        (got, began.elapsed())
    };
    let (got, took) = timed("delay_ms=400").await;
    assert!(got.done && took >= Duration::from_millis(400), "{took:?}");
    let (got, took) = timed("token_rate=10").await;
    assert!(got.done && took >= Duration::from_millis(400), "{took:?}");
    let (got, took) = timed("late_ms=400").await;
    assert!(got.done && took >= Duration::from_millis(400), "{took:?}");
    let (got, _) = timed("zero_bytes").await;
    assert!(!got.done && got.deltas == 0);
    let (got, _) = timed("garbage").await;
    assert!(!got.done && got.deltas == 0);
    knob(&twins, "disconnect_after=3");
    let (cut, whole) = events(ask(&twins, CHAT, &[KEY], &hello.to_text()).await).await;
    assert!(cut.len() == 3 && !whole, "{cut:?}");
    assert_eq!(twins.requests().last().unwrap().state, State::Dropped);
    knob(&twins, "disconnect_after_bytes=100");
    let broken = ask(&twins, CHAT, &[KEY], &hello.to_text())
        .await
        .bytes()
        .await;
    assert!(broken.is_err());
}

#[tokio::test]
async fn knobs_refuse_with_any_status_and_body() {
    let twins = start().await;
    let hello = request(vec![user("Hi.")]).to_text();
    for (rule, status, code) in [
        ("status=429,retry_after=2", 429, Some("rate_limit_exceeded")),
        ("status=503", 503, None),
        ("status=401", 401, Some("invalid_api_key")),
    ] {
        knob(&twins, rule);
        let answer = ask(&twins, CHAT, &[KEY], &hello).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
        assert_eq!(
            ApiError::read(&answer.text().await.unwrap())
                .code
                .as_deref(),
            code
        );
    }
    let rule = r#"{"provider":"openai","status":429,"body":"{\"error\":{\"code\":\"insufficient_quota\"}}","next":1}"#;
    twins.set(Rule::parse(rule).unwrap());
    let body = ask(&twins, CHAT, &[KEY], &hello)
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        ApiError::read(&body).code.as_deref(),
        Some("insufficient_quota")
    );
}

#[tokio::test]
async fn a_generation_that_is_cancelled_is_shown_as_aborted() {
    let twins = start_with(script("[[reply]]\ntext = \"word \"\nrepeat = 1000")).await;
    let response = ask(&twins, CHAT, &[KEY], &request(vec![user("Hi.")]).to_text()).await;
    let mut bytes = response.bytes_stream();
    bytes.next().await.unwrap().unwrap();
    drop(bytes);
    for _ in 0..100 {
        if twins.requests()[0].state == State::Aborted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", twins.requests()[0].state);
}
