//! Streams of every kind, in virtual time.

use std::io;
use std::time::Duration;

use futures_util::stream;
use reqwest::{Body, Response};
use ringback_call::FaultKind::{self, Misbehaved, Refused, Unreachable};
use ringback_call::{Party, Usage};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::http;

use super::super::answer::{First, Writer};
use super::super::{Api, FIRST, Finish, Tab, Wrote};
use super::model;
use crate::provider::Failure;

/// So long nothing comes: the body stays open.
const OPEN: (u64, &str) = (3_600_000, "");

struct Told {
    wrote: Vec<Wrote>,
    result: Result<(), Failure>,
    used: Usage,
    lasted: u128,
}

impl Told {
    fn text(&self) -> String {
        let texts = self.wrote.iter().filter_map(|wrote| match wrote {
            Wrote::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    fn end(&self) -> &Finish {
        match self.wrote.last() {
            Some(Wrote::End(finish)) => finish,
            other => panic!("{other:?}, {:?}", self.result),
        }
    }

    fn calls(&self) -> Vec<(&str, &str, &str)> {
        let calls = self.wrote.iter().filter_map(|wrote| match wrote {
            Wrote::Call {
                id,
                name,
                arguments,
            } => Some((id.as_str(), name.as_str(), arguments.as_str())),
            _ => None,
        });
        calls.collect()
    }

    fn failure(&self) -> (FaultKind, &str) {
        let failure = self.result.as_ref().unwrap_err();
        (failure.kind, &failure.detail)
    }
}

/// Reads a body of which each piece comes so many ms after the last one.
async fn hear_typed(api: Api, kind: &str, pieces: Vec<(u64, Vec<u8>)>) -> Told {
    let body = stream::unfold(pieces.into_iter(), |mut pieces| async {
        let (wait, piece) = pieces.next()?;
        sleep(Duration::from_millis(wait)).await;
        Some((Ok::<_, io::Error>(piece), pieces))
    });
    let response = http::Response::builder()
        .header("content-type", kind)
        .body(Body::wrap_stream(body))
        .unwrap();
    let start = Instant::now();
    let first = First {
        at: start + FIRST,
        bound: FIRST,
    };
    let mut wrote = Vec::new();
    let mut write = |more| wrote.push(more);
    let model = model("http://localhost/v1", api);
    let (tell, mut used) = mpsc::unbounded_channel();
    let tab = Tab::new(move |usage| tell.send(usage).unwrap());
    let writer = Writer::new(&mut write, tab.send("a-model", 400));
    let result = model.read(Response::from(response), writer, first).await;
    let used = used.try_recv().unwrap();
    let lasted = start.elapsed().as_millis();
    Told {
        wrote,
        result,
        used,
        lasted,
    }
}

async fn hear(api: Api, pieces: &[(u64, &str)]) -> Told {
    let pieces = pieces.iter();
    let pieces = pieces.map(|(wait, text)| (*wait, text.as_bytes().to_vec()));
    hear_typed(api, "text/event-stream", pieces.collect()).await
}

async fn chat(pieces: &[(u64, &str)]) -> Told {
    hear(Api::Chat, pieces).await
}

async fn responses(pieces: &[(u64, &str)]) -> Told {
    hear(Api::Responses, pieces).await
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn delta(fields: &str) -> String {
    event(&format!(
        r#"{{"choices":[{{"index":0,"delta":{{{fields}}},"finish_reason":null}}]}}"#
    ))
}

fn says(text: &str) -> String {
    delta(&format!(r#""content":"{text}""#))
}

fn finished(reason: &str) -> String {
    event(&format!(
        r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
    ))
}

fn usage() -> String {
    event(
        r#"{"choices":[],"usage":{"prompt_tokens":210,"completion_tokens":14,"prompt_tokens_details":{"cached_tokens":128}}}"#,
    )
}

fn used(input: u64, cached: u64, output: u64) -> Usage {
    Usage {
        requests: 1,
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        ..Usage::of(Party::Responder, "openai", "a-model")
    }
}

const DONE: &str = "data: [DONE]\n\n";

#[tokio::test(start_paused = true)]
async fn words_are_handed_on_as_they_come_then_the_cost_then_the_end() {
    let role = delta(r#""role":"assistant","content":"""#);
    let rest = finished("stop") + &usage() + DONE;
    let pieces = [
        (100, role.as_str()),
        (200, &says("Friday ")),
        (50, &says("at nine.")),
        (50, &rest),
    ];
    let told = chat(&pieces).await;
    let expected = [
        Wrote::Began,
        Wrote::Text("Friday ".into()),
        Wrote::Text("at nine.".into()),
        Wrote::End(Finish::Stop),
    ];
    assert_eq!(told.wrote, expected);
    assert_eq!(told.used, used(210, 128, 14));
    assert_eq!((told.result, told.lasted), (Ok(()), 400));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_does_not_count_is_estimated_by_its_characters() {
    let estimated = |output| Usage {
        estimated: true,
        ..used(100, 0, output)
    };
    let whole = says("Friday at nine.") + &finished("stop") + DONE;
    assert_eq!(chat(&[(1, &whole)]).await.used, estimated(4));
    let broken = says("Friday at ");
    assert_eq!(chat(&[(1, &broken)]).await.used, estimated(3));
    let stalled = chat(&[(1, broken.as_str()), OPEN]).await;
    assert_eq!(stalled.used, estimated(3));
    let thought = delta(r#""reasoning":"They want to come.""#) + &finished("stop") + DONE;
    assert_eq!(chat(&[(1, &thought)]).await.used, estimated(5));
    let counted = finished("stop") + &usage() + DONE;
    let wordless = chat(&[(1, &counted)]).await;
    assert!(wordless.result.is_err());
    assert_eq!(wordless.used, used(210, 128, 14));
    let spoken = spoken(0, "Friday at nine.") + &ended("completed", "");
    assert_eq!(responses(&[(1, &spoken)]).await.used, estimated(4));
}

#[tokio::test(start_paused = true)]
async fn another_answer_to_the_same_question_is_not_spoken_too() {
    let other = event(r#"{"choices":[{"index":1,"delta":{"content":"Or no."}}]}"#);
    let whole = says("Yes.") + &other + &finished("stop") + DONE;
    assert_eq!(chat(&[(10, &whole)]).await.text(), "Yes.");
}

#[tokio::test(start_paused = true)]
async fn bytes_may_be_cut_anywhere() {
    let whole = says("Für ") + &says("Müller „neun“.") + &finished("stop") + DONE;
    let bytes = whole.bytes().map(|byte| (0, vec![byte])).collect();
    let told = hear_typed(Api::Chat, "text/event-stream", bytes).await;
    assert_eq!(told.text(), "Für Müller „neun“.");
    assert_eq!(told.end(), &Finish::Stop);
}

#[tokio::test(start_paused = true)]
async fn the_first_word_is_waited_for_and_nothing_but_a_word_counts() {
    let role = delta(r#""role":"assistant","content":"""#);
    let thought = delta(r#""reasoning":"Hm.""#);
    let blank = says("\\n ");
    let pieces = [
        (300, role.as_str()),
        (300, ": still here\n\n"),
        (300, &thought),
        (300, &blank),
        (600, &says("Late.")),
    ];
    let told = chat(&pieces).await;
    let late = "openai did not begin its answer within 1500 ms";
    assert_eq!(told.failure(), (Unreachable, late));
    assert_eq!((told.lasted, told.wrote.len()), (1500, 0));
    assert!(told.result.unwrap_err().passing);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_begins_counts_as_a_first_word() {
    let begun = delta(r#""tool_calls":[{"index":0,"id":"a","function":{"name":"look"}}]"#);
    let more = delta(r#""tool_calls":[{"index":0,"function":{"arguments":"{}"}}]"#);
    let rest = finished("tool_calls") + DONE;
    let told = chat(&[(1400, begun.as_str()), (3000, &more), (100, &rest)]).await;
    assert_eq!(told.wrote[0], Wrote::Began);
    assert_eq!(told.calls(), [("a", "look", "{}")]);
    assert_eq!(told.end(), &Finish::Calls);
}

#[tokio::test(start_paused = true)]
async fn four_seconds_without_a_word_in_the_middle_are_a_stall() {
    let comment = ": still here\n\n";
    let pieces = [
        (100, says("One")),
        (3900, says(" two")),
        (2000, comment.to_owned()),
        (1999, comment.to_owned()),
        (10_000, says(" three.")),
    ];
    let pieces: Vec<_> = pieces
        .iter()
        .map(|(at, text)| (*at, text.as_str()))
        .collect();
    let told = chat(&pieces).await;
    let stalled = "openai did not go on with its answer within 4000 ms";
    assert_eq!(told.failure(), (Unreachable, stalled));
    assert_eq!((told.text().as_str(), told.lasted), ("One two", 8000));
}

#[tokio::test(start_paused = true)]
async fn an_error_within_the_stream_ends_it_by_its_kind() {
    let check = |error: &str| {
        let error = event(error);
        async move {
            let told = chat(&[(100, &says("Well")), (100, &error), OPEN]).await;
            assert_eq!(told.wrote.len(), 2, "began and said");
            told.result.unwrap_err()
        }
    };
    let overload = check(r#"{"error":{"message":"Overloaded.","type":"server_error"}}"#).await;
    assert_eq!(overload.kind, Misbehaved);
    assert_eq!(overload.detail, "openai broke off its answer: Overloaded.");
    let quota = check(r#"{"error":{"message":"Pay.","code":"insufficient_quota"}}"#).await;
    assert_eq!((quota.kind, quota.passing), (Refused, false));
    let busy = check(r#"{"error":"too many","code":429}"#).await;
    assert_eq!(busy.detail, "openai broke off its answer: too many");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_short_or_no_answer_is_misbehaviour() {
    let cut = chat(&[(10, &says("Friday at"))]).await;
    let early = "openai broke off its answer before its end";
    assert_eq!(cut.failure(), (Misbehaved, early));
    let in_half = chat(&[(10, r#"data: {"choices":[{"ind"#)]).await;
    assert_eq!(in_half.failure().0, Misbehaved);
    let garbage = chat(&[(10, "data: \u{1}\u{2}garbage\n\n"), OPEN]).await;
    assert_eq!((garbage.failure().0, garbage.lasted), (Misbehaved, 10));
    let page = chat(&[(10, "<html>Welcome to nginx!</html>")]).await;
    assert_eq!(page.failure(), (Misbehaved, early));
    let nothing = chat(&[]).await;
    assert_eq!(nothing.failure(), (Misbehaved, early));
    let line = "x".repeat(3 << 20);
    let endless = chat(&[(10, &line), OPEN]).await;
    assert_eq!((endless.failure().0, endless.lasted), (Misbehaved, 10));
}

#[tokio::test(start_paused = true)]
async fn json_in_place_of_a_stream_is_told_if_it_is_an_error_and_never_quoted_otherwise() {
    let json = |body: &str| {
        let pieces = vec![(10, body.as_bytes().to_vec())];
        hear_typed(Api::Chat, "Application/JSON; charset=utf-8", pieces)
    };
    let told = json(r#"{"error":{"message":"The model is loading.","type":"server_error"}}"#).await;
    let loading = "openai broke off its answer: The model is loading.";
    assert_eq!(told.failure(), (Misbehaved, loading));
    let told = json(r#"{"choices":[{"message":{"content":"My number is 555"}}]}"#).await;
    let plain = "openai answered without a stream";
    assert_eq!(told.failure(), (Misbehaved, plain));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_said_why_it_ended_needs_nothing_more() {
    let whole = says("Yes.") + &finished("stop");
    let closed = chat(&[(10, &whole)]).await;
    assert_eq!((closed.end(), closed.lasted), (&Finish::Stop, 10));
    let left_open = chat(&[(10, &whole), OPEN]).await;
    assert_eq!((left_open.end(), left_open.lasted), (&Finish::Stop, 260));
    let on_and_on = chat(&[(10, &whole), (200, &usage()), (200, &usage()), OPEN]).await;
    assert_eq!(on_and_on.lasted, 260);
    let only_done = chat(&[(10, &(says("Yes.") + DONE)), OPEN]).await;
    assert_eq!(only_done.end(), &Finish::Stop);
}

#[tokio::test(start_paused = true)]
async fn words_after_a_reason_to_end_are_not_lost() {
    let early = r#"{"choices":[{"delta":{"content":"One"},"finish_reason":"stop"}]}"#;
    let told = chat(&[(10, &event(early)), (100, &says(" two.")), (100, DONE)]).await;
    assert_eq!(
        (told.text().as_str(), told.end()),
        ("One two.", &Finish::Stop)
    );
}

#[tokio::test(start_paused = true)]
async fn endless_words_are_cut_and_not_one_more_character_is_handed_on() {
    let many = says(&"ä".repeat(999));
    let pieces = vec![(1, many.as_str()); 1000];
    let told = chat(&pieces).await;
    assert_eq!(told.text().chars().count(), 20_000);
    assert_eq!((told.end(), told.lasted), (&Finish::Cut, 21));
}

#[tokio::test(start_paused = true)]
async fn endless_arguments_and_endless_thoughts_are_cut_too() {
    let long = "x".repeat(999);
    let call = delta(&format!(
        r#""tool_calls":[{{"index":0,"id":"a","function":{{"name":"look","arguments":"{long}"}}}}]"#
    ));
    let told = chat(&vec![(1, call.as_str()); 1000]).await;
    assert_eq!((told.end(), told.calls().len()), (&Finish::Cut, 1));
    let thought = says(&format!("<think>{long}"));
    let told = chat(&vec![(1, thought.as_str()); 1000]).await;
    let wordless = "openai wrote without end and without a word";
    assert_eq!(told.failure(), (Misbehaved, wordless));
}

#[tokio::test(start_paused = true)]
async fn pictures_and_marks_alone_are_no_answer_and_before_a_word_they_wait_for_it() {
    for text in ["😀😀👍", "... *** ...", "¿"] {
        let whole = says(text) + &finished("stop") + DONE;
        let failure = chat(&[(10, &whole)]).await.result.unwrap_err();
        assert_eq!(failure.detail, "openai ended its answer without a word");
        assert!(failure.passing);
    }
    let (mark, word) = (says(" ¿"), says("Qué? 😀") + &finished("stop") + DONE);
    let told = chat(&[(10, &mark), (20, &word)]).await;
    assert_eq!(told.text(), "¿Qué? 😀");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_word_is_a_failure_that_says_why() {
    let check = |reason: &str| {
        let whole = says(" \\n") + &finished(reason) + DONE;
        async move { chat(&[(10, &whole)]).await.result.unwrap_err() }
    };
    let stop = check("stop").await;
    assert_eq!((stop.kind, stop.passing), (Misbehaved, true));
    assert_eq!(stop.detail, "openai ended its answer without a word");
    assert!(check("length").await.detail.contains("used up its tokens"));
    let held = check("content_filter").await;
    assert_eq!((held.kind, held.of_request), (Refused, true));
}

#[tokio::test(start_paused = true)]
async fn thoughts_are_not_spoken_wherever_their_marks_are_cut() {
    let pieces = [
        "<th",
        "ink>The caller wants",
        " Friday.</thi",
        "nk>\\n\\nFri",
        "day, a <",
        "b.",
    ];
    let whole: String = pieces.iter().map(|piece| says(piece)).collect();
    let told = chat(&[(10, &(whole + &finished("stop") + DONE))]).await;
    assert_eq!(told.text(), "Friday, a <b.");
}

#[tokio::test(start_paused = true)]
async fn calls_come_together_from_servers_that_leave_out_index_and_name_of_the_call() {
    let pieces = [
        r#""tool_calls":[{"id":"a","function":{"name":"look","arguments":"{\"d"}}]"#,
        r#""tool_calls":[{"function":{"arguments":"ay\":1}"}}]"#,
        r#""tool_calls":[{"id":"b","function":{"name":"book","arguments":"{}"}}]"#,
    ];
    let whole: String = pieces.iter().map(|piece| delta(piece)).collect();
    let told = chat(&[(10, &(whole + &finished("stop") + DONE))]).await;
    let calls = [("a", "look", r#"{"day":1}"#), ("b", "book", "{}")];
    assert_eq!(told.calls(), calls);
    assert_eq!(told.end(), &Finish::Calls, "whatever the server says");

    let nameless = delta(r#""tool_calls":[{"function":{"name":"look","arguments":{"day":1}}}]"#);
    let whole = nameless + &finished("stop") + DONE;
    let (one, two) = (chat(&[(1, &whole)]).await, chat(&[(1, &whole)]).await);
    assert_eq!(one.calls()[0].2, r#"{"day":1}"#);
    assert_ne!(
        one.calls()[0].0,
        two.calls()[0].0,
        "made up, differently each time"
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_json_are_handed_on_as_they_are() {
    let call = delta(
        r#""tool_calls":[{"index":0,"id":"a","function":{"name":"look","arguments":"{day: Friday"}}]"#,
    );
    let told = chat(&[(1, &(call + &finished("tool_calls") + DONE))]).await;
    assert_eq!(told.calls(), [("a", "look", "{day: Friday")]);
}

fn spoken(item: u32, text: &str) -> String {
    event(&format!(
        r#"{{"type":"response.output_text.delta","item_id":"m","output_index":{item},"content_index":0,"delta":"{text}"}}"#
    ))
}

fn ended(kind: &str, fields: &str) -> String {
    event(&format!(
        r#"{{"type":"response.{kind}","response":{{"id":"r","status":"{kind}","output":[]{fields}}}}}"#
    ))
}

const CALLED: &str = r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_d4","name":"free_slots","arguments":"{\"day\":1}","status":"completed"}}"#;

#[tokio::test(start_paused = true)]
async fn responses_are_read_with_their_calls_and_their_cost() {
    let created = ended("created", "");
    let cost = r#","usage":{"input_tokens":220,"input_tokens_details":{"cached_tokens":128},"output_tokens":16}"#;
    let whole = spoken(0, "One moment.") + &spoken(1, "Friday.") + &event(CALLED);
    let done = ended("completed", cost);
    let told = responses(&[(10, created.as_str()), (10, &whole), (10, &done), OPEN]).await;
    assert_eq!(told.text(), "One moment. Friday.");
    assert_eq!(told.calls(), [("call_d4", "free_slots", r#"{"day":1}"#)]);
    assert_eq!(told.used, used(220, 128, 16));
    assert_eq!(told.end(), &Finish::Calls);
}

#[tokio::test(start_paused = true)]
async fn responses_that_end_otherwise_say_how() {
    let said = spoken(0, "Friday");
    let check = |end: String| {
        let said = said.clone();
        async move { responses(&[(10, said.as_str()), (10, &end)]).await }
    };
    let reason = |word| format!(r#","incomplete_details":{{"reason":"{word}"}}"#);
    let length = check(ended("incomplete", &reason("max_output_tokens"))).await;
    assert_eq!(length.end(), &Finish::Length);
    let held = check(ended("incomplete", &reason("content_filter"))).await;
    assert_eq!(held.end(), &Finish::Filtered);
    let error = r#","error":{"code":"rate_limit_exceeded","message":"Slow down."}"#;
    let failed = check(ended("failed", error)).await;
    let slow = "openai broke off its answer: Slow down.";
    assert_eq!(failed.failure(), (Unreachable, slow));
    let error = r#"{"type":"error","code":"server_error","message":"Oops.","param":null}"#;
    let failed = check(event(error)).await;
    assert_eq!(failed.failure().0, Misbehaved);
    let cut = check(String::new()).await;
    let early = "openai broke off its answer before its end";
    assert_eq!(cut.failure(), (Misbehaved, early));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_calls_begins_with_the_call_and_not_with_thoughts() {
    let thought = event(r#"{"type":"response.reasoning_text.delta","delta":"Hm."}"#);
    let added = event(
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_d4","name":"free_slots","arguments":""}}"#,
    );
    let rest = event(CALLED) + &ended("completed", "");
    let told = responses(&[(1000, thought.as_str()), (400, &added), (3000, &rest)]).await;
    assert_eq!((told.end(), told.lasted), (&Finish::Calls, 4400));
    let late = responses(&[(1000, thought.as_str()), (600, &added)]).await;
    assert_eq!((late.failure().0, late.lasted), (Unreachable, 1500));
}
