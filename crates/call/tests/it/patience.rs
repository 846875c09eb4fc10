//! A turn was over late, and its answer is not there in time: the caller is asked for patience.

use ringback_call::{AnsweredBy, CallSpec, Note, TurnReport};

use crate::world::{Answer, World, answer, failing, greeting};

const PATIENCE: &str = "One moment, please.";
const SORRY: &str = "I am sorry, something went wrong on our side.";

/// A call whose recogniser takes so long to give its words, in ms, and whose responder begins so long after the question, or
/// fails after 1500 ms. The caller's last sound is at 2800 ms.
fn late(words_ms: u64, text: Option<(u64, &str)>) -> World {
    waiting(greeting("Go ahead."), words_ms, text)
}

fn waiting(mut spec: CallSpec, words_ms: u64, text: Option<(u64, &str)>) -> World {
    spec.lines.tool_wait = vec![PATIENCE.into()];
    let mut world = World::answered(spec);
    world.stt_ms = Some(words_ms);
    world.answers = vec![Answer {
        texts: text
            .iter()
            .map(|(ms, text)| (*ms, (*text).to_owned()))
            .collect(),
        done: text.map(|(ms, _)| ms + 10),
        fails: text.is_none().then_some(1500),
        ..answer("")
    }];
    world.speech(2000, 800, "when do you open");
    world.run(14_000);
    world
}

fn turn(world: &World) -> TurnReport {
    world.call.report().turns[0].clone()
}

fn waited(world: &World) -> u64 {
    let turn = turn(world);
    turn.audible.unwrap().ms_since(turn.last_sound)
}

#[test]
fn who_waits_for_late_words_and_then_for_the_answer_is_asked_for_patience_before_two_seconds_are_over()
 {
    let world = late(1000, Some((1400, "We open at nine.")));
    assert!((1800..2000).contains(&waited(&world)), "{}", waited(&world));
    assert_eq!(turn(&world).answered_by, Some(AnsweredBy::Filler));
    let said = world.conversation();
    assert!(
        said.ends_with(&format!("Agent: {PATIENCE} We open at nine.")),
        "{said}"
    );
    // The times of the reply are those of what the responder wrote.
    let TurnReport {
        ended,
        text,
        clause,
        speech,
        ..
    } = turn(&world);
    let text = text.unwrap();
    assert_eq!(text.ms_since(ended), 1400);
    assert!(clause.unwrap() >= text && speech.unwrap() > clause.unwrap());
}

#[test]
fn an_apology_comes_behind_the_line_that_asked_for_patience_and_not_into_it() {
    let world = late(1000, None);
    assert!((1800..2000).contains(&waited(&world)), "{}", waited(&world));
    let said = world.conversation();
    let whole = format!("Agent: {PATIENCE} {SORRY}");
    assert!(said.ends_with(&whole), "{said}");
    assert!(world.clears().is_empty());
    assert_eq!(world.call.report().faults.len(), 1);
}

#[test]
fn replies_that_fail_behind_such_a_line_end_the_call_as_others_do() {
    let mut world = late(1000, None);
    world.answers = vec![failing(1500); 3];
    for from in [15_000, 25_000, 35_000] {
        world.speech(from, 800, "hello");
    }
    world.run(60_000);
    let said = world.conversation();
    assert!(said.contains(&format!("{PATIENCE} {SORRY}")), "{said}");
    assert!(world.end().is_some(), "{said}");
    assert!(world.call.report().turns.len() <= 3, "{said}");
}

#[test]
fn nobody_is_asked_for_patience_who_is_answered_in_time() {
    for (words_ms, text) in [
        (100, Some((900, "We open at nine."))),
        (1000, Some((300, "We open at nine."))),
    ] {
        let said = late(words_ms, text).conversation();
        assert!(
            said.ends_with("Agent: We open at nine."),
            "{words_ms} {text:?}: {said}"
        );
    }
}

#[test]
fn a_responder_that_was_asked_while_the_pause_ran_has_failed_in_time() {
    let mut spec = greeting("Go ahead.");
    spec.turn.speculate = true;
    let world = waiting(spec, 100, None);
    assert!(waited(&world) < 2000, "{}", waited(&world));
    let said = world.conversation();
    assert!(said.ends_with(&format!("Agent: {SORRY}")), "{said}");
}

#[test]
fn who_speaks_into_the_line_that_asks_for_patience_is_heard() {
    let mut world = late(1000, None);
    world.answers = vec![
        answer(""),
        Answer {
            texts: vec![(4000, "We open at nine.".into())],
            done: Some(4010),
            ..answer("")
        },
        answer("On Sundays we are closed."),
    ];
    world.speech(20_000, 800, "and on weekdays");
    // The line is said from 22.5 s on.
    world.speech(22_800, 1200, "or rather on sundays");
    world.run(40_000);
    let said = world.conversation();
    assert!(
        said.contains("Caller: or rather on sundays\nAgent: On Sundays we are closed."),
        "{said}"
    );
    assert!(!said.contains("We open"), "{said}");
    let overdue = world.notes(|note| matches!(note, Note::Overdue { .. }));
    assert!(overdue.is_empty());
}
