use ringback_call::Action;

use crate::world::{Answer, World, answer, greeting};

/// A reply that is written so: ms after the question, and the text.
fn written(texts: &[(u64, &str)]) -> World {
    let mut world = World::answered(greeting("Go ahead."));
    world.answers = vec![Answer {
        texts: texts
            .iter()
            .map(|(ms, text)| (*ms, (*text).to_owned()))
            .collect(),
        done: texts.last().map(|(ms, _)| ms + 10),
        ..answer("")
    }];
    world.speech(2000, 800, "when do you open").run(14_000);
    world
}

/// What the voice was asked to speak of the reply, and how many ms behind the question.
fn spoken(world: &World) -> Vec<(u64, String)> {
    let asked = world
        .actions
        .iter()
        .find_map(|(ms, action)| matches!(action, Action::Respond { .. }).then_some(*ms));
    let asked = asked.unwrap();
    let parts = world
        .actions
        .iter()
        .filter_map(|(ms, action)| match action {
            Action::Speak { text, .. } if *ms > asked => Some((ms - asked, text.clone())),
            _ => None,
        });
    parts.collect()
}

#[test]
fn of_a_sentence_that_is_written_slowly_the_first_clause_is_spoken_by_itself() {
    let world = written(&[
        (300, "Well, we are open from nine to five "),
        (700, "on weekdays, "),
        (1100, "and on Saturday "),
        (1500, "until noon."),
    ]);
    assert_eq!(
        spoken(&world),
        [
            (
                700,
                "Well, we are open from nine to five on weekdays,".into()
            ),
            (1510, "and on Saturday until noon.".into()),
        ]
    );
    assert!(
        world.conversation().ends_with(
            "Agent: Well, we are open from nine to five on weekdays, and on Saturday until noon."
        ),
        "{}",
        world.conversation()
    );
}

#[test]
fn a_sentence_that_is_written_fast_is_spoken_whole() {
    let world = written(&[
        (300, "Well, we are open from nine to five on weekdays, "),
        (400, "and on Saturday until noon."),
    ]);
    let whole = "Well, we are open from nine to five on weekdays, and on Saturday until noon.";
    assert_eq!(spoken(&world), [(410, whole.into())]);
}

#[test]
fn words_without_a_clause_are_spoken_before_they_are_missed() {
    let slow: Vec<(u64, &str)> = (0..20).map(|n| (300 + n * 250, "word ")).collect();
    let world = written(&slow);
    let parts = spoken(&world);
    assert!(parts.len() > 1 && parts[0].0 <= 1600, "{parts:?}");
    assert!(world.call.report().faults.is_empty());
    let said: Vec<_> = parts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said.join(" ").split(' ').count(), 20);
}

#[test]
fn while_there_is_speech_to_be_heard_sentences_stay_whole() {
    let world = written(&[
        (
            300,
            "We are open on all days of the week from nine to five. ",
        ),
        (400, "On Sundays, as you know, "),
        (900, "we are closed, "),
        (1300, "sadly."),
    ]);
    let texts: Vec<_> = spoken(&world).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
}
