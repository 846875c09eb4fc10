use insta::assert_snapshot;
use ringback_call::{EndCause, Intent};

use crate::world::{World, answer, conversing};

fn saying_goodbye() -> World {
    let mut world = conversing(&[]);
    let mut goodbye = answer("Thank you for your time, have a nice day and goodbye.");
    goodbye.intent = Intent::HangUp;
    world.answers = vec![goodbye, answer("Of course, tomorrow at nine.")];
    world
}

#[test]
fn the_call_ends_when_the_goodbye_was_heard() {
    let mut world = saying_goodbye();
    world.run(20_000);
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Responder));
    assert_eq!(ms, world.carrier.last_heard(2) + 40);
}

#[test]
fn an_interrupted_goodbye_does_not_end_the_call() {
    let mut world = saying_goodbye();
    world
        .speech(6500, 1000, "wait one more question")
        .run(18_000);
    assert_snapshot!(world.story());
    assert!(world.end().is_none());
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn a_goodbye_with_an_uh_huh_in_it_still_ends_the_call() {
    let mut world = saying_goodbye();
    world.speech(6500, 350, "okay").run(20_000);
    assert_eq!(world.end().unwrap().2, EndCause::Responder);
}

#[test]
fn a_transfer_follows_the_sentence_that_announces_it() {
    let mut world = conversing(&[]);
    let mut transfer = answer("One moment please.");
    transfer.intent = Intent::Transfer("desk".into());
    world.answers = vec![transfer];
    world.run(20_000);
    let (ms, intent, _) = world.end().unwrap();
    assert_eq!(intent, Intent::Transfer("desk".into()));
    assert!(ms >= world.carrier.last_heard(2));
}
