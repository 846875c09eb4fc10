use insta::assert_snapshot;
use ringback_call::{CallSpec, Direction};

use crate::world::{World, greeting};

#[test]
fn the_greeting_is_spoken_when_the_call_is_answered() {
    let mut world = World::answered(greeting("Hello! Thank you for calling. How can I help?"));
    world.run(5000);
    assert_snapshot!(world.story());
    assert!(world.carrier.longest_gap(1) == 0);
}

#[test]
fn without_a_greeting_the_responder_opens() {
    let mut world = World::answered(CallSpec::new(Direction::Outbound));
    world.run(3000);
    assert_eq!(world.asked(), ["Opening: "]);
    assert_eq!(world.conversation(), "Agent: All right.");
}
