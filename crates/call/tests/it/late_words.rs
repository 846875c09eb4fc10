use proptest::prelude::*;
use ringback_call::{Action, Event, Firmness, Note, Speaker, TurnHint};

use crate::world::{World, answer, conversing, greeting};

/// A turn that was over at 5020 with the words of an interim: its final words did not come within a second.
fn stumped() -> World {
    let mut world = conversing(&["There was a king who had three sons.", "Second."]);
    world.stt_ms = None;
    world.interim(3700, "tell me a", 600);
    world
}

fn mended(world: &World) -> Vec<u64> {
    world.notes(|note| matches!(note, Note::Mended { .. }))
}

#[test]
fn final_words_that_come_before_anything_of_the_reply_is_heard_are_answered_in_place_of_the_interim_ones()
 {
    let mut world = stumped();
    // The first sample of the reply would be sent at 5280.
    world.owed(5150, "tell me a story").run(9000);
    assert_eq!(
        world.asked(),
        ["Answer: tell me a", "Answer: tell me a story"]
    );
    assert_eq!(world.call.report().turns.len(), 1);
    assert!(mended(&world).is_empty());
}

#[test]
fn final_words_that_come_while_the_reply_is_heard_or_after_it_mend_what_is_remembered() {
    for ms in [5900, 7000, 8900] {
        let mut world = stumped();
        world.owed(ms, "tell me a story").run(9500);
        assert_eq!(world.asked(), ["Answer: tell me a"]);
        assert!(world.clears().is_empty(), "the reply goes on");
        assert_eq!(mended(&world), [ms]);
        assert_eq!(
            world.conversation(),
            "Agent: Hello, how can I help?\nCaller: tell me a story\nAgent: There was a king who had three sons."
        );
        let kept = world
            .actions
            .iter()
            .rev()
            .find_map(|(_, action)| match action {
                Action::Checkpoint(snapshot) => Some(snapshot.lines.clone()),
                _ => None,
            });
        assert_eq!(kept.unwrap(), world.call.lines());
    }
}

#[test]
fn final_words_that_come_in_parts_are_put_together_and_shorten_nothing_before_the_last() {
    let mut world = stumped();
    world.owed_part(5900, "tell me", Firmness::Final).run(6000);
    assert!(mended(&world).is_empty());
    world
        .owed_part(6100, "a story", Firmness::Final)
        .owed(6400, "of a king")
        .owed(6500, "that is no news")
        .run(9500);
    assert_eq!(mended(&world), [6100, 6400]);
    assert!(
        world
            .conversation()
            .contains("Caller: tell me a story of a king\n")
    );
}

#[test]
fn final_words_that_are_the_same_or_none_mend_nothing() {
    for text in ["Tell me a.", ""] {
        let mut world = stumped();
        world.owed(5900, text).run(9500);
        assert!(mended(&world).is_empty());
        assert!(world.conversation().contains("Caller: tell me a\n"));
    }
}

#[test]
fn a_reply_that_is_taken_back_is_to_the_mended_words() {
    let mut world = stumped();
    // The reply is audible from 5290 on. The caller interrupts it before a word of it is heard.
    world.at(5290, ringback_call::Event::Wake);
    world.owed(5300, "tell me a story");
    world.at(5310, ringback_call::Event::Digit('1')).run(12_000);
    let asked = world.asked();
    assert!(
        asked.last().unwrap().starts_with("Answer: tell me a story"),
        "{asked:?}"
    );
}

#[test]
fn final_words_of_a_turn_that_the_caller_goes_on_with_replace_the_interim_ones() {
    let mut world = stumped();
    world.run(5030);
    world
        .speech(5040, 900, "")
        .owed(5700, "tell me a story")
        .interim(5800, "of a king", 900)
        .run(10_000);
    assert_eq!(
        world.asked(),
        ["Answer: tell me a", "Answer: tell me a story of a king"]
    );
}

#[test]
fn a_cough_between_a_turn_and_its_final_words_changes_nothing() {
    let mut world = stumped();
    world.speech(5500, 100, "");
    world.owed(6400, "tell me a story").run(9500);
    assert_eq!(mended(&world), [6400]);
}

#[test]
fn final_words_that_come_twice_are_one_turn() {
    let mut world = conversing(&["First.", "Second."]);
    world.owed(4600, "tell me a story").run(9000);
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
}

#[test]
fn words_after_speech_that_had_none_are_a_turn() {
    let mut world = conversing(&["First."]);
    world.stt_ms = Some(1800);
    world.run(9000);
    // No words came by 5300: the speech lasted 800 ms, so nothing was asked; they come at 5820.
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
    assert_eq!(world.call.report().turns[0].ended.ms(), 5820);
}

#[test]
fn words_that_come_while_the_caller_is_asked_what_they_were_are_answered_at_once() {
    let mut world = World::answered(greeting("Hello."));
    world.answers = vec![answer("I am sorry, what did you say?"), answer("A story?")];
    world.stt_ms = Some(2000);
    world.speech(3000, 1500, "tell me a story").run(9000);
    // Asked at 4720, taken to be without words at 6000.
    assert_eq!(world.asked(), ["Unclear: ", "Answer: tell me a story"]);
    assert_eq!(
        world.times(|action| matches!(action, Action::Respond { .. })),
        [6000, 6720]
    );
    assert!(
        world
            .conversation()
            .ends_with("Caller: tell me a story\nAgent: A story?")
    );
}

#[test]
fn words_that_are_heard_again_on_another_connection_are_waited_for() {
    let mut world = conversing(&["There was a king."]);
    world.stt_ms = None;
    world
        .interim(3400, "tell me", 600)
        .at(3500, Event::Turn(TurnHint::Again))
        .settled(6200, "tell me a story")
        .run(9000);
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
    assert_eq!(world.call.report().turns[0].ended.ms(), 6200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What each turn's line holds in the end are its own words, if they come before the next turn is over: whole, once,
    /// and none of another's.
    #[test]
    fn each_turn_has_all_its_words_and_none_of_another_however_late_they_are(
        late in 0..2400_u64,
        gap in 300..6000_u64,
        speculate in any::<bool>(),
        interims in (any::<bool>(), any::<bool>()),
    ) {
        let mut spec = greeting("Hello.");
        spec.turn.speculate = speculate;
        let mut world = World::answered(spec);
        world.stt_ms = Some(late);
        let second = 3800 + gap;
        world.speech(3000, 800, "alpha bravo charlie");
        world.speech(second, 900, "delta echo foxtrot");
        if interims.0 {
            world.interim(3700, "alpha bravo", 700);
        }
        if interims.1 {
            world.interim(second + 800, "delta echo", 900);
        }
        world.run(30_000);
        let lines = world.call.lines().iter();
        let said: Vec<_> = lines
            .filter(|line| line.speaker == Speaker::Caller)
            .map(|line| line.said.as_str())
            .collect();
        let whole = ["alpha bravo charlie", "delta echo foxtrot"];
        let joined = whole.join(" ");
        prop_assert!(
            said == whole || said == [joined.as_str()],
            "{:?}\n{}", said, world.timeline
        );
    }
}
