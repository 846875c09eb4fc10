use crate::world::conversing;
use ringback_call::{Action, At, Call, Event};

#[test]
fn the_same_events_give_the_same_actions() {
    let mut world = conversing(&["There was a king who had three sons and a garden."]);
    world
        .speech(6000, 400, "uh huh")
        .speech(8000, 900, "stop it")
        .run(15_000);
    let recorded: Vec<(At, Event)> =
        serde_json::from_str(&serde_json::to_string(&world.events).unwrap()).unwrap();
    let mut call = Call::new(world.call.spec().clone());
    let mut actions = Vec::new();
    for (at, event) in &recorded {
        call.handle(*at, event);
        while let Some(action) = call.poll_action() {
            actions.push((at.ms(), action));
        }
    }
    assert!(actions.len() > 100);
    assert_eq!(actions, world.actions);
    let text = serde_json::to_string(&actions).unwrap();
    let back: Vec<(u64, Action)> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, actions);
}
