//! Scenarios talked to in writing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::{Client, Method, Response};
use ringback_call::Direction;
use ringback_server::desk::conversations::{
    About, Conversations, Full, IDLE, MOST, MOST_OF_ONE, NoTurn, Tell,
};
use ringback_session::provider::Accounts;
use ringback_session::scenario::{Origin, Scenario, TtsEngine, parse};
use ringback_session::written::Wrote;
use ringback_session::{EngineConfig, Engines};
use ringback_sim::providers::{Call, Reply, Rule, State};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::simulated::{ANSWER, GREETING, Simulated, until, usual_reply};

const APOLOGY: &str = "I am sorry, something went wrong on our side.";

async fn ask(server: &Simulated, method: Method, path: &str, body: Option<Value>) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("{}{path}", server.url()));
    let request = match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => request,
    };
    request.send().await.unwrap()
}

async fn post(server: &Simulated, path: &str, body: Value) -> (u16, Value) {
    let answer = ask(server, Method::POST, path, Some(body)).await;
    (
        answer.status().as_u16(),
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

async fn get(server: &Simulated, path: &str) -> (u16, Value) {
    let answer = ask(server, Method::GET, path, None).await;
    (
        answer.status().as_u16(),
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

/// Begins a conversation: its path, and the greeting.
pub async fn begin(server: &Simulated, scenario: &str) -> (String, String) {
    let (status, told) = post(server, "/conversations", json!({"scenario": scenario})).await;
    assert_eq!(status, 201, "{told}");
    let id = told["id"].as_str().unwrap();
    let greeting = told["greeting"].as_str().unwrap().to_owned();
    (format!("/conversations/{id}"), greeting)
}

pub async fn say(server: &Simulated, path: &str, text: &str) -> (u16, Value) {
    post(server, &format!("{path}/messages"), json!({"text": text})).await
}

async fn say_for_events(server: &Simulated, path: &str, text: &str) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}{path}/messages", server.url()));
    let request = request.header("content-type", "application/json");
    let request = request.header("accept", "text/event-stream");
    let body = json!({"text": text}).to_string();
    request.body(body).send().await.unwrap()
}

/// The events of an answer, each with its data.
async fn events(answer: Response) -> Vec<(String, Value)> {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = answer.text().await.unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    let events = events.map(|event| {
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        (
            field("event:"),
            serde_json::from_str(&field("data:")).unwrap(),
        )
    });
    events.collect()
}

fn replies(text: &str, tool: Option<&str>) -> Reply {
    Reply {
        text: text.to_owned(),
        tool_call: tool.map(|name| Call {
            name: name.to_owned(),
            arguments: None,
        }),
        ..Reply::default()
    }
}

#[tokio::test]
async fn a_scenario_is_talked_to_in_writing() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let (path, greeting) = begin(&server, "desk").await;
    assert_eq!(greeting, GREETING);
    let (status, told) = say(&server, &path, "When does the ferry leave?").await;
    assert_eq!(
        (status, told),
        (200, json!({"reply": ANSWER, "ended": false}))
    );
    let (status, told) = get(&server, &path).await;
    assert_eq!(status, 200);
    let said = |speaker: &str, text: &str| json!({"speaker": speaker, "text": text});
    let expected = json!([
        said("agent", GREETING),
        said("caller", "When does the ferry leave?"),
        said("agent", ANSWER),
    ]);
    assert_eq!(
        (&told["messages"], &told["ended"]),
        (&expected, &json!(false))
    );
    assert_eq!(
        (&told["scenario"], &told["direction"]),
        (&json!("desk"), &json!("inbound"))
    );
    let created: Timestamp = told["created_at"].as_str().unwrap().parse().unwrap();
    let expires: Timestamp = told["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(expires.duration_since(created).as_secs() >= 800);
    // The model is told of the conversation as in a call.
    let records = server.twins().requests();
    let asked = records.iter().find(|one| one.provider == "openai").unwrap();
    let asked = serde_json::to_string(&asked.received).unwrap();
    for known in [
        GREETING,
        "You work for the harbour.",
        "When does the ferry leave?",
    ] {
        assert!(asked.contains(known), "{known}: {asked}");
    }
    let told = serde_json::to_string(&records).unwrap();
    assert_eq!(told.matches(ANSWER).count(), 0, "nothing is spoken: {told}");
    assert!(records.iter().all(|one| one.audio_bytes == 0), "nor heard");
    let gone = ask(&server, Method::DELETE, &path, None).await;
    assert_eq!(gone.status(), 204);
    for _ in 0..2 {
        assert_eq!(get(&server, &path).await.0, 404);
        assert_eq!(say(&server, &path, "Hello?").await.0, 404);
    }
    assert!(
        !server.terminal().contains("ferry"),
        "nothing that was said is logged"
    );
}

#[tokio::test]
async fn events_tell_the_reply_sentence_by_sentence_and_the_tools_on_the_way() {
    let server = Simulated::with_a_user(
        vec![
            replies("Let me look. One moment.", Some("look")),
            replies("It leaves at noon. From the quay.", None),
            replies("Goodbye.", Some("end_call")),
        ],
        &[],
    )
    .await;
    let (path, _) = begin(&server, "counter").await;
    let told = events(say_for_events(&server, &path, "When?").await).await;
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.last(), Some(&"done"));
    let text = told.iter().filter(|(name, _)| name == "delta");
    let text: Vec<_> = text
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect();
    assert!(text.len() >= 4, "{told:?}");
    let reply = "Let me look. One moment. It leaves at noon. From the quay.";
    assert_eq!(text.concat(), reply);
    let tools = told.iter().filter(|(name, _)| name == "tool");
    let tools: Vec<_> = tools.map(|(_, data)| data.clone()).collect();
    let tool = |state: &str| json!({"name": "look", "state": state});
    assert_eq!(
        tools,
        [tool("running"), tool("failed")],
        "there is no such tool"
    );
    let expected = json!({"reply": reply, "ended": false});
    assert_eq!(told.last().unwrap().1, expected);
    let (status, told) = say(&server, &path, "Thanks.").await;
    assert_eq!(
        (status, told),
        (200, json!({"reply": "Goodbye.", "ended": true}))
    );
    let (status, told) = say(&server, &path, "Wait!").await;
    assert_eq!(status, 409, "{told}");
    assert_eq!(get(&server, &path).await.1["ended"], true);
}

#[tokio::test]
async fn a_provider_that_fails_is_named_and_the_conversation_goes_on() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let (path, _) = begin(&server, "desk").await;
    let rule = r#"{"provider":"openai","status":401}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    let (status, told) = say(&server, &path, "Hello?").await;
    assert_eq!(status, 502, "{told}");
    let detail = told["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("openai ") && detail.contains("answered 401"),
        "{told}"
    );
    let told = events(say_for_events(&server, &path, "Are you there?").await).await;
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["delta", "error"]);
    assert_eq!(told[0].1["text"], APOLOGY);
    assert!(
        told[1].1["detail"].as_str().unwrap().starts_with("openai "),
        "{told:?}"
    );
    assert_eq!(told[1].1["ended"], false);
    let (_, shown) = get(&server, &path).await;
    assert_eq!(shown["ended"], false);
    assert_eq!(shown["messages"].as_array().unwrap().len(), 5);
    let (status, told) = say(&server, &path, "Is anybody there?").await;
    assert_eq!(status, 502, "{told}");
    let detail = told["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("; the conversation has ended with it: begin another"),
        "{told}"
    );
    assert_eq!(get(&server, &path).await.1["ended"], true);
    assert_eq!(say(&server, &path, "Hello?").await.0, 409);
}

#[tokio::test]
async fn a_webhook_that_cannot_be_reached_is_named_and_the_conversation_goes_on() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let scenario = json!({
        "slug": "hooked",
        "persona": "You work for the harbour.",
        "greeting": {"inbound": GREETING},
        "responder": [{"provider": "webhook", "url": "https://webhook.invalid/turn"}],
    });
    let (status, told) = post(&server, "/realtime/custom-scenario", scenario).await;
    assert_eq!(status, 201, "{told}");
    let (path, _) = begin(&server, "hooked").await;
    for text in ["Hello?", "Are you there?"] {
        let (status, told) = say(&server, &path, text).await;
        assert_eq!(status, 502, "{told}");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("webhook.invalid"), "{told}");
    }
    let told = events(say_for_events(&server, &path, "And now?").await).await;
    assert_eq!(told.last().unwrap().0, "error", "{told:?}");
}

#[tokio::test]
async fn no_conversation_begins_while_the_server_stops() {
    let service = crate::accounts::open().await;
    service.register(crate::accounts::ADA).await;
    let token = service.log_in(crate::accounts::ADA).await.access;
    service.server.app.lifecycle.draining.cancel();
    let wanted = json!({"scenario": "survey"});
    let told = service
        .ask("POST", "/conversations", Some(&token), wanted)
        .await;
    assert_eq!(told.status, 503, "{told:?}");
    assert!(
        told.json["detail"].as_str().unwrap().contains("stops"),
        "{told:?}"
    );
    assert!(told.headers.contains_key("retry-after"));
}

/// Until a question to the model has come so far.
async fn until_model(server: &Simulated, state: State) {
    let reached = async || {
        let records = server.twins().requests();
        let mut asked = records.iter().filter(|one| one.provider == "openai");
        asked.any(|one| one.state == state).then_some(())
    };
    until(&format!("the model is {state:?}"), reached).await;
}

#[tokio::test]
async fn one_message_is_answered_at_a_time_and_is_left_with_its_sender() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let (path, _) = begin(&server, "desk").await;
    let slow = r#"{"provider":"openai","next":1,"token_rate":1}"#;
    server.twins().set(Rule::parse(slow).unwrap());
    let answer = say_for_events(&server, &path, "When?").await;
    until_model(&server, State::Open).await;
    let (status, told) = say(&server, &path, "And?").await;
    assert_eq!(status, 409, "{told}");
    drop(answer);
    until_model(&server, State::Aborted).await;
    let (status, told) = say(&server, &path, "When does it leave?").await;
    assert_eq!((status, &told["reply"]), (200, &json!(ANSWER)), "{told}");
    let (_, shown) = get(&server, &path).await;
    let callers = shown["messages"].as_array().unwrap();
    let callers = callers.iter().filter(|line| line["speaker"] == "caller");
    let callers: Vec<_> = callers.map(|line| line["text"].clone()).collect();
    assert_eq!(callers, [json!("When?"), json!("When does it leave?")]);
}

#[tokio::test]
async fn a_conversation_that_is_deleted_asks_nobody_any_more() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let (path, _) = begin(&server, "desk").await;
    let rule = r#"{"provider":"openai","token_rate":0.2}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    let answer = say_for_events(&server, &path, "When?").await;
    let mut stream = answer.bytes_stream();
    until_model(&server, State::Open).await;
    let gone = ask(&server, Method::DELETE, &path, None).await;
    assert_eq!(gone.status(), 204);
    let mut told = String::new();
    while let Some(Ok(piece)) = stream.next().await {
        told.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(
        told.contains("event: error") && told.contains("deleted"),
        "{told}"
    );
    until_model(&server, State::Aborted).await;
}

#[tokio::test]
async fn a_reply_that_is_being_written_ends_with_the_sign_in_that_asked_for_it() {
    let server = Simulated::with_a_user(usual_reply(), &[]).await;
    let (path, _) = begin(&server, "desk").await;
    let who = json!({"email": "ada@example.org", "password": "a pass phrase of her own"});
    let (status, tokens) = post(&server, "/auth/login", who).await;
    assert_eq!(status, 200, "{tokens}");
    let client = Client::builder().no_proxy().build().unwrap();
    let signed_in = |path: &str| {
        let request = client.post(format!("{}{path}", server.url()));
        request.bearer_auth(tokens["access_token"].as_str().unwrap())
    };
    let rule = r#"{"provider":"openai","token_rate":0.2}"#;
    server.twins().set(Rule::parse(rule).unwrap());
    let asked = signed_in(&format!("{path}/messages"));
    let asked = asked.header("content-type", "application/json");
    let asked = asked.header("accept", "text/event-stream");
    let answer = asked.body(r#"{"text":"When?"}"#).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    until_model(&server, State::Open).await;
    let over = signed_in("/auth/logout").send().await.unwrap();
    assert_eq!(over.status(), 200);
    let told = tokio::time::timeout(Duration::from_secs(4), answer.text());
    let told = told.await.unwrap().unwrap();
    assert!(!told.contains("event: done"), "{told}");
    until_model(&server, State::Aborted).await;
}

#[tokio::test]
async fn what_does_not_fit_is_told() {
    let server = Simulated::with_a_user(usual_reply(), &[("OPENAI_API_KEY", "")]).await;
    for (body, place) in [
        (json!({}), json!(["body", "scenario"])),
        (json!({"scenario": "nowhere"}), json!(["body", "scenario"])),
        (
            json!({"scenario": "survey", "direction": "up"}),
            json!(["body", "direction"]),
        ),
        (
            json!({"scenario": "survey", "voice": "x"}),
            json!(["body", "voice"]),
        ),
    ] {
        let (status, told) = post(&server, "/conversations", body).await;
        assert_eq!((status, &told["detail"][0]["loc"]), (422, &place), "{told}");
    }
    let (status, told) = post(&server, "/conversations", json!({"scenario": "desk"})).await;
    assert_eq!(
        (status, &told["detail"]),
        (503, &json!("OPENAI_API_KEY is not set"))
    );
    let unknown = format!("/conversations/{}", Uuid::now_v7());
    assert_eq!(get(&server, &unknown).await.0, 404);
    assert_eq!(say(&server, &unknown, "Hello?").await.0, 404);
    assert_eq!(get(&server, "/conversations/no-id").await.0, 404);
    for text in ["", "  ", &"a".repeat(4001)] {
        let (status, told) = say(&server, &unknown, text).await;
        assert_eq!(
            (status, &told["detail"][0]["loc"]),
            (422, &json!(["body", "text"]))
        );
    }
}

#[tokio::test]
async fn there_are_only_so_many() {
    let server = Simulated::with_a_user(usual_reply(), &[("RATE_LIMITS", "off")]).await;
    let mut paths = Vec::new();
    for _ in 0..MOST_OF_ONE {
        paths.push(begin(&server, "desk").await.0);
    }
    let body = json!({"scenario": "desk"});
    let answer = ask(&server, Method::POST, "/conversations", Some(body)).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "60");
    assert_eq!(
        ask(&server, Method::DELETE, &paths[0], None).await.status(),
        204
    );
    begin(&server, "desk").await;
}

/// Engines without anybody's.
pub fn engines(folder: &std::path::Path) -> Arc<Engines> {
    let config = EngineConfig {
        data_dir: folder.to_owned(),
        recognizers: 0,
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: "Compass Group".into(),
        accounts: Accounts::default(),
        proxy: None,
        stt: Vec::new(),
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: ringback_session::prices::Prices::default(),
        secrets: ringback_session::Secrets::default(),
    };
    Arc::new(Engines::start(config).unwrap())
}

pub fn scenario(text: &str) -> Arc<Scenario> {
    Arc::new(parse(text, &Origin::text("t")).unwrap().0)
}

pub fn about(owner: &str) -> About {
    About {
        id: Uuid::now_v7(),
        owner: owner.to_owned(),
        scenario: "t".to_owned(),
        direction: Direction::Inbound,
        created: 1_800_000_000_000_000,
    }
}

/// Nobody counts what is used.
pub fn untold() -> Tell {
    Box::new(|_| {})
}

pub const PARROT: &str = "responder = [{ provider = \"parrot\" }]\n";

#[tokio::test]
async fn a_conversation_with_which_nobody_goes_on_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (engines, scenario) = (engines(folder.path()), scenario(PARROT));
    let write = || engines.write(Uuid::now_v7(), &scenario, Direction::Inbound, "Us");
    let all = Conversations::default();
    let idle = about("me");
    let busy = about("me");
    let mut turn = all.begin(idle.clone(), write().unwrap(), untold()).unwrap();
    while turn.next().await.is_some() {}
    drop(turn);
    let turn = all.begin(busy.clone(), write().unwrap(), untold()).unwrap();
    let now = Instant::now();
    all.sweep(now + IDLE / 2);
    assert!(all.find(idle.id, None).is_some());
    all.sweep(now + IDLE + Duration::from_secs(1));
    assert!(all.find(idle.id, None).is_none());
    assert!(
        all.find(busy.id, None).is_some(),
        "one that is being answered stays"
    );
    let same = all.find(busy.id, None).unwrap();
    assert_eq!(same.say("Hello").err(), Some(NoTurn::Busy));
    drop(turn);
    assert!(same.say("Hello").is_ok());
}

#[tokio::test]
async fn nobody_finds_what_is_not_theirs_nor_takes_all_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let (engines, scenario) = (engines(folder.path()), scenario(PARROT));
    let write = || {
        engines
            .write(Uuid::now_v7(), &scenario, Direction::Inbound, "Us")
            .unwrap()
    };
    let all = Conversations::default();
    let owners: Vec<String> = (0..MOST / MOST_OF_ONE)
        .map(|n| format!("user-{n}"))
        .collect();
    for owner in &owners {
        for _ in 0..MOST_OF_ONE {
            all.begin(about(owner), write(), untold()).unwrap();
        }
    }
    assert_eq!(
        all.begin(about("user-0"), write(), untold()).err(),
        Some(Full::OfAll)
    );
    let all = Conversations::default();
    let mine = about("me");
    all.begin(mine.clone(), write(), untold()).unwrap();
    assert!(all.find(mine.id, Some("me")).is_some());
    assert!(all.find(mine.id, Some("you")).is_none());
    assert!(all.find(mine.id, None).is_some(), "an admin sees all");
}

#[tokio::test]
async fn scripts_and_keys_work_in_writing_and_take_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let survey = scenario(
        r#"
[[script.state]]
name = "code"
say = "Hello."
ask = "What is your code?"
expect = { digits = { count = 4 } }
store = "code"
goto = "end"
[[script.state]]
name = "end"
say = "Thank you. Goodbye."
hang_up = true
"#,
    );
    for (answer, shown) in [
        ("1234#", "1234#"),
        ("It is one two three four.", "It is one two three four."),
    ] {
        let id = Uuid::now_v7();
        let mut written = engines
            .write(id, &survey, Direction::Inbound, "Us")
            .unwrap();
        let begun = Instant::now();
        while written.next().await.is_some() {}
        assert_eq!(written.reply(), "Hello. What is your code?");
        written.say(answer);
        let mut told = Vec::new();
        while let Some(wrote) = written.next().await {
            told.push(wrote);
        }
        let said = |text: &str| Wrote::Text(text.to_owned());
        assert_eq!(told, [said("Thank you."), said(" Goodbye.")]);
        assert!(written.is_over() && written.failure().is_none());
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        let lines = written.lines();
        assert_eq!(lines[1].text, shown);
    }
}

/// Somebody with an account: how they ask.
/// A new user, who asks.
pub async fn asker(
    server: &Simulated,
    email: &str,
) -> impl AsyncFn(Method, &str, Value) -> (u16, Value) {
    let who = json!({"email": email, "password": "a pass phrase of their own"});
    assert_eq!(post(server, "/auth/register", who.clone()).await.0, 201);
    let token = post(server, "/auth/login", who).await.1["access_token"].clone();
    let (client, url) = (Client::builder().no_proxy().build().unwrap(), server.url());
    async move |method: Method, path: &str, body: Value| {
        let request = client.request(method, format!("{url}{path}"));
        let request = request.bearer_auth(token.as_str().unwrap());
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

#[tokio::test]
async fn somebody_elses_scenario_is_talked_to_once_it_is_shared() {
    let settings = [("REGISTRATION", "open"), ("RATE_LIMITS", "off")];
    let server = Simulated::replying(usual_reply(), &settings, &[]).await;
    let admin = asker(&server, "ada@example.org").await;
    let bob = asker(&server, "bob@example.org").await;
    let cora = asker(&server, "cora@example.org").await;
    let made = json!({"slug": "bobs", "persona": "A clerk.", "prompt": "You help.", "voice_config": {"voice": "alloy"}});
    let (status, told) = bob(Method::POST, "/realtime/custom-scenario", made).await;
    assert_eq!(status, 201, "{told}");
    let id = told["id"].as_str().unwrap().to_owned();
    for name in ["bobs", &id] {
        let body = json!({"scenario": name});
        let (status, told) = cora(Method::POST, "/conversations", body.clone()).await;
        assert_eq!(status, 422, "{told}");
        let nobodys = json!({"scenario": "nobodys"});
        let unknown = cora(Method::POST, "/conversations", nobodys).await;
        assert_eq!(
            unknown,
            (status, told),
            "it is told as one that is not there"
        );
        for owner in [&bob, &admin] {
            let (status, told) = owner(Method::POST, "/conversations", body.clone()).await;
            assert_eq!(status, 201, "{told}");
        }
    }
    let path = format!("/realtime/custom-scenario/{id}");
    let (status, told) = bob(Method::PUT, &path, json!({"shared": true})).await;
    assert_eq!(status, 200, "{told}");
    let body = json!({"scenario": "bobs"});
    assert_eq!(cora(Method::POST, "/conversations", body).await.0, 201);
}
