//! A live call that is told what to do while it goes on: the caller hears a line, the model knows a hint, and the call is put through.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::http::ask;
use crate::server::Server;
use crate::telephone::in_real_time;
use crate::twins::Twins;
use crate::until;

const GREETING: &str = "Hello, this is Oakhurst Dental. How can I help you?";
const QUESTION: &str = "I would like to know the price.";
const ANSWER: &str = "A cleaning costs ninety dollars, and the first visit is free.";
const HINT: &str = "This week children pay nothing.";
const LINE: &str = "A colleague has time for you now.";
const FIRST: &str = "I put you through to her.";
const TO: &str = "+15005550009";
/// The same as the telephone shows it.
const SHOWN: &str = "+15•••09";

fn server(twins: &Twins) -> Server {
    let mut settings = twins.settings(&["deepgram", "openai", "cartesia"]);
    settings.push(("API_AUTH".to_owned(), "off".to_owned()));
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let desk = format!(
        "persona = \"You answer the phone for Oakhurst Dental.\"\nprompt = \"Help callers.\"\n\
         [greeting]\ninbound = \"{GREETING}\"\n[[responder]]\nprovider = \"openai\"\n"
    );
    let server = Server::with(&settings).scenario("desk", &desk).start();
    let who = json!({"email": "ada@example.org", "password": "a pass phrase of her own"});
    let made = post(&server, "/auth/register", &who);
    assert_eq!(made.0, 201, "{made:?}");
    server
}

fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let kind = [("content-type", "application/json")];
    let answer = ask(server.address(), "POST", path, &kind, &body.to_string()).unwrap();
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn get(server: &Server, path: &str) -> Value {
    let answer = ask(server.address(), "GET", path, &[], "").unwrap();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// Has the call do something.
fn told(server: &Server, id: &str, verb: &str, body: &Value) -> anyhow::Result<()> {
    let (status, told) = post(server, &format!("/calls/{id}/{verb}"), body);
    ensure!(status == 202, "{verb}: {status} {told}");
    Ok(())
}

#[test]
fn a_caller_hears_what_a_live_call_is_told_to_say_and_is_put_through_and_the_model_knows_the_hint()
{
    let twins = Twins::start(&[QUESTION], &[ANSWER]);
    let server = server(&twins);
    in_real_time(&server, |server, late| {
        twins.reset();
        let steps = [
            "wait_reply = 15000",
            "say = \"I would like to know the price\"",
            "wait_reply = 15000",
            "expect_end = 20000",
        ];
        let placed = server.call("desk").script(&steps).place();
        let id = until("a live call", Duration::from_secs(10), || {
            let live = get(server, "/calls?status=in-progress");
            live[0]["call_id"].as_str().map(str::to_owned)
        });
        told(server, &id, "whisper", &json!({ "text": HINT }))?;
        until("the question to the model", Duration::from_secs(15), || {
            (!twins.asked("chat").is_empty()).then_some(())
        });
        told(server, &id, "say", &json!({ "text": LINE }))?;
        until("the line", Duration::from_secs(20), || {
            let transcript = get(server, &format!("/calls/{id}/transcript"));
            let lines = transcript["lines"].as_array()?;
            lines.iter().any(|line| line["heard"] == LINE).then_some(())
        });
        told(server, &id, "transfer", &json!({"to": TO, "say": FIRST}))?;
        let made = placed.over();
        let outcome = made.outcome(late)?;
        let ended = (outcome.ended.by.as_str(), outcome.ended.to.as_deref());
        ensure!(
            ended == ("transfer", Some(SHOWN)),
            "{ended:?} {}",
            outcome.summary()
        );
        let files = server.files(outcome);
        let heard = |speaker: &str| -> Vec<&str> {
            let of = files.lines.iter().filter(|line| line["speaker"] == speaker);
            of.filter_map(|line| line["heard"].as_str()).collect()
        };
        ensure!(
            heard("agent") == [GREETING, ANSWER, LINE, FIRST],
            "{}",
            files.conversation()
        );
        ensure!(heard("whisper") == [""] && files.said("whisper") == [HINT]);
        ensure!(files.meta["cause"] == "operator", "{}", files.meta["cause"]);
        let chats = twins.asked("chat");
        let asked = chats[0]["received"][0]["messages"].to_string();
        ensure!(asked.contains(&format!("(Hint: {HINT})")), "{asked}");
        // The voice was never given it.
        let spoken = twins.asked_of("cartesia");
        ensure!(
            !json!(spoken).to_string().contains("children"),
            "{spoken:?}"
        );
        ensure!(server.replayed().context("the trace")? > 0);
        Ok(())
    });
}
