//! Requests, judged as OpenAI judges them.

use proptest::prelude::*;
use ringback_wire::openai::Effort;
use ringback_wire::openai::chat::{self, Message};
use ringback_wire::openai::responses::{self, InputItem, Role};
use serde_json::{Value, json};

use super::super::{Api, Model, Prompt, Turn};
use super::{model, prompt};

const OPENAI: &str = "https://api.openai.com/v1";
const OTHER: &str = "http://10.0.0.7:8000/v1";

fn body(model: &Model, prompt: &Prompt) -> Value {
    let request = model.request(prompt).unwrap();
    serde_json::from_slice(request.0.body().unwrap().as_bytes().unwrap()).unwrap()
}

fn named(url: &str, api: Api, name: &str) -> Model {
    Model {
        model: name.into(),
        ..model(url, api)
    }
}

#[test]
fn openai_is_told_to_keep_nothing_to_pad_nothing_and_not_to_reason() {
    let body = body(&model(OPENAI, Api::Chat), &prompt());
    let request = chat::parse_request(&body.to_string()).unwrap();
    assert!(matches!(&request.messages[0], Message::Developer(_)));
    assert_eq!(request.messages.len(), 3);
    assert_eq!(request.output.reasoning_effort, Some(Effort::None));
    assert_eq!(request.output.max_completion_tokens, Some(300));
    assert_eq!(request.sampling.temperature, Some(0.7));
    assert_eq!(request.account.store, Some(false));
    assert_eq!(request.parallel_tool_calls, Some(false));
    assert_eq!(request.tools[0].name, "free_slots");
    let options = request.stream_options.unwrap();
    assert_eq!(options.include_usage, Some(true));
    assert_eq!(options.include_obfuscation, Some(false));
    assert!(request.stream);
}

#[test]
fn another_server_is_asked_in_the_words_that_all_of_them_know() {
    let body = body(&named(OTHER, Api::Chat, "qwen3:8b"), &prompt());
    let names: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    let known = [
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "temperature",
        "tools",
    ];
    assert_eq!(names, known);
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["max_tokens"], 300);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}

#[test]
fn hosts_below_openais_are_its_own_and_others_with_its_name_are_not() {
    let of = |url: &str| model(url, Api::Chat).is_at_openai();
    assert!(of(OPENAI) && of("https://eu.api.openai.com/v1"));
    assert!(!of("https://notapi.openai.com.example/v1"));
    assert!(!of("https://my-api.openai.com/v1") && !of(OTHER));
}

#[test]
fn reasoning_is_off_where_the_model_takes_that_and_a_setting_wins() {
    let effort = |url: &str, name: &str, setting: Option<&str>| {
        let model = Model {
            reasoning_effort: setting.map(str::to_owned),
            ..named(url, Api::Chat, name)
        };
        let body = body(&model, &prompt());
        let temperature = body.get("temperature").is_some();
        let effort = body.get("reasoning_effort").and_then(Value::as_str);
        (effort.map(str::to_owned), temperature)
    };
    let told = |word: &str| Some(word.to_owned());
    assert_eq!(effort(OPENAI, "gpt-5.4", None), (told("none"), true));
    assert_eq!(effort(OPENAI, "gpt-4.1", None), (None, true));
    assert_eq!(effort(OPENAI, "gpt-5", None), (None, false));
    assert_eq!(effort(OPENAI, "gpt-5.4", Some("low")), (told("low"), false));
    assert_eq!(effort(OTHER, "qwen3:8b", None), (None, true));
    let default = effort(OTHER, "qwen3:8b", Some("default"));
    assert_eq!(default, (told("default"), true));
}

#[test]
fn fields_of_the_operator_replace_ours() {
    let mut model = model(OPENAI, Api::Chat);
    for (name, value) in [("service_tier", json!("priority")), ("store", json!(true))] {
        model.extra.insert(name.into(), value);
    }
    let body = body(&model, &prompt());
    assert_eq!(body["service_tier"], "priority");
    assert_eq!(body["store"], true);
}

#[test]
fn what_goes_with_tools_is_left_out_without_them() {
    let prompt = Prompt {
        tools: vec![],
        ..prompt()
    };
    for api in [Api::Chat, Api::Responses] {
        let body = body(&model(OPENAI, api), &prompt);
        assert!(body.get("tools").is_none() && body.get("parallel_tool_calls").is_none());
    }
}

#[test]
fn responses_get_the_whole_dialog_and_keep_nothing() {
    let mut prompt = prompt();
    prompt.turns.push(Turn::Call {
        id: "call_1".into(),
        name: "free_slots".into(),
        arguments: r#"{"day":"2026-11-27"}"#.into(),
    });
    let body = body(&model(OPENAI, Api::Responses), &prompt);
    let request = responses::parse_request(&body.to_string()).unwrap();
    assert_eq!(
        request.instructions.as_deref(),
        Some(prompt.system.as_str())
    );
    assert_eq!(request.account.store, Some(false));
    assert_eq!(request.output.max_output_tokens, Some(300));
    assert_eq!(request.output.effort, Some(Effort::None));
    assert_eq!(request.include_obfuscation, Some(false));
    let [agent, caller, InputItem::FunctionCall(call), result] = &request.input[..] else {
        panic!("{:?}", request.input);
    };
    assert_eq!(
        [agent, caller],
        [
            &InputItem::message(Role::Assistant, "Oakhurst Dental."),
            &InputItem::message(Role::User, "Can I come on Friday?"),
        ]
    );
    assert_eq!((call.call_id.as_str(), &call.id), ("call_1", &None));
    let running = InputItem::FunctionCallOutput {
        call_id: "call_1".into(),
        output: r#"{"status":"still running"}"#.into(),
    };
    assert_eq!(result, &running);
}

#[test]
fn a_dialog_that_has_not_begun_is_instructions_alone() {
    let prompt = Prompt {
        turns: vec![],
        ..prompt()
    };
    let asked = body(&model(OPENAI, Api::Responses), &prompt);
    assert_eq!(asked["input"][0]["role"], "developer");
    assert!(asked.get("instructions").is_none());
    let asked = body(&model(OPENAI, Api::Chat), &prompt);
    assert_eq!(asked["messages"].as_array().unwrap().len(), 1);
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let text = "[ a-z]{0,4}";
    let id = "[abc]";
    let turn = prop_oneof![
        text.prop_map(Turn::Caller),
        text.prop_map(Turn::Agent),
        (id, "[a-z! ]{0,3}", "[{}x]{0,2}").prop_map(|(id, name, arguments)| Turn::Call {
            id,
            name,
            arguments,
        }),
        (id, text).prop_map(|(id, content)| Turn::Result { id, content }),
    ];
    prop::collection::vec(turn, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn openai_takes_whatever_happened_in_a_call(turns in turns()) {
        let prompt = Prompt { turns, ..prompt() };
        let asked = body(&model(OPENAI, Api::Chat), &prompt).to_string();
        let judged = chat::parse_request(&asked);
        prop_assert!(judged.is_ok(), "{judged:?} of {asked}");
        let asked = body(&model(OPENAI, Api::Responses), &prompt).to_string();
        let judged = responses::parse_request(&asked);
        prop_assert!(judged.is_ok(), "{judged:?} of {asked}");
    }
}
