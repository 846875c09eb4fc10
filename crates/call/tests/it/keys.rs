use insta::assert_snapshot;
use ringback_call::{Event, Expect, Form};

use crate::world::{World, greeting};

fn asking(keys: u8) -> World {
    let mut spec = greeting("Your number?");
    spec.expect = Expect {
        form: Form::Digits,
        keys,
    };
    World::answered(spec)
}

fn key(world: &mut World, from: u64, keys: &str) {
    for (nth, key) in (0..).zip(keys.chars()) {
        world.at(from + nth * 300, Event::Digit(key));
    }
}

#[test]
fn the_wanted_number_of_keys_ends_the_turn() {
    let mut world = asking(4);
    key(&mut world, 2000, "1234");
    world.run(2901);
    assert_snapshot!(world.story());
    assert_eq!(world.asked(), ["Answer: 1234"]);
}

#[test]
fn the_hash_key_ends_the_turn() {
    let mut world = asking(0);
    key(&mut world, 2000, "12#");
    world.run(2601);
    assert_eq!(world.asked(), ["Answer: 12"]);
}

#[test]
fn a_pause_ends_the_keys() {
    let mut world = asking(0);
    key(&mut world, 2000, "12");
    world.run(3499);
    assert!(world.asked().is_empty());
    world.run(3500);
    assert_eq!(world.asked(), ["Answer: 12"]);
}

#[test]
fn keys_during_speech_are_one_turn_with_it() {
    let mut world = asking(2);
    world.speech(2000, 900, "it is four two");
    key(&mut world, 2300, "4");
    world.run(5000);
    assert_eq!(world.asked().len(), 1);
    assert!(world.asked()[0].ends_with('4'), "{:?}", world.asked());
}

#[test]
fn a_key_after_all_keys_corrects_them_while_nothing_is_answered() {
    let mut world = asking(1);
    key(&mut world, 2000, "12");
    world.voice.first_ms = 800;
    world.run(6000);
    assert_eq!(world.asked(), ["Answer: 1", "Answer: 2"]);
    assert_eq!(world.call.lines().len(), 3);
}

#[test]
fn what_is_no_key_is_ignored() {
    let mut world = asking(0);
    key(&mut world, 2000, "x\u{0}é");
    world.run(6000);
    assert!(world.asked().is_empty());
}

#[test]
fn keys_survive_a_noise_before_they_are_answered() {
    let mut world = asking(2);
    world.voice.first_ms = 900;
    key(&mut world, 2000, "42");
    world.speech(2400, 200, "").run(8000);
    assert_eq!(world.asked().last().unwrap(), "Answer: 42");
}
