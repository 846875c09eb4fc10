use ringback_call::Action;

use crate::world::{Answer, World, answer, greeting};

const PATIENCE: &str = "One moment, please.";

/// A call whose responder writes so, in ms after the question, and goes no further. The caller's last sound is at 2800 ms.
fn stalling(texts: &[(u64, &str)]) -> World {
    let mut spec = greeting("Go ahead.");
    spec.lines.tool_wait = vec![PATIENCE.into()];
    let mut world = World::answered(spec);
    world.answers = vec![Answer {
        texts: texts
            .iter()
            .map(|(ms, text)| (*ms, (*text).to_owned()))
            .collect(),
        done: None,
        ..answer("")
    }];
    world.speech(2000, 800, "when do you open");
    world
}

/// The silences behind the caller's last sound, in ms: before each stretch of the agent's speech, and its length in all.
fn silences(world: &World, from: u64) -> Vec<u64> {
    let mut quiet = from;
    let mut silences = Vec::new();
    for (_, action) in &world.actions {
        let Action::Send {
            samples, starts, ..
        } = action
        else {
            continue;
        };
        if starts.ms() < from {
            continue;
        }
        if starts.ms() > quiet {
            silences.push(starts.ms() - quiet);
        }
        quiet = starts.ms() + u64::from(*samples) / 8;
    }
    silences
}

fn longest(world: &World) -> u64 {
    silences(world, 2800).into_iter().max().unwrap()
}

#[test]
fn a_responder_that_begins_and_stalls_is_apologised_for_before_two_seconds_are_over() {
    let mut world = stalling(&[(200, "Well I ")]);
    world.run(9000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    let said = world.conversation();
    assert!(
        said.contains("I am sorry") && !said.contains("Well I"),
        "{said}"
    );
    assert_eq!(world.call.report().faults.len(), 1);
}

#[test]
fn what_stands_in_for_a_responder_that_stalled_says_its_own_line_alone() {
    let mut world = stalling(&[(200, "Well I ")]);
    world.standby = Some(answer("Would you like the script?"));
    world.run(9000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    assert!(
        world
            .conversation()
            .ends_with("Agent: Would you like the script?"),
        "{}",
        world.conversation()
    );
}

#[test]
fn a_few_whole_words_are_spoken_before_the_responder_is_given_up() {
    let mut world = stalling(&[(200, "We are open from ni")]);
    world.run(12_000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    let said = world.conversation();
    assert!(said.contains("Agent: We are open from\n"), "{said}");
    assert!(said.ends_with("Agent: I am sorry, something went wrong on our side."));
}

#[test]
fn a_stall_behind_a_sentence_is_filled_and_then_apologised_for() {
    let mut world = stalling(&[(200, "I will tell you this first. ")]);
    world.run(14_000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    let said = world.conversation();
    let patient = format!("Agent: I will tell you this first. {PATIENCE}\nAgent: I am sorry");
    assert!(said.contains(&patient), "{said}");
}

#[test]
fn a_stall_in_the_middle_of_a_later_sentence_counts_from_the_end_of_what_is_heard() {
    let mut world = stalling(&[(
        200,
        "I will tell you this first. And then the second part of wh",
    )]);
    world.run(14_000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    let said = world.conversation();
    assert!(!said.contains("the second"), "{said}");
    assert!(said.contains("I am sorry"));
}

#[test]
fn a_responder_that_writes_a_word_at_a_time_is_heard_to_its_end_without_long_silences() {
    let words = [
        "Yes ",
        "I ",
        "can ",
        "certainly ",
        "help ",
        "you ",
        "today.",
    ];
    let slow: Vec<_> = (0..).map(|n| 100 + n * 600).zip(words).collect();
    let mut world = stalling(&slow);
    world.run(8000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    assert!(world.call.report().faults.is_empty());
}

#[test]
fn a_pause_behind_a_sentence_is_filled_once_and_the_answer_goes_on() {
    let mut world = stalling(&[
        (200, "Let me think about it. "),
        (4200, "We are open from nine to five."),
    ]);
    world.run(8000);
    assert!(longest(&world) < 2000, "{:?}", silences(&world, 2800));
    assert_eq!(
        world.conversation().matches(PATIENCE).count(),
        0,
        "the reply is still live"
    );
    let spoken = |what: &str| {
        let is = |action: &Action| matches!(action, Action::Speak { text, .. } if text == what);
        world.times(is).len()
    };
    assert_eq!(spoken(PATIENCE), 1);
}
