use insta::assert_snapshot;
use ringback_call::{Call, Cause, EndCause, Event, Intent, Note, ToolSpec, ToolState};

use crate::world::{Answer, World, answer, calling, conversing, greeting, tool_call};

const WAIT: &str = "One moment, please.";

/// A call that was greeted, in which the caller asks for a table at 3 s, with a tool that books one in so many ms.
fn booking(answers: Vec<Answer>, ms: u64) -> World {
    let mut spec = greeting("Hello, how can I help?");
    spec.lines.tool_wait = vec![WAIT.into()];
    spec.tools = vec![ToolSpec {
        name: "book".into(),
        timeout_ms: 5000,
        side_effect: true,
    }];
    let mut world = World::answered(spec);
    world.answers = answers;
    world.tools = [("book", (ms, "booked for eight", false))].into();
    world.speech(3000, 800, "a table for two");
    world
}

fn states(world: &World, id: &str) -> Vec<ToolState> {
    let of = |note: &Note| match note {
        Note::Tool { id: of, state } if of == id => Some(*state),
        _ => None,
    };
    world
        .actions
        .iter()
        .filter_map(|(_, action)| match action {
            ringback_call::Action::Note(note) => of(note),
            _ => None,
        })
        .collect()
}

fn runs(world: &World) -> usize {
    world
        .times(|action| matches!(action, ringback_call::Action::RunTool { .. }))
        .len()
}

fn asked_about_tools(world: &World) -> Vec<u64> {
    world.times(|action| {
        matches!(action, ringback_call::Action::Respond { cause, .. } if *cause == Cause::Tool)
    })
}

#[test]
fn the_words_before_a_call_are_spoken_and_its_result_is_told() {
    let mut world = booking(
        vec![
            calling("Let me see.", &["book"]),
            answer("Your table is booked."),
        ],
        400,
    );
    world.run(9000);
    assert_snapshot!(world.story());
}

#[test]
fn a_call_without_words_is_filled_1500_ms_after_the_callers_last_sound_and_not_by_the_idle_clock() {
    let mut world = booking(vec![calling("", &["book"]), answer("Done.")], 4900);
    world.run(12_000);
    let began = world.times(|action| matches!(action, ringback_call::Action::RunTool { .. }));
    let waited = world.times(
        |action| matches!(action, ringback_call::Action::Speak { text, .. } if text == WAIT),
    );
    assert_eq!(waited, [3800 + 1500]);
    assert_eq!(asked_about_tools(&world), [began[0] + 4900]);
    assert!(
        world
            .conversation()
            .ends_with("Agent: One moment, please.\nAgent: Done.")
    );
}

#[test]
fn a_long_tool_is_filled_again_and_again_with_each_line_in_turn() {
    let mut spec = booking(Vec::new(), 0).call.spec().clone();
    let lines = [WAIT, "I am still working on it.", "Thank you for waiting."];
    spec.lines.tool_wait = lines.map(str::to_owned).to_vec();
    spec.tools[0].timeout_ms = 30_000;
    let mut world = World::answered(spec);
    world.answers = vec![calling("", &["book"]), answer("Done.")];
    world.tools = [("book", (28_000, "booked", false))].into();
    world.speech(3000, 800, "a table for two").run(38_000);
    let said: Vec<_> = world.call.lines()[2..]
        .iter()
        .map(|line| line.said.clone())
        .collect();
    assert_eq!(said[..4], [lines[0], lines[1], lines[2], lines[0]]);
    assert_eq!(said.last().unwrap(), "Done.");
    let heard: Vec<_> = world.call.lines()[1..]
        .iter()
        .map(|line| (line.from, line.until))
        .collect();
    for (number, pair) in heard.windows(2).enumerate() {
        let silence = pair[1].0.ms_since(pair[0].1);
        let most = if number == 0 { 2000 } else { 6000 };
        assert!(silence < most, "{number}: {silence}");
    }
}

#[test]
fn a_line_of_patience_with_nothing_to_say_is_passed_over_and_the_call_goes_on() {
    for line in ["", "... "] {
        let mut spec = booking(Vec::new(), 0).call.spec().clone();
        spec.lines.tool_wait = vec![line.into()];
        spec.tools[0].timeout_ms = 30_000;
        let mut world = World::answered(spec);
        world.answers = vec![calling("", &["book"]), answer("Done.")];
        world.tools = [("book", (12_000, "booked", false))].into();
        world.speech(3000, 800, "a table for two").run(20_000);
        assert!(world.conversation().ends_with("Agent: Done."));
    }
}

#[test]
fn words_of_the_caller_between_two_lines_of_patience_are_answered_as_ever() {
    let mut spec = booking(Vec::new(), 0).call.spec().clone();
    spec.tools[0].timeout_ms = 30_000;
    let mut world = World::answered(spec);
    world.answers = vec![
        calling("", &["book"]),
        answer("It takes a while."),
        answer("Done."),
    ];
    world.tools = [("book", (14_000, "booked", false))].into();
    world.speech(3000, 800, "a table for two");
    world.speech(8500, 800, "are you there").run(26_000);
    let said = world.conversation();
    assert!(
        said.contains("Caller: are you there\nAgent: It takes a while."),
        "{said}"
    );
    assert!(said.ends_with("Agent: Done."), "{said}");
}

#[test]
fn the_line_of_an_older_trace_is_the_only_one() {
    let lines = |wait: &str| {
        let text =
            format!("{{\"greeting\":null,\"apology\":\"\",\"goodbye\":\"\",\"idle\":[]{wait}}}");
        serde_json::from_str::<ringback_call::Lines>(&text)
            .unwrap()
            .tool_wait
    };
    assert_eq!(lines(",\"tool_wait\":\"Wait.\""), ["Wait."]);
    assert_eq!(
        lines(",\"tool_wait\":[\"Wait.\",\"So.\"]"),
        ["Wait.", "So."]
    );
    assert!(lines(",\"tool_wait\":null").is_empty() && lines("").is_empty());
}

#[test]
fn words_of_the_reply_are_filler_enough_until_a_reply_would_be_overdue() {
    let slow = ToolSpec {
        name: "book".into(),
        timeout_ms: 9000,
        side_effect: false,
    };
    for (ms, waits) in [(4000, 0), (8000, 1)] {
        let mut spec = booking(Vec::new(), 0).call.spec().clone();
        spec.tools = vec![slow.clone()];
        let mut world = World::answered(spec);
        world.answers = vec![calling("Let me see.", &["book"]), answer("Done.")];
        world.tools = [("book", (ms, "booked", false))].into();
        world.speech(3000, 800, "a table for two").run(16_000);
        assert_eq!(world.conversation().matches(WAIT).count(), waits, "{ms}");
        assert!(world.conversation().ends_with("Agent: Done."));
    }
}

#[test]
fn a_fast_call_needs_no_filler() {
    let mut world = booking(vec![calling("", &["book"]), answer("Done.")], 500);
    world.run(9000);
    assert!(!world.conversation().contains(WAIT));
    assert!(
        world
            .conversation()
            .ends_with("booked for eight\nAgent: Done.")
    );
}

#[test]
fn tool_call_in_flight_when_interrupted_keeps_its_result_for_the_next_turn() {
    let first = calling(
        "I am going to look for a table for two at eight this evening.",
        &["book"],
    );
    let mut world = booking(vec![first, answer("It is booked already.")], 3000);
    world.speech(6000, 900, "make it three").run(14_000);
    assert_snapshot!(world.story());
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_result_that_comes_while_nobody_speaks_after_an_interruption_starts_a_reply() {
    let first = calling(
        "I am going to look for a table for two at eight this evening.",
        &["book"],
    );
    let mut world = booking(vec![first, answer("Still looking."), answer("Done.")], 4900);
    world.speech(5200, 900, "how long").run(14_000);
    assert_eq!(
        world.conversation().lines().skip(1).collect::<Vec<_>>(),
        [
            "Caller: a table for two",
            "Agent: I am --",
            "  a book: booked for eight",
            "Caller: how long",
            "Agent: Still looking.",
            "Agent: Done.",
        ]
    );
    assert_eq!(asked_about_tools(&world).len(), 1);
}

#[test]
fn tool_call_in_flight_when_the_call_ends_is_left_to_the_session() {
    let mut world = booking(vec![calling("", &["book"])], 4000);
    world.at(5500, Event::HungUp).run(12_000);
    assert!(world.call.is_over());
    assert_eq!(world.call.report().cause, Some(EndCause::HungUp));
    assert!(asked_about_tools(&world).is_empty());
    assert_eq!(states(&world, "a"), [ToolState::Running]);
}

#[test]
fn tool_call_in_flight_when_the_session_is_renewed_is_told_as_interrupted() {
    let mut before = booking(vec![calling("", &["book"])], 4000);
    before.run(5500);
    let snapshot = before.call.snapshot();
    let text = serde_json::to_string(&snapshot).unwrap();
    let mut world = World::around(Call::restore(
        before.call.spec().clone(),
        serde_json::from_str(&text).unwrap(),
    ));
    world.answers = vec![answer("I cannot say whether that worked.")];
    world.at(0, Event::Answered { marks: true }).run(6000);
    assert_eq!(runs(&world), 0);
    assert_eq!(states(&world, "a"), [ToolState::Interrupted]);
    assert_eq!(world.asked(), ["Answer: a table for two"]);
    let tools = world.call.tools();
    assert!(tools[0].result.as_ref().unwrap().text.contains("not known"));
}

#[test]
fn a_side_effect_is_checkpointed_before_it_runs() {
    use ringback_call::Action;
    let mut world = booking(vec![calling("", &["book"])], 4000);
    world.run(6000);
    let place = world
        .actions
        .iter()
        .position(|(_, action)| matches!(action, Action::RunTool { .. }));
    let (_, before) = &world.actions[place.unwrap() - 1];
    let Action::Checkpoint(snapshot) = before else {
        panic!("{before:?}");
    };
    assert_eq!(snapshot.tools[0].call, tool_call("a", "book", "{}"));
}

#[test]
fn two_calls_in_one_response_are_answered_by_one_reply_when_both_have_ended() {
    let mut world = booking(
        vec![calling("", &["book", "weather"]), answer("All done.")],
        300,
    );
    world.tools.insert("weather", (500, "rain", true));
    world.run(9000);
    let began = world.times(|action| matches!(action, ringback_call::Action::RunTool { .. }));
    assert_eq!(asked_about_tools(&world), [began[0] + 500]);
    assert!(
        world
            .conversation()
            .ends_with("  a book: booked for eight\n  b weather: rain\nAgent: All done.")
    );
}

#[test]
fn the_same_call_twice_runs_once_and_both_get_its_result() {
    let mut world = booking(vec![calling("", &["book", "book"]), answer("Done.")], 300);
    world.run(9000);
    assert_eq!(runs(&world), 1);
    assert_eq!(states(&world, "b"), [ToolState::Joined]);
    assert!(
        world
            .conversation()
            .contains("  b book: booked for eight\nAgent: Done.")
    );
}

#[test]
fn a_name_that_was_used_before_is_changed_so_that_results_find_their_calls() {
    let mut world = booking(
        vec![
            calling("", &["book"]),
            calling("", &["weather"]),
            answer("Done."),
        ],
        300,
    );
    world.tools.insert("weather", (200, "rain", false));
    world.run(9000);
    let ids: Vec<_> = world
        .call
        .tools()
        .into_iter()
        .map(|tool| tool.call.id)
        .collect();
    assert_eq!(ids, ["a", "a.2"]);
    assert!(
        world
            .conversation()
            .contains("  a book: booked for eight\n  a.2 weather: rain\nAgent: Done.")
    );
}

#[test]
fn a_tool_that_does_not_end_is_told_as_late_and_what_comes_later_is_kept_in_its_place() {
    let mut world = booking(
        vec![calling("", &["book"]), answer("I do not know yet.")],
        7000,
    );
    world.run(11_000);
    assert!(
        world
            .conversation()
            .contains("a book: no answer within 5000 ms")
    );
    assert_eq!(asked_about_tools(&world).len(), 1);
    world.run(14_000);
    assert_eq!(
        states(&world, "a"),
        [ToolState::Running, ToolState::TimedOut, ToolState::Late]
    );
    assert!(world.conversation().contains("a book: booked for eight"));
    assert_eq!(asked_about_tools(&world).len(), 1);
}

#[test]
fn a_tool_loop_is_told_to_stop_after_8_rounds_and_is_a_fault_after_that() {
    let mut world = booking((0..20).map(|_| calling("", &["book"])).collect(), 50);
    world.run(13_000);
    assert_eq!(runs(&world), 8);
    let refused = world.notes(|note| {
        matches!(
            note,
            Note::Tool {
                state: ToolState::Refused,
                ..
            }
        )
    });
    assert_eq!(refused.len(), 1);
    assert!(world.conversation().contains("answer the caller now"));
    assert_eq!(world.call.report().faults.len(), 1);
    assert!(
        world
            .conversation()
            .ends_with("Agent: I am sorry, something went wrong on our side.")
    );
}

#[test]
fn the_ninth_call_of_a_reply_is_not_carried_out() {
    let names: Vec<String> = (0..9).map(|n| format!("tool{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = booking(vec![calling("", &names)], 50);
    world.run(6000);
    assert_eq!(runs(&world), 8);
    assert_eq!(states(&world, "i"), [ToolState::Refused]);
}

#[test]
fn a_barge_in_during_the_goodbye_revokes_the_end_and_not_the_tool() {
    let mut goodbye = calling(
        "Thank you for your time, have a nice day and goodbye.",
        &["book"],
    );
    goodbye.intent = Intent::HangUp;
    let mut world = booking(vec![goodbye, answer("Of course.")], 4000);
    world
        .speech(6000, 1000, "wait one more question")
        .run(14_000);
    assert!(world.end().is_none());
    assert!(world.conversation().contains("a book: booked for eight"));
}

#[test]
fn a_call_that_is_to_end_waits_for_its_tools_and_ends_when_they_went_well() {
    let mut goodbye = calling("Goodbye.", &["book"]);
    goodbye.intent = Intent::HangUp;
    let mut world = booking(vec![goodbye.clone()], 3000);
    world.run(14_000);
    let began = world.times(|action| matches!(action, ringback_call::Action::RunTool { .. }));
    assert_eq!(
        world.end().unwrap(),
        (began[0] + 3000, Intent::HangUp, EndCause::Responder)
    );

    let mut world = booking(vec![goodbye, answer("That did not work.")], 3000);
    world.tools.insert("book", (3000, "no table is free", true));
    world.run(14_000);
    assert!(world.end().is_none());
    assert!(world.conversation().ends_with("Agent: That did not work."));
}

#[test]
fn a_short_noise_while_results_are_awaited_does_not_lose_them() {
    let mut world = booking(
        vec![calling("", &["book"]), answer("Done."), answer("Done.")],
        1000,
    );
    // The noise falls on the time between the question about the result and its first words.
    world.speech(5750, 150, "").run(12_000);
    assert!(
        world.conversation().ends_with("Agent: Done."),
        "{}",
        world.story()
    );
}

#[test]
fn the_longest_silence_of_the_caller_is_not_counted_while_a_tool_runs() {
    let mut world = conversing(&[]);
    let mut spec = world.call.spec().clone();
    spec.max_silence_s = 3;
    spec.tools = vec![ToolSpec {
        name: "book".into(),
        timeout_ms: 20_000,
        side_effect: false,
    }];
    world = World::answered(spec);
    world.answers = vec![calling("", &["book"]), answer("Done.")];
    world.tools = [("book", (10_000, "booked", false))].into();
    world.speech(3000, 800, "a table for two").run(16_500);
    assert!(world.end().is_none(), "{}", world.story());
    assert!(world.conversation().ends_with("Agent: Done."));
}

#[test]
fn what_came_twice_or_of_nothing_changes_nothing() {
    let mut world = booking(vec![calling("", &["book"]), answer("Done.")], 300);
    world.run(8000);
    let before = (world.conversation(), world.actions.len());
    for id in ["a", "nobody"] {
        world.hand_in(&Event::ToolDone {
            id: id.into(),
            result: "again".into(),
            failed: false,
        });
    }
    assert_eq!((world.conversation(), world.actions.len()), before);
}

#[test]
fn a_caller_who_speaks_when_the_tool_ends_is_answered_with_its_result_and_not_before() {
    let mut world = booking(vec![calling("", &["book"]), answer("It is booked.")], 1500);
    world.speech(5200, 1500, "are you there").run(12_000);
    assert_eq!(
        world.asked(),
        ["Answer: a table for two", "Answer: are you there"],
        "{}",
        world.story()
    );
    assert_eq!(
        world.conversation().lines().skip(1).collect::<Vec<_>>(),
        [
            "Caller: a table for two",
            "  a book: booked for eight",
            "Caller: are you there",
            "Agent: It is booked.",
        ]
    );
}

#[test]
fn the_idle_clock_stands_while_a_tool_runs() {
    let mut spec = greeting("Hello, how can I help?");
    spec.lines.idle = vec!["Are you still there?".into()];
    spec.turn.idle_ms = 3000;
    spec.tools = vec![ToolSpec {
        name: "book".into(),
        timeout_ms: 9000,
        side_effect: false,
    }];
    let mut world = World::answered(spec);
    world.answers = vec![calling("", &["book"]), answer("Done.")];
    world.tools = [("book", (8000, "booked", false))].into();
    world.speech(3000, 800, "a table for two").run(14_000);
    assert!(
        world
            .notes(|note| matches!(note, Note::Idle { .. }))
            .is_empty()
    );
    world.run(18_000);
    assert_eq!(
        world.notes(|note| matches!(note, Note::Idle { .. })).len(),
        1
    );
}

#[test]
fn patience_is_asked_for_in_every_turn_and_never_after_a_goodbye() {
    let slow = || calling("", &["book"]);
    let mut world = booking(vec![slow(), answer("Done."), slow(), answer("Done.")], 4000);
    world.speech(14_000, 800, "another table").run(26_000);
    assert_eq!(world.conversation().matches(WAIT).count(), 2);

    let mut goodbye = calling("Bye.", &["book"]);
    goodbye.intent = Intent::HangUp;
    let mut world = booking(vec![goodbye], 4900);
    world.run(14_000);
    assert_eq!(world.end().unwrap().2, EndCause::Responder);
    assert!(!world.conversation().contains(WAIT));
}

#[test]
fn the_rounds_of_one_turn_are_not_counted_in_the_next() {
    let mut answers: Vec<_> = (0..6).map(|_| calling("", &["book"])).collect();
    answers.push(answer("Done."));
    answers.extend(answers.clone());
    let mut world = booking(answers, 50);
    world.speech(11_000, 800, "another table").run(18_000);
    assert_eq!(runs(&world), 12);
    assert!(world.call.report().faults.is_empty());
    assert_eq!(world.conversation().matches("Agent: Done.").count(), 2);
}

#[test]
fn what_comes_late_of_a_call_counts_for_those_that_joined_it() {
    let mut world = booking(
        vec![calling("", &["book", "book"]), answer("Not yet.")],
        7000,
    );
    world.run(14_000);
    let results: Vec<_> = world
        .call
        .tools()
        .into_iter()
        .map(|tool| tool.result.unwrap().text)
        .collect();
    assert_eq!(results, ["booked for eight", "booked for eight"]);
}
