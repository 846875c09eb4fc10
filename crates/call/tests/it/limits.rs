use insta::assert_snapshot;
use ringback_call::{EndCause, Event, Intent};

use crate::world::{World, conversing, greeting};

fn limited(seconds: u32) -> World {
    let mut spec = greeting("Hello, how can I help?");
    spec.turn.max_call_s = seconds;
    World::answered(spec)
}

#[test]
fn at_the_longest_duration_the_sentence_that_is_heard_is_the_last() {
    let mut world = limited(7);
    world.answers = vec![crate::world::answer(
        "There was a king who had three sons. They lived far away. They were happy.",
    )];
    world.speech(3000, 800, "tell me a story").run(20_000);
    assert_snapshot!(world.story());
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Duration));
    assert!(
        ms >= world.carrier.last_heard(2),
        "the last sentence was cut"
    );
    assert!(world.clears().is_empty());
}

#[test]
fn at_the_longest_duration_in_silence_a_goodbye_is_said() {
    let mut world = limited(7);
    world.run(20_000);
    assert_eq!(
        world.conversation(),
        "Agent: Hello, how can I help?\nAgent: Thank you for calling. Goodbye."
    );
    assert_eq!(world.end().unwrap().2, EndCause::Duration);
}

#[test]
fn while_the_caller_speaks_the_longest_duration_still_ends_the_call() {
    let mut world = limited(7);
    world.speech(5000, 30_000, "on and on").run(20_000);
    let (ms, ..) = world.end().unwrap();
    assert!(ms < 11_000);
}

#[test]
fn what_a_call_may_cost_ends_it_after_the_sentence_that_is_heard() {
    let mut world = conversing(&["There was a king who had three sons. They lived far away."]);
    world.at(6000, Event::Spent).run(20_000);
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Cost));
    assert!(ms >= world.carrier.last_heard(2));
}

#[test]
fn what_a_call_may_cost_ends_it_with_a_goodbye_where_nothing_is_said() {
    let mut world = limited(60);
    world.at(6000, Event::Spent).run(20_000);
    assert_eq!(
        world.conversation(),
        "Agent: Hello, how can I help?\nAgent: Thank you for calling. Goodbye."
    );
    assert_eq!(world.end().unwrap().2, EndCause::Cost);
}

#[test]
fn finish_lets_the_sentence_end_that_is_being_heard() {
    let mut world = conversing(&["There was a king who had three sons. They lived far away."]);
    world.at(6000, Event::Finish).run(20_000);
    let (ms, _, cause) = world.end().unwrap();
    assert_eq!(cause, EndCause::Finish);
    assert!(ms >= world.carrier.last_heard(2));
    assert!(
        world
            .conversation()
            .ends_with("Agent: There was a king who had three sons.")
    );
}

#[test]
fn finish_before_the_answer_ends_the_call_at_once() {
    let mut world = World::new(greeting("Hello."));
    world.at(10, Event::Finish).run(1000);
    assert_eq!(world.end().unwrap(), (10, Intent::HangUp, EndCause::Finish));
}

#[test]
fn a_closing_sentence_that_is_never_spoken_holds_the_call_up_for_a_bound_time_only() {
    let mut world = limited(7);
    world.voice.speech = vec![crate::world::Speech::Good, crate::world::Speech::Hangs];
    world.run(60_000);
    assert_eq!(world.end().unwrap().0, 11_000);
}
