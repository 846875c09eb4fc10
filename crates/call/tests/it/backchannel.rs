use insta::assert_snapshot;
use ringback_call::Note;

use crate::world::{conversing, length};

const LONG: &str =
    "There was a king who had three sons and a very large garden with apple trees of gold.";

#[test]
fn an_uh_huh_is_resumed_at_or_before_its_word_and_nothing_is_skipped() {
    for start in (4900..8800).step_by(130) {
        let mut world = conversing(&[&format!("{LONG} The end.")]);
        world.speech(start, 400, "uh huh").run(20_000);
        let resumed = world.notes(|note| matches!(note, Note::Resumed { .. }));
        assert_eq!(resumed.len(), 1, "at {start}\n{}", world.timeline);
        assert!(resumed[0] <= start + 1300, "{} at {start}", resumed[0]);
        assert_eq!(world.clears(), [start + 232]);
        let lengths = [length(LONG, 14), length("The end.", 14)];
        assert!(
            world.carrier.heard_all(2, &lengths),
            "at {start}\n{}",
            world.timeline
        );
        assert_eq!(world.asked().len(), 1);
    }
}

#[test]
fn an_uh_huh_in_a_reply_reads_so() {
    let mut world = conversing(&[LONG]);
    world.speech(7000, 400, "uh huh").run(14_000);
    assert_snapshot!(world.story());
}

#[test]
fn without_an_answer_of_the_recogniser_the_reply_goes_on_after_400_ms() {
    let mut world = conversing(&[LONG]);
    world.stt_ms = Some(2500);
    world.answers.clear();
    world.answers.push(crate::world::answer(LONG));
    world.speech(9000, 300, "uh huh").run(16_000);
    // The lull comes at 9440.
    assert_eq!(
        world.notes(|note| matches!(note, Note::Resumed { .. })),
        [9840]
    );
}

#[test]
fn a_sentence_that_was_heard_to_its_end_does_not_come_again() {
    let mut world = conversing(&["That was long ago. And then there was a king."]);
    world.voice.later_ms = 4000;
    // The first sentence is heard from 4810 to about 6100, the second is spoken from 8770 on.
    world.speech(6500, 350, "mhm").run(14_000);
    assert_eq!(world.clears(), [6732]);
    let resumed =
        world.notes(|note| matches!(note, Note::Resumed { part, from: 0, .. } if part.0 == 1));
    assert_eq!(resumed.len(), 1, "{}", world.timeline);
    let first = world
        .carrier
        .heard
        .iter()
        .filter(|played| played.reply.0 == 2 && played.part.0 == 0 && played.from == 0);
    assert_eq!(first.count(), 1);
    assert!(
        world
            .conversation()
            .ends_with("Agent: That was long ago. And then there was a king.")
    );
}

#[test]
fn an_expected_answer_to_the_question_being_asked_is_no_backchannel() {
    let mut world = conversing(&[]);
    let mut question =
        crate::world::answer("Would you like me to call you back tomorrow in the morning?");
    question.expect.form = ringback_call::Form::Closed;
    world.answers = vec![question];
    world.expected_speech(7500, 400, "sure").run(12_000);
    assert_eq!(world.asked(), ["Answer: tell me a story", "Answer: sure"]);
    assert!(
        world
            .notes(|note| matches!(note, Note::Resumed { .. }))
            .is_empty()
    );
}
