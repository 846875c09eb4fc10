//! Tools from a model's call to the words about their result, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use ringback_audio::{dtmf, g711};
use ringback_call::{EndCause, Speaker};
use ringback_session::scenario::{Origin, Scenario, parse};
use ringback_session::{Ended, Follower, News};
use serde_json::{Value, json};
use wiremock::matchers::{any, header_exists, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::peer::{Peer, engines, place, recorded, replays_the_same};

/// The events of an answer with words, and then calls by id, name and arguments.
fn stream(text: &str, calls: &[(&str, &str, &str)]) -> ResponseTemplate {
    let delta = |delta: Value| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": delta}]})
        )
    };
    let mut body = String::new();
    if !text.is_empty() {
        body += &delta(json!({"content": text}));
    }
    for (index, (id, name, arguments)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": arguments});
        let call = json!({"index": index, "id": id, "type": "function", "function": function});
        body += &delta(json!({"tool_calls": [call]}));
    }
    let reason = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
    body += &format!("data: {end}\n\ndata: [DONE]\n\n");
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

/// A model that gives these answers, one after the other.
async fn model(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(path("/v1/chat/completions"))
            .respond_with(answer)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    server
}

fn scenario(model: &MockServer, service: &MockServer) -> Arc<Scenario> {
    let text = format!(
        r#"
        prompt = "Book tables."
        responder = [{{ provider = "openai", model = "gpt-4.1-mini", url = "{}/v1" }}]
        stt = []
        [destinations]
        desk = "+15005550006"
        [[tools]]
        name = "book"
        description = "Books a table."
        parameters = {{ properties = {{ at = {{ type = "string" }} }}, required = ["at"] }}
        http = {{ url = "{}/book/{{at}}", allow_private = true }}
        side_effect = true
        "#,
        model.uri(),
        service.uri()
    );
    Arc::new(parse(&text, &Origin::text("tables")).unwrap().0)
}

async fn service(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// Waits until a server was asked so often.
async fn asked(server: &MockServer, times: usize) -> Vec<Request> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let requests = server.received_requests().await.unwrap();
        let posts: Vec<_> = requests
            .into_iter()
            .filter(|request| request.method == "POST")
            .collect();
        if posts.len() >= times {
            return posts;
        }
        assert!(
            Instant::now() < until,
            "{} of {times} requests",
            posts.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn messages(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["messages"].as_array().unwrap().clone()
}

/// Echoes every mark until the call is over, or until `done`.
async fn listen(peer: Peer, done: impl Future<Output = ()>) -> Ended {
    hear(peer, done, &mut Vec::new()).await
}

/// As [`listen`], and keeps what was sent, as mu-law.
async fn hear(mut peer: Peer, done: impl Future<Output = ()>, heard: &mut Vec<u8>) -> Ended {
    let echo = async {
        while let Some(message) = peer.hears.recv().await {
            let ringback_session::Outgoing::Text(text) = message else {
                continue;
            };
            let sent: Value = serde_json::from_str(&text).unwrap();
            if let Some(payload) = sent["media"]["payload"].as_str() {
                heard.extend(BASE64_STANDARD.decode(payload).unwrap());
            } else if sent["event"] == "mark" {
                let _ = peer.says.send(text);
            }
        }
    };
    tokio::select! {
        () = echo => {}
        () = done => {}
    }
    let _ = peer.says.send(String::new());
    tokio::time::timeout(Duration::from_secs(20), peer.call)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn two_calls_in_one_response_are_carried_out_and_their_results_are_told_to_the_model() {
    let calls = [
        ("c1", "book", r#"{"at":"half past/8"}"#),
        ("c2", "book", "no JSON"),
    ];
    let model = model(vec![
        stream("One second.", &calls),
        stream("It is booked.", &[]),
    ])
    .await;
    let service = service(ResponseTemplate::new(200).set_body_string("table 7")).await;
    let (peer, _folder) = recorded(&scenario(&model, &service));
    let said = async {
        asked(&model, 2).await;
        // Until the answer about the result was spoken.
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    let ended = listen(peer, said).await;
    let booked = asked(&service, 1).await;
    assert_eq!(booked.len(), 1);
    assert_eq!(booked[0].url.path(), "/book/half%20past%2F8");
    let key = booked[0].headers["idempotency-key"].to_str().unwrap();
    assert!(key.ends_with(".c1"), "{key}");
    let requests = asked(&model, 2).await;
    let told = messages(&requests[1]);
    let shown: Vec<_> = told[1..]
        .iter()
        .map(|message| format!("{} {}", message["role"], message["content"]))
        .collect();
    let last: Vec<_> = shown.iter().rev().take(3).rev().cloned().collect();
    assert_eq!(
        last,
        [
            r#""assistant" "One second.""#,
            r#""tool" "table 7""#,
            r#""tool" "error: the arguments are no JSON object; nothing was done""#,
        ],
        "{told:?}"
    );
    let lines: Vec<_> = ended
        .report
        .lines
        .iter()
        .map(|line| line.said.as_str())
        .collect();
    assert_eq!(lines, ["One second.", "It is booked."]);
    replays_the_same(&ended);
}

/// A server of MCP tools without sessions, which has one tool.
struct Tables;

impl wiremock::Respond for Tables {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let result = match body["method"].as_str().unwrap() {
            "initialize" => {
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "tables", "version": "1"}})
            }
            "tools/list" => {
                let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}});
                json!({"tools": [{"name": "book.table", "description": "Books a table.", "inputSchema": schema}]})
            }
            "tools/call" => {
                let at = &body["params"]["arguments"]["at"];
                json!({"content": [{"type": "text", "text": format!("table 7 at {at}")}]})
            }
            _ => return ResponseTemplate::new(202),
        };
        let answer = json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

#[tokio::test]
async fn the_tools_of_an_mcp_server_are_offered_to_the_model_and_carried_out() {
    let model = model(vec![
        stream("One second.", &[("c1", "book_table", r#"{"at":"8"}"#)]),
        stream("It is booked.", &[]),
    ])
    .await;
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(Tables)
        .mount(&server)
        .await;
    let text = format!(
        "prompt = \"Book tables.\"\nstt = []\nresponder = [{{ provider = \"openai\", model = \"gpt-4.1-mini\", url = \"{}/v1\" }}]\n\
         [[tools]]\nmcp = {{ url = \"{}/mcp\", allow = [\"book.table\"], allow_private = true }}\n",
        model.uri(),
        server.uri()
    );
    let scenario = Arc::new(parse(&text, &Origin::text("tables")).unwrap().0);
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    // A call before this one had the server asked.
    drop(engines.admit(&scenario).unwrap());
    asked(&server, 3).await;
    // Until it has read the answer.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let peer = Peer::of(&engines, &scenario, Some(place(folder.path())), "CA1");
    let said = async {
        asked(&model, 2).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let ended = listen(peer, said).await;
    let requests = asked(&model, 2).await;
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let offered = body["tools"].as_array().unwrap().iter();
    let mut names = offered.map(|tool| tool["function"]["name"].as_str().unwrap());
    assert!(names.any(|name| name == "book_table"), "{}", body["tools"]);
    let told = messages(&requests[1]);
    assert_eq!(told.last().unwrap()["content"], "table 7 at \"8\"");
    replays_the_same(&ended);
}

#[tokio::test]
async fn tool_call_in_flight_when_the_call_ends_is_carried_out_to_its_end() {
    let model = model(vec![stream("", &[("c1", "book", r#"{"at":"8"}"#)])]).await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_millis(1500));
    let service = service(slow.set_body_string("table 7")).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let told = Arc::new(Mutex::new(Vec::new()));
    let news = Arc::clone(&told);
    let follower = Follower::new(move |one| news.lock().unwrap().push(one));
    let scenario = scenario(&model, &service);
    let peer = Peer::followed(
        &engines,
        &scenario,
        Some(place(folder.path())),
        "CA1",
        follower,
    );
    let begun = Instant::now();
    let ended = listen(peer, async {
        asked(&service, 1).await;
    })
    .await;
    assert_eq!(ended.cause, EndCause::HungUp);
    assert!(
        begun.elapsed() >= Duration::from_millis(1500),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(asked(&service, 1).await.len(), 1);
    assert_eq!(asked(&model, 1).await.len(), 1, "nobody is left to be told");
    replays_the_same(&ended);
    // The record has what came of it, and the call had ended before.
    let line = tool_line(&ended);
    assert_eq!(line["outcome"], "answered", "{line}");
    assert_eq!(
        (&line["result"], &line["failed"]),
        (&json!("table 7"), &json!(false))
    );
    let over = ended.report.ended.ms();
    assert!(line["until_ms"].as_u64().unwrap() > over + 500, "{line}");
    let [started, at] = ["started", "ended"].map(|name| {
        let time: jiff::Timestamp = ended.summary[name].as_str().unwrap().parse().unwrap();
        time.as_millisecond()
    });
    assert!((at - started).abs_diff(over as i64) < 500, "{over}");
    assert_eq!(ended.summary["tools"][0]["result"], "table 7");
    let told = told.lock().unwrap();
    let outcomes = told.iter().filter_map(|news| {
        if let News::Tool { line, .. } = news {
            return line["outcome"].as_str();
        }
        None
    });
    assert_eq!(outcomes.collect::<Vec<_>>(), ["running", "answered"]);
}

/// The line of the only tool in the transcript.
fn tool_line(ended: &Ended) -> Value {
    let mut files = ended.files.iter();
    let file = files.find(|file| file.to_string_lossy().ends_with(".transcript.json"));
    let text = std::fs::read_to_string(file.unwrap()).unwrap();
    let transcript: Value = serde_json::from_str(&text).unwrap();
    let mut lines = transcript["lines"].as_array().unwrap().iter();
    let line = lines.find(|line| line["speaker"] == "tool");
    line.unwrap().clone()
}

#[tokio::test]
async fn of_a_tool_that_was_given_up_with_its_call_it_is_unknown_what_came_of_it() {
    let model = model(vec![stream("", &[("c1", "book", r#"{"at":"8"}"#)])]).await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let service = service(never).await;
    let mut scenario = Arc::unwrap_or_clone(scenario(&model, &service));
    scenario.persona.toolkit.tools[0].side_effect = false;
    let (peer, _folder) = recorded(&Arc::new(scenario));
    let ended = listen(peer, async {
        asked(&service, 1).await;
    })
    .await;
    let line = tool_line(&ended);
    let known = ["outcome", "failed", "result", "until_ms"].map(|name| line[name].clone());
    assert_eq!(
        known,
        [json!("unknown"), json!(false), Value::Null, Value::Null]
    );
}

#[tokio::test]
async fn the_call_is_put_through_to_a_destination_by_its_name_and_keys_are_pressed_before() {
    let model = model(vec![stream(
        "I put you through.",
        &[
            ("c1", "send_dtmf", r#"{"digits":"12#"}"#),
            ("c2", "transfer_call", r#"{"to":"desk"}"#),
        ],
    )])
    .await;
    let service = service(ResponseTemplate::new(200)).await;
    let (peer, _folder) = recorded(&scenario(&model, &service));
    let mut sent = Vec::new();
    let ended = hear(peer, std::future::pending(), &mut sent).await;
    let mut tones = Vec::new();
    g711::encode_into(&dtmf::tones("12#"), &mut tones);
    assert_eq!(tones.len(), 4800);
    assert!(sent.ends_with(&tones), "the keys are what is sent last");
    assert_eq!(
        ended.intent,
        ringback_call::Intent::Transfer("+15005550006".into())
    );
    let agent = ended
        .report
        .lines
        .iter()
        .filter(|line| line.speaker == Speaker::Agent);
    let heard: Vec<_> = agent.map(|line| line.heard.as_str()).collect();
    assert_eq!(heard, ["I put you through. [keys 12#]"]);
}

#[tokio::test]
async fn models_are_told_of_the_tools_and_a_side_effect_carries_its_key() {
    let model = model(vec![
        stream(
            "",
            &[
                ("c1", "book", r#"{"at":"8"}"#),
                ("c2", "book", "{ \"at\" : \"8\" }"),
            ],
        ),
        stream("Done. Goodbye.", &[("c3", "end_call", "{}")]),
    ])
    .await;
    let service = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header_exists("idempotency-key"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_millis(300)))
        .expect(1)
        .mount(&service)
        .await;
    let (peer, _folder) = recorded(&scenario(&model, &service));
    let ended = listen(peer, std::future::pending()).await;
    assert_eq!(ended.cause, EndCause::Responder);
    let first: Value = serde_json::from_slice(&asked(&model, 2).await[0].body).unwrap();
    let names: Vec<_> = first["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "end_call",
            "transfer_call",
            "send_dtmf",
            "collect_digits",
            "book"
        ]
    );
    let transfer = &first["tools"][1]["function"]["parameters"];
    assert_eq!(transfer["properties"]["to"]["enum"], json!(["desk"]));
}

#[tokio::test]
async fn digits_that_are_asked_for_complete_the_answer_with_the_last_of_them() {
    let model = model(vec![
        stream(
            "Key four digits.",
            &[("c1", "collect_digits", r#"{"count":4}"#)],
        ),
        stream("Thank you.", &[]),
    ])
    .await;
    let service = service(ResponseTemplate::new(200)).await;
    let (peer, _folder) = recorded(&scenario(&model, &service));
    let says = peer.says.clone();
    let keyed = async {
        asked(&model, 1).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        for digit in ["1", "2", "3", "4"] {
            let dtmf = json!({"track": "inbound_track", "digit": digit});
            let message =
                json!({"event": "dtmf", "streamSid": "MZ1", "sequenceNumber": "5", "dtmf": dtmf});
            let _ = says.send(message.to_string());
        }
        let last = Instant::now();
        let requests = asked(&model, 2).await;
        // Without a number of digits, a pause of 1200 ms would end them.
        assert!(
            last.elapsed() < Duration::from_millis(1000),
            "{:?}",
            last.elapsed()
        );
        let told = messages(&requests[1]);
        assert_eq!(told.last().unwrap()["content"], "(keys pressed: 1234)");
    };
    let ended = listen(peer, keyed).await;
    assert_eq!(ended.report.lines[1].digits, "1234");
}

#[test]
fn the_tool_of_the_manual_is_sound() {
    let manual = include_str!("../../../../docs/scenarios.md");
    let (_, from) = manual.split_once("```toml\ntool_wait").unwrap();
    let (tool, _) = from.split_once("```").unwrap();
    let text =
        format!("prompt = \"Help.\"\nresponder = [{{ provider = \"openai\" }}]\ntool_wait{tool}");
    let (scenario, warnings) = parse(&text, &Origin::text("tables")).unwrap();
    assert_eq!(warnings, []);
    let tool = &scenario.persona.toolkit.tools[0];
    assert!(tool.side_effect);
    assert_eq!(tool.parameters["required"], json!(["day", "guests"]));
}
