//! Ways in which telephone agents fail in the field, each a test by its name. What has a file of its own is not here again.

use ringback_call::{
    Action, CallSpec, Direction, EndCause, Event, Firmness, Intent, Mark, Note, PartId, ReplyId,
    Scope, TurnHint, Words,
};

use crate::world::{World, answer, conversing, greeting, length};

const LONG: &str = "There was a king who had three sons and a very large garden with apple trees of gold and a lake.";

/// What the caller heard of a reply by the carrier's own account, in samples of its only part.
fn truly_heard(world: &World, reply: u32) -> u32 {
    let of = |played: &&crate::world::Played| played.reply == ReplyId(reply);
    let heard = world.carrier.heard.iter().filter(of);
    heard.map(|played| played.upto()).max().unwrap_or(0)
}

/// What the agent's line of a reply is said to have been heard of.
fn believed_heard(world: &World, reply: u32) -> String {
    let lines = world.call.lines().iter();
    let mut of = lines.filter(|line| line.reply == Some(ReplyId(reply)));
    of.next()
        .map_or_else(String::new, |line| line.heard.clone())
}

#[test]
fn marks_that_come_back_early_by_a_clear_do_not_count_as_heard() {
    for interrupted in (5300..10_500).step_by(130) {
        let mut world = conversing(&[LONG]);
        world
            .speech(interrupted, 1200, "no wait a moment please")
            .run(interrupted + 1200);
        let heard = believed_heard(&world, 2);
        let truth = truly_heard(&world, 2);
        let believed = length(&heard, 14);
        // A word is heard if most of it is: the longest here lasts half a second.
        let apart = believed.abs_diff(truth) / 8;
        assert!(apart <= 600, "{apart} ms at {interrupted}: {heard:?}");
    }
}

#[test]
fn an_interruption_after_the_last_byte_was_sent_is_cleared_and_cut() {
    let mut world = conversing(&[LONG]);
    world.run(13_000);
    let sends = world.times(|action| matches!(action, Action::Send { .. }));
    let (sent, heard) = (*sends.last().unwrap(), world.carrier.last_heard(2));
    assert!(heard > sent + 150, "{sent} {heard}");
    let mut world = conversing(&[LONG]);
    // That it is more than a noise is known 232 ms after it began.
    let onset = sent + 1 - 96;
    world.speech(onset, 1500, "hold on please").run(16_000);
    assert_eq!(world.clears(), [onset + 232]);
    assert!(world.carrier.last_heard(2) < heard);
    assert_eq!(world.asked().last().unwrap(), "Answer: hold on please");
}

#[test]
fn the_offset_of_a_cut_is_never_below_nothing_nor_beyond_what_was_sent() {
    let odd = [0, 1, 159, 8_000_000, u32::MAX];
    for upto in odd {
        for interrupted in (4500..8000).step_by(170) {
            let mut world = conversing(&[LONG]);
            let mark = |epoch| {
                Event::Marked(Mark::Played {
                    epoch,
                    reply: ReplyId(2),
                    part: PartId(0),
                    upto,
                })
            };
            world
                .at(interrupted - 20, mark(0))
                .speech(interrupted, 1200, "no wait a moment please")
                .at(interrupted + 150, mark(0))
                .at(interrupted + 160, mark(1))
                .run(interrupted + 2000);
            let sent = world.actions.iter().filter_map(|(_, action)| match action {
                Action::Send {
                    reply: ReplyId(2),
                    from,
                    samples,
                    ..
                } => Some(from + samples),
                _ => None,
            });
            let sent = sent.max().unwrap_or(0);
            for (ms, action) in &world.actions {
                if let Action::Note(Note::Muted { heard, .. }) = action {
                    assert!(*heard <= sent, "{heard} of {sent} at {ms}, mark {upto}");
                }
            }
            let heard = believed_heard(&world, 2);
            assert!(length(&heard, 14) <= sent, "{heard:?} of {sent} samples");
        }
    }
}

#[test]
fn a_reply_cut_at_its_very_beginning_was_not_heard_at_all() {
    let mut world = conversing(&[LONG, "Of course."]);
    // Text comes at 200 ms, speech 60 ms later: the caller goes on before any of it.
    world.speech(4550, 1500, "a short one").run(12_000);
    assert_eq!(truly_heard(&world, 2), 0);
    assert_eq!(believed_heard(&world, 2), "");
    assert_eq!(
        world.asked().last().unwrap(),
        "Answer: tell me a story a short one"
    );
}

#[test]
fn one_short_word_is_answered_as_soon_as_a_long_sentence() {
    let ended = |from: u64, length: u64, led: bool| {
        let mut world = World::answered(greeting("Hello, how can I help?"));
        if led {
            world.at(1, Event::Turn(TurnHint::Leads(true)));
            world.led_speech(from, length, "yes");
        } else {
            world.speech(from, length, "yes");
        }
        world.run(from + length + 3000);
        assert_eq!(world.asked(), ["Answer: yes"], "{length} ms, led: {led}");
        let turn = &world.call.report().turns[0];
        turn.ended.ms_since(turn.last_sound)
    };
    for led in [false, true] {
        let long = ended(3000, 2500, led);
        assert!(long <= 1000, "{long}");
        for length in [120, 160, 200, 240, 320, 500] {
            assert_eq!(ended(3000, length, led), long, "{length} ms, led: {led}");
        }
    }
}

#[test]
fn a_monologue_of_more_than_60_s_is_one_turn_with_all_its_words() {
    for led in [false, true] {
        let mut world = World::answered(greeting("Hello, how can I help?"));
        world.at(1, Event::Turn(TurnHint::Leads(led)));
        let mut said = Vec::new();
        // Sentences of 3.2 s with pauses of 400 ms: 72 s.
        for nth in 0..20 {
            let from = 3000 + nth * 3600;
            let sentence = format!("sentence number {nth} of the complaint");
            world.speech(from, 3200, "");
            world.interim(from + 1500, "sentence number", 700);
            // A recogniser settles what it has now and then, whoever asks.
            world.at(
                from + 3300,
                Event::Heard(Words {
                    text: sentence.clone(),
                    confidence: 900,
                    firmness: Firmness::Final,
                    scope: Scope::Segment,
                    complete: false,
                }),
            );
            said.push(sentence);
        }
        if led {
            world.at(75_500, Event::Turn(TurnHint::Ended));
        }
        world.run(80_000);
        assert_eq!(world.asked(), [format!("Answer: {}", said.join(" "))]);
        let agent: Vec<_> = world
            .actions
            .iter()
            .filter(|(ms, action)| {
                (3000..75_000).contains(ms) && matches!(action, Action::Send { .. })
            })
            .collect();
        assert!(agent.is_empty(), "nobody speaks into it: {agent:?}");
        assert!(world.end().is_none());
    }
}

/// A turn that was over at 5020 (led: 5700) with the words of an interim, because the recogniser did not answer.
fn unanswered(led: bool) -> World {
    let mut world = conversing(&["There was a king who had three sons and a garden.", "Yes."]);
    world.stt_ms = None;
    world.at(1, Event::Turn(TurnHint::Leads(led)));
    world.interim(3700, "tell me a", 600);
    world.run(5800);
    assert_eq!(world.asked().last().unwrap(), "Answer: tell me a");
    world
}

#[test]
fn a_final_that_comes_2_s_late_for_the_previous_turn_is_not_said_in_the_next() {
    for led in [false, true] {
        let mut world = unanswered(led);
        // It comes while the caller is in the next turn.
        world.speech(6600, 1500, "");
        world.owed(7100, "tell me a story");
        world.interim(8000, "not that one", 900);
        world.run(12_000);
        assert_eq!(
            world.asked(),
            ["Answer: tell me a", "Answer: not that one"],
            "led: {led}"
        );
        assert!(
            world
                .conversation()
                .contains("\nCaller: tell me a story\nAgent: There was"),
            "{}",
            world.conversation()
        );
    }
}

#[test]
fn a_final_that_comes_late_into_speech_that_goes_on_replaces_what_it_was_taken_for() {
    for led in [false, true] {
        let mut world = conversing(&["There was a king.", "Yes."]);
        world.stt_ms = None;
        world.at(1, Event::Turn(TurnHint::Leads(led)));
        world.interim(3700, "tell me a", 600);
        // One that leads is given 400 ms more when it is asked at the cap.
        let over = if led { 5700 } else { 5020 };
        world.run(over);
        assert_eq!(world.asked(), ["Answer: tell me a"]);
        // The turn is reopened at once; the answer to its question is of what was said before.
        world.speech(over + 20, 1000, "");
        world.owed(over + 500, "tell me a story");
        world.interim(over + 1000, "a short one", 900);
        world.run(12_000);
        assert_eq!(
            world.asked().last().unwrap(),
            "Answer: tell me a story a short one",
            "led: {led}"
        );
    }
}

#[test]
fn the_answer_to_a_question_of_this_turn_is_of_this_turn_though_the_last_has_none() {
    let mut world = unanswered(false);
    world.stt_ms = Some(150);
    world.speech(5900, 700, "no something else");
    world.run(12_000);
    assert_eq!(
        world.asked(),
        ["Answer: tell me a", "Answer: no something else"]
    );
}

#[test]
fn an_empty_final_after_speech_leaves_the_caller_neither_waiting_nor_misheard() {
    for length in [250, 900, 4000] {
        let mut world = World::answered(greeting("Hello, how can I help?"));
        world.speech(3000, length, "").run(8000 + length);
        let asked = world.asked();
        if length < 1000 {
            assert!(asked.is_empty(), "{asked:?}");
            world
                .speech(9000 + length, 800, "are you there")
                .run(14_000 + length);
            assert_eq!(world.asked(), ["Answer: are you there"]);
        } else {
            assert_eq!(asked, ["Unclear: "]);
        }
        assert!(world.end().is_none());
    }
}

#[test]
fn a_hang_up_during_the_goodbye_is_a_hang_up_and_nothing_follows() {
    let mut goodbye = answer("Thank you for your time, have a nice day and goodbye.");
    goodbye.intent = Intent::HangUp;
    for ms in (4700..9600).step_by(97) {
        let mut world = conversing(&[]);
        world.answers = vec![goodbye.clone()];
        world.at(ms, Event::HungUp).run(20_000);
        let report = world.call.report();
        if world.end().is_some() {
            assert!(ms > 8500, "the goodbye was over at {ms}");
            continue;
        }
        assert_eq!(report.cause, Some(EndCause::HungUp), "at {ms}");
        assert_eq!(report.ended.ms(), ms);
        assert!(world.actions.iter().all(|(at, _)| *at <= ms));
    }
}

#[test]
fn a_hang_up_before_the_stream_begins_is_an_end_without_a_sound() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mut spec = CallSpec::new(direction);
        spec.lines.greeting = Some("Hello.".into());
        let mut world = World::new(spec);
        world.at(5, Event::HungUp);
        world.at(10, Event::Answered { marks: true });
        world.run(20_000);
        assert!(world.carrier.heard.is_empty());
        assert_eq!(world.call.report().cause, Some(EndCause::HungUp));
        assert_eq!(world.call.report().ended.ms(), 5);
        assert!(world.call.report().lines.is_empty());
    }
}

#[test]
fn max_duration_max_silence_and_budget_end_the_leg_with_the_last_sentence_audible() {
    let story = "There was a king who had three sons. They lived far away. They were happy.";
    for (cause, speaking) in [
        (EndCause::Duration, true),
        (EndCause::Duration, false),
        (EndCause::Cost, true),
        (EndCause::Cost, false),
        (EndCause::Idle, false),
    ] {
        let mut spec = greeting("Hello, how can I help?");
        match cause {
            EndCause::Duration => spec.turn.max_call_s = if speaking { 6 } else { 10 },
            EndCause::Idle => spec.max_silence_s = 8,
            _ => {}
        }
        let mut world = World::answered(spec);
        if speaking {
            world.answers = vec![answer(story)];
            world.speech(3000, 800, "tell me a story");
        }
        if cause == EndCause::Cost {
            world.at(6000, Event::Spent);
        }
        world.run(60_000);
        let (ms, intent, why) = world.end().unwrap();
        // The leg, and not the socket alone, is to be ended.
        assert_eq!(
            (intent, why),
            (Intent::HangUp, cause),
            "speaking: {speaking}"
        );
        let last = world.carrier.heard.iter().map(|played| played.end / 1000);
        assert!(ms >= last.max().unwrap(), "the last sentence was cut");
        assert!(world.clears().is_empty());
        let line = world.call.lines().last().unwrap();
        let wanted = if speaking {
            "There was a king who had three sons."
        } else {
            "Thank you for calling. Goodbye."
        };
        assert_eq!((line.heard.as_str(), line.cut), (wanted, false), "{why:?}");
    }
}

#[test]
fn a_burst_of_5_s_of_speech_is_kept_behind_the_lead_and_not_a_sample_is_dropped() {
    let mut world = conversing(&[LONG]);
    world.voice.burst = true;
    world.run(20_000);
    assert!(length(LONG, 14) >= 5 * 8000);
    // The world checks after each event that no more lies with the carrier than the setting says.
    assert!(world.carrier.heard_all(2, &[length(LONG, 14)]));
    assert_eq!(world.carrier.longest_gap(2), 0);
    let most = world.actions.iter().filter_map(|(_, action)| match action {
        Action::Send { samples, .. } => Some(*samples),
        _ => None,
    });
    assert!(most.max().unwrap() <= world.call.spec().turn.ahead_ms * 8);
}
