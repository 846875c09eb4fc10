//! A model in a call, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use ringback_call::{At, Cause, Intent, Line, ReplyId, Speaker, TurnId};
use serde_json::{Map, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::answers::Shelf;
use super::asked::Asked;
use super::model::{Api, Chain, Model, client};
use super::modelled::{Instructions, Modelled};
use super::toolbox::Toolbox;
use super::webhook::Webhook;
use crate::provided::Provided;
use crate::provider::Access;
use crate::scenario::{Origin, parse};
use crate::tools::Tools;

/// A server whose model answers so, and ends for this reason.
async fn server(text: &str, reason: &str) -> MockServer {
    let server = MockServer::start().await;
    let chunk = |delta, reason: Option<&str>| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
    let (said, end) = (
        chunk(json!({"content": text}), None),
        chunk(json!({}), Some(reason)),
    );
    let body = format!("data: {said}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The model of one call, with what all calls share.
fn call(server: &MockServer, shelf: Option<Shelf>) -> Modelled {
    let model = Model {
        access: Access {
            key: None,
            url: format!("{}/v1", server.uri()).parse().unwrap(),
        },
        api: Api::Chat,
        model: "a-model".into(),
        temperature_pm: None,
        max_tokens: 100,
        reasoning_effort: None,
        extra: Map::new(),
        first: Duration::from_secs(5),
    };
    let chain = Chain {
        models: vec![(model, Arc::default())],
        relieved: None,
        client: client(None).unwrap(),
    };
    let scenario = parse("prompt = \"Be brief.\"", &Origin::text("brief"))
        .unwrap()
        .0;
    let instructions = Instructions {
        text: "Be brief.".into(),
        language: "en-US".into(),
        toolbox: Toolbox::new(&scenario.persona.toolkit, None, &Arc::default()),
        goodbye: "Goodbye.".into(),
        unclear: "Could you say it again?",
    };
    let webhook = Arc::new(Webhook::new(false).unwrap());
    let kit = &scenario.persona.toolkit;
    let tools = Tools::new(kit, instructions.toolbox.refusals(), &webhook, Uuid::nil());
    Modelled::new(chain, instructions, tools, shelf)
}

fn shelf() -> Shelf {
    Shelf {
        answers: Arc::default(),
        fresh: Duration::from_secs(60),
        version: "1".into(),
    }
}

fn line(text: &str) -> Line {
    Line {
        speaker: Speaker::Caller,
        turn: TurnId(1),
        reply: None,
        said: text.into(),
        heard: text.into(),
        digits: String::new(),
        from: At(0),
        until: At(0),
        cut: false,
    }
}

fn asks<'a>(text: &'a str, lines: &'a [Line]) -> Asked<'a> {
    Asked {
        turn: TurnId(1),
        reply: ReplyId(2),
        cause: Cause::Answer,
        waited: Duration::ZERO,
        text,
        digits: "",
        lines,
        tools: &[],
    }
}

/// What a call answers to the last of what its caller said.
async fn answer(call: &mut Modelled, said: &[&str]) -> String {
    let lines: Vec<Line> = said.iter().map(|text| line(text)).collect();
    answer_to(call, &lines).await
}

async fn answer_to(call: &mut Modelled, lines: &[Line]) -> String {
    let (events, mut told) = mpsc::unbounded_channel();
    call.ask(&asks(&lines.last().unwrap().said, lines), &events);
    let mut text = String::new();
    while let Some(told) = told.recv().await {
        if let Provided::Text { text: more, .. } = told {
            text.push_str(&more);
        } else if let Provided::TextEnd { intent, .. } = told {
            assert_eq!(intent, Intent::Continue);
            return text;
        } else {
            assert!(matches!(told, Provided::Used { .. }), "{told:?}");
        }
    }
    panic!("it ended without an end");
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_request_is_told_of_when_it_is_closed_and_one_that_was_refused_costs_nothing() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(any()).respond_with(late).mount(&server).await;
    let (mut call, (events, mut told)) = (call(&server, None), mpsc::unbounded_channel());
    let lines = [line("When?")];
    call.ask(&asks("When?", &lines), &events);
    while requests(&server).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    call.cancel(ReplyId(2));
    // At once: when the call is over nobody waits for the task.
    let Ok(Provided::Used { reply, usage }) = told.try_recv() else {
        panic!("nothing was told");
    };
    assert_eq!((reply, usage.requests), (ReplyId(2), 1));
    assert!(usage.estimated && usage.input_tokens > 50, "{usage:?}");
    server.reset().await;
    let refused = ResponseTemplate::new(401);
    Mock::given(any())
        .respond_with(refused)
        .mount(&server)
        .await;
    call.ask(&asks("When?", &lines), &events);
    let Some(Provided::Used { usage, .. }) = told.recv().await else {
        panic!("nothing was told");
    };
    assert!(usage.requests == 1 && usage.is_free(), "{usage:?}");
}

#[tokio::test]
async fn an_answer_to_a_common_question_is_given_again_to_another_caller() {
    let server = server("At nine.", "stop").await;
    let shelf = shelf();
    for said in ["When do you open?", "when do you open"] {
        let mut call = call(&server, Some(shelf.clone()));
        assert_eq!(answer(&mut call, &[said]).await, "At nine.");
    }
    assert_eq!(requests(&server).await, 1);
    let mut later = call(&server, Some(shelf));
    assert_eq!(
        answer(&mut later, &["Hello.", "When do you open?"]).await,
        "At nine."
    );
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_question_that_was_refused_is_not_put_again_and_another_is() {
    let server = MockServer::start().await;
    let body = json!({"error": {"message": "no", "type": "invalid_request_error"}});
    let answer = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mut call = call(&server, None);
    for (said, asked) in [("One?", 1), ("One?", 1), ("Two?", 2)] {
        let (events, mut told) = mpsc::unbounded_channel();
        let lines = [line(said)];
        call.ask(&asks(said, &lines), &events);
        let mut next = told.recv().await;
        if matches!(next, Some(Provided::Used { .. })) {
            next = told.recv().await;
        }
        let told = next;
        assert!(
            matches!(told, Some(Provided::Speechless { .. })),
            "{told:?}"
        );
        assert_eq!(requests(&server).await, asked, "{said}");
    }
}

/// What a call makes of a reply in which there is nothing to say: its texts, and how often the model was asked.
async fn of_nothing(body: &str, cause: Cause, lines: &[Line]) -> (Vec<String>, usize) {
    let server = server(body, "stop").await;
    let mut call = call(&server, None);
    let (events, mut told) = mpsc::unbounded_channel();
    let asked = Asked {
        cause,
        ..asks("", lines)
    };
    call.ask(&asked, &events);
    let mut texts = Vec::new();
    while let Some(told) = told.recv().await {
        assert!(!matches!(told, Provided::Speechless { .. }), "{told:?}");
        if let Provided::Text { text, .. } = told {
            texts.push(text);
        } else if let Provided::TextEnd { intent, .. } = told {
            assert_eq!(intent, Intent::Continue);
            break;
        }
    }
    drop(events);
    (texts, requests(&server).await)
}

#[tokio::test]
async fn whoever_waits_for_a_reply_without_words_is_asked_to_say_it_again() {
    let again = vec!["Could you say it again?".to_owned()];
    let caller = [line("Hello?")];
    for body in ["\u{1f600}", "", " \u{2014} ", ":)", ":D", "**"] {
        let (texts, asked) = of_nothing(body, Cause::Answer, &caller).await;
        assert_eq!((&texts, asked), (&again, 2), "{body:?}");
    }
    let (texts, _) = of_nothing(":D", Cause::Tool, &caller).await;
    assert_eq!(texts, again);
}

#[tokio::test]
async fn whoever_waits_for_nothing_keeps_the_floor() {
    let agent = Line {
        speaker: ringback_call::Speaker::Agent,
        ..line("It is booked.")
    };
    let lines = [line("Hello?"), agent];
    for cause in [Cause::Tool, Cause::Silence] {
        let (texts, _) = of_nothing("\u{1f600}", cause, &lines).await;
        assert_eq!(texts, [] as [&str; 0], "{cause:?}");
    }
}

#[tokio::test]
async fn without_the_setting_every_question_is_asked() {
    let server = server("At nine.", "stop").await;
    for _ in 0..2 {
        answer(&mut call(&server, None), &["When do you open?"]).await;
    }
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn a_hint_is_told_to_the_model_and_no_kept_answer_takes_its_place() {
    let server = server("At nine.", "stop").await;
    let shelf = shelf();
    let question = "When do you open?";
    let mut first = call(&server, Some(shelf.clone()));
    answer(&mut first, &[question]).await;
    let hint = Line {
        speaker: Speaker::Whisper,
        heard: String::new(),
        ..line("We open late today.")
    };
    let mut second = call(&server, Some(shelf));
    answer_to(&mut second, &[hint, line(question)]).await;
    let asked = server.received_requests().await.unwrap();
    let told = |number: usize| String::from_utf8(asked[number].body.clone()).unwrap();
    assert_eq!(asked.len(), 2);
    assert!(!told(0).contains("Hint"), "{}", told(0));
    let second = told(1);
    assert!(
        second.contains("(Hint: We open late today.) When do you open?")
            && second.contains("the caller did not hear it"),
        "{second}"
    );
}

#[tokio::test]
async fn what_a_call_has_coloured_is_not_kept() {
    let server = server("At nine, Bob.", "stop").await;
    let shelf = shelf();
    let said = ["My name is Bob.", "When do you open?"];
    answer(&mut call(&server, Some(shelf.clone())), &said).await;
    answer(&mut call(&server, Some(shelf)), &["When do you open?"]).await;
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_not_kept() {
    let server = server("At nine and", "length").await;
    let shelf = shelf();
    for _ in 0..2 {
        answer(
            &mut call(&server, Some(shelf.clone())),
            &["When do you open?"],
        )
        .await;
    }
    assert_eq!(requests(&server).await, 2);
}
