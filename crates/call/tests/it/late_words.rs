use ringback_call::{Event, Firmness, Scope, Words};

use crate::world::{World, conversing};

fn flushed(text: &str) -> Event {
    Event::Heard(Words {
        text: text.into(),
        confidence: 900,
        firmness: Firmness::Flushed,
        scope: Scope::Segment,
        complete: false,
    })
}

fn capped() -> World {
    let mut world = conversing(&["First.", "Second."]);
    world.stt_ms = None;
    world.interim(3700, "tell me a", 600);
    world
}

#[test]
fn final_words_that_come_after_the_cap_replace_the_interim_ones_if_nothing_was_said_yet() {
    let mut world = capped();
    // The cap is at 5300, the first sample of the reply would be sent at 5560.
    world.at(5400, flushed("tell me a story")).run(9000);
    assert_eq!(
        world.asked(),
        ["Answer: tell me a", "Answer: tell me a story"]
    );
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn final_words_that_come_while_the_reply_is_heard_change_nothing() {
    let mut world = capped();
    world.at(5900, flushed("tell me a story")).run(9000);
    assert_eq!(world.asked(), ["Answer: tell me a"]);
    assert!(world.clears().is_empty());
}

#[test]
fn final_words_that_come_twice_are_one_turn() {
    let mut world = conversing(&["First.", "Second."]);
    world.at(4600, flushed("tell me a story")).run(9000);
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
}

#[test]
fn words_after_speech_that_had_none_are_a_turn() {
    let mut world = conversing(&["First."]);
    world.stt_ms = Some(1800);
    world.run(9000);
    // No words came by 5300: the speech lasted 800 ms, so nothing was asked; they come at 5820.
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
}
