use ringback_call::{AnsweredBy, Call, Event, Party, ReplyId, TurnId, Usage};

use crate::world::{World, answer, calling, conversing, failing, greeting};

fn tokens(input: u64, output: u64) -> Usage {
    Usage {
        requests: 1,
        input_tokens: input,
        output_tokens: output,
        ..Usage::of(Party::Responder, "a", "some-model")
    }
}

fn used(reply: u32, usage: Usage) -> Event {
    Event::Used {
        reply: Some(ReplyId(reply)),
        usage,
    }
}

fn of_turn(call: &Call, turn: u32) -> Vec<Usage> {
    let report = call.report();
    let entries = report.usage.iter();
    let own = entries.filter(|entry| entry.turn == TurnId(turn));
    own.map(|entry| entry.usage.clone()).collect()
}

#[test]
fn the_stages_of_a_turn_follow_one_another_to_what_the_carrier_acknowledged() {
    let mut world = conversing(&["There was a king. He had three sons."]);
    world.run(9000);
    let turn = &world.call.report().turns[0];
    let stages = [
        Some(turn.last_sound),
        turn.finalized,
        turn.words,
        Some(turn.ended),
        turn.text,
        turn.clause,
        turn.speech,
        turn.audible,
        turn.acknowledged,
    ];
    let stages = stages.map(|at| at.unwrap().0);
    assert!(stages.is_sorted(), "{stages:?}");
    // To the carrier and back 40 ms each.
    assert_eq!(
        turn.acknowledged.unwrap().0 - turn.audible.unwrap().0,
        80_000
    );
}

#[test]
fn without_a_mark_nothing_is_acknowledged() {
    let mut world = conversing(&["There was a king."]);
    world.carrier.dead_from = 3000;
    world.run(5500);
    let turn = &world.call.report().turns[0];
    assert!(turn.audible.is_some());
    assert_eq!(turn.acknowledged, None);
}

#[test]
fn the_clause_of_a_speculative_reply_is_the_turns() {
    let mut spec = greeting("Go ahead.");
    spec.turn.speculate = true;
    let mut world = World::answered(spec);
    world.answers = vec![answer("We close at nine.")];
    world.speech(2000, 1200, "what are your hours").run(8000);
    let turn = &world.call.report().turns[0];
    assert!(turn.clause.unwrap() < turn.ended);
}

#[test]
fn what_was_used_counts_for_the_turn_that_it_answered_though_it_is_told_later() {
    let mut world = conversing(&["One.", "Two."]);
    world.speech(8000, 800, "and then").run(12_000);
    let replies: Vec<u32> = world
        .call
        .lines()
        .iter()
        .filter_map(|line| line.reply.map(|reply| reply.0))
        .collect();
    assert_eq!(replies.len(), 3);
    world
        .at(12_001, used(replies[1], tokens(100, 9)))
        .at(12_002, used(replies[1], tokens(50, 1)))
        .at(12_003, used(replies[2], tokens(7, 7)))
        .at(12_004, used(replies[0], tokens(3, 3)))
        .run(12_100);
    let call = &world.call;
    assert_eq!(of_turn(call, 0), [tokens(3, 3)]);
    let both = Usage {
        requests: 2,
        ..tokens(150, 10)
    };
    assert_eq!(of_turn(call, 1), [both]);
    assert_eq!(of_turn(call, 2), [tokens(7, 7)]);
}

#[test]
fn a_reply_that_was_asked_for_in_vain_costs_its_turn() {
    let mut spec = greeting("Go ahead.");
    spec.turn.speculate = true;
    let mut world = World::answered(spec);
    world.answers = vec![answer("We close at nine."), answer("At six.")];
    world
        .speech(2000, 1200, "what are your hours")
        .speech(3650, 900, "on sundays")
        .at(3640, used(2, tokens(10, 1)))
        .run(9000);
    assert_eq!(world.call.report().turns.len(), 1);
    assert_eq!(of_turn(&world.call, 1), [tokens(10, 1)]);
}

#[test]
fn what_has_no_reply_counts_for_the_last_turn_and_what_comes_after_the_end_counts_too() {
    let mut world = conversing(&["One."]);
    let audio = |ms| Usage {
        audio_ms: ms,
        ..Usage::of(Party::Stt, "b", "another")
    };
    let heard = |ms| Event::Used {
        reply: None,
        usage: audio(ms),
    };
    world
        .at(100, heard(100))
        .at(6000, heard(5900))
        .at(9000, Event::HungUp)
        .at(9500, heard(3000))
        .run(9600);
    assert_eq!(of_turn(&world.call, 0), [audio(100)]);
    assert_eq!(of_turn(&world.call, 1), [audio(8900)]);
}

#[test]
fn what_was_used_goes_along_to_where_the_call_goes_on() {
    let mut world = conversing(&["One."]);
    world.at(500, used(1, tokens(3, 3))).run(9000);
    let snapshot = world.call.snapshot();
    let call = Call::restore(world.call.spec().clone(), snapshot);
    assert_eq!(of_turn(&call, 0), [tokens(3, 3)]);
}

#[test]
fn a_call_of_a_tool_has_its_times() {
    let mut world = World::answered(greeting("Go ahead."));
    world.answers = vec![crate::world::calling("", &["look"]), answer("Here it is.")];
    world.tools.insert("look", (700, "found", false));
    world.speech(2000, 800, "look it up").run(9000);
    let tool = world.call.report().tools[0].clone();
    assert_eq!(tool.until.unwrap().ms_since(tool.from), 700);
}

#[test]
fn the_wait_for_an_apology_is_the_turns() {
    let mut world = conversing(&[]);
    world.answers = vec![failing(3000)];
    world.run(12_000);
    let turn = &world.call.report().turns[0];
    let said = world.times(|action| matches!(action, ringback_call::Action::Speak { .. }));
    // The voice takes 60 ms, and the carrier 40 ms each way.
    let audible = turn.audible.unwrap();
    assert_eq!(audible.ms(), said[1] + 60);
    assert_eq!(turn.answered_by, Some(AnsweredBy::Apology));
    assert_eq!(turn.acknowledged.unwrap().ms_since(audible), 80);
    assert_eq!(turn.speech, None);
}

#[test]
fn the_wait_for_a_filler_is_the_turns_and_the_speech_of_the_reply_comes_later() {
    let mut spec = greeting("Go ahead.");
    spec.lines.tool_wait = vec!["One moment, please.".into()];
    let mut world = World::answered(spec);
    world.answers = vec![calling("", &["look"]), answer("Here it is.")];
    world.tools.insert("look", (4000, "found", false));
    world.speech(2000, 800, "look it up").run(12_000);
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.answered_by, Some(AnsweredBy::Filler));
    let from = turn.last_sound;
    assert!(
        (1500..1700).contains(&turn.audible.unwrap().ms_since(from)),
        "{turn:?}"
    );
    assert!(turn.acknowledged < turn.speech, "{turn:?}");
}

#[test]
fn a_reply_is_what_a_turn_was_answered_by_and_no_later_line_is() {
    let mut world = conversing(&["There was a king."]);
    world.carrier.dead_from = 3000;
    world.run(9000);
    world.carrier.dead_from = u64::MAX / 2000;
    world.run(30_000);
    assert!(world.conversation().matches("Agent: ").count() > 2);
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.answered_by, Some(AnsweredBy::Reply));
    assert_eq!(turn.acknowledged, None);
}
