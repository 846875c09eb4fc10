use insta::assert_snapshot;
use ringback_call::{Action, Event, Note};

use crate::world::{World, answer, conversing, greeting};

#[test]
fn a_caller_who_goes_on_before_the_reply_is_spoken_has_one_turn() {
    let mut world = conversing(&["It is open.", "It is closed."]);
    world.answers[0].texts[0].0 = 800;
    world.answers[0].done = Some(810);
    // The turn ended at 4500.
    world.speech(4700, 600, "about a king").run(9000);
    assert_snapshot!(world.story());
    assert_eq!(
        world.asked(),
        [
            "Answer: tell me a story",
            "Answer: tell me a story about a king"
        ]
    );
    let turns = world.times(|action| matches!(action, Action::Respond { turn, .. } if turn.0 == 1));
    assert_eq!(turns.len(), 2);
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn a_reply_of_which_no_word_was_heard_is_taken_back_with_its_turn() {
    let mut world = conversing(&["Unquestionably magnificent stories.", "A king it is."]);
    world.run(4850);
    let audible = world.call.report().turns[0].audible.unwrap().ms();
    let mut world = conversing(&["Unquestionably magnificent stories.", "A king it is."]);
    world
        .speech(audible, 1200, "about a king")
        .interim(audible + 300, "about", 800)
        .run(9000);
    assert_eq!(
        world.asked(),
        [
            "Answer: tell me a story",
            "Answer: tell me a story about a king"
        ],
        "{}",
        world.timeline
    );
    let unheard = world.times(|action| matches!(action, Action::Cancel { heard: false, .. }));
    assert_eq!(unheard.len(), 1);
}

#[test]
fn a_prompt_that_is_not_spoken_yet_gives_way_to_the_caller() {
    let mut spec = greeting("Hello.");
    spec.turn.idle_ms = 2000;
    spec.lines.idle = vec!["Are you there?".into()];
    let mut world = World::answered(spec);
    world.voice.first_ms = 300;
    world.run(2000);
    let mut idle = world.call.deadline().unwrap().0.ms();
    while world
        .notes(|note| matches!(note, Note::Idle { .. }))
        .is_empty()
    {
        world.run(idle);
        idle += 10;
    }
    let asked_at = world.notes(|note| matches!(note, Note::Idle { .. }))[0];
    world
        .speech(asked_at + 30, 600, "I am here")
        .run(asked_at + 3000);
    assert_eq!(world.asked(), ["Answer: I am here"]);
    assert!(!world.conversation().contains("Are you there?"));
}

#[test]
fn a_reopened_turn_expects_what_was_expected_before() {
    let mut world = conversing(&[]);
    let mut question = answer("Please key your number.");
    question.expect.keys = 4;
    question.texts[0].0 = 50;
    question.done = Some(60);
    world.voice.first_ms = 900;
    world.answers = vec![question, answer("Thank you.")];
    world
        .speech(4800, 300, "please")
        .at(5500, Event::Digit('7'))
        .run(9000);
    // Had four keys been expected, the turn would have waited for them; `#` or a pause ends it.
    assert_eq!(
        world.asked().last().unwrap(),
        "Answer: tell me a story please7"
    );
}
