use proptest::prelude::*;
use ringback_wire::openai::chat::{
    MAX_ARGUMENT_BYTES, MAX_CALLS, Streamed, TooManyCalls, ToolCall, ToolCallDelta, ToolCalls,
    WithoutThinking, parse,
};

use super::{events, fixture};

fn piece(index: Option<u64>, id: &str, name: &str, arguments: &str) -> ToolCallDelta {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    ToolCallDelta {
        index,
        id: some(id),
        name: some(name),
        arguments: some(arguments),
    }
}

fn gathered(pieces: &[ToolCallDelta]) -> Vec<(String, String, String)> {
    let mut calls = ToolCalls::default();
    for piece in pieces {
        calls.push(piece).unwrap();
    }
    let calls = calls.finish("made_");
    calls
        .into_iter()
        .map(|call| (call.id, call.name, call.arguments))
        .collect()
}

fn check(pieces: &[ToolCallDelta], expected: &[(&str, &str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, name, arguments)| (id.to_string(), name.to_string(), arguments.to_string()))
        .collect();
    assert_eq!(gathered(pieces), expected);
}

#[test]
fn the_pieces_of_the_reference_make_one_call() {
    let mut calls = ToolCalls::default();
    for event in events(fixture!("chat_tool_stream.sse")) {
        if let Streamed::Chunk(chunk) = parse(&event.data).unwrap() {
            for piece in &chunk.choices[0].delta.tool_calls {
                calls.push(piece).unwrap();
            }
        }
    }
    let expected = ToolCall {
        id: "call_b7".to_owned(),
        name: "free_slots".to_owned(),
        arguments: r#"{"day":"2026-11-27"}"#.to_owned(),
    };
    assert_eq!(calls.finish("x"), [expected]);
}

#[test]
fn whole_calls_with_the_same_index_and_objects_as_arguments_are_kept_apart() {
    let Ok(Streamed::Chunk(chunk)) = parse(fixture!("ollama_tool_chunk.json")) else {
        panic!("a chunk");
    };
    check(
        &chunk.choices[0].delta.tool_calls,
        &[
            ("call_x", "free_slots", r#"{"day":"Friday"}"#),
            ("call_y", "end_call", "{}"),
        ],
    );
}

#[test]
fn interleaved_calls_are_told_apart_by_index() {
    check(
        &[
            piece(Some(0), "a", "f", ""),
            piece(Some(1), "b", "g", ""),
            piece(Some(0), "", "", "{\"x\":"),
            piece(Some(1), "", "", "{}"),
            piece(Some(0), "", "", "1}"),
        ],
        &[("a", "f", "{\"x\":1}"), ("b", "g", "{}")],
    );
}

#[test]
fn without_an_index_the_order_of_arrival_counts() {
    check(
        &[
            piece(None, "a", "f", "{\"x\":"),
            piece(None, "", "", "1}"),
            piece(None, "b", "f", "{}"),
        ],
        &[("a", "f", "{\"x\":1}"), ("b", "f", "{}")],
    );
    check(
        &[
            piece(None, "", "f", "{}"),
            piece(None, "", "f", "{}"),
            piece(None, "", "g", ""),
        ],
        &[
            ("made_0", "f", "{}"),
            ("made_1", "f", "{}"),
            ("made_2", "g", "{}"),
        ],
    );
}

#[test]
fn a_server_that_repeats_id_and_name_makes_one_call() {
    let repeated = |arguments| piece(Some(0), "a", "f", arguments);
    check(
        &[repeated("{\"x\":"), repeated("1}"), repeated("")],
        &[("a", "f", "{\"x\":1}")],
    );
    let nameless = |arguments| piece(Some(0), "", "f", arguments);
    check(
        &[nameless("{\"x\":"), nameless("1}"), nameless("")],
        &[("made_0", "f", "{\"x\":1}")],
    );
}

#[test]
fn an_id_that_comes_late_belongs_to_the_call() {
    check(
        &[
            piece(Some(0), "", "f", "{"),
            piece(Some(0), "late", "", "}"),
        ],
        &[("late", "f", "{}")],
    );
}

#[test]
fn calls_and_arguments_without_end_are_an_error() {
    let mut calls = ToolCalls::default();
    for index in 0..MAX_CALLS as u64 {
        calls.push(&piece(Some(index), "", "f", "")).unwrap();
    }
    assert_eq!(
        calls.push(&piece(Some(999), "", "f", "")),
        Err(TooManyCalls)
    );
    let long = "x".repeat(MAX_ARGUMENT_BYTES);
    assert_eq!(calls.push(&piece(Some(0), "", "", &long)), Ok(()));
    assert_eq!(calls.push(&piece(Some(0), "", "", "x")), Err(TooManyCalls));
    assert_eq!(calls.finish("").len(), MAX_CALLS);
}

fn spoken(pieces: &[&str]) -> String {
    let mut filter = WithoutThinking::default();
    let mut spoken: String = pieces.iter().map(|piece| filter.push(piece)).collect();
    spoken.push_str(&filter.finish());
    spoken
}

#[test]
fn thoughts_are_left_out_across_pieces() {
    assert_eq!(
        spoken(&["<th", "ink>secret</thi", "nk>Hello", " <b>"]),
        "Hello <b>"
    );
    assert_eq!(
        spoken(&["a <think>x</think> b <think>never closed"]),
        "a  b "
    );
    assert_eq!(spoken(&["1 <", " 2 <t"]), "1 < 2 <t");
    assert_eq!(spoken(&["</think>x"]), "</think>x");
}

proptest! {
    #[test]
    fn where_thoughts_are_cut_changes_nothing(
        parts in proptest::collection::vec(proptest::sample::select(vec!["<think>", "</think>", "<", "ä", "think>", "/", "a "]), 0..12),
        cuts in proptest::collection::vec(0_usize..60, 0..6),
    ) {
        let text = parts.concat();
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut) && *cut <= text.len()).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        prop_assert_eq!(spoken(&pieces), spoken(&[&text]));
    }
}
