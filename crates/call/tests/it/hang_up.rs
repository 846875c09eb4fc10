use ringback_call::{EndCause, Event, Outcome};

use crate::world::{World, calling, conversing, greeting};

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

/// A call that is hung up while a tool runs, which ends so many ms later.
fn hung_up_on(ms: u64, failed: bool) -> World {
    let mut world = World::answered(greeting("Go ahead."));
    world.answers = vec![calling("", &["book"])];
    world.tools = [("book", (2000 + ms, "booked", failed))].into();
    world.speech(2000, 800, "a table for two").run(5000);
    let tool = &world.call.tools()[0];
    assert_eq!(tool.outcome(), Outcome::Running);
    let from = tool.from.ms();
    world.at(from + 2000, Event::HungUp).run(from + 12_000);
    world
}

#[test]
fn what_came_of_a_tool_after_the_hang_up_is_written_down_and_the_call_had_ended_before() {
    for (failed, outcome) in [(false, Outcome::Answered), (true, Outcome::Failed)] {
        let world = hung_up_on(1500, failed);
        let report = world.call.report();
        let tool = &report.tools[0];
        assert_eq!(tool.outcome(), outcome);
        assert_eq!(tool.result.as_ref().unwrap().text, "booked");
        let until = tool.until.unwrap();
        assert_eq!(until.ms_since(report.ended), 1500);
    }
}

#[test]
fn of_a_tool_that_says_after_the_hang_up_that_its_time_is_over_nothing_is_known() {
    let world = hung_up_on(4000, true);
    assert_eq!(world.call.tools()[0].outcome(), Outcome::Unknown);
}
