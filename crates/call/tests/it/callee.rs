//! Who answers a call that we placed, and what is done then.

use ringback_call::{
    Action, CallSpec, Callee, CalleeSpec, Direction, Ear, EndCause, Event, Fault, FaultKind,
    Intent, Note, Party, Policy, Sign, Verdict, Why,
};

use crate::world::{World, answer};

const MESSAGE: &str = "This is the clinic. Please call us back. Goodbye.";
const GREETING: &str = "Hello, this is the clinic.";
const VOICEMAIL: &str = "you have reached anna please leave a message after the tone";
const SCREENING: &str = "record your name and reason for calling";

fn spec(change: impl FnOnce(&mut CalleeSpec)) -> CallSpec {
    let mut spec = CallSpec::new(Direction::Outbound);
    spec.lines.greeting = Some(GREETING.into());
    change(&mut spec.callee);
    spec
}

fn leaving() -> CallSpec {
    spec(|callee| callee.voicemail = Policy::Message(MESSAGE.into()))
}

fn introducing() -> CallSpec {
    spec(|callee| callee.screening = Policy::Say("It is the clinic, about a visit.".into()))
}

fn beep(ms: u64) -> Event {
    Event::Sign(Sign::Beep {
        hz: 1000,
        until: Ear(ms * 8),
    })
}

fn verdict(verdict: Verdict) -> Event {
    Event::Sign(Sign::Verdict(verdict))
}

/// Who was found, when and from what.
fn found(world: &World) -> Vec<(u64, Callee, Why)> {
    let notes = world.actions.iter();
    notes
        .filter_map(|(ms, action)| match action {
            Action::Note(Note::Callee { callee, why }) => Some((*ms, *callee, why.clone())),
            _ => None,
        })
        .collect()
}

fn callees(world: &World) -> Vec<Callee> {
    found(world)
        .into_iter()
        .map(|(_, callee, _)| callee)
        .collect()
}

/// When a line was given to the voice.
fn spoken(world: &World, line: &str) -> Vec<u64> {
    let first = ringback_call::sentences(line).remove(0);
    world.times(|action| matches!(action, Action::Speak { text, .. } if *text == first))
}

fn left(world: &World) -> Vec<u64> {
    spoken(world, MESSAGE)
}

#[test]
fn a_voicemail_gets_the_message_after_its_beep_and_then_the_call_ends() {
    let mut world = World::answered(leaving());
    world.speech(600, 6000, VOICEMAIL).at(8000, beep(7960));
    world.run(30_000);
    assert_eq!(
        found(&world)[..],
        [(
            6970,
            Callee::Voicemail,
            Why::Phrase("please leave a message".into())
        )][..]
    );
    assert_eq!(left(&world), [8300]);
    assert!(world.asked().is_empty(), "{:?}", world.asked());
    let (ms, intent, cause) = world.end().unwrap();
    assert_eq!((intent, cause), (Intent::HangUp, EndCause::Callee));
    assert!((10_000..16_000).contains(&ms), "{ms}");
    let conversation = world.conversation();
    assert!(
        conversation.ends_with(&format!("Agent: {MESSAGE}")),
        "{conversation}"
    );
    assert!(!conversation.contains("Caller"), "{conversation}");
    assert_eq!(world.call.report().callee, Some(Callee::Voicemail));
}

#[test]
fn a_voicemail_that_nothing_is_left_on_ends_the_call_at_once() {
    let mut world = World::answered(spec(|_| {}));
    world.speech(600, 3000, VOICEMAIL).run(30_000);
    let heard = found(&world)[0].0;
    assert_eq!(world.end(), Some((heard, Intent::HangUp, EndCause::Callee)));
}

#[test]
fn a_voicemail_that_is_to_be_talked_to_changes_nothing() {
    let mut world = World::answered(spec(|callee| callee.voicemail = Policy::Ignore));
    world.speech(600, 3000, VOICEMAIL).run(6000);
    assert_eq!(callees(&world), [Callee::Voicemail]);
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn without_a_beep_the_message_is_left_when_the_greeting_is_over() {
    let mut world = World::answered(leaving());
    world.speech(600, 4000, VOICEMAIL).run(30_000);
    let heard = found(&world)[0].0;
    let [begun] = left(&world)[..] else {
        panic!("{:?}", left(&world));
    };
    assert_eq!(begun, heard + 2500);
}

#[test]
fn a_greeting_that_goes_on_after_its_phrase_is_waited_for() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 4000, VOICEMAIL)
        .speech(6500, 5000, "or call the office at any time thank you")
        .at(13_000, beep(12_960))
        .run(40_000);
    assert_eq!(left(&world), [13_300]);
}

#[test]
fn a_beep_that_speech_follows_is_not_the_one() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 4000, VOICEMAIL)
        .at(5500, beep(5460))
        .speech(5600, 3000, "you can also press pound")
        .at(9500, beep(9460))
        .run(40_000);
    assert_eq!(left(&world), [9800]);
}

#[test]
fn a_beep_alone_is_a_voicemail_and_withdraws_what_is_being_said() {
    let mut spec = leaving();
    spec.lines.greeting =
        Some("Hello there, this is the clinic and we have a reminder for you.".into());
    let mut world = World::answered(spec);
    world.at(1500, beep(1460)).run(30_000);
    assert_eq!(found(&world), [(1500, Callee::Voicemail, Why::Beep(1000))]);
    assert_eq!(world.clears(), [1500]);
    assert_eq!(left(&world), [1800]);
    assert_eq!(world.end().unwrap().2, EndCause::Callee);
}

#[test]
fn a_person_is_talked_to_as_if_nothing_listened() {
    let talk = |listen_ms| {
        let mut world = World::answered(spec(|callee| callee.listen_ms = listen_ms));
        world.answers = vec![answer("Can you come?"), answer("Wonderful. Goodbye.")];
        world
            .speech(300, 500, "hello")
            .speech(6000, 700, "yes i can")
            .run(15_000);
        let acted = world.actions.into_iter();
        acted
            .filter(|(_, action)| {
                !matches!(
                    action,
                    Action::Note(Note::Callee { .. }) | Action::Checkpoint(_)
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(talk(45_000), talk(0));
}

#[test]
fn a_beep_is_not_believed_after_a_short_answer_but_after_a_long_one_it_is() {
    let mut world = World::answered(leaving());
    world
        .speech(3000, 700, "hello who is there")
        .at(9000, beep(8960))
        .run(12_000);
    assert_eq!(callees(&world), [Callee::Human]);
    assert!(left(&world).is_empty());

    let mut world = World::answered(leaving());
    world
        .speech(3000, 5000, "our house by the lake is lovely")
        .at(9500, beep(9460))
        .run(12_000);
    assert_eq!(callees(&world), [Callee::Voicemail]);
    assert_eq!(left(&world), [9800]);
}

#[test]
fn after_two_answers_nothing_makes_a_machine_of_a_person() {
    let mut world = World::answered(leaving());
    world
        .speech(3000, 700, "hello who is there")
        .speech(9000, 700, "yes that is me")
        .speech(15_000, 900, VOICEMAIL)
        .run(20_000);
    assert_eq!(callees(&world), [Callee::Human]);
    assert_eq!(world.asked().len(), 3);
}

#[test]
fn later_than_the_first_seconds_nothing_is_weighed() {
    let mut world = World::answered(spec(|callee| callee.listen_ms = 5000));
    world.at(5001, Event::Sign(Sign::Fax)).run(6000);
    assert!(found(&world).is_empty());
    assert!(!world.call.is_over());
}

#[test]
fn in_a_call_that_came_in_nothing_is_weighed() {
    let mut spec = CallSpec::new(Direction::Inbound);
    spec.lines.greeting = Some(GREETING.into());
    let mut world = World::answered(spec);
    world
        .at(1000, Event::Sign(Sign::Fax))
        .speech(3000, 3000, VOICEMAIL)
        .run(9000);
    assert!(found(&world).is_empty());
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn a_fax_and_a_number_that_reaches_nobody_end_the_call() {
    for (sign, callee) in [
        (Sign::Fax, Callee::Fax),
        (Sign::Special, Callee::Unreachable),
    ] {
        let mut world = World::answered(leaving());
        world.at(2000, Event::Sign(sign)).run(3000);
        assert_eq!(found(&world), [(2000, callee, Why::Tones)]);
        assert_eq!(world.end(), Some((2000, Intent::HangUp, EndCause::Callee)));
    }
}

#[test]
fn a_full_mailbox_gets_no_message() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 3000, VOICEMAIL)
        .speech(5000, 2000, "the mailbox is full goodbye")
        .run(20_000);
    assert_eq!(callees(&world), [Callee::Voicemail, Callee::MailboxFull]);
    assert!(left(&world).is_empty());
    assert_eq!(world.end().unwrap().2, EndCause::Callee);
}

#[test]
fn a_second_beep_soon_after_the_first_begins_the_message_again_but_only_once() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 3000, VOICEMAIL)
        .at(5000, beep(4960))
        .at(6500, beep(6460))
        .at(8000, beep(7960))
        .run(30_000);
    assert_eq!(left(&world), [5300, 6800]);
    assert_eq!(world.end().unwrap().2, EndCause::Callee);
}

#[test]
fn somebody_who_picks_up_during_the_message_is_greeted() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 3000, VOICEMAIL)
        .at(5000, beep(4960))
        .speech(6200, 600, "hello i'm here")
        .run(8500);
    assert_eq!(callees(&world), [Callee::Voicemail, Callee::Human]);
    assert_eq!(spoken(&world, GREETING).len(), 2);
    assert!(!world.call.is_over());
    world.speech(11_000, 600, "yes").run(14_000);
    assert_eq!(world.asked(), ["Answer: yes"]);
}

#[test]
fn what_a_machine_says_into_the_message_does_not_stop_it() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 3000, VOICEMAIL)
        .at(5000, beep(4960))
        .speech(6000, 2000, "you have two minutes left")
        .at(6500, Event::Digit('5'))
        .at(6600, Event::Say("A line.".into()))
        .run(30_000);
    let conversation = world.conversation();
    assert!(
        conversation.ends_with(&format!("Agent: {MESSAGE}")),
        "{conversation}"
    );
    assert_eq!(left(&world).len(), 1);
}

#[test]
fn who_screens_hears_who_calls_and_the_person_behind_hears_the_opening() {
    let mut world = World::answered(introducing());
    world
        .speech(600, 3000, SCREENING)
        .speech(9000, 900, "thanks please stay on the line")
        .speech(16_000, 500, "hello")
        .speech(22_000, 500, "yes")
        .run(30_000);
    assert_eq!(callees(&world), [Callee::Screening, Callee::Human]);
    assert_eq!(
        world.conversation(),
        "Agent: Hello, --\nCaller: record your name and reason for calling\nAgent: It is the clinic, about a visit.\nCaller: hello\n\
         Agent: Hello, this is the clinic.\nCaller: yes\nAgent: All right."
    );
    assert_eq!(world.asked(), ["Answer: yes"]);
}

#[test]
fn who_screens_is_no_person_because_its_words_changed_at_the_end_of_its_turn() {
    let mut world = World::answered(introducing());
    world
        .interim(2000, SCREENING, 900)
        .speech(600, 3000, "recall your name and reason four calling")
        .speech(9000, 900, "thanks please stay on the line")
        .speech(16_000, 500, "hello")
        .run(20_000);
    assert_eq!(callees(&world), [Callee::Screening, Callee::Human]);
    assert_eq!(
        world.conversation(),
        "Agent: Hello, --\nCaller: recall your name and reason four calling\nAgent: It is the clinic, about a visit.\n\
         Caller: hello\nAgent: Hello, this is the clinic."
    );
    assert!(world.asked().is_empty());
}

#[test]
fn an_introduction_that_the_machine_talked_over_is_said_again() {
    let mut world = World::answered(introducing());
    world
        .speech(600, 3000, SCREENING)
        .speech(5200, 2500, "and i'll see if this person is available")
        .run(12_000);
    assert_eq!(spoken(&world, "It is the clinic, about a visit.").len(), 2);
    assert!(world.asked().is_empty());
}

#[test]
fn a_screening_that_turns_out_to_be_a_voicemail_gets_the_message() {
    let mut spec = introducing();
    spec.callee.voicemail = Policy::Message(MESSAGE.into());
    let mut world = World::answered(spec);
    world
        .speech(600, 3000, SCREENING)
        .speech(
            9000,
            3000,
            "this person is not available please leave a message after the tone",
        )
        .at(13_000, beep(12_960))
        .run(30_000);
    assert_eq!(callees(&world), [Callee::Screening, Callee::Voicemail]);
    assert_eq!(left(&world), [13_300]);
}

#[test]
fn a_menu_gets_its_key_once() {
    let mut world = World::answered(spec(|callee| callee.menu = Policy::Say("[keys 1]".into())));
    world
        .speech(600, 3000, "for sales press one")
        .speech(9000, 2000, "for service press one")
        .run(16_000);
    assert_eq!(callees(&world), [Callee::Menu]);
    assert_eq!(spoken(&world, "[keys 1]").len(), 1);
    assert_eq!(world.asked(), ["Answer: for service press one"]);
}

#[test]
fn the_verdict_from_before_the_answer_decides_what_is_said_first() {
    let mut world = World::new(leaving());
    world
        .at(0, verdict(Verdict::MachineEnd))
        .at(10, Event::Answered { marks: true })
        .run(20_000);
    assert_eq!(found(&world), [(10, Callee::Voicemail, Why::Verdict)]);
    assert!(spoken(&world, GREETING).is_empty());
    assert_eq!(left(&world), [310]);

    let mut world = World::new(leaving());
    world
        .at(0, verdict(Verdict::Human))
        .at(10, Event::Answered { marks: true })
        .at(3000, beep(2950))
        .run(6000);
    assert_eq!(found(&world), [(10, Callee::Human, Why::Verdict)]);
    assert_eq!(spoken(&world, GREETING).len(), 1);
}

#[test]
fn a_verdict_in_the_call_counts_where_nothing_speaks_against_it() {
    let mut world = World::answered(leaving());
    world
        .at(3000, verdict(Verdict::Unknown))
        .at(4000, verdict(Verdict::MachineStart))
        .run(4500);
    assert_eq!(found(&world), [(4000, Callee::Voicemail, Why::Verdict)]);
    world.at(9000, verdict(Verdict::MachineEnd)).run(30_000);
    assert_eq!(left(&world), [6500], "the line was silent");

    let mut world = World::answered(leaving());
    world
        .speech(3000, 600, "hello there")
        .at(6000, verdict(Verdict::MachineEnd))
        .run(8000);
    assert_eq!(callees(&world), [Callee::Human]);
    assert!(left(&world).is_empty());

    let mut world = World::answered(introducing());
    world
        .speech(600, 3000, SCREENING)
        .at(6000, verdict(Verdict::MachineStart))
        .run(8000);
    assert_eq!(callees(&world), [Callee::Screening]);
}

#[test]
fn a_message_that_cannot_be_spoken_ends_the_call() {
    let mut world = World::answered(leaving());
    world.speech(600, 3000, VOICEMAIL).at(5000, beep(4960));
    world.run(5310);
    world.hand_in(&Event::Fault(Fault {
        party: Party::Tts,
        kind: FaultKind::Unreachable,
        detail: "gone".into(),
    }));
    assert_eq!(world.end().unwrap().2, EndCause::Fault);
}

#[test]
fn a_machine_that_never_listens_is_left() {
    let mut world = World::answered(leaving());
    world.speech(600, 3000, VOICEMAIL);
    world.speech(5000, 100_000, "music").run(80_000);
    let (ms, _, cause) = world.end().unwrap();
    assert_eq!(cause, EndCause::Callee);
    assert!((60_000..66_000).contains(&ms), "{ms}");
    assert!(left(&world).is_empty());
}

#[test]
fn a_call_that_goes_on_elsewhere_leaves_its_message_there() {
    let mut before = World::answered(leaving());
    before.speech(600, 3000, VOICEMAIL).run(4800);
    let snapshot = before.call.snapshot();
    assert_eq!(snapshot.callee, Some(Callee::Voicemail));
    let text = serde_json::to_string(&snapshot).unwrap();
    let call = ringback_call::Call::restore(leaving(), serde_json::from_str(&text).unwrap());
    let mut world = World::around(call);
    world.at(0, Event::Answered { marks: true }).run(20_000);
    assert_eq!(left(&world), [300]);
    assert_eq!(world.end().unwrap().2, EndCause::Callee);
    assert_eq!(world.call.report().callee, Some(Callee::Voicemail));
}

#[test]
fn a_server_that_stops_does_not_say_goodbye_to_a_machine() {
    let mut world = World::answered(leaving());
    world
        .speech(600, 3000, VOICEMAIL)
        .at(5000, Event::Finish)
        .run(6000);
    assert_eq!(world.end(), Some((5000, Intent::HangUp, EndCause::Finish)));
}

#[test]
fn a_trace_from_before_has_no_callee_in_its_spec_and_weighs_nothing() {
    let mut value = serde_json::to_value(spec(|_| {})).unwrap();
    value.as_object_mut().unwrap().remove("callee");
    let old: CallSpec = serde_json::from_value(value).unwrap();
    let mut world = World::answered(old);
    world.at(1000, Event::Sign(Sign::Fax)).run(2000);
    assert!(found(&world).is_empty());
}

#[test]
fn what_a_machine_says_is_kept_as_sound_though_it_is_no_turn() {
    let mut world = World::answered(leaving());
    world.speech(600, 6000, VOICEMAIL).at(8000, beep(7960));
    world.run(30_000);
    let report = world.call.report();
    let sounds = report.sounds.first().unwrap();
    assert_eq!((sounds.from.ms(), sounds.until.unwrap().ms()), (600, 6600));
    assert_eq!(report.turns, []);
}
