use insta::assert_snapshot;
use ringback_call::{Event, Expect, Firmness, Form, Note, Scope, TurnEnd, Words};

use crate::world::{World, greeting};

fn listening(expect: Expect) -> World {
    let mut spec = greeting("Go ahead.");
    spec.expect = expect;
    World::answered(spec)
}

/// Cause and wait of the first turn.
fn first_turn(world: &World) -> (TurnEnd, u32) {
    let found = world.actions.iter().find_map(|(_, action)| match action {
        ringback_call::Action::Note(Note::Turn {
            cause, waited_ms, ..
        }) => Some((*cause, *waited_ms)),
        _ => None,
    });
    found.unwrap()
}

const YES_NO: Expect = Expect {
    form: Form::Closed,
    keys: 0,
};

#[test]
fn a_plain_turn_is_answered_and_the_answer_is_heard() {
    let mut world = listening(Expect::OPEN);
    world.speech(2000, 1200, "what are your hours").run(6000);
    assert_snapshot!(world.story());
    assert_eq!(first_turn(&world), (TurnEnd::Wait, 700));
}

#[test]
fn a_whole_expected_sentence_ends_the_turn_as_soon_as_it_is_recognised() {
    let mut world = listening(YES_NO);
    world.expected_speech(2000, 400, "yes").run(6000);
    // Asked 220 ms after the last sound, answered 150 ms later: the 250 ms are over by then.
    assert_eq!(first_turn(&world), (TurnEnd::Complete, 370));
}

#[test]
fn a_whole_expected_sentence_waits_at_least_its_own_time() {
    let mut world = listening(YES_NO);
    world.stt_ms = Some(5);
    world.expected_speech(2000, 400, "yes").run(6000);
    assert_eq!(first_turn(&world), (TurnEnd::Complete, 250));
}

#[test]
fn after_a_filler_the_turn_waits_longer() {
    let mut world = listening(Expect::OPEN);
    world.speech(2000, 600, "I would like to").run(6000);
    assert_eq!(first_turn(&world), (TurnEnd::Filler, 1200));
}

#[test]
fn spoken_digits_wait_longer() {
    let mut world = listening(Expect {
        form: Form::Digits,
        keys: 0,
    });
    world.speech(2000, 600, "four two").run(6000);
    assert_eq!(first_turn(&world), (TurnEnd::Filler, 1200));
}

#[test]
fn a_recogniser_that_does_not_answer_is_waited_for_a_second_and_the_reply_is_heard_within_two() {
    let mut world = listening(Expect::OPEN);
    world.stt_ms = None;
    world
        .interim(2500, "my order", 600)
        .speech(2000, 600, "my order")
        .run(6000);
    // It was asked 220 ms after the last sound.
    assert_eq!(first_turn(&world), (TurnEnd::Cap, 1220));
    assert_eq!(world.asked(), ["Answer: my order"]);
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.audible.unwrap().ms_since(turn.last_sound), 1490);
}

#[test]
fn one_that_tells_its_words_for_the_whole_turn_is_waited_for_until_the_cap() {
    let mut world = listening(Expect::OPEN);
    world.stt_ms = None;
    let interim = Words {
        text: "my order".into(),
        confidence: 0,
        firmness: Firmness::Interim,
        scope: Scope::Turn,
        complete: false,
    };
    world
        .at(2500, Event::Heard(interim))
        .speech(2000, 600, "")
        .run(6000);
    assert_eq!(first_turn(&world), (TurnEnd::Cap, 1500));
}

#[test]
fn a_turn_is_over_as_soon_as_its_final_words_come_late() {
    for ms in [500, 700, 990] {
        let mut world = listening(Expect::OPEN);
        world.stt_ms = Some(ms);
        world
            .interim(2500, "my", 600)
            .speech(2000, 600, "my order please")
            .run(6000);
        let waited = u32::try_from(220 + ms).unwrap();
        assert_eq!(first_turn(&world), (TurnEnd::Wait, waited.max(700)));
        assert_eq!(world.asked(), ["Answer: my order please"]);
    }
}

#[test]
fn speech_that_goes_on_after_a_pause_is_one_turn() {
    let mut world = listening(Expect::OPEN);
    world
        .speech(2000, 600, "I want")
        .speech(3100, 600, "a pizza")
        .run(6000);
    assert_eq!(world.asked(), ["Answer: I want a pizza"]);
}

#[test]
fn an_answer_to_an_earlier_question_does_not_end_the_turn_before_the_rest_is_recognised() {
    let mut world = listening(Expect::OPEN);
    world.stt_ms = Some(450);
    // Asked at 2820, answered at 3270: the caller speaks again since 3196.
    world
        .speech(2000, 600, "I want")
        .speech(3100, 600, "a pizza")
        .run(7000);
    assert_eq!(world.asked(), ["Answer: I want a pizza"]);
}

#[test]
fn short_noise_without_words_is_no_turn() {
    let mut world = listening(Expect::OPEN);
    world.speech(2000, 300, "").run(6000);
    assert_eq!(
        world
            .notes(|note| matches!(note, Note::NoWords { .. }))
            .len(),
        1
    );
    assert!(world.asked().is_empty());
}

#[test]
fn a_short_answer_that_was_not_understood_is_asked_about_where_one_was_asked_for() {
    let mut world = listening(YES_NO);
    world.speech(2000, 300, "").run(6000);
    assert_eq!(world.asked(), ["Unclear: "]);
}

#[test]
fn speech_that_was_not_understood_is_in_the_report_and_a_short_noise_is_not() {
    let mut world = listening(YES_NO);
    world.speech(2000, 600, "").run(6000);
    let unclear = world.call.report().unclear;
    let spans: Vec<_> = unclear
        .iter()
        .map(|stretch| (stretch.from.ms(), stretch.until.ms()))
        .collect();
    assert_eq!(spans, [(2000, 2600)]);

    let mut world = listening(YES_NO);
    world.speech(2000, 100, "").run(6000);
    assert!(world.call.report().unclear.is_empty());
}

#[test]
fn long_speech_without_words_is_asked_about() {
    let mut world = listening(Expect::OPEN);
    world.speech(2000, 1500, "").run(6000);
    assert_eq!(world.asked(), ["Unclear: "]);
}
