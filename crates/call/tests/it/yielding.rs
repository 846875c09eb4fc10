use insta::assert_snapshot;
use ringback_call::{Action, Event, Firmness, Note, Scope, Words, YieldCause};

use crate::world::{World, conversing};

const LONG: &str = "There was a king who had three sons and a very large garden with apple trees of gold and a lake.";

fn yields(world: &World) -> Vec<(u64, YieldCause)> {
    let cause = |(ms, action): &(u64, Action)| match action {
        Action::Note(Note::Yielded { cause }) => Some((*ms, *cause)),
        _ => None,
    };
    world.actions.iter().filter_map(cause).collect()
}

#[test]
fn a_word_that_is_no_backchannel_takes_the_floor() {
    let mut world = conversing(&[LONG, "Which one?"]);
    world.speech(7000, 500, "stop please").run(11_000);
    assert_snapshot!(world.story());
    assert_eq!(yields(&world), [(7790, YieldCause::Word)]);
    assert_eq!(
        world.asked(),
        ["Answer: tell me a story", "Answer: stop please"]
    );
}

#[test]
fn a_sure_interim_takes_the_floor_and_an_unsure_one_does_not() {
    let mut world = conversing(&[LONG]);
    world
        .speech(7000, 600, "stop")
        .interim(7300, "stop", 300)
        .interim(7400, "stop", 700)
        .run(11_000);
    assert_eq!(yields(&world), [(7400, YieldCause::Word)]);
}

#[test]
fn one_uncertain_word_does_not_take_the_floor() {
    let mut world = conversing(&[LONG]);
    world
        .speech(7000, 400, "")
        .at(
            7560,
            Event::Heard(Words {
                text: "but".to_owned(),
                confidence: 10,
                firmness: Firmness::Flushed,
                scope: Scope::Turn,
                complete: false,
            }),
        )
        .run(11_000);
    assert_eq!(yields(&world), []);
    assert_eq!(
        world.notes(|note| matches!(note, Note::Resumed { .. })),
        [7560]
    );
}

#[test]
fn speech_of_700_ms_takes_the_floor() {
    let mut world = conversing(&[LONG]);
    world
        .speech(7000, 1500, "and what about the lake")
        .run(12_000);
    assert_snapshot!(world.story());
    assert_eq!(yields(&world), [(7732, YieldCause::Span)]);
}

#[test]
fn a_key_takes_the_floor_at_once() {
    let mut world = conversing(&[LONG]);
    world.at(7000, Event::Digit('1')).run(10_000);
    assert_eq!(yields(&world), [(7000, YieldCause::Key)]);
    assert_eq!(world.clears(), [7000]);
    assert_eq!(world.asked(), ["Answer: tell me a story", "Answer: 1"]);
}

#[test]
fn the_third_interruption_takes_the_floor() {
    let mut world = conversing(&[&format!("{LONG} {LONG}")]);
    world
        .speech(6000, 300, "uh huh")
        .speech(8000, 300, "okay")
        .speech(10_000, 300, "right")
        .run(16_000);
    let resumed = world.notes(|note| matches!(note, Note::Resumed { .. }));
    assert_eq!(resumed.len(), 2);
    assert_eq!(yields(&world), [(10_232, YieldCause::Resumes)]);
    assert_eq!(world.asked().last().unwrap(), "Answer: right");
}

#[test]
fn speech_that_nobody_calls_prolonged_is_decided_1300_ms_after_its_onset() {
    let mut world = conversing(&[LONG]);
    let onset = ringback_call::Ear(7000 * 8);
    let edge = ringback_call::Edge::Onset;
    world
        .at(
            7096,
            Event::Ear {
                edge,
                sample: onset,
            },
        )
        .run(10_000);
    assert_eq!(yields(&world), [(8300, YieldCause::Verdict)]);
}

#[test]
fn what_was_heard_before_the_cut_is_kept_as_heard() {
    let mut world = conversing(&[LONG]);
    world
        .speech(7000, 1500, "and what about the lake")
        .run(12_000);
    let line = &world.call.lines()[2];
    assert!(line.cut);
    assert!(line.said.starts_with(&line.heard));
    // Of 14 characters a second the caller heard about 2.1 s.
    let heard = line.heard.chars().count();
    assert!((24..=34).contains(&heard), "{}", line.heard);
}
