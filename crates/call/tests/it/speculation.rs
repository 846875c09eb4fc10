use insta::assert_snapshot;
use ringback_call::{
    Action, At, DropCause, Ear, Edge, Event, Expect, Fault, FaultKind, Form, Note, Party, TurnHint,
};

use crate::world::{World, answer, failing, greeting};

fn spec() -> ringback_call::CallSpec {
    let mut spec = greeting("Go ahead.");
    spec.turn.speculate = true;
    spec
}

fn listening(answers: &[&str]) -> World {
    let mut world = World::answered(spec());
    world.answers = answers.iter().map(|text| answer(text)).collect();
    world
}

/// A call whose recogniser leads.
fn led(answers: &[&str]) -> World {
    let mut world = listening(answers);
    world.at(0, Event::Turn(TurnHint::Leads(true)));
    world
}

fn dropped(world: &World) -> Vec<(u64, DropCause)> {
    let causes = world
        .actions
        .iter()
        .filter_map(|(ms, action)| match action {
            Action::Note(Note::Dropped { cause, .. }) => Some((*ms, *cause)),
            _ => None,
        });
    causes.collect()
}

/// From the caller's last sound to the first that they hear of the reply, in ms.
fn audible_after(world: &World) -> u64 {
    let turn = &world.call.report().turns[0];
    turn.audible.unwrap().ms_since(turn.last_sound)
}

fn saved(world: &World) -> Option<u64> {
    let turn = &world.call.report().turns[0];
    turn.speculated.map(|asked| turn.ended.ms_since(asked))
}

#[test]
fn a_reply_that_is_written_while_the_turn_is_waited_for_is_heard_at_its_end() {
    let mut world = listening(&["We close at nine. And on Sundays at six."]);
    world.speech(2000, 1200, "what are your hours").run(8000);
    assert_snapshot!(world.story());
    // 210 ms for the text and 60 ms for the speech passed within the wait of 700 ms.
    assert_eq!(audible_after(&world), 700);
    assert_eq!(saved(&world), Some(330));

    let mut plain = World::answered(greeting("Go ahead."));
    plain.speech(2000, 1200, "what are your hours").run(8000);
    assert_eq!(audible_after(&plain), 970);
    assert_eq!(saved(&plain), None);
}

#[test]
fn a_slow_responder_is_waited_for_so_much_less() {
    for (speculate, after) in [(true, 1440), (false, 1770)] {
        let mut spec = spec();
        spec.turn.speculate = speculate;
        let mut world = World::answered(spec);
        let mut slow = answer("We close at nine.");
        slow.texts[0].0 = 1000;
        slow.done = Some(1010);
        world.answers = vec![slow];
        world.speech(2000, 1200, "what are your hours").run(8000);
        assert_eq!(audible_after(&world), after, "speculate: {speculate}");
    }
}

#[test]
fn speech_that_goes_on_drops_the_reply_and_the_whole_turn_is_asked_about() {
    let mut world = listening(&["Which one?", "A pizza it is."]);
    world
        .speech(2000, 600, "I want some food")
        .speech(3100, 600, "a pizza")
        .run(7000);
    assert_snapshot!(world.story());
    assert_eq!(dropped(&world), [(3332, DropCause::Speech)]);
    assert_eq!(
        world.asked(),
        [
            "Answer: I want some food (speculative)",
            "Answer: I want some food a pizza (speculative)"
        ]
    );
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn a_short_noise_leaves_the_reply_as_it_is() {
    let mut world = listening(&["Which one?"]);
    world
        .speech(2000, 600, "I want some food")
        .speech(3100, 80, "")
        .run(7000);
    assert!(dropped(&world).is_empty());
    assert_eq!(world.asked(), ["Answer: I want some food (speculative)"]);
    assert!(world.conversation().ends_with("Agent: Which one?"));
}

#[test]
fn a_turn_that_is_likely_to_go_on_is_not_asked_about_before_its_end() {
    let mut world = listening(&["Yes?"]);
    world.speech(2000, 600, "I would like to").run(6000);
    assert_eq!(world.asked(), ["Answer: I would like to"]);

    let mut spec = spec();
    spec.expect = Expect {
        form: Form::Digits,
        keys: 0,
    };
    let mut world = World::answered(spec);
    world.speech(2000, 600, "four two").run(6000);
    assert_eq!(world.asked(), ["Answer: four two"]);
}

#[test]
fn the_responder_is_asked_in_vain_three_times_a_turn_at_the_most() {
    let mut world = listening(&[]);
    for pause in 0..5 {
        world.speech(2000 + pause * 1100, 600, "more");
    }
    world.run(12_000);
    assert_eq!(
        world.asked(),
        [
            "Answer: more (speculative)",
            "Answer: more more (speculative)",
            "Answer: more more more (speculative)",
            "Answer: more more more more more"
        ]
    );
}

#[test]
fn a_key_drops_the_reply() {
    let mut world = listening(&["Which one?", "Two it is."]);
    world
        .speech(2000, 600, "I want some food")
        .at(3100, Event::Digit('2'))
        .run(7000);
    assert_eq!(dropped(&world), [(3100, DropCause::Key)]);
    assert_eq!(world.asked().last().unwrap(), "Answer: I want some food2");
}

#[test]
fn a_failure_of_a_speculative_reply_does_not_count_and_the_end_of_the_turn_asks_again() {
    for party in [Party::Responder, Party::Tts, Party::Server] {
        let mut world = listening(&["First.", "Second."]);
        world.answers[0].texts[0].0 = 150;
        world.voice.first_ms = 500;
        let fault = Fault {
            party,
            kind: FaultKind::Unreachable,
            detail: "away".into(),
        };
        let at = if party == Party::Responder {
            3050
        } else {
            3200
        };
        world
            .speech(2000, 600, "I want some food")
            .at(at, Event::Fault(fault))
            .run(7000);
        assert_eq!(dropped(&world), [(at, DropCause::Fault)], "{party:?}");
        assert_eq!(
            world.conversation(),
            "Agent: Go ahead.\nCaller: I want some food\nAgent: Second."
        );
    }
}

#[test]
fn a_responder_that_took_anothers_place_is_asked_when_a_turn_is_over_and_not_before() {
    let mut world = listening(&["First.", "Second.", "Third."]);
    world.answers[0].texts[0].0 = 150;
    let fault = Fault {
        party: Party::Responder,
        kind: FaultKind::Refused,
        detail: "no".into(),
    };
    world
        .speech(2000, 600, "I want some food")
        .at(3050, Event::Replaced(fault))
        .speech(6000, 600, "and a drink")
        .run(9000);
    assert_eq!(dropped(&world), [(3050, DropCause::Fault)]);
    let turns = world.call.report().turns;
    assert!(turns.iter().all(|turn| turn.speculated.is_none()));
    assert_eq!(
        world.conversation(),
        "Agent: Go ahead.\nCaller: I want some food\nAgent: Second.\nCaller: and a drink\nAgent: Third."
    );
    assert_eq!(world.call.report().faults.len(), 1);
}

#[test]
fn a_tool_that_a_speculative_reply_calls_is_run_when_the_turn_is_over() {
    let mut world = led(&[]);
    world.answers = vec![
        crate::world::calling("One moment.", &["look"]),
        answer("Here it is."),
    ];
    world.tools.insert("look", (700, "found", false));
    world
        .speech(2000, 600, "")
        .interim(2799, "I want some food", 900)
        .at(2800, Event::Turn(TurnHint::Eager))
        .settled(3600, "I want some food")
        .at(3600, Event::Turn(TurnHint::Ended))
        .run(9000);
    let at = |wanted: fn(&Action) -> bool| -> Vec<u64> {
        let found = world.actions.iter().filter(|(_, action)| wanted(action));
        found.map(|(ms, _)| *ms).collect()
    };
    assert_eq!(
        at(|action| matches!(action, Action::RunTool { .. })),
        [3600]
    );
    assert_eq!(
        at(|action| matches!(action, Action::Respond { .. })).len(),
        2
    );
    assert_eq!(
        world.conversation(),
        "Agent: Go ahead.\nCaller: I want some food\nAgent: One moment.\n  a look: found\nAgent: Here it is."
    );
}

#[test]
fn a_tool_that_a_speculative_reply_calls_is_not_run_when_the_caller_goes_on() {
    let mut world = led(&[]);
    world.answers = vec![crate::world::calling("", &["look"]), answer("What else?")];
    world
        .speech(2000, 600, "")
        .interim(2799, "I want some food", 900)
        .at(2800, Event::Turn(TurnHint::Eager))
        .at(3300, Event::Turn(TurnHint::Resumed))
        .speech(3300, 900, "")
        .settled(4600, "I want some food and drink")
        .at(4600, Event::Turn(TurnHint::Ended))
        .run(9000);
    let ran = world
        .actions
        .iter()
        .any(|(_, action)| matches!(action, Action::RunTool { .. }));
    assert!(!ran);
    assert!(world.conversation().ends_with("Agent: What else?"));
}

#[test]
fn a_line_from_outside_takes_the_place_of_a_speculative_reply() {
    let mut world = listening(&["Which one?", "Which one?"]);
    world
        .speech(2000, 600, "I want some food")
        .at(3100, Event::Say("One moment.".into()))
        .run(7000);
    assert_eq!(dropped(&world), [(3100, DropCause::Line)]);
    assert!(world.conversation().ends_with("Agent: Which one?"));
}

#[test]
fn a_call_that_ends_ends_a_speculative_reply() {
    let mut world = listening(&["Which one?"]);
    world
        .speech(2000, 600, "I want some food")
        .at(3100, Event::Finish)
        .run(9000);
    let cancelled = world.times(|action| matches!(action, Action::Cancel { heard: false, .. }));
    assert_eq!(cancelled, [3100]);
    assert!(world.end().is_some());
}

#[test]
fn what_a_speculative_reply_expects_holds_when_it_was_heard() {
    let mut world = listening(&["Key your number.", "Thanks."]);
    world.answers[0].expect.keys = 2;
    world.speech(2000, 600, "I want some food").run(6000);
    world
        .at(6100, Event::Digit('4'))
        .at(6300, Event::Digit('2'))
        .run(8000);
    assert_eq!(world.asked().last().unwrap(), "Answer: 42");
    // While the turn was open the second key would have ended it at once.
    let mut world = listening(&["Key your number."]);
    world.answers[0].expect.keys = 2;
    world.speech(2000, 600, "I want some food").run(3250);
    assert_eq!(world.call.snapshot().expect.keys, 0);
}

#[test]
fn the_bound_of_a_promoted_reply_runs_from_the_end_of_the_turn() {
    let mut spec = spec();
    spec.turn.reply_bound_ms = 1000;
    let mut world = World::answered(spec);
    let mut slow = answer("We close at nine.");
    slow.texts[0].0 = 1200;
    slow.done = Some(1210);
    world.answers = vec![slow];
    world.speech(2000, 1200, "what are your hours").run(8000);
    // 370 ms until it was asked, 1270 ms until it is heard; the turn ended at 700 ms.
    assert_eq!(audible_after(&world), 1640);
    assert!(world.conversation().ends_with("Agent: We close at nine."));
}

#[test]
fn the_callers_last_sound_is_known_before_and_after_the_turn_is_over() {
    let mut world = listening(&["We close at nine."]);
    let last_sound = Some(At::from_ms(3200));
    assert_eq!(world.call.quiet_since(), None);
    world.speech(2000, 1200, "what are your hours").run(3700);
    assert!(world.call.speculating());
    let early = world.call.quiet_since();
    world.run(4400);
    assert!(!world.call.speculating());
    let late = world.call.quiet_since();
    assert_eq!((early, late), (last_sound, last_sound));
}

#[test]
fn a_speculative_reply_does_not_hold_the_clock_of_silence_back() {
    let ends = [true, false].map(|speculate| {
        let mut spec = spec();
        spec.turn.speculate = speculate;
        spec.turn.end_wait_ms = 1500;
        spec.max_silence_s = 1;
        let mut world = World::answered(spec);
        world.speech(800, 600, "I want some food").run(12_000);
        world.end().unwrap()
    });
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].2, ringback_call::EndCause::Idle);
}

#[test]
fn a_promoted_reply_of_which_nothing_was_heard_is_taken_back_as_any_other() {
    let mut world = listening(&["Which one?", "A pizza it is."]);
    world.voice.first_ms = 900;
    world
        .speech(2000, 600, "I want some food")
        .speech(3400, 600, "a pizza")
        .run(8000);
    assert_eq!(
        world
            .notes(|note| matches!(note, Note::Reopened { .. }))
            .len(),
        1
    );
    assert_eq!(
        world.conversation(),
        "Agent: Go ahead.\nCaller: I want some food a pizza\nAgent: A pizza it is."
    );
}

#[test]
fn a_recogniser_that_leads_ends_the_turn_and_is_believed_early() {
    let mut world = led(&["We close at nine."]);
    world
        .led_speech(2000, 1200, "What are your hours?")
        .run(6000);
    assert_snapshot!(world.story());
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.ended.ms_since(turn.last_sound), 400);
    // Asked at 200 ms, 210 ms for the text, 60 ms for the speech.
    assert_eq!(audible_after(&world), 470);
    assert_eq!(saved(&world), Some(200));
    assert!(
        world
            .times(|action| matches!(action, Action::Finalize))
            .is_empty()
    );
}

#[test]
fn an_end_that_differs_in_case_and_punctuation_alone_promotes_the_reply() {
    let mut world = led(&["Yes."]);
    world
        .speech(2000, 800, "")
        .interim(2990, "tell me a story", 900)
        .at(3000, Event::Turn(TurnHint::Eager))
        .settled(3200, "Tell me a story!")
        .at(3200, Event::Turn(TurnHint::Ended))
        .run(6000);
    assert_eq!(world.asked(), ["Answer: tell me a story (speculative)"]);
    assert!(world.conversation().contains("Caller: Tell me a story!"));
}

#[test]
fn an_end_with_other_words_is_asked_about_anew() {
    let mut world = led(&["Yes.", "A joke?"]);
    world
        .speech(2000, 800, "")
        .interim(2990, "tell me a story", 900)
        .at(3000, Event::Turn(TurnHint::Eager))
        .settled(3200, "Tell me a joke.")
        .at(3200, Event::Turn(TurnHint::Ended))
        .run(6000);
    assert_eq!(dropped(&world), [(3200, DropCause::Words)]);
    assert_eq!(world.asked()[1], "Answer: Tell me a joke.");
    assert!(world.conversation().ends_with("Agent: A joke?"));
}

#[test]
fn a_recogniser_that_takes_its_guess_back_drops_the_reply() {
    let mut world = led(&["Yes.", "A joke?"]);
    world
        .led_speech(2000, 800, "tell me")
        .run(3000)
        .at(3100, Event::Turn(TurnHint::Resumed));
    world.run(3150);
    assert_eq!(dropped(&world), [(3100, DropCause::Resumed)]);
}

#[test]
fn nothing_is_asked_while_the_caller_sounds_nor_after_a_guess_that_was_taken_back() {
    for (taken_back, asked) in [(false, 1), (true, 0)] {
        let mut world = led(&["Yes."]);
        world
            .speech(2000, 1500, "")
            .interim(3000, "tell me", 900)
            .at(3001, Event::Turn(TurnHint::Eager));
        if taken_back {
            world.at(3100, Event::Turn(TurnHint::Resumed));
        }
        world.run(3700);
        assert!(world.asked().is_empty());
        world.run(3800);
        assert_eq!(world.asked().len(), asked);
    }
}

#[test]
fn an_end_is_put_off_while_the_caller_sounds_and_their_next_words_belong_to_the_turn() {
    let mut world = led(&["Fine."]);
    world
        .led_speech(2000, 600, "I want")
        .speech(2850, 500, "")
        .interim(3200, "a pizza", 900)
        .settled(3750, "a pizza")
        .at(3750, Event::Turn(TurnHint::Ended))
        .run(7000);
    assert_eq!(world.asked().last().unwrap(), "Answer: I want a pizza");
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn noise_that_goes_on_without_words_puts_an_end_off_for_a_second() {
    let mut world = led(&["Fine."]);
    // The end is said at 3000, when the noise of 4 s is known since 2946.
    world
        .led_speech(2000, 600, "I want a pizza")
        .speech(2850, 4000, "")
        .run(5000);
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.ended.ms(), 4000);
}

#[test]
fn noise_with_pauses_puts_an_end_off_no_longer() {
    let mut world = led(&["Fine."]);
    let edge = |edge, ms: u64| Event::Ear {
        edge,
        sample: Ear(ms * 8),
    };
    world
        .led_speech(2000, 600, "I want a pizza")
        .at(2940, edge(Edge::Onset, 2860))
        .at(3300, edge(Edge::Lull, 3160))
        .at(3350, edge(Edge::Resumed, 3340))
        .run(5000);
    let turn = &world.call.report().turns[0];
    assert_eq!(turn.ended.ms(), 4000);
}

#[test]
fn words_of_the_next_turn_need_no_detector_where_the_recogniser_leads() {
    let mut world = led(&["Yes.", "No."]);
    world
        .led_speech(2000, 600, "are you open")
        .interim(4200, "and on sundays", 900)
        .settled(4400, "And on Sundays?")
        .at(4400, Event::Turn(TurnHint::Ended))
        .run(7000);
    assert_eq!(world.asked()[1], "Answer: And on Sundays?");
    assert!(world.conversation().ends_with("Agent: No."));
}

#[test]
fn an_end_that_comes_after_it_was_forced_in_vain_brings_the_turns_last_words() {
    let mut world = led(&["Yes.", "A story?"]);
    world.stt_ms = None;
    world
        .speech(2000, 600, "")
        .interim(2500, "tell me a", 900)
        .owed(4600, "tell me a story")
        .run(8000);
    let asked = world.times(|action| matches!(action, Action::Respond { .. }));
    assert_eq!(asked, [4500, 4600]);
    assert!(
        world
            .conversation()
            .ends_with("Caller: tell me a story\nAgent: A story?")
    );
}

#[test]
fn a_recogniser_that_leads_and_says_nothing_is_asked_at_the_cap_and_then_not_waited_for() {
    let mut world = led(&["Fine."]);
    world.stt_ms = None;
    world.speech(2000, 600, "").interim(2500, "my order", 900);
    world.run(7000);
    let asked = world.times(|action| matches!(action, Action::Finalize));
    assert_eq!(asked, [4100]);
    let turn = &world.call.report().turns[0];
    assert_eq!(
        (turn.cause, turn.ended.ms()),
        (ringback_call::TurnEnd::Cap, 4500)
    );
    assert_eq!(world.asked(), ["Answer: my order"]);
}

#[test]
fn a_recogniser_that_takes_the_place_of_one_that_led_is_asked_as_usual() {
    let mut world = led(&["Fine."]);
    world
        .at(2500, Event::Turn(TurnHint::Leads(false)))
        .speech(2000, 600, "my order")
        .run(7000);
    assert_eq!(
        world.times(|action| matches!(action, Action::Finalize)),
        [2820]
    );
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn a_pause_in_which_a_recogniser_that_led_is_lost_is_asked_about_at_once() {
    let mut world = led(&["Fine."]);
    world
        .speech(2000, 600, "my order")
        .at(2900, Event::Turn(TurnHint::Leads(false)))
        .run(7000);
    assert_eq!(
        world.times(|action| matches!(action, Action::Finalize)),
        [2900]
    );
    assert_eq!(world.asked(), ["Answer: my order (speculative)"]);
}

#[test]
fn an_uh_huh_that_a_leading_recogniser_hears_leaves_the_reply_the_floor() {
    let long = "There was a king who had three sons and a garden.";
    let mut world = led(&[long]);
    world
        .led_speech(2000, 800, "tell me a story")
        .led_speech(4200, 400, "uh huh")
        .run(11_000);
    assert!(world.conversation().ends_with(&format!("Agent: {long}")));
    assert_eq!(world.call.report().resumes, 1);
    assert_eq!(world.call.report().turns.len(), 1);
}

#[test]
fn a_word_that_a_leading_recogniser_hears_takes_the_floor() {
    let mut world = led(&["There was a king who had three sons and a garden.", "Yes?"]);
    world
        .led_speech(2000, 800, "tell me a story")
        .led_speech(4200, 400, "stop")
        .run(9000);
    assert_eq!(world.call.report().yields, 1);
    assert!(world.conversation().ends_with("Caller: stop\nAgent: Yes?"));
}

#[test]
fn a_result_that_a_speculative_reply_knew_is_not_told_again_when_it_calls_a_tool() {
    let mut world = led(&[]);
    world.answers = vec![
        crate::world::calling("One moment.", &["look"]),
        crate::world::calling("", &["order"]),
        answer("It is ordered."),
    ];
    world.tools.insert("look", (1500, "found", false));
    world.tools.insert("order", (700, "done", false));
    world
        .speech(2000, 600, "")
        .settled(3200, "I want some food")
        .at(3200, Event::Turn(TurnHint::Ended))
        .speech(4600, 900, "")
        .interim(5600, "the soup please", 900)
        .at(5610, Event::Turn(TurnHint::Eager))
        .settled(6200, "the soup please")
        .at(6200, Event::Turn(TurnHint::Ended))
        .run(12_000);
    assert_eq!(
        world.asked(),
        [
            "Answer: I want some food",
            "Answer: the soup please (speculative)",
            "Tool: "
        ],
        "{}",
        world.timeline
    );
}

#[test]
fn what_a_speculative_reply_brings_stands_in_no_report_of_the_turn_before() {
    let mut world = led(&[]);
    world.answers = vec![failing(300), answer("We close at nine.")];
    world
        .speech(2000, 600, "")
        .settled(3200, "what are your hours")
        .at(3200, Event::Turn(TurnHint::Ended))
        .speech(9000, 900, "")
        .interim(10_000, "your hours", 900)
        .at(10_010, Event::Turn(TurnHint::Eager))
        .settled(10_900, "your hours")
        .at(10_900, Event::Turn(TurnHint::Ended))
        .run(16_000);
    let report = world.call.report();
    let first = &report.turns[0];
    assert_eq!((first.text, first.clause, first.speech), (None, None, None));
    assert!(report.turns[1].speech.is_some(), "{}", world.timeline);
}

#[test]
fn when_final_words_are_late_a_reply_to_those_that_are_there_is_prepared_and_heard_at_the_end_of_the_wait()
 {
    let mut world = listening(&["We close at nine."]);
    world.stt_ms = None;
    world
        .speech(2000, 1200, "")
        .interim(3100, "what are your hours", 700)
        .run(8000);
    assert_eq!(
        world.asked(),
        ["Answer: what are your hours (speculative)"],
        "{}",
        world.timeline
    );
    // Asked 220 and 400 ms after the last sound; the words were waited for a second.
    assert_eq!((audible_after(&world), saved(&world)), (1220, Some(600)));

    let mut world = listening(&["We close at nine.", "It is at the back."]);
    world.stt_ms = Some(700);
    world
        .speech(2000, 1200, "what are your hours and where do I park")
        .interim(3100, "what are your hours", 700)
        .run(8000);
    assert_eq!(
        world.asked(),
        [
            "Answer: what are your hours (speculative)",
            "Answer: what are your hours and where do I park"
        ]
    );
    assert_eq!(dropped(&world), [(4120, DropCause::Words)]);
}
