use ringback_call::Action;

use crate::world::{World, answer, conversing};

fn spoken(world: &World) -> Vec<String> {
    world
        .actions
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Speak { text, reply, .. } if reply.0 == 2 => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn an_empty_reply_leaves_the_floor_to_the_caller_and_the_idle_clock() {
    for text in ["", "  \n", "🙂🙂🎉", "... !"] {
        let mut world = conversing(&[text]);
        world.run(14_000);
        assert!(spoken(&world).is_empty());
        assert_eq!(world.asked(), ["Answer: tell me a story"]);
        world.run(16_000);
        assert_eq!(
            world.asked().last().unwrap(),
            "Silence: ",
            "{}",
            world.timeline
        );
    }
}

#[test]
fn an_endless_reply_is_cut_and_the_voice_is_never_far_ahead() {
    let mut world = conversing(&[&"All work and no play makes a dull day. ".repeat(5130)]);
    world.run(60_000);
    let spoken = spoken(&world);
    // 56 s were heard at 14 characters a second, and at most 8 s and three sentences are ready.
    let text: usize = spoken.iter().map(String::len).sum();
    assert!(text <= 14 * (56 + 8) + 3 * 40, "{text}");
    world.run(590_000);
    assert!(world.end().is_none());
}

#[test]
fn an_endless_reply_is_no_longer_than_its_bound() {
    let mut world = conversing(&[&"All work. ".repeat(20_000)]);
    world.voice.pace = 400;
    world.run(200_000);
    let text: usize = spoken(&world).iter().map(|text| text.len() + 1).sum();
    assert!((19_000..=20_000).contains(&text), "{text}");
}

#[test]
fn text_of_a_dead_reply_is_ignored() {
    let mut world = conversing(&[]);
    let mut slow = answer("First part. ");
    slow.texts.push((6000, "Second part.".into()));
    slow.done = Some(6100);
    world.answers = vec![slow];
    world.speech(6000, 900, "never mind that").run(12_000);
    assert_eq!(spoken(&world), ["First part."]);
}

#[test]
fn a_text_that_comes_word_by_word_is_spoken_sentence_by_sentence() {
    let mut world = conversing(&[]);
    let mut words = answer("");
    words.texts = "There was a king. He had three sons."
        .split_inclusive(' ')
        .zip(1..)
        .map(|(word, nth)| (nth * 100, word.to_owned()))
        .collect();
    words.done = Some(1000);
    world.answers = vec![words];
    world.run(12_000);
    assert_eq!(spoken(&world), ["There was a king.", "He had three sons."]);
    assert!(
        world
            .conversation()
            .ends_with("Agent: There was a king. He had three sons.")
    );
}
