use insta::assert_snapshot;
use ringback_call::{EndCause, Event, Intent};

use crate::world::{World, greeting};

fn quiet() -> World {
    let mut spec = greeting("Hello.");
    spec.lines.idle = vec!["Are you still there?".into(), "Hello?".into()];
    World::answered(spec)
}

#[test]
fn a_silent_caller_is_asked_twice_and_then_the_call_ends_after_a_goodbye() {
    let mut world = quiet();
    world.run(60_000);
    assert_snapshot!(world.story());
    let (_, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Idle));
}

#[test]
fn a_caller_who_answers_is_asked_afresh_the_next_time() {
    let mut world = quiet();
    world.speech(13_000, 500, "I am here").run(30_000);
    let prompts = world.conversation().matches("Are you still there?").count();
    assert_eq!(prompts, 2, "{}", world.conversation());
    assert!(world.end().is_none());
}

#[test]
fn without_lines_the_responder_is_asked_to_fill_the_silence() {
    let mut world = World::answered(greeting("Hello."));
    world.run(13_000);
    assert_eq!(world.asked(), ["Silence: "]);
}

#[test]
fn the_longest_silence_ends_the_call() {
    let mut spec = greeting("Hello.");
    spec.max_silence_s = 5;
    let mut world = World::answered(spec);
    world
        .at(3000, Event::Digit('1'))
        .speech(6000, 7000, "a long monologue")
        .run(40_000);
    let (ms, _, cause) = world.end().unwrap();
    assert_eq!(cause, EndCause::Idle);
    // Silence counts from the end of the answer, which ended at about 15.3 s.
    assert!((20_000..24_500).contains(&ms), "{ms}");
}
