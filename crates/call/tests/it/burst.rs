use insta::assert_snapshot;
use ringback_call::Note;

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
