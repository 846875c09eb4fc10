use ringback_call::{EndCause, Event};

use crate::world::conversing;

#[test]
fn after_a_hang_up_at_any_moment_nothing_more_is_done() {
    for ms in (1..16_000).step_by(53) {
        let mut world =
            conversing(&["There was a king who had three sons and a very large garden."]);
        world
            .speech(6000, 400, "uh huh")
            .speech(7600, 900, "and then what");
        world.at(ms, Event::HungUp).run(20_000);
        let after = world.actions.iter().filter(|(at, _)| *at > ms).count();
        assert_eq!(after, 0, "hung up at {ms}");
        assert!(world.call.is_over());
        assert!(world.call.deadline().is_none());
        let report = world.call.report();
        assert_eq!(report.cause, Some(EndCause::HungUp));
        assert_eq!(report.ended.ms(), ms);
        for line in report.lines {
            assert!(line.said.starts_with(&line.heard));
        }
    }
}

#[test]
fn events_after_a_hang_up_are_ignored() {
    let mut world = conversing(&[]);
    world.at(4000, Event::HungUp).run(4100);
    for event in [
        Event::Answered { marks: true },
        Event::HungUp,
        Event::Finish,
        Event::Wake,
    ] {
        world.at(4200, event);
    }
    world.run(5000);
    assert_eq!(world.call.report().ended.ms(), 4000);
    assert!(world.end().is_none());
}
