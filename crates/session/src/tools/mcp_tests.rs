#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringback_call::ToolCall;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::*;
use crate::provided::Receiver;
use crate::scenario::{McpServer, Origin, parse};

const LONG_MS: u32 = 20_000;
const LONG: Duration = Duration::from_secs(20);

/// A server of tools that is strict about the protocol, and does what the name of the tool asks for.
#[derive(Clone, Default)]
struct Strict(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    log: Vec<String>,
    sessions: u32,
    over: bool,
    lasting_404: bool,
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

fn streamed(messages: &[Value]) -> ResponseTemplate {
    // As the specification asks for: an id with no data first.
    let mut body = "id: e-0\ndata:\n\n".to_owned();
    for message in messages {
        body.push_str(&format!("event: message\ndata: {message}\n\n"));
    }
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

impl Respond for Strict {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut seen = self.0.lock().unwrap();
        if header(request, "x-key") != Some("made up") {
            return ResponseTemplate::new(401);
        }
        let session = header(request, "mcp-session-id").map(str::to_owned);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = body["method"].as_str().unwrap_or("answer").to_owned();
        if request.method.as_str() == "POST" {
            assert_eq!(
                header(request, "accept"),
                Some("application/json, text/event-stream")
            );
            assert_eq!(header(request, "content-type"), Some("application/json"));
            assert_eq!(body["jsonrpc"], "2.0");
        }
        if method == "initialize" {
            assert_eq!(
                (session, header(request, "mcp-protocol-version")),
                (None, None)
            );
            seen.sessions += 1;
            seen.over = seen.lasting_404;
            seen.log.push(method);
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}});
            let answer = json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
            return ResponseTemplate::new(200)
                .insert_header("Mcp-Session-Id", format!("s{}", seen.sessions))
                .set_body_json(answer);
        }
        assert_eq!(session, Some(format!("s{}", seen.sessions)), "{body}");
        assert_eq!(header(request, "mcp-protocol-version"), Some("2025-06-18"));
        if request.method.as_str() == "DELETE" {
            seen.log.push("DELETE".to_owned());
            return ResponseTemplate::new(204);
        }
        let name = body["params"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if seen.over && method == "tools/call" {
            return ResponseTemplate::new(404);
        }
        seen.log.push(format!("{method} {name}").trim().to_owned());
        match method.as_str() {
            "tools/list" => list(&body),
            "tools/call" if name == "expires" && seen.sessions == 1 => {
                seen.over = true;
                ResponseTemplate::new(404)
            }
            "tools/call" => call(&body, &name),
            _ => ResponseTemplate::new(202),
        }
    }
}

fn list(body: &Value) -> ResponseTemplate {
    let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}});
    let (tools, next) = if body["params"]["cursor"] == "two" {
        (
            json!([{"name": "secret", "inputSchema": schema}, {"name": "plain", "inputSchema": schema}]),
            Value::Null,
        )
    } else {
        let hint = json!({"readOnlyHint": true});
        (
            json!([{"name": "look.up", "description": "Looks.", "inputSchema": schema, "annotations": hint}]),
            json!("two"),
        )
    };
    let told = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
    let asked = json!({"jsonrpc": "2.0", "id": "p-1", "method": "ping"});
    let result = json!({"tools": tools, "nextCursor": next});
    streamed(&[
        told,
        asked,
        json!({"jsonrpc": "2.0", "id": body["id"], "result": result}),
    ])
}

fn call(body: &Value, name: &str) -> ResponseTemplate {
    let said = |text: &str, failed: bool| {
        let result = json!({"content": [{"type": "text", "text": text}], "isError": failed});
        json!({"jsonrpc": "2.0", "id": body["id"], "result": result})
    };
    let plain = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
    match name {
        "look.up" => streamed(&[said(
            &format!("at {}", body["params"]["arguments"]["at"]),
            false,
        )]),
        "fails" => plain(said("no such day", true)),
        "refuses" => plain(
            json!({"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32602, "message": "Unknown tool"}}),
        ),
        "breaks" => streamed(&[json!({"jsonrpc": "2.0", "method": "notifications/message"})]),
        "garbage" => ResponseTemplate::new(200).set_body_raw("no", "application/json"),
        "empty" => plain(json!({"jsonrpc": "2.0", "id": body["id"], "result": {"content": []}})),
        "long" => plain(said(&"é".repeat(20_000), false)),
        "endless" => plain(said(&"x".repeat(2 << 20), false)),
        "errs" => ResponseTemplate::new(500),
        "slow" => plain(said("late", false)).set_delay(Duration::from_secs(3)),
        _ => plain(said("plain", false)),
    }
}

struct Running {
    strict: Strict,
    kit: Toolkit,
    tools: Tools,
    events: Sender,
    done: Receiver,
    server: MockServer,
}

impl Running {
    async fn new(allow: &[&str]) -> Self {
        let (server, strict) = (MockServer::start().await, Strict::default());
        Mock::given(any())
            .respond_with(strict.clone())
            .mount(&server)
            .await;
        let text = format!(
            "prompt = \"Help.\"\nresponder = [{{ provider = \"openai\" }}]\n[[tools]]\n\
             mcp = {{ url = \"{}/mcp\", headers = {{ x-key = \"made up\" }}, allow = {allow:?}, allow_private = true }}\n",
            server.uri()
        );
        let (scenario, _) = parse(&text, &Origin::text("t")).unwrap();
        let kit = scenario.persona.toolkit.clone();
        let (events, done) = mpsc::unbounded_channel();
        let webhook = Arc::new(Webhook::new(false).unwrap());
        let tools = Tools::new(&kit, BTreeMap::new(), &webhook, Uuid::from_u128(7));
        Self {
            strict,
            kit,
            tools,
            events,
            done,
            server,
        }
    }

    fn settings(&self) -> &McpServer {
        &self.kit.mcp[0]
    }

    fn log(&self) -> Vec<String> {
        self.strict.0.lock().unwrap().log.clone()
    }

    async fn call(&mut self, id: &str, name: &str, bound: Bound) -> (String, bool) {
        let call = ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: r#"{"at":"noon"}"#.to_owned(),
        };
        self.tools.run(&call, bound, &self.events);
        match tokio::time::timeout(LONG, self.done.recv()).await.unwrap() {
            Some(Provided::ToolDone { result, failed, .. }) => (result, failed),
            other => panic!("{other:?}"),
        }
    }

    async fn called(&mut self, id: &str, name: &str) -> (String, bool) {
        self.call(id, name, Bound::of(LONG_MS, true)).await
    }
}

/// Waits until something is there.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap();
}

#[tokio::test]
async fn the_tools_of_a_server_are_found_once_for_many_calls_and_only_what_is_allowed_is_offered() {
    let running = Running::new(&["look.up", "plain"]).await;
    let catalog: Arc<McpCatalog> = Arc::default();
    let webhook = Arc::new(Webhook::new(false).unwrap());
    assert!(catalog.allowed(running.settings()).is_empty());
    for _ in 0..5 {
        catalog.warm(running.settings(), &webhook);
    }
    until(|| !catalog.allowed(running.settings()).is_empty()).await;
    catalog.warm(running.settings(), &webhook);
    let offered = catalog.allowed(running.settings());
    let names: Vec<_> = offered
        .iter()
        .map(|(name, tool)| (name.as_str(), tool.read_only))
        .collect();
    assert_eq!(names, [("look_up", true), ("plain", false)]);
    assert_eq!(offered[0].1.description, "Looks.");
    let expected = [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "answer",
        "tools/list",
        "answer",
        "DELETE",
    ];
    assert_eq!(running.log(), expected);
    let effects = |side_effect: Option<bool>| {
        let mut server = running.settings().clone();
        server.side_effect = side_effect;
        let mut specs: Vec<_> = server.specs().collect();
        catalog.refine(&[server], &mut specs);
        specs
            .into_iter()
            .map(|spec| (spec.name, spec.side_effect))
            .collect::<Vec<_>>()
    };
    let of = |look_up, plain| [("look_up".to_owned(), look_up), ("plain".to_owned(), plain)];
    assert_eq!(effects(None), of(false, true));
    assert_eq!(effects(Some(true)), of(true, true));
    assert_eq!(effects(Some(false)), of(false, false));
}

#[tokio::test]
async fn a_call_has_one_session_for_all_it_does_and_ends_it() {
    let mut running = Running::new(&["look.up", "plain"]).await;
    assert_eq!(
        running.called("1", "look_up").await,
        ("at \"noon\"".to_owned(), false)
    );
    assert_eq!(
        running.called("2", "plain").await,
        ("plain".to_owned(), false)
    );
    let unknown = running.called("3", "secret").await;
    assert_eq!(unknown, (UNKNOWN.to_owned(), true));
    std::mem::take(&mut running.tools).close().await;
    let expected = [
        "initialize",
        "notifications/initialized",
        "tools/call look.up",
        "tools/call plain",
        "DELETE",
    ];
    assert_eq!(running.log(), expected);
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_again_once() {
    let mut running = Running::new(&["expires"]).await;
    assert_eq!(
        running.called("1", "expires").await,
        ("plain".to_owned(), false)
    );
    assert_eq!(running.strict.0.lock().unwrap().sessions, 2);

    let mut running = Running::new(&["expires"]).await;
    running.strict.0.lock().unwrap().lasting_404 = true;
    let (said, failed) = running.called("1", "expires").await;
    assert_eq!(
        (said.as_str(), failed),
        ("error: this tool's server ended its session", true)
    );
    assert_eq!(running.strict.0.lock().unwrap().sessions, 2);
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_the_model_in_a_few_words() {
    let improper = "error: the server behind this tool gave no proper answer";
    let too_long = "error: the answer of this tool is longer than 1024 KB and was not read";
    let cases = [
        ("fails", "error: no such day", true),
        ("refuses", "error: Unknown tool", true),
        ("breaks", improper, true),
        ("garbage", improper, true),
        ("endless", too_long, true),
        ("errs", improper, true),
        ("empty", "done", false),
    ];
    let names: Vec<&str> = cases.iter().map(|case| case.0).chain(["long"]).collect();
    let mut running = Running::new(&names).await;
    for (name, expected, failed) in cases {
        let said = running.called(name, name).await;
        assert_eq!(said, (expected.to_owned(), failed), "{name}");
    }
    let (long, failed) = running.called("long", "long").await;
    assert_eq!((long.len(), failed), (16 * 1024, false));
}

#[tokio::test]
async fn a_tool_that_fails_is_in_the_log_with_its_call_its_name_and_the_limit() {
    let written = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(Arc::new(written.reopen().unwrap()))
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let mut running = Running::new(&["plain", "endless", "slow"]).await;
    running.called("1", "plain").await;
    let call = tracing::error_span!("call", call.sid = "CA7");
    {
        let _within = call.enter();
        for (id, name) in [("2", "endless"), ("3", "slow")] {
            let call = ToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: "{}".to_owned(),
            };
            running
                .tools
                .run(&call, Bound::of(2000, false), &running.events);
        }
    }
    for _ in 0..2 {
        let done = running.done.recv().await;
        assert!(matches!(
            done,
            Some(Provided::ToolDone { failed: true, .. })
        ));
    }
    let log = std::fs::read_to_string(written.path()).unwrap();
    for (name, limit) in [
        ("endless", "longer than 1024 KB"),
        ("slow", "\"limit_ms\":\"2000\""),
    ] {
        let of_tool = |line: &&str| line.contains("WARN") && line.contains(name);
        let line = log.lines().find(of_tool).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(limit) && line.contains("CA7"), "{line}");
    }
}

#[tokio::test]
async fn the_server_is_told_of_an_answer_that_is_not_waited_for() {
    let mut running = Running::new(&["plain", "slow"]).await;
    running.called("1", "plain").await;
    let (said, failed) = running.call("2", "slow", Bound::of(300, false)).await;
    assert_eq!(
        (said.as_str(), failed),
        ("error: no answer within 300 ms", true)
    );
    until(|| {
        running
            .log()
            .iter()
            .any(|line| line == "notifications/cancelled")
    })
    .await;
}

#[tokio::test]
async fn a_private_address_is_not_asked_unless_the_scenario_allows_it() {
    let running = Running::new(&["plain"]).await;
    let mut kit = running.kit.clone();
    kit.mcp[0].allow_private = false;
    let webhook = Arc::new(Webhook::new(false).unwrap());
    let mut guarded = Running {
        tools: Tools::new(&kit, BTreeMap::new(), &webhook, Uuid::from_u128(7)),
        ..running
    };
    let (said, failed) = guarded.called("1", "plain").await;
    assert!(failed && said.starts_with("error: "), "{said}");
    assert!(guarded.log().is_empty());
    assert!(guarded.server.received_requests().await.unwrap().is_empty());
}
