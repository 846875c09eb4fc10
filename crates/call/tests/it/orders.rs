use ringback_call::{
    Action, Call, DropCause, EndCause, Event, Fault, FaultKind, Intent, Note, Order, Party,
    Speaker, TurnHint, Unfit,
};

use crate::world::{Speech, World, answer, conversing, greeting};

const STORY: &str = "There was a king who had three sons. They lived far away. They were happy.";

fn say(text: &str) -> Event {
    Event::Order(Order::Say {
        text: text.into(),
        interrupt: false,
    })
}

fn interrupt(text: &str) -> Event {
    Event::Order(Order::Say {
        text: text.into(),
        interrupt: true,
    })
}

fn transfer(first: Option<&str>) -> Event {
    Event::Order(Order::Transfer {
        to: "+15005550009".into(),
        first: first.map(str::to_owned),
    })
}

fn put_through() -> Intent {
    Intent::Transfer("+15005550009".into())
}

fn check_conversation(world: &World, lines: &[&str]) {
    assert_eq!(world.conversation().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_line_that_is_ordered_is_said_behind_what_is_being_said() {
    let mut world = conversing(&[STORY]);
    world
        .at(6000, say("The offer ends on Friday."))
        .at(6001, say("And it is free."))
        .run(16_000);
    check_conversation(
        &world,
        &[
            "Agent: Hello, how can I help?",
            "Caller: tell me a story",
            &format!("Agent: {STORY}"),
            "Agent: The offer ends on Friday.",
            "Agent: And it is free.",
        ],
    );
    assert!(world.clears().is_empty());
}

#[test]
fn a_line_that_interrupts_is_heard_at_once_and_what_was_said_ends_where_it_was_heard() {
    let mut world = conversing(&[STORY]);
    world.at(6000, interrupt("Please hold on.")).run(12_000);
    let lines = world.call.lines();
    assert_eq!(lines.len(), 4);
    // Nobody but the operator interrupts it.
    assert!(!lines[2].cut && STORY.starts_with(&lines[2].heard) && lines[2].heard != STORY);
    assert_eq!(lines[3].heard, "Please hold on.");
    assert_eq!(world.clears(), [6000]);
    assert!(lines[3].from.ms() < 6600, "{:?}", lines[3].from);
}

#[test]
fn a_line_waits_until_the_caller_was_answered() {
    let mut world = conversing(&["It is a long one."]);
    world
        .at(3200, say("By the way, we close at six."))
        .run(12_000);
    check_conversation(
        &world,
        &[
            "Agent: Hello, how can I help?",
            "Caller: tell me a story",
            "Agent: It is a long one.",
            "Agent: By the way, we close at six.",
        ],
    );
}

#[test]
fn a_line_that_interrupts_answers_the_turn_in_which_it_was_ordered() {
    let mut world = conversing(&["It is a long one."]);
    world.at(3200, interrupt("We have no stories.")).run(12_000);
    check_conversation(
        &world,
        &[
            "Agent: Hello, how can I help?",
            "Caller: tell me a story",
            "Agent: We have no stories.",
        ],
    );
    assert!(world.asked().is_empty(), "{:?}", world.asked());
}

#[test]
fn a_line_of_which_nothing_was_heard_is_said_once_the_caller_was_answered() {
    let mut world = World::answered(greeting("Hello, how can I help?"));
    world.answers = vec![answer("At nine.")];
    world.voice.speech = vec![Speech::Good, Speech::Hangs, Speech::Good];
    world
        .at(4000, say("We are open today."))
        .speech(4100, 900, "when do you open")
        .run(12_000);
    check_conversation(
        &world,
        &[
            "Agent: Hello, how can I help?",
            "Caller: when do you open",
            "Agent: At nine.",
            "Agent: We are open today.",
        ],
    );
}

#[test]
fn a_line_that_cannot_be_spoken_is_not_tried_again() {
    let mut world = World::answered(greeting("Hello, how can I help?"));
    world.voice.speech = vec![Speech::Good, Speech::Fails, Speech::Good];
    world.at(4000, say("We are open today.")).run(9000);
    check_conversation(
        &world,
        &[
            "Agent: Hello, how can I help?",
            "Agent: I am sorry, something went wrong on our side.",
        ],
    );
}

#[test]
fn a_call_that_would_end_does_so_once_what_was_ordered_was_heard() {
    let mut world = conversing(&[]);
    world.answers = vec![crate::world::Answer {
        intent: Intent::HangUp,
        ..answer("Goodbye.")
    }];
    world
        .at(5000, say("Your number is twelve."))
        .at(5001, say("Twelve."))
        .run(15_000);
    assert!(
        world
            .conversation()
            .ends_with("Agent: Goodbye.\nAgent: Your number is twelve.\nAgent: Twelve.")
    );
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Responder));
    let last = world.call.lines().last().unwrap();
    assert!(ms >= last.until.ms(), "{ms}");
}

#[test]
fn a_caller_is_put_through_at_once_and_what_was_being_said_ends_there() {
    let mut world = conversing(&[STORY]);
    world.at(6000, transfer(None)).run(9000);
    assert_eq!(world.end(), Some((6000, put_through(), EndCause::Operator)));
    let last = world.call.lines().last().unwrap();
    assert!(last.heard != last.said && last.speaker == Speaker::Agent);
}

#[test]
fn who_has_the_call_in_hand_ends_it_after_its_sentence_and_for_a_reason_of_its_own() {
    let mut world = conversing(&[STORY]);
    world.at(6000, Event::Order(Order::HangUp)).run(15_000);
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Operator));
    let last = world.call.lines().last().unwrap();
    assert!(ms > 6000 && ms >= last.until.ms(), "{ms} {last:?}");
    assert_eq!(last.heard, "There was a king who had three sons.");
}

#[test]
fn a_line_before_a_transfer_is_heard_to_its_end_whatever_the_caller_does() {
    let mut world = conversing(&[STORY]);
    world
        .at(6000, transfer(Some("I put you through to Ann now.")))
        .speech(6800, 1500, "no wait a moment")
        .at(7000, Event::Digit('1'))
        .run(15_000);
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (put_through(), EndCause::Operator));
    let last = world.call.lines().last().unwrap();
    assert_eq!(last.heard, "I put you through to Ann now.");
    assert!(ms >= last.until.ms() && ms < 10_000, "{ms}");
}

#[test]
fn a_caller_is_put_through_also_when_the_line_before_cannot_be_spoken() {
    for speech in [
        Speech::Fails,
        Speech::Nothing,
        Speech::Silent,
        Speech::Hangs,
    ] {
        let mut world = conversing(&["Yes."]);
        world.voice.speech = vec![Speech::Good, Speech::Good, speech];
        world.at(7000, transfer(Some("One moment."))).run(30_000);
        let (ms, intent, cause) = world.end().unwrap();
        assert_eq!((intent, cause), (put_through(), EndCause::Operator));
        assert!(ms < 12_000, "{ms}");
    }
}

#[test]
fn a_fallback_that_puts_callers_through_does_so_without_a_voice() {
    let mut spec = greeting("Hello, how can I help?");
    spec.fallback = put_through();
    let mut world = World::answered(spec);
    world.voice.speech = vec![
        Speech::Good,
        Speech::Fails,
        Speech::Fails,
        Speech::Fails,
        Speech::Fails,
    ];
    for ms in [3000, 6000, 9000, 12_000] {
        world.speech(ms, 800, "tell me a story");
    }
    world.run(30_000);
    assert_eq!(world.end().unwrap().1, put_through());
}

#[test]
fn a_hint_stands_in_the_conversation_and_nobody_hears_it() {
    let mut world = conversing(&["Yes."]);
    world
        .at(
            2500,
            Event::Order(Order::Whisper("Offer ten percent.".into())),
        )
        .run(9000);
    let lines = world.call.lines();
    assert_eq!(lines[1].speaker, Speaker::Whisper);
    assert_eq!(
        (&*lines[1].said, &*lines[1].heard),
        ("Offer ten percent.", "")
    );
    let spoken =
        |action: &Action| matches!(action, Action::Speak { text, .. } if text.contains("percent"));
    assert!(world.times(spoken).is_empty());
    assert_eq!(world.asked(), ["Answer: tell me a story"]);
}

#[test]
fn a_reply_that_was_asked_for_before_a_hint_is_asked_for_again() {
    let mut spec = greeting("Hello, how can I help?");
    spec.turn.speculate = true;
    let mut world = World::answered(spec);
    world.answers = vec![answer("Which one?"), answer("Which one?")];
    world
        .speech(2000, 600, "I want some food")
        .at(3100, Event::Order(Order::Whisper("There is soup.".into())))
        .run(7000);
    let dropped = world.notes(|note| {
        matches!(
            note,
            Note::Dropped {
                cause: DropCause::Hint,
                ..
            }
        )
    });
    assert_eq!(dropped, [3100]);
    assert_eq!(world.asked().last().unwrap(), "Answer: I want some food");
}

#[test]
fn a_turn_that_is_taken_back_leaves_a_hint_where_it_is() {
    let mut world = conversing(&["Yes.", "No."]);
    world.answers[0].texts[0].0 = 2000;
    world.answers[0].done = Some(2005);
    world
        .at(4800, Event::Order(Order::Whisper("Be short.".into())))
        .speech(5200, 600, "about a king")
        .run(12_000);
    let said: Vec<_> = world
        .call
        .lines()
        .iter()
        .map(|line| line.said.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "Hello, how can I help?",
            "Be short.",
            "tell me a story about a king",
            "No."
        ]
    );
}

#[test]
fn what_ends_or_is_a_machine_takes_no_line_and_no_more_than_eight_wait() {
    let order = |event: Event| match event {
        Event::Order(order) => order,
        other => panic!("{other:?}"),
    };
    let unfit = |call: &Call, event: Event| call.unfit(&order(event));
    let mut world = conversing(&[STORY]);
    assert_eq!(
        unfit(&Call::new(greeting("Hi.")), say("x")),
        Some(Unfit::Ending)
    );
    world.run(6000);
    for _ in 0..8 {
        assert_eq!(unfit(&world.call, say("More.")), None);
        world.hand_in(&say("More."));
    }
    assert_eq!(unfit(&world.call, say("More.")), Some(Unfit::Full));
    assert_eq!(unfit(&world.call, transfer(None)), None);
    world.hand_in(&Event::Finish);
    for event in [
        say("x"),
        transfer(None),
        Event::Order(Order::Whisper("x".into())),
    ] {
        assert_eq!(unfit(&world.call, event), Some(Unfit::Ending));
    }
    world.hand_in(&transfer(None));
    world.run(30_000);
    assert_eq!(world.end().unwrap().1, Intent::HangUp);
}

#[test]
fn a_line_is_said_when_noise_was_taken_for_a_turn() {
    let mut world = World::answered(greeting("Hello, how can I help?"));
    world.stt_ms = Some(50);
    world
        .speech(3000, 300, "")
        .at(3100, interrupt("Are you there?"))
        .at(
            3200,
            Event::Fault(Fault {
                party: Party::Recorder,
                kind: FaultKind::Unreachable,
                detail: "full".into(),
            }),
        )
        .at(3300, Event::Turn(TurnHint::Resumed))
        .run(9000);
    check_conversation(
        &world,
        &["Agent: Hello, how can I help?", "Agent: Are you there?"],
    );
}
