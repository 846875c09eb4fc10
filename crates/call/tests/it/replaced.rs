//! A recogniser that takes the place of one that was lost hears the turn again.

use ringback_call::{AnsweredBy, Event, Fault, FaultKind, Firmness, Party, Scope, Words};

use crate::world::{World, answer, greeting};

const ALL: &str = "hello I would like to order a large pizza";

fn replaced() -> Event {
    Event::Replaced(Fault {
        party: Party::Stt,
        kind: FaultKind::Misbehaved,
        detail: "takes audio and answers nothing".into(),
    })
}

fn again(text: &str, firmness: Firmness) -> Event {
    Event::Heard(Words {
        text: text.into(),
        confidence: 900,
        firmness,
        scope: Scope::Turn,
        complete: false,
    })
}

/// Somebody speaks for 3 s, and the recogniser is replaced 620 ms after the last sound.
fn long_turn() -> World {
    let mut world = World::answered(greeting("Go ahead."));
    world.stt_ms = None;
    world.speech(2000, 3000, "").at(5620, replaced());
    world
}

/// Three short words, of which the last is no sustained speech.
fn short_turn() -> World {
    let mut world = World::answered(greeting("Go ahead."));
    world.stt_ms = None;
    world.speech(2000, 260, "").speech(2600, 150, "");
    world
}

/// When the caller was asked again, and about what.
fn asked_again(world: &World) -> (u64, Vec<String>) {
    let at = world.times(|action| matches!(action, ringback_call::Action::Respond { .. }));
    (at[0], world.asked())
}

#[test]
fn what_was_said_reaches_the_responder_whole_though_it_is_heard_again_slowly() {
    let mut world = long_turn();
    world
        .at(6200, again("hello", Firmness::Interim))
        .at(6900, again("hello I would like", Firmness::Interim))
        .at(7900, again(ALL, Firmness::Flushed))
        .run(9000);
    assert_eq!(world.asked(), [format!("Answer: {ALL}")]);
}

#[test]
fn one_that_finds_no_words_in_two_seconds_has_the_caller_asked_again() {
    let mut world = long_turn();
    world.run(12_000);
    assert_eq!(asked_again(&world), (7620, vec!["Unclear: ".to_owned()]));
}

#[test]
fn a_part_of_what_was_said_is_no_answer() {
    let mut world = long_turn();
    world
        .at(6200, again("hello", Firmness::Interim))
        .run(12_000);
    assert_eq!(asked_again(&world), (9620, vec!["Unclear: ".to_owned()]));
}

#[test]
fn short_speech_that_was_not_understood_meanwhile_is_asked_about_at_once() {
    let mut world = short_turn();
    world
        .at(3300, replaced())
        .at(3900, again("", Firmness::Flushed))
        .run(12_000);
    assert_eq!(asked_again(&world), (3900, vec!["Unclear: ".to_owned()]));
}

#[test]
fn a_caller_who_goes_on_is_heard_to_their_end() {
    let mut world = long_turn();
    world
        .speech(6000, 2500, "")
        .at(6100, again("hello", Firmness::Flushed))
        .at(9000, again(ALL, Firmness::Flushed))
        .run(12_000);
    assert_eq!(world.asked(), [format!("Answer: {ALL}")]);
}

#[test]
fn speech_of_the_turn_before_that_is_heard_again_is_asked_about_too() {
    // No words came by 4250, which 750 ms of speech are not asked about.
    let mut world = short_turn();
    world
        .at(5000, replaced())
        .at(5600, again("", Firmness::Flushed))
        .run(12_000);
    assert_eq!(asked_again(&world), (6000, vec!["Unclear: ".to_owned()]));

    let mut world = short_turn();
    world
        .at(5000, replaced())
        .at(5600, again("alpha one", Firmness::Flushed))
        .run(12_000);
    assert_eq!(world.asked(), ["Answer: alpha one"]);

    // A noise is not.
    let mut world = World::answered(greeting("Go ahead."));
    world.stt_ms = None;
    world
        .speech(2000, 150, "")
        .at(5000, replaced())
        .at(5600, again("", Firmness::Flushed))
        .run(11_000);
    assert!(world.asked().is_empty());
}

const PATIENCE: &str = "One moment, please.";

/// As [`long_turn`], with a line that asks for patience.
fn patient_turn() -> World {
    let mut spec = greeting("Go ahead.");
    spec.lines.tool_wait = vec![PATIENCE.into()];
    let mut world = World::answered(spec);
    world.stt_ms = None;
    world.answers = vec![answer("A large one.")];
    world.speech(2000, 3000, "").at(5620, replaced());
    world
}

#[test]
fn who_waits_for_a_recogniser_that_hears_again_is_asked_for_patience_and_then_answered() {
    let mut world = patient_turn();
    world
        .at(6200, again("hello", Firmness::Interim))
        .at(6900, again("hello I would like", Firmness::Interim))
        .at(7300, again(ALL, Firmness::Flushed))
        .run(14_000);
    // In the order in which they began.
    let said = world.conversation();
    let order = format!("Caller: {ALL}\nAgent: {PATIENCE}\nAgent: A large one.");
    assert!(said.ends_with(&order), "{said}");
    let turn = &world.call.report().turns[0];
    assert!(
        turn.audible.unwrap().ms_since(turn.last_sound) < 2000,
        "{turn:?}"
    );
    assert_eq!(turn.answered_by, Some(AnsweredBy::Filler));
    assert!(turn.text > turn.audible, "{turn:?}");
    let lines = world.call.lines();
    assert_eq!(lines[2].turn, turn.turn, "{lines:?}");
    assert!(world.clears().is_empty());
}

#[test]
fn words_that_come_before_the_line_is_heard_make_it_needless() {
    let mut world = patient_turn();
    world.at(6500, again(ALL, Firmness::Flushed)).run(12_000);
    let said = world.conversation();
    assert!(
        said.ends_with(&format!("Caller: {ALL}\nAgent: A large one.")),
        "{said}"
    );
}

#[test]
fn who_goes_on_under_the_line_loses_no_word() {
    for (from, length) in [(7000, 150), (7000, 2000)] {
        let mut world = patient_turn();
        let more = format!("{ALL} for tomorrow");
        world
            .at(6800, again("hello I would like", Firmness::Interim))
            .speech(from, length, "")
            .at(from + length + 900, again(&more, Firmness::Flushed))
            .run(from + length + 4000);
        assert_eq!(
            world.asked(),
            [format!("Answer: {more}")],
            "{}",
            world.conversation()
        );
    }
}

#[test]
fn who_is_not_understood_in_the_end_is_asked_for_patience_once_and_then_again() {
    let mut world = patient_turn();
    world.run(14_000);
    let said = world.conversation();
    assert_eq!(said.matches(PATIENCE).count(), 1, "{said}");
    assert_eq!(world.asked(), ["Unclear: "]);
}
