//! What the log says, and what it may not hold.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ringback_sim::providers::Rule;
use serde_json::Value;

use crate::simulated::*;

/// Everything that must stand in no line. What a provider's twin was told is what left the server: words included.
fn private() -> Vec<String> {
    let mut private = vec![TOKEN.to_owned(), FROM[1..].to_owned(), TO[1..].to_owned()];
    private.extend(["deepgram", "openai", "cartesia"].map(key));
    private.extend([GREETING, QUESTION, ANSWER].map(|line| line[..line.len() - 1].to_owned()));
    private
}

fn check_clean(log: &str, private: &[String]) {
    let lower = log.to_lowercase();
    for word in private {
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.to_lowercase().contains(&word.to_lowercase()))
            .collect();
        assert!(
            !lower.contains(&word.to_lowercase()),
            "{word:?} is in the log: {lines:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_whole_call_holds_no_number_no_key_and_no_word_even_at_trace() {
    let settings = [
        ("LOG_LEVEL", "Trace"),
        ("LOG_FORMAT", "json"),
        (
            "SECRET_KEY",
            "a key that signs the tokens of this test alone",
        ),
    ];
    let server = Simulated::start(&settings, &[]).await;
    let outcome = server.call().await;
    let transcript = server.transcript().await.to_string();
    for line in [GREETING, QUESTION, ANSWER] {
        assert!(transcript.contains(line), "{line} is not in {transcript}");
    }
    let closed = until("the end of the call", async || {
        let log = server.log_files();
        log.contains("WebSocket closed").then_some(log)
    });
    let closed = closed.await;
    let mut private = private();
    private.push("a key that signs the tokens".to_owned());
    for log in [closed, server.terminal()] {
        for expected in [
            "call arrived",
            "WebSocket connected",
            "call.turn",
            "call.note",
        ] {
            assert!(log.contains(expected), "{expected} is not in {log}");
        }
        assert!(log.matches(&outcome.call_sid).count() >= 4, "{log}");
        let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(log.lines().all(json), "{log}");
        check_clean(&log, &private);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_the_log_shows_what_is_said_and_a_voice_that_is_slow_is_waited_for() {
    let settings = [("LOG_FORMAT", "json"), ("LOG_LEVEL", "error")];
    let server = Simulated::start(&settings, &["--test"]).await;
    let slow = r#"{"provider":"cartesia","endpoint":"context","delay_ms":2500}"#;
    let rule = Rule::parse(slow).unwrap();
    server.twins().set(rule);
    let outcome = server.call().await;
    let waited = outcome.turns[1].latency_ms.unwrap();
    assert!(waited > 2500.0, "{waited}");
    let log = until("the end of the call", async || {
        let log = server.log_files();
        log.contains("WebSocket closed").then_some(log)
    });
    let log = log.await;
    assert!(
        log.contains("test mode: what callers and agent say"),
        "{log}"
    );
    assert!(!log.contains("did not begin to speak"), "{log}");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let pipeline: Vec<Value> = lines
        .filter(|line| line["target"] == "ringback_pipeline")
        .collect();
    let holds = |words: &str| {
        let text = |line: &Value| format!("{} {}", line["event"], line["actions"]);
        pipeline.iter().any(|line| text(line).contains(words))
    };
    for words in [QUESTION, ANSWER, "Heard", "Onset", "Spoken", "Marked"] {
        assert!(
            holds(words),
            "{words} is in no event of {pipeline:#?}, {outcome:#?}"
        );
    }
    let most = |name: &str| pipeline.iter().filter_map(|line| line[name].as_u64()).max();
    assert!(
        most("outbox.ms") > Some(500) && most("ear.ms") > Some(3000),
        "{log}"
    );
    // Numbers and keys are left out all the same.
    let secrets = private().into_iter().filter(|word| !word.contains(' '));
    check_clean(&log, &secrets.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_told_with_error_and_its_name_and_the_call_goes_on() {
    let server = Simulated::start(&[("LOG_LEVEL", "warning")], &[]).await;
    let rule = r#"{"provider":"openai","endpoint":"chat","status":402}"#;
    for rule in [rule, &rule.replace("chat", "responses")] {
        server.twins().set(Rule::parse(rule).unwrap());
    }
    server.call().await;
    let told = until("the failure", async || {
        let log = server.log_files();
        let mut lines = log.lines().map(str::to_owned);
        lines.find(|line| line.contains("Error") && line.contains("openai"))
    });
    let told = told.await;
    assert!(told.contains("call.id=") && told.contains("402"), "{told}");
    check_clean(&server.log_files(), &private());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_for_logs_that_cannot_be_made_is_said_and_calls_are_taken() {
    let server = Simulated::start(&[("LOG_DIR", "/dev/null/logs")], &[]).await;
    assert!(server.get("/ready").await.contains("ready"));
    let terminal = until("the complaint and the start", async || {
        let terminal = server.terminal();
        let told = ["LOG_DIR=/dev/null/logs", "server started"];
        told.iter()
            .all(|what| terminal.contains(what))
            .then_some(terminal)
    });
    let terminal = terminal.await;
    assert_eq!(
        terminal.matches("cannot be written").count(),
        1,
        "{terminal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_that_is_written_down_names_its_request() {
    let server = Simulated::start(&[("LOG_FORMAT", "json")], &[]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, password: &str, id: &str| {
        let body = serde_json::json!({"email": "ada@example.org", "password": password});
        let request = client.post(format!("{}{path}", server.url()));
        let request = request.header("content-type", "application/json");
        let request = request.header("x-request-id", id).body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    };
    let right = "a pass phrase of her own";
    assert_eq!(post("/auth/register", right, "made").await, 201);
    assert_eq!(post("/auth/login", "not this one", "wrong").await, 401);
    assert_eq!(post("/auth/login", right, "right").await, 200);
    let acts = until("the acts", async || {
        let log = server.log_files();
        let lines = log.lines().filter(|line| line.contains("\"audit\""));
        let acts: Vec<String> = lines.map(str::to_owned).collect();
        (acts.len() >= 3).then_some(acts)
    });
    for act in acts.await {
        let named = ["made", "wrong", "right"].map(|id| format!("\"request.id\":\"{id}\""));
        assert!(named.iter().any(|id| act.contains(id)), "{act}");
    }
}
