#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringback_call::ToolCall;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;
use wiremock::matchers::{body_json, body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::provided::Receiver;
use crate::scenario::{Origin, Tool, parse};

const CALL: Uuid = Uuid::from_u128(7);
/// Long enough that no test meets it on a busy machine.
const LONG_MS: u32 = 20_000;
const LONG: Duration = Duration::from_secs(20);

struct Running {
    tools: Tools,
    events: Sender,
    done: Receiver,
}

impl Running {
    /// A call with the tool `look`, of these fields; its arguments are `at`, which it requires, and `note`.
    fn with(fields: &str) -> Self {
        Self::changed(fields, |_| ())
    }

    /// The same, with something in it that no scenario could say.
    fn changed(fields: &str, change: impl Fn(&mut Tool)) -> Self {
        let text = format!(
            "prompt = \"Help.\"\nresponder = [{{ provider = \"openai\" }}]\n[[tools]]\nname = \"look\"\n\
             description = \"Looks.\"\nparameters = {{ properties = {{ at = {{ type = \"string\" }}, note = {{ type = \"string\" }} }}, required = [\"at\"] }}\n{fields}\n"
        );
        let (mut scenario, _) = parse(&text, &Origin::text("t")).unwrap();
        let tools = &mut scenario.persona.toolkit.tools;
        tools.iter_mut().for_each(change);
        let webhook = Arc::new(Webhook::new(false).unwrap());
        let kit = &scenario.persona.toolkit;
        let refusals = BTreeMap::from([("send_dtmf".to_owned(), "error: no keys".to_owned())]);
        let (events, done) = mpsc::unbounded_channel();
        Self {
            tools: Tools::new(kit, refusals, &webhook, CALL),
            events,
            done,
        }
    }

    fn call(&mut self, id: &str, name: &str, arguments: &str, bound: Bound) {
        let call = ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        self.tools.run(&call, bound, &self.events);
    }

    async fn done(&mut self) -> (String, bool) {
        match tokio::time::timeout(LONG, self.done.recv()).await.unwrap() {
            Some(Provided::ToolDone { result, failed, .. }) => (result, failed),
            other => panic!("{other:?}"),
        }
    }

    async fn look(&mut self, arguments: &Value) -> (String, bool) {
        self.call(
            "c1",
            "look",
            &arguments.to_string(),
            Bound::of(LONG_MS, false),
        );
        self.done().await
    }
}

async fn server(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_string(body);
    Mock::given(wiremock::matchers::any())
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn private(url: &str, rest: &str) -> String {
    format!("http = {{ url = \"{url}\", allow_private = true{rest} }}")
}

fn count(server: &[wiremock::Request]) -> usize {
    server.len()
}

#[tokio::test]
async fn arguments_stand_percent_encoded_in_the_address_and_secrets_in_headers() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("key");
    std::fs::write(&secret, "Bearer tok3n\n").unwrap();
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/at/a%2Fb%20%3F%26"))
        .and(query_param("note", "x&y=z"))
        .and(header("authorization", "Bearer tok3n"))
        .and(header("x-plain", "as it is"))
        .respond_with(ResponseTemplate::new(200).set_body_string(" three tables \n"))
        .expect(1)
        .mount(&server)
        .await;
    let headers = format!(
        ", method = \"GET\", headers = {{ Authorization = \"file:{}\", \"X-Plain\" = \"as it is\" }}",
        secret.display()
    );
    let url = format!("{}/at/{{at}}?note={{note}}", server.uri());
    let mut running = Running::with(&private(&url, &headers));
    let done = running
        .look(&json!({"at": "a/b ?&", "note": "x&y=z"}))
        .await;
    assert_eq!(done, ("three tables".to_owned(), false));
    let seen = &server.received_requests().await.unwrap()[0];
    assert!(seen.body.is_empty());
    assert!(!seen.headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn no_argument_makes_a_step_up_in_the_path() {
    let server = server(200, "secret").await;
    let url = format!("{}/users/{{at}}{{note}}/orders", server.uri());
    let mut running = Running::with(&private(&url, ", method = \"GET\""));
    for (n, (at, note)) in [("..", ""), (".", "."), (".", "")].into_iter().enumerate() {
        let arguments = json!({"at": at, "note": note}).to_string();
        running.call(
            &n.to_string(),
            "look",
            &arguments,
            Bound::of(LONG_MS, false),
        );
        let (result, failed) = running.done().await;
        assert!(
            failed && result.contains("cannot stand in the address"),
            "{result}"
        );
    }
    assert_eq!(count(&server.received_requests().await.unwrap()), 0);
    running.call(
        "n",
        "look",
        r#"{"at":"%2e%2e","note":""}"#,
        Bound::of(LONG_MS, false),
    );
    running.done().await;
    let seen = &server.received_requests().await.unwrap()[0];
    assert_eq!(seen.url.path(), "/users/%252e%252e/orders");
}

#[tokio::test]
async fn a_side_effect_is_posted_once_with_its_key_however_often_it_is_handed_in() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(body_json(json!({"at": "eight", "note": "window"})))
        .and(header("content-type", "application/json"))
        .and(header(
            "idempotency-key",
            format!("{CALL}.call_x_1").as_str(),
        ))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let fields = private(&server.uri(), "") + "\nside_effect = true";
    let mut running = Running::with(&fields);
    for _ in 0..3 {
        let arguments = json!({"at": "eight", "note": "window"}).to_string();
        running.call("call_x 1", "look", &arguments, Bound::of(LONG_MS, true));
    }
    assert_eq!(running.done().await, ("done, status 204".to_owned(), false));
    let Running {
        tools,
        events,
        mut done,
    } = running;
    drop(events);
    tools.close().await;
    assert!(done.recv().await.is_none(), "it was carried out again");
}

#[tokio::test]
async fn a_request_that_was_taken_and_not_answered_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut running = Running::with(&(private(&url, "") + "\nside_effect = true"));
    running.call("a", "look", r#"{"at":"x"}"#, Bound::of(LONG_MS, true));
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = [0; 4096];
    assert!(socket.read(&mut bytes).await.unwrap() > 0);
    drop(socket);
    let (result, failed) = running.done().await;
    assert!(
        failed && result.starts_with("error: the service"),
        "{result}"
    );
    let again = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(again.is_err(), "it was sent again");
}

#[tokio::test]
async fn a_body_is_filled_as_its_kind_of_text_wants_it() {
    let body = ", body = '{\"q\": \"{at}\", \"n\": {note}}'";
    let form =
        ", body = 'q={at}', headers = { \"Content-Type\" = \"application/x-www-form-urlencoded\" }";
    for (rest, wanted) in [
        (body, "{\"q\": \"say \\\"hi\\\"\", \"n\": 3}"),
        (form, "q=say%20%22hi%22"),
    ] {
        let server = MockServer::start().await;
        Mock::given(body_string(wanted))
            .respond_with(ResponseTemplate::new(200))
            .expect(1)
            .mount(&server)
            .await;
        let mut running = Running::with(&private(&server.uri(), rest));
        let (_, failed) = running.look(&json!({"at": "say \"hi\"", "note": 3})).await;
        assert!(!failed, "{wanted}");
    }
}

#[tokio::test]
async fn arguments_that_are_not_json_or_not_all_there_call_nothing() {
    let server = server(200, "no").await;
    let mut running = Running::with(&private(&server.uri(), ""));
    for (n, (name, arguments, wanted)) in [
        (
            "look",
            "{\"at\": ",
            "error: the arguments are no JSON object",
        ),
        ("look", "[1]", "error: the arguments are no JSON object"),
        ("look", "", "error: the argument \"at\" is missing"),
        (
            "look",
            "{\"at\": null}",
            "error: the argument \"at\" is missing",
        ),
        ("book", "{}", "error: there is no such tool"),
        ("send_dtmf", "{}", "error: no keys"),
    ]
    .into_iter()
    .enumerate()
    {
        running.call(&n.to_string(), name, arguments, Bound::of(LONG_MS, false));
        let (result, failed) = running.done().await;
        assert!(
            failed && result.starts_with(wanted),
            "{arguments}: {result}"
        );
    }
    assert_eq!(count(&server.received_requests().await.unwrap()), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name_unless_they_are_allowed() {
    let server = server(200, "inside").await;
    let port = server.address().port();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{port}/");
        // A name can lead anywhere by the time it is looked up, so what the scenario's check lets pass is checked again.
        let mut running =
            Running::changed(&private(&url, ""), |tool| tool.http.allow_private = false);
        let (result, failed) = running.look(&json!({"at": "x"})).await;
        assert!(failed && result.contains("set up wrongly"), "{result}");
        assert!(!result.contains(host), "the model need not know: {result}");
    }
    assert_eq!(count(&server.received_requests().await.unwrap()), 0);
    let mut allowed = Running::with(&private(&server.uri(), ""));
    assert_eq!(
        allowed.look(&json!({"at": "x"})).await,
        ("inside".to_owned(), false)
    );
}

#[tokio::test]
async fn a_refusal_and_a_redirect_are_told_with_their_status_and_not_followed() {
    for (status, body, wanted) in [
        (404, "no such table", "error: status 404\nno such table"),
        (500, "", "error: status 500"),
    ] {
        let server = server(status, body).await;
        let mut running = Running::with(&private(&server.uri(), ""));
        assert_eq!(
            running.look(&json!({"at": "x"})).await,
            (wanted.to_owned(), true)
        );
    }
    let target = server(200, "elsewhere").await;
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(302).insert_header("location", target.uri().as_str());
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let mut running = Running::with(&private(&server.uri(), ""));
    let (result, failed) = running.look(&json!({"at": "x"})).await;
    assert_eq!((result.as_str(), failed), ("error: status 302", true));
    assert_eq!(count(&target.received_requests().await.unwrap()), 0);
}

#[tokio::test]
async fn a_long_answer_is_cut_at_16_kib_and_not_within_a_letter() {
    let server = server(200, &"é".repeat(100_000)).await;
    let mut running = Running::with(&private(&server.uri(), ""));
    let (result, failed) = running.look(&json!({"at": "x"})).await;
    assert!(!failed);
    assert_eq!(result, "é".repeat(8 * 1024));
}

#[tokio::test]
async fn a_tool_that_takes_too_long_is_told_so() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_delay(LONG);
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let mut running = Running::with(&private(&server.uri(), ""));
    let bound = Bound::of(100, false);
    running.call("a", "look", r#"{"at":"x"}"#, bound);
    assert_eq!(
        running.done().await,
        ("error: no answer within 100 ms".to_owned(), true)
    );
}

#[tokio::test]
async fn a_secret_that_is_not_there_makes_the_tool_unusable_and_is_not_told() {
    let server = server(200, "no").await;
    let headers = ", headers = { Authorization = \"env:RINGBACK_TEST_NO_SUCH_SECRET\" }";
    let mut running = Running::with(&private(&server.uri(), headers));
    let (result, failed) = running.look(&json!({"at": "x"})).await;
    assert_eq!(
        (result.as_str(), failed),
        ("error: this tool is set up wrongly", true)
    );
    assert_eq!(count(&server.received_requests().await.unwrap()), 0);
}

/// A service that takes a request, and answers it when it is told to; it says whether it could.
async fn slow(listener: TcpListener, wait: Duration) -> bool {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = [0; 4096];
    assert!(socket.read(&mut bytes).await.unwrap() > 0);
    tokio::select! {
        () = tokio::time::sleep(wait) => {
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_ok()
        }
        _ = socket.read(&mut bytes) => false,
    }
}

#[tokio::test]
async fn tool_call_in_flight_when_the_call_ends_is_finished_if_it_changes_something_and_given_up_otherwise()
 {
    for side_effect in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let service = tokio::spawn(slow(listener, Duration::from_millis(800)));
        let mut running = Running::with(&private(&url, ""));
        running.call(
            "a",
            "look",
            r#"{"at":"x"}"#,
            Bound::of(LONG_MS, side_effect),
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
        let ended = Instant::now();
        running.tools.close().await;
        let took = ended.elapsed();
        assert_eq!(took >= Duration::from_millis(300), side_effect, "{took:?}");
        assert_eq!(service.await.unwrap(), side_effect);
        assert_eq!(running.done.try_recv().is_ok(), side_effect);
    }
}
