use ringback_call::{EndCause, Event, Outcome};

use crate::world::{World, answer, calling, conversing, greeting};

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

#[test]
fn a_line_that_was_heard_to_its_end_is_not_interrupted_by_a_hang_up_in_the_silence_after_it() {
    let mut world = conversing(&[]);
    let mut stalls = answer("I will tell you this first. ");
    stalls.done = None;
    world.answers = vec![stalls];
    world.at(7500, Event::HungUp).run(8000);
    let report = world.call.report();
    let line = report.lines.last().unwrap();
    assert_eq!(line.heard, "I will tell you this first.");
    assert!(!line.cut);
    // 27 characters at 14 a second.
    let spoken = line.until.ms_since(line.from);
    assert!((1850..=1940).contains(&spoken), "{spoken} ms");
    assert_eq!(report.yields, 0);
}

#[test]
fn a_hang_up_in_the_middle_of_words_ends_the_line_there_and_takes_no_floor() {
    let mut world = conversing(&["There was a king who had three sons and a very large garden."]);
    world.at(7000, Event::HungUp).run(7500);
    let report = world.call.report();
    let line = report.lines.last().unwrap();
    assert!(line.heard.len() < line.said.len());
    assert!(!line.cut);
    let until = line.until.ms();
    // Up to the beginning of a pause between words.
    assert!((6800..=7000).contains(&until), "{until}");
    assert_eq!(report.yields, 0);
}

#[test]
fn a_caller_who_takes_the_floor_interrupts_the_line_where_it_was_heard_last() {
    let mut world = conversing(&["There was a king who had three sons and a very large garden."]);
    world.speech(7000, 1500, "no wait please").run(9500);
    let report = world.call.report();
    let mut lines = report.lines.iter().rev();
    let line = lines.find(|line| line.said.starts_with("There")).unwrap();
    assert!(line.cut);
    assert_eq!(report.yields, 1);
    // What was sent when the speech began is heard, and no more than that.
    let until = line.until.ms();
    assert!((6900..=7300).contains(&until), "{until}");
}
