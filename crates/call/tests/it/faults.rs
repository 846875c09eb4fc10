use insta::assert_snapshot;
use ringback_call::{EndCause, Event, Fault, FaultKind, Intent, Note, Party};

use crate::world::{Speech, World, answer, conversing, failing};

fn fault(party: Party) -> Event {
    Event::Fault(Fault {
        party,
        kind: FaultKind::Unreachable,
        detail: "connection reset".into(),
    })
}

#[test]
fn a_responder_that_says_nothing_in_time_is_apologised_for_and_the_third_time_ends_the_call() {
    let mut world = conversing(&[]);
    let mut silent = answer("");
    silent.texts.clear();
    silent.done = None;
    world.answers = vec![silent.clone(), silent.clone(), silent];
    world
        .speech(13_000, 600, "hello again")
        .speech(24_000, 600, "anybody")
        .run(45_000);
    assert_snapshot!(world.story());
    let overdue = world.notes(|note| matches!(note, Note::Overdue { .. }));
    assert_eq!(overdue.len(), 3);
    assert!(world.conversation().ends_with("Goodbye."));
    assert_eq!(world.end().unwrap().2, EndCause::Fault);
}

#[test]
fn a_reply_that_was_heard_clears_the_count_of_failures() {
    let mut world = conversing(&[]);
    world.answers = vec![failing(100), answer("Fine."), failing(100)];
    world
        .speech(9000, 600, "one")
        .speech(14_000, 600, "two")
        .run(19_000);
    assert_eq!(
        world.conversation().matches("something went wrong").count(),
        2
    );
    assert!(world.end().is_none());
}

#[test]
fn the_fallback_of_the_scenario_follows_the_third_failure() {
    let mut world = conversing(&[]);
    let mut spec = world.call.spec().clone();
    spec.fallback = Intent::Transfer("front desk".into());
    world = World::answered(spec);
    let mut failing = answer("");
    failing.fails = Some(100);
    failing.done = None;
    world.answers = vec![failing.clone(), failing.clone(), failing];
    world
        .speech(3000, 600, "one")
        .speech(9000, 600, "two")
        .run(14_000);
    assert!(world.end().is_none());
    world.speech(15_000, 600, "three").run(30_000);
    let (_, intent, cause) = world.end().unwrap();
    assert_eq!(intent, Intent::Transfer("front desk".into()));
    assert_eq!(cause, EndCause::Fault);
}

#[test]
fn a_responder_that_stops_half_way_is_apologised_for() {
    let mut world = conversing(&[]);
    let mut half = answer("There was a king. He");
    half.done = None;
    world.answers = vec![half];
    world.run(20_000);
    assert_eq!(
        world
            .notes(|note| matches!(note, Note::Overdue { .. }))
            .len(),
        1
    );
    assert!(
        world
            .conversation()
            .contains("Agent: There was a king.\nAgent: I am sorry")
    );
}

#[test]
fn a_voice_that_stops_half_way_is_named() {
    let mut world = conversing(&["There was a king. He had three sons."]);
    world.voice.speech = vec![Speech::Good, Speech::Good, Speech::Hangs, Speech::Good];
    world.run(20_000);
    let report = world.call.report();
    assert_eq!(report.faults[0].party, Party::Tts);
    assert!(world.conversation().contains("I am sorry"));
}

#[test]
fn a_piece_in_which_there_is_nothing_to_say_is_nobodys_fault_and_no_line() {
    use Speech::{Good, Unsayable};
    for speech in [
        [Good, Unsayable, Good, Good],
        [Good, Good, Unsayable, Good],
        [Good, Good, Good, Unsayable],
    ] {
        let mut world = conversing(&["One is first. Two is next. Three is last."]);
        world.voice.speech = speech.to_vec();
        world.run(14_000);
        let report = world.call.report();
        assert_eq!(report.faults, [], "{}", world.timeline);
        let told = world.conversation();
        for (word, speech) in ["One", "Two", "Three"].iter().zip(&speech[1..]) {
            assert_eq!(told.contains(word), *speech == Good, "{told}");
        }
        assert!(!told.contains("I am sorry"));
    }
}

#[test]
fn a_reply_in_which_there_is_nothing_to_say_is_its_writers_fault() {
    let mut world = conversing(&["Short."]);
    world.voice.speech = vec![Speech::Good, Speech::Unsayable, Speech::Good];
    world.run(12_000);
    let report = world.call.report();
    assert_eq!(report.faults[0].party, Party::Responder);
    assert!(world.conversation().contains("I am sorry"));
}

#[test]
fn a_voice_that_is_silent_is_at_fault() {
    for speech in [Speech::Silent, Speech::Nothing] {
        let mut world = conversing(&["Short."]);
        world.voice.speech = vec![Speech::Good, speech, Speech::Good];
        world.run(12_000);
        assert!(
            world
                .call
                .report()
                .faults
                .iter()
                .all(|fault| fault.party == Party::Tts)
        );
        assert!(
            !world.conversation().contains("Short."),
            "{}",
            world.timeline
        );
        assert!(world.conversation().contains("I am sorry"));
    }
}

#[test]
fn a_voice_that_cannot_speak_the_apology_either_ends_the_call() {
    let mut world = conversing(&["Short."]);
    world.voice.speech = vec![Speech::Good, Speech::Fails];
    world.run(12_000);
    assert_eq!(world.end().unwrap().2, EndCause::Fault);
}

#[test]
fn a_recogniser_that_fails_three_times_ends_the_call_with_an_apology() {
    let mut world = conversing(&[]);
    for ms in [6000, 7000, 8000] {
        world.at(ms, fault(Party::Stt));
    }
    world.run(20_000);
    assert!(world.conversation().contains("I am sorry"));
    assert_eq!(world.end().unwrap().2, EndCause::Fault);
}

#[test]
fn a_recorder_that_fails_changes_nothing() {
    let mut world = conversing(&["Fine."]);
    world.at(6000, fault(Party::Recorder)).run(9000);
    assert!(world.end().is_none());
    assert_eq!(world.call.report().faults.len(), 1);
}

#[test]
fn a_carrier_that_fails_ends_the_call_even_while_it_rings() {
    let mut world = World::new(crate::world::greeting("Hello."));
    world.at(10, fault(Party::Carrier)).run(100);
    assert_eq!(world.end().unwrap().2, EndCause::Fault);
}

#[test]
fn a_responder_that_fails_after_its_text_was_whole_does_no_harm() {
    let mut world = conversing(&["There was a king."]);
    world.at(5500, fault(Party::Responder)).run(10_000);
    assert!(world.conversation().ends_with("Agent: There was a king."));
}

#[test]
fn after_an_apology_the_answer_to_the_question_that_was_heard_is_expected() {
    let mut world = conversing(&[]);
    let mut question = answer("Key four digits.");
    question.expect.keys = 4;
    world.answers = vec![question];
    world.voice.speech = vec![Speech::Good, Speech::Fails, Speech::Good];
    world.run(8000);
    assert_eq!(world.call.snapshot().expect, ringback_call::Expect::OPEN);
}
