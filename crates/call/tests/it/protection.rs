use insta::assert_snapshot;
use ringback_call::{Note, Protection};

use crate::world::{World, conversing, greeting};

const HELLO: &str =
    "Hello and thank you for calling the company, this call may be recorded for training.";

#[test]
fn a_short_hello_in_the_first_second_of_the_greeting_changes_nothing() {
    let mut world = World::answered(greeting(HELLO));
    world.speech(200, 500, "hello").run(9000);
    assert!(world.clears().is_empty());
    assert!(world.asked().is_empty());
    assert_eq!(world.conversation(), format!("Agent: {HELLO}"));
}

#[test]
fn speech_that_goes_on_after_the_first_second_counts_as_an_onset_then() {
    let mut world = World::answered(greeting(HELLO));
    world.speech(300, 2500, "I have a complaint").run(7000);
    assert_snapshot!(world.story());
    let held = world.notes(|note| matches!(note, Note::Held { .. }));
    // The first sample is sent at 60 ms.
    assert_eq!(held, [1060]);
    assert_eq!(world.clears(), [1060]);
    assert_eq!(world.asked(), ["Answer: I have a complaint"]);
}

#[test]
fn a_whole_protected_greeting_is_heard_to_its_end() {
    let mut spec = greeting(HELLO);
    spec.protect_greeting = Protection::Whole;
    let mut world = World::answered(spec);
    world.speech(300, 2500, "who is this").run(9000);
    assert!(world.clears().is_empty());
    assert_eq!(world.carrier.longest_gap(1), 0);
    assert_eq!(world.conversation(), format!("Agent: {HELLO}"));
}

#[test]
fn speech_that_lasts_beyond_a_whole_protected_greeting_is_a_turn() {
    let mut spec = greeting("This is a recorded line.");
    spec.protect_greeting = Protection::Whole;
    let mut world = World::answered(spec);
    world.speech(1000, 2000, "yes I know").run(6000);
    assert!(world.clears().is_empty());
    assert_eq!(world.asked(), ["Answer: yes I know"]);
}

#[test]
fn a_greeting_that_is_not_spoken_yet_is_protected_until_its_first_second_was_heard() {
    let mut world = World::answered(greeting(HELLO));
    world.voice.first_ms = 1500;
    world.speech(1000, 3500, "hello is there anybody").run(8000);
    assert_eq!(world.clears(), [2500]);
}

#[test]
fn the_first_250_ms_of_a_reply_cannot_be_interrupted() {
    let mut world = conversing(&["There was a king who had three sons and a garden."]);
    world.run(4900);
    let audible = world.call.report().turns[0].audible.unwrap().ms();
    let mut world = conversing(&["There was a king who had three sons and a garden."]);
    world.speech(audible - 20, 2000, "no wait please").run(9000);
    let protected = world.notes(|note| matches!(note, Note::Protected { .. }));
    assert_eq!(protected, [audible + 76]);
    let held = world.notes(|note| matches!(note, Note::Held { .. }));
    assert_eq!(held, [audible + 250]);
    assert_eq!(world.asked().len(), 2);
}
