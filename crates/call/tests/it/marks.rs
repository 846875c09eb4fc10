use insta::assert_snapshot;
use ringback_call::{Action, EndCause, Event, Mark, Note, PartId, ReplyId};

use crate::world::{World, conversing, greeting};

const LONG: &str = "There was a king who had three sons and a very large garden with apple trees of gold and a lake.";

fn heard_to_its_end(world: &mut World) {
    world.run(14_000);
    assert_eq!(world.carrier.longest_gap(2), 0);
    assert!(
        world.conversation().ends_with("lake."),
        "{}",
        world.timeline
    );
    assert!(world.end().is_none());
}

#[test]
fn marks_that_come_twice_change_nothing() {
    let mut world = conversing(&[LONG]);
    world.carrier.fate = |_| &[0, 90];
    heard_to_its_end(&mut world);
}

#[test]
fn marks_that_come_late_change_nothing() {
    let mut world = conversing(&[LONG]);
    world.carrier.fate = |_| &[600];
    heard_to_its_end(&mut world);
}

#[test]
fn every_third_mark_may_be_lost() {
    let mut world = conversing(&[LONG]);
    world.carrier.fate = |nth| if nth % 3 == 2 { &[] } else { &[0] };
    heard_to_its_end(&mut world);
}

#[test]
fn a_lost_last_mark_is_waited_for_two_seconds_and_the_call_goes_on() {
    let mut world = World::answered(greeting("Hello."));
    world.carrier.fate = |_| &[];
    world.run(9500);
    assert_snapshot!(world.story());
    let model_end = 60 + 440;
    assert_eq!(
        world.times(|action| matches!(action, Action::Checkpoint(_))),
        [model_end + 2000]
    );
    assert!(world.end().is_none());
}

#[test]
fn marks_of_an_old_epoch_of_another_reply_and_unknown_ones_change_nothing() {
    let mut with = conversing(&[LONG]);
    let mut without = conversing(&[LONG]);
    for world in [&mut with, &mut without] {
        world.speech(7000, 400, "uh huh");
    }
    let played = |epoch, reply, part, upto| {
        Event::Marked(Mark::Played {
            epoch,
            reply: ReplyId(reply),
            part: PartId(part),
            upto,
        })
    };
    with.at(5300, played(7, 2, 0, 1600));
    with.at(5300, played(0, 9, 0, 1600));
    with.at(5300, played(0, 2, 3, 1600));
    with.at(5300, Event::Marked(Mark::Cleared(5)));
    with.at(9500, played(0, 2, 0, 1600));
    with.run(16_000);
    without.run(16_000);
    assert_eq!(with.actions, without.actions);
}

#[test]
fn a_carrier_that_stalls_gets_no_more_after_a_second_and_is_at_fault_after_five() {
    let mut world = conversing(&[&format!("{LONG} {LONG}")]);
    world.carrier.dead_from = 6000;
    world.run(20_000);
    let last_send = *world
        .times(|action| matches!(action, Action::Send { .. }))
        .last()
        .unwrap();
    assert!((7000..7500).contains(&last_send), "{last_send}");
    let (ms, _, cause) = world.end().unwrap();
    assert_eq!(cause, EndCause::Fault);
    assert!((10_900..11_300).contains(&ms), "{ms}");
    assert_eq!(
        world
            .notes(|note| matches!(note, Note::Stalled { .. }))
            .len(),
        1
    );
}

#[test]
fn a_carrier_that_stalls_for_three_seconds_gets_the_rest_when_it_is_back() {
    let mut world = conversing(&[LONG]);
    world.carrier.fate = |nth| {
        if (12..16).contains(&nth) {
            &[3000]
        } else {
            &[0]
        }
    };
    world.run(20_000);
    assert!(world.end().is_none());
    assert!(world.conversation().ends_with("lake."));
}

#[test]
fn a_carrier_without_marks_gets_none_and_the_model_says_what_was_heard() {
    let mut world = World::new(greeting(LONG));
    world.at(0, Event::Answered { marks: false });
    world.speech(3000, 1000, "excuse me please").run(12_000);
    assert!(
        world
            .times(|action| matches!(action, Action::Mark(_)))
            .is_empty()
    );
    assert_eq!(world.asked(), ["Answer: excuse me please"]);
    let line = &world.call.lines()[0];
    assert!((36..50).contains(&line.heard.len()), "{}", line.heard);
}

#[test]
fn a_long_reply_without_marks_is_forgotten_as_it_is_heard() {
    let mut world = World::new(greeting(&format!("{LONG} {LONG}")));
    world.at(0, Event::Answered { marks: false });
    world.run(8000);
    assert!(
        !world
            .times(|action| matches!(action, Action::Forget { .. }))
            .is_empty()
    );
}

#[test]
fn the_cut_is_where_the_carrier_was_when_the_clear_arrived() {
    for delay in [10_000, 60_000, 150_000] {
        let mut world = conversing(&[&format!("{LONG} {LONG}")]);
        world.carrier.delay = delay;
        // The first clear measures the round trip, the second uses it.
        world
            .speech(6000, 400, "uh huh")
            .speech(9000, 400, "uh huh")
            .run(9300);
        let muted = world
            .actions
            .iter()
            .rev()
            .find_map(|(_, action)| match action {
                Action::Note(Note::Muted { heard, .. }) => Some(*heard),
                _ => None,
            });
        let truth = world.carrier.heard.last().unwrap().upto();
        let apart = muted.unwrap().abs_diff(truth) / 8;
        assert!(apart <= 40, "{apart} ms at a delay of {delay} us");
    }
}

#[test]
fn no_more_is_sent_ahead_than_the_setting_says_at_any_microsecond() {
    let mut world = World::answered(greeting(LONG));
    world.run(400);
    for nth in 0..3000 {
        // The world checks the lead after each event.
        world.now = world.now.max(400_000 + nth * 333);
        world.hand_in(&Event::Wake);
    }
    let ahead = world.actions.iter().filter_map(|(_, action)| match action {
        Action::Send {
            starts, samples, ..
        } => Some(starts.plus_samples(u64::from(*samples)).0),
        _ => None,
    });
    assert!(ahead.max().unwrap() > world.now + 150_000);
}
