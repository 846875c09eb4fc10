use insta::assert_snapshot;
use ringback_call::{Ear, Edge, Event, Note};

use crate::world::conversing;

const STORY: &str =
    "There was a king who had three sons and a very large garden with apple trees. That is all.";

#[test]
fn a_burst_holds_the_reply_and_lets_it_go_without_a_clear_or_a_gap() {
    for start in (6000..6060).step_by(7) {
        let mut world = conversing(&[STORY]);
        world.speech(start, 150, "").run(13_000);
        assert_eq!(
            world.notes(|note| matches!(note, Note::Held { .. })),
            [start + 96]
        );
        assert_eq!(
            world.notes(|note| matches!(note, Note::Released { .. })),
            [start + 290]
        );
        assert!(world.clears().is_empty());
        let gap = world.carrier.longest_gap(2);
        assert!(gap <= 60, "{gap} ms at {start}");
        assert_eq!(world.asked().len(), 1);
    }
}

#[test]
fn a_burst_in_a_reply_reads_so() {
    let mut world = conversing(&[STORY]);
    world.speech(6000, 150, "").run(13_000);
    assert_snapshot!(world.story());
}

#[test]
fn words_found_in_a_burst_after_it_was_let_go_are_no_turn() {
    let mut world = conversing(&[STORY]);
    world
        .speech(6000, 150, "")
        .interim(6500, "stop", 900)
        .run(14_000);
    assert_eq!(world.asked().len(), 1);
    assert!(world.clears().is_empty());
}

/// Edges, each with the ms when it is found and the ms it is about.
fn edges(found: &[(u64, Edge, u64)]) -> impl Iterator<Item = (u64, Event)> {
    found.iter().map(|&(at, edge, about)| {
        let sample = Ear(about * 8);
        (at, Event::Ear { edge, sample })
    })
}

/// In noise the first syllable ends before the model is sure that it spans enough, and the next begins at once.
#[test]
fn speech_found_sustained_in_a_lull_clears_when_the_caller_goes_on() {
    let mut world = conversing(&[STORY]);
    let found = [
        (6096, Edge::Onset, 6000),
        (6316, Edge::Lull, 6190),
        (6376, Edge::Sustained, 6360),
        (6396, Edge::Resumed, 6330),
        (6700, Edge::Offset, 6600),
    ];
    for (at, event) in edges(&found) {
        world.at(at, event);
    }
    world.run(13_000);
    assert_eq!(
        world.notes(|note| matches!(note, Note::Released { .. })),
        [6316]
    );
    assert_eq!(world.clears(), [6396]);
}

#[test]
fn speech_found_prolonged_in_a_lull_takes_the_floor_when_the_caller_goes_on() {
    let mut world = conversing(&[STORY]);
    let found = [
        (6096, Edge::Onset, 6000),
        (6316, Edge::Lull, 6190),
        (6706, Edge::Prolonged, 6690),
        (6726, Edge::Resumed, 6680),
        (7200, Edge::Offset, 7100),
    ];
    for (at, event) in edges(&found) {
        world.at(at, event);
    }
    world.run(13_000);
    assert_eq!(
        world.notes(|note| matches!(note, Note::Yielded { .. })),
        [6726]
    );
}
