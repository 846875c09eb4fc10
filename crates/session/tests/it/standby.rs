//! A script that answers where the scenario's models do not, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ringback_call::{EndCause, FaultKind, Line, Speaker};
use ringback_session::scenario::{Origin, Scenario, parse};
use ringback_session::{Ended, Engines, Outgoing};
use serde_json::{Value, json};
use tokio::time::timeout;
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::peer::{Peer, engines, place, replays_the_same};

const SORRY: &str = "Sorry, I did not catch that.";
const FIRST: &str = "Would you like a table? Press 1 for yes, or 2 for no.";
const BYE: &str = "Your table is booked. Goodbye.";

fn scenario(model: &MockServer) -> Arc<Scenario> {
    let text = format!(
        r#"
        prompt = "Book tables."
        stt = []
        responder = [
            {{ provider = "openai", model = "gpt-4.1-mini", url = "{}/v1" }},
            {{ provider = "script" }},
        ]
        [greeting]
        inbound = "Hello."
        [[script.state]]
        name = "table"
        ask = "Would you like a table?"
        expect = "yes_no"
        when = [{{ answer = "yes", goto = "booked" }}, {{ answer = "no", goto = "bye" }}]
        [[script.state]]
        name = "booked"
        say = "Your table is booked. Goodbye."
        hang_up = true
        [[script.state]]
        name = "bye"
        say = "Goodbye."
        hang_up = true
        "#,
        model.uri(),
    );
    Arc::new(parse(&text, &Origin::text("tables")).unwrap().0)
}

async fn model(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// How often it was asked for words.
async fn asked(model: &MockServer) -> usize {
    let requests = model.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

/// A call in which these keys are pressed, each when the agent has spoken and is quiet; at an `x` the caller hangs up.
async fn call(
    engines: &Arc<Engines>,
    scenario: &Arc<Scenario>,
    folder: &Path,
    keys: &str,
) -> Ended {
    let mut peer = Peer::of(engines, scenario, Some(place(folder)), "CA1");
    let mut keys = keys.chars();
    let talk = async {
        let mut spoken = false;
        loop {
            let Ok(message) = timeout(Duration::from_millis(600), peer.hears.recv()).await else {
                if !std::mem::take(&mut spoken) {
                    continue;
                }
                let Some(key) = keys.next() else { continue };
                if key == 'x' {
                    peer.says.send(String::new()).unwrap();
                    continue;
                }
                let press = json!({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": key.to_string()}});
                peer.says.send(press.to_string()).unwrap();
                continue;
            };
            let Some(Outgoing::Text(text)) = message else {
                return;
            };
            let sent: Value = serde_json::from_str(&text).unwrap();
            spoken |= sent["event"] == "media";
            if sent["event"] == "mark" {
                let _ = peer.says.send(text);
            }
        }
    };
    timeout(Duration::from_secs(30), talk).await.unwrap();
    timeout(Duration::from_secs(20), peer.call)
        .await
        .unwrap()
        .unwrap()
}

fn said(ended: &Ended) -> Vec<&str> {
    let lines = ended.report.lines.iter();
    let agent = lines.filter(|line| line.speaker == Speaker::Agent);
    agent.map(|line| line.said.as_str()).collect()
}

/// From the keys of the first turn to the first sound of its reply.
fn first_answer_ms(ended: &Ended) -> u64 {
    let turn = &ended.report.turns[0];
    turn.audible.unwrap().ms_since(turn.ended)
}

#[tokio::test]
async fn a_script_goes_on_where_the_model_refuses_and_stays() {
    let model = model(ResponseTemplate::new(401)).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let ended = call(&engines, &scenario(&model), folder.path(), "51").await;
    assert_eq!(
        said(&ended),
        ["Hello.", &format!("{SORRY} {FIRST}"), BYE],
        "no apology, no second greeting"
    );
    assert_eq!(ended.cause, EndCause::Responder);
    assert_eq!(asked(&model).await, 1);
    assert!(first_answer_ms(&ended) < 2000);
    let kinds: Vec<_> = ended.report.faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [FaultKind::Refused]);
    replays_the_same(&ended);
    assert_eq!(ended.summary["engines"][1], "openai, script");

    // The next caller is not made to wait for what is known to refuse: the script greets them and begins.
    let ended = call(&engines, &scenario(&model), folder.path(), "1").await;
    assert_eq!(said(&ended), [&format!("Hello. {FIRST}"), BYE]);
    assert_eq!(ended.summary["engines"][1], "script");
    assert_eq!(asked(&model).await, 1);
    // Its record says why, once.
    let host = model.address().ip();
    let [fault] = &ended.report.faults[..] else {
        panic!("{:?}", ended.report.faults);
    };
    let why = format!("openai (gpt-4.1-mini at {host}) is left alone for ");
    assert!(fault.detail.starts_with(&why), "{fault:?}");
    assert!(fault.detail.ends_with(" s more: it refused before"));
    replays_the_same(&ended);
}

#[tokio::test]
async fn a_fence_around_code_is_nobodys_fault() {
    let words = json!({"choices": [{"index": 0, "delta": {"content": "Here it is.\n```py\nprint it\n```\nGood?"}}]});
    let body = format!("data: {words}\n\ndata: [DONE]\n\n");
    let model = model(ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let ended = call(&engines, &scenario(&model), folder.path(), "5x").await;
    assert_eq!(said(&ended)[1], "Here it is. print it Good?");
    assert_eq!(ended.report.faults, []);
    replays_the_same(&ended);
}

#[tokio::test]
async fn what_the_caller_said_to_a_model_that_is_silent_answers_the_first_question_if_it_can() {
    let model = model(ResponseTemplate::new(200).set_delay(Duration::from_secs(20))).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let ended = call(&engines, &scenario(&model), folder.path(), "1").await;
    assert_eq!(said(&ended), ["Hello.", BYE]);
    let late = first_answer_ms(&ended);
    // The wait for more keys counted: of the 1.5 s for a model the least is left.
    assert!((950..1450).contains(&late), "{late}");
    assert_eq!(ended.report.faults[0].kind, FaultKind::Unreachable);
}

#[tokio::test]
async fn what_the_model_broke_off_before_it_could_be_spoken_is_dropped_and_the_script_goes_on() {
    let words = json!({"choices": [{"index": 0, "delta": {"content": "We are open from"}}]});
    let body = format!("data: {words}\n\ndata: {{\"error\": {{\"message\": \"overloaded\"}}}}\n\n");
    let model = model(ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")).await;
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let ended = call(&engines, &scenario(&model), folder.path(), "52").await;
    assert_eq!(
        said(&ended),
        ["Hello.", &format!("{SORRY} {FIRST}"), "Goodbye."]
    );
}

#[tokio::test]
async fn a_script_takes_over_where_the_result_of_a_tool_was_to_be_told() {
    let call_of_tool = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let delta = json!({"choices": [{"index": 0, "delta": {"content": "One second.", "tool_calls": [call_of_tool]}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
    let body = format!("data: {delta}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    let server = MockServer::start().await;
    let first = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    Mock::given(method("POST"))
        .respond_with(first)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let service = model(ResponseTemplate::new(200).set_body_string("free")).await;
    let text = format!(
        "prompt = \"p\"\nstt = []\n\
         responder = [{{ provider = \"openai\", model = \"gpt-4.1-mini\", url = \"{}/v1\" }}, {{ provider = \"script\" }}]\n\
         [[tools]]\nname = \"look\"\ndescription = \"Looks.\"\nparameters = {{}}\nhttp = {{ url = \"{}/look\", allow_private = true }}\n\
         [[script.state]]\nname = \"a\"\nask = \"A table?\"\nexpect = \"yes_no\"\ngoto = \"b\"\n\
         [[script.state]]\nname = \"b\"\nsay = \"Goodbye.\"\nhang_up = true\n",
        server.uri(),
        service.uri()
    );
    let scenario = Arc::new(parse(&text, &Origin::text("tables")).unwrap().0);
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    let ended = call(&engines, &scenario, folder.path(), "1").await;
    assert_eq!(
        said(&ended),
        [
            "One second.",
            "A table? Press 1 for yes, or 2 for no.",
            "Goodbye."
        ]
    );
    assert_eq!(ended.summary["engines"][1], "openai, script");
}

#[tokio::test]
async fn a_sole_model_that_said_when_to_come_back_or_refused_is_asked_once_by_all_calls() {
    let later = ResponseTemplate::new(429).insert_header("retry-after", "30");
    tokio::join!(
        alone(later, &["12x", "1x"]),
        alone(ResponseTemplate::new(401), &["12x"])
    );
}

/// Calls, by their keys, of a scenario whose only model answers so.
async fn alone(answer: ResponseTemplate, calls: &[&str]) {
    let model = model(answer).await;
    let text = format!(
        "prompt = \"p\"\nstt = []\n\
         responder = [{{ provider = \"openai\", model = \"gpt-4.1-mini\", url = \"{}/v1\" }}]\n\
         [greeting]\ninbound = \"Hello.\"\n",
        model.uri()
    );
    let scenario = Arc::new(parse(&text, &Origin::text("alone")).unwrap().0);
    let folder = tempfile::tempdir().unwrap();
    let engines = engines(folder.path());
    for keys in calls {
        let ended = call(&engines, &scenario, folder.path(), keys).await;
        let agent = |line: &&Line| line.speaker == Speaker::Agent;
        let apology = ended.report.lines.iter().filter(agent).nth(1).unwrap();
        let late = apology.from.ms_since(ended.report.turns[0].ended);
        assert!(late < 1000, "it comes at once: {late}");
        assert_eq!(asked(&model).await, 1);
    }
}
