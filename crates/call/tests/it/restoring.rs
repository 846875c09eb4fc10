use ringback_call::{Action, Call, Event, Snapshot};

use crate::world::{World, conversing, greeting};

fn last_checkpoint(world: &World) -> Snapshot {
    let found = world
        .actions
        .iter()
        .rev()
        .find_map(|(_, action)| match action {
            Action::Checkpoint(snapshot) => Some((**snapshot).clone()),
            _ => None,
        });
    found.unwrap()
}

fn restored(world: &World, snapshot: Snapshot) -> World {
    let text = serde_json::to_string(&snapshot).unwrap();
    let back: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(back, snapshot);
    World::around(Call::restore(world.call.spec().clone(), back))
}

#[test]
fn a_restored_call_says_its_last_line_again_and_goes_on() {
    let mut before = conversing(&["There was a king."]);
    before.run(9000);
    let mut world = restored(&before, last_checkpoint(&before));
    world.at(0, Event::Answered { marks: true });
    world.speech(3000, 600, "and then").run(6000);
    assert_eq!(
        world.conversation(),
        "Agent: Hello, how can I help?\nCaller: tell me a story\nAgent: There was a king.\n\
         Agent: There was a king.\nCaller: and then\nAgent: All right."
    );
    let turns = world.times(|action| matches!(action, Action::Respond { turn, reply, .. } if turn.0 == 2 && reply.0 == 4));
    assert_eq!(turns.len(), 1);
}

#[test]
fn a_call_restored_while_an_answer_was_due_asks_for_it_again() {
    let mut before = conversing(&["There was a king."]);
    before.run(4600);
    let mut world = restored(&before, before.call.snapshot());
    world.at(0, Event::Answered { marks: true }).run(3000);
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
}

#[test]
fn the_time_that_was_spent_counts_for_the_longest_duration() {
    let mut spec = greeting("Hello.");
    spec.turn.max_call_s = 10;
    let mut before = World::answered(spec);
    before.run(7000);
    before.at(7001, Event::Wake).run(7002);
    let mut world = restored(&before, before.call.snapshot());
    world.at(0, Event::Answered { marks: true }).run(20_000);
    let (ms, ..) = world.end().unwrap();
    assert!((2999..6000).contains(&ms), "{ms}");
}
