use proptest::prelude::*;
use ringback_call::{
    Action, At, Call, CallSpec, CalleeSpec, Direction, Ear, Edge, Event, Expect, Fault, FaultKind,
    Firmness, Form, Intent, Mark, Order, PartId, Party, Piece, Policy, Protection, ReplyId, Scope,
    Sign, Snapshot, ToolCall, ToolSpec, TurnHint, Usage, Verdict, Words,
};

use crate::world::{Answer, Checker, Speech, World, answer, tool_call};

fn specs() -> impl Strategy<Value = CallSpec> {
    let greeting = proptest::option::of("[a-zA-Z.! ]{0,60}");
    let protection = prop_oneof![
        Just(Protection::None),
        Just(Protection::FirstSecond),
        Just(Protection::Whole)
    ];
    (
        greeting,
        protection,
        20..400_u32,
        0..20_u32,
        proptest::collection::vec("[a-z ]{0,20}", 0..2),
        (expects(), any::<bool>()),
        (proptest::option::of("[a-z. ]{0,20}"), 0..9000_u32),
        callees(),
    )
        .prop_map(
            |(
                greeting,
                protection,
                ahead,
                silence,
                idle,
                (expect, speculate),
                (wait, timeout_ms),
                callee,
            )| {
                let mut spec = CallSpec::new(if callee.listen_ms > 0 {
                    Direction::Outbound
                } else {
                    Direction::Inbound
                });
                spec.callee = callee;
                spec.lines.greeting = greeting;
                spec.lines.idle = idle;
                spec.protect_greeting = protection;
                spec.turn.ahead_ms = ahead;
                spec.turn.idle_ms = 3000;
                spec.turn.max_call_s = 90;
                spec.turn.speculate = speculate;
                spec.max_silence_s = silence;
                spec.expect = expect;
                spec.lines.tool_wait = wait.into_iter().collect();
                spec.tools = vec![ToolSpec {
                    name: "book".into(),
                    timeout_ms,
                    side_effect: true,
                }];
                spec
            },
        )
}

fn callees() -> impl Strategy<Value = CalleeSpec> {
    let policy = || {
        prop_oneof![
            1 => Just(Policy::Ignore),
            1 => Just(Policy::HangUp),
            4 => "[A-Z a-z.]{0,30}".prop_map(Policy::Message),
            4 => "[A-Z a-z.]{0,30}".prop_map(Policy::Say)
        ]
    };
    let listen = prop_oneof![Just(0), Just(8000), Just(45_000)];
    (listen, policy(), policy(), policy(), policy()).prop_map(
        |(listen_ms, voicemail, menu, screening, fax)| CalleeSpec {
            listen_ms,
            voicemail,
            menu,
            screening,
            fax,
            ..CalleeSpec::usual()
        },
    )
}

fn signs() -> impl Strategy<Value = Sign> {
    let verdict = prop_oneof![
        Just(Verdict::Human),
        Just(Verdict::MachineStart),
        Just(Verdict::MachineEnd),
        Just(Verdict::Fax),
        Just(Verdict::Unknown)
    ];
    prop_oneof![
        4 => (any::<u16>(), any::<u64>()).prop_map(|(hz, until)| Sign::Beep { hz, until: Ear(until) }),
        1 => Just(Sign::Fax),
        1 => Just(Sign::Special),
        4 => verdict.prop_map(Sign::Verdict)
    ]
}

fn expects() -> impl Strategy<Value = Expect> {
    let form = prop_oneof![Just(Form::Open), Just(Form::Closed), Just(Form::Digits)];
    (form, 0..4_u8).prop_map(|(form, keys)| Expect { form, keys })
}

fn intents() -> impl Strategy<Value = Intent> {
    prop_oneof![
        6 => Just(Intent::Continue),
        1 => Just(Intent::HangUp),
        1 => Just(Intent::Transfer("desk".into()))
    ]
}

fn edges() -> impl Strategy<Value = Edge> {
    prop_oneof![
        Just(Edge::Onset),
        Just(Edge::Sustained),
        Just(Edge::Prolonged),
        Just(Edge::Lull),
        Just(Edge::Pause),
        Just(Edge::Resumed),
        Just(Edge::Offset),
        Just(Edge::Gap)
    ]
}

fn words() -> impl Strategy<Value = Words> {
    let text = prop_oneof![
        Just(""),
        Just("uh huh"),
        Just("yes"),
        Just("stop it please"),
        Just("please leave a message"),
        Just("why you are calling"),
        Just("press one"),
        Just("please hold"),
        Just("hello"),
        Just("the")
    ];
    let firmness = prop_oneof![
        Just(Firmness::Interim),
        Just(Firmness::Final),
        Just(Firmness::Flushed)
    ];
    let scope = prop_oneof![
        2 => Just(Scope::Turn),
        2 => Just(Scope::Segment),
        1 => Just(Scope::Before)
    ];
    (text, 0..1000_u16, firmness, scope, any::<bool>()).prop_map(
        |(text, confidence, firmness, scope, complete)| Words {
            text: text.into(),
            confidence,
            firmness,
            scope,
            complete,
        },
    )
}

fn hints() -> impl Strategy<Value = TurnHint> {
    prop_oneof![
        2 => Just(TurnHint::Leads(true)),
        1 => Just(TurnHint::Leads(false)),
        5 => Just(TurnHint::Eager),
        1 => Just(TurnHint::Resumed),
        1 => Just(TurnHint::Again),
        3 => Just(TurnHint::Ended)
    ]
}

fn parties() -> impl Strategy<Value = Party> {
    prop_oneof![
        1 => Just(Party::Carrier),
        4 => Just(Party::Stt),
        8 => Just(Party::Responder),
        8 => Just(Party::Tts),
        4 => Just(Party::Recorder),
        2 => Just(Party::Server)
    ]
}

fn faults() -> impl Strategy<Value = Fault> {
    parties().prop_map(|party| Fault {
        party,
        kind: FaultKind::Unreachable,
        detail: "broken".into(),
    })
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..4000_u32, 1 => any::<u32>()]
}

fn pieces(
    reply: impl Strategy<Value = u32>,
    samples: impl Strategy<Value = u32>,
) -> impl Strategy<Value = Piece> {
    (reply, 0..3_u16, samples, proptest::option::of(0..3000_u32)).prop_map(
        |(reply, part, samples, audible)| Piece {
            reply: ReplyId(reply),
            part: PartId(part),
            samples,
            audible,
            levels: vec![40; 10],
            origin: 0,
        },
    )
}

fn marks() -> impl Strategy<Value = Mark> {
    let played = (
        0..3_u32,
        0..6_u32,
        0..3_u16,
        prop_oneof![numbers(), (1..9_u32).prop_map(|n| n * 1600)],
    );
    prop_oneof![
        3 => played.prop_map(|(epoch, reply, part, upto)| Mark::Played {
            epoch,
            reply: ReplyId(reply),
            part: PartId(part),
            upto,
        }),
        1 => (0..4_u32).prop_map(Mark::Cleared)
    ]
}

/// Few names and arguments, so that calls join one another.
fn tool_calls() -> impl Strategy<Value = ToolCall> {
    (tool_ids(), 0..3_usize, 0..2_usize).prop_map(|(id, name, arguments)| {
        tool_call(id, ["book", "look", ""][name], ["{}", "no"][arguments])
    })
}

fn tool_ids() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just(""), Just("a.2")]
}

fn usage() -> impl Strategy<Value = (Option<ReplyId>, Usage)> {
    let reply = proptest::option::of((0..6_u32).prop_map(ReplyId));
    (reply, parties(), any::<u64>()).prop_map(|(reply, party, count)| {
        let usage = Usage {
            input_tokens: count,
            ..Usage::of(party, "x", "y")
        };
        (reply, usage)
    })
}

fn orders() -> impl Strategy<Value = Order> {
    let text = || "[a-z. ]{0,20}";
    prop_oneof![
        4 => (text(), any::<bool>()).prop_map(|(text, interrupt)| Order::Say { text, interrupt }),
        1 => proptest::option::of(text()).prop_map(|first| Order::Transfer { to: "+15005550009".into(), first }),
        1 => Just(Order::HangUp),
        2 => text().prop_map(Order::Whisper)
    ]
}

/// Any event. Ids are small, so that many of them are those of the live reply.
fn events() -> impl Strategy<Value = Event> {
    let reply = || (0..6_u32).prop_map(ReplyId);
    let text = prop_oneof![4 => "[a-zA-Z.!?é ]{0,80}", 1 => "(A b c. ){40}"];
    let sample = prop_oneof![8 => 0..800_000_u64, 1 => any::<u64>()];
    let samples = prop_oneof![8 => (1..40_u32).prop_map(|frames| frames * 160), 1 => 0..5000_u32, 1 => any::<u32>()];
    prop_oneof![
        2 => any::<bool>().prop_map(|marks| Event::Answered { marks }),
        30 => (edges(), sample).prop_map(|(edge, sample)| Event::Ear { edge, sample: Ear(sample) }),
        15 => words().prop_map(Event::Heard),
        12 => hints().prop_map(Event::Turn),
        6 => signs().prop_map(Event::Sign),
        5 => prop_oneof![Just('1'), Just('#'), any::<char>()].prop_map(Event::Digit),
        12 => (reply(), text).prop_map(|(reply, text)| Event::Text { reply, text }),
        8 => (reply(), intents(), expects()).prop_map(|(reply, intent, expect)| Event::TextEnd { reply, intent, expect }),
        12 => (reply(), tool_calls()).prop_map(|(reply, call)| Event::ToolCall { reply, call }),
        8 => (tool_ids(), "[a-z]{0,9}", any::<bool>()).prop_map(|(id, result, failed)| Event::ToolDone { id: id.into(), result, failed }),
        40 => pieces(0..6_u32, samples).prop_map(Event::Spoken),
        6 => (reply(), (0..3_u16).prop_map(PartId), proptest::collection::vec(0..40_000_u32, 0..6))
            .prop_map(|(reply, part, ends)| Event::Timed { reply, part, ends }),
        12 => (reply(), (0..3_u16).prop_map(PartId)).prop_map(|(reply, part)| Event::SpokenEnd { reply, part }),
        2 => (reply(), (0..3_u16).prop_map(PartId)).prop_map(|(reply, part)| Event::Unsayable { reply, part }),
        20 => marks().prop_map(Event::Marked),
        3 => faults().prop_map(Event::Fault),
        1 => faults().prop_map(Event::Replaced),
        2 => "[a-z. ]{0,20}".prop_map(Event::Say),
        4 => orders().prop_map(Event::Order),
        20 => Just(Event::Wake),
        1 => Just(Event::Finish),
        1 => Just(Event::Spent),
        3 => usage().prop_map(|(reply, usage)| Event::Used { reply, usage }),
        1 => Just(Event::HungUp)
    ]
}

/// Times are steps in microseconds.
fn histories() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let step = prop_oneof![8 => 0..200_000_u64, 2 => 0..3_000_000_u64, 1 => any::<u64>().prop_map(|step| step >> 20)];
    proptest::collection::vec((step, events()), 1..100)
}

/// Hands a history in, and afterwards lets time pass from deadline to deadline.
fn run(call: &mut Call, history: &[(u64, Event)]) -> Vec<Action> {
    let mut checker = Checker::default();
    let mut actions = checker.handle(call, At(0), &Event::Answered { marks: true });
    let mut now = 0_u64;
    for (step, event) in history {
        now = now.saturating_add(*step).min(1 << 51);
        actions.extend(checker.handle(call, At(now), event));
    }
    for _ in 0..5000 {
        let Some((due, _)) = call.deadline() else {
            break;
        };
        now = due.0.max(now);
        actions.extend(checker.handle(call, At(now), &Event::Wake));
    }
    assert!(
        call.is_over(),
        "a call that nobody touches ends by its limits"
    );
    actions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_event_in_any_order_keeps_the_contract(spec in specs(), history in histories()) {
        run(&mut Call::new(spec), &history);
    }

    #[test]
    fn the_same_history_gives_the_same_actions(spec in specs(), history in histories()) {
        let once = run(&mut Call::new(spec.clone()), &history);
        let again = run(&mut Call::new(spec), &history);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn any_event_and_what_follows_survive_json(spec in specs(), history in histories()) {
        let text = serde_json::to_string(&history).unwrap();
        let back: Vec<(u64, Event)> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &history);
        let actions = run(&mut Call::new(spec.clone()), &history);
        let text = serde_json::to_string(&actions).unwrap();
        let back: Vec<Action> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, actions);
        let text = serde_json::to_string(&spec).unwrap();
        let back: CallSpec = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, spec);
    }

    /// The same means: what was said, what is expected, what was spent and counted, and from the answer on equal actions
    /// for equal events; turns and replies count on, so that nothing late of the old call can be taken for something new.
    #[test]
    fn a_restored_call_goes_on_the_same(spec in specs(), before in histories(), after in histories()) {
        let mut call = Call::new(spec.clone());
        call.handle(At(0), &Event::Answered { marks: true });
        let mut now = 0_u64;
        for (step, event) in &before {
            now = now.saturating_add(*step).min(1 << 50);
            call.handle(At(now), event);
            while call.poll_action().is_some() {}
        }
        let snapshot = call.snapshot();
        let text = serde_json::to_string(&snapshot).unwrap();
        let back: Snapshot = serde_json::from_str(&text).unwrap();
        let mut restored = Call::restore(spec.clone(), snapshot.clone());
        let mut carried = Call::restore(spec, back);
        prop_assert_eq!(restored.snapshot(), snapshot.clone());
        prop_assert_eq!(restored.lines(), call.lines());
        let mut at = At(0);
        for (step, event) in std::iter::once(&(0, Event::Answered { marks: true })).chain(&after) {
            at = At(at.0.saturating_add(*step));
            restored.handle(at, event);
            carried.handle(at, event);
            while let Some(action) = restored.poll_action() {
                if let Action::Respond { reply, turn, .. } = &action {
                    prop_assert!(reply.0 > snapshot.replies);
                    prop_assert!(turn.0 + 1 >= snapshot.turns);
                }
                prop_assert_eq!(Some(action), carried.poll_action());
            }
            prop_assert_eq!(carried.poll_action(), None);
        }
    }
}

/// Settings as a damaged trace can hold them.
fn wild_specs() -> impl Strategy<Value = CallSpec> {
    let setting = || prop_oneof![Just(0), Just(1), Just(700), Just(u32::MAX)];
    (
        specs(),
        proptest::collection::vec(setting(), 14),
        any::<u8>(),
    )
        .prop_map(|(mut spec, settings, idle_prompts)| {
            let turn = &mut spec.turn;
            let fields = [
                &mut turn.onset_ms,
                &mut turn.sustain_ms,
                &mut turn.yield_ms,
                &mut turn.finalize_ms,
                &mut turn.end_wait_ms,
                &mut turn.end_wait_complete_ms,
                &mut turn.end_wait_filler_ms,
                &mut turn.end_cap_ms,
                &mut turn.reply_bound_ms,
                &mut turn.idle_ms,
                &mut turn.max_call_s,
                &mut turn.ahead_ms,
                &mut turn.protect_ms,
                &mut spec.max_silence_s,
            ];
            for (field, setting) in fields.into_iter().zip(settings) {
                *field = setting;
            }
            turn.idle_prompts = idle_prompts;
            spec
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_settings_an_event_is_dealt_with_and_has_few_actions(
        spec in wild_specs(), history in histories(),
    ) {
        let mut call = Call::new(spec);
        call.handle(At(0), &Event::Answered { marks: true });
        let mut now = 0_u64;
        for (step, event) in &history {
            now = now.saturating_add(*step);
            call.handle(At(now), event);
            let actions = std::iter::from_fn(|| call.poll_action()).count();
            prop_assert!(actions < 1000, "{} actions for {:?}", actions, event);
        }
    }
}

#[derive(Clone, Debug)]
struct Story {
    spec: CallSpec,
    answers: Vec<Answer>,
    speeches: Vec<(u64, u64, &'static str)>,
    keys: Vec<(u64, char)>,
    voice: Vec<Speech>,
    stt_ms: Option<u64>,
    leads: bool,
    marks: bool,
    fates: usize,
    delay: u64,
}

fn stories() -> impl Strategy<Value = Story> {
    let text = prop_oneof![
        Just("Yes."),
        Just(
            "There was a king who had three sons and a very large garden with apple trees of gold. That is all."
        ),
        Just("One. Two. Three. Four, and five."),
        Just("")
    ];
    let answers = (
        text,
        0..2500_u64,
        intents(),
        expects(),
        proptest::collection::vec(tool_calls(), 0..3),
    )
        .prop_map(|(text, ms, intent, expect, calls)| Answer {
            texts: vec![(ms, text.to_owned())],
            done: Some(ms + 5),
            intent,
            expect,
            calls: calls.into_iter().map(|call| (ms + 1, call)).collect(),
            ..answer("")
        });
    let said = prop_oneof![
        Just("uh huh"),
        Just("yes"),
        Just("tell me a story"),
        Just(""),
        Just("and the")
    ];
    let speeches = (300..4000_u64, 100..2500_u64, said);
    let voice = prop_oneof![
        12 => Just(Speech::Good),
        1 => Just(Speech::Silent),
        1 => Just(Speech::Nothing),
        1 => Just(Speech::Unsayable),
        1 => Just(Speech::Hangs),
        1 => Just(Speech::Fails)
    ];
    (
        specs(),
        proptest::collection::vec(answers, 0..8),
        proptest::collection::vec(speeches, 0..10),
        proptest::collection::vec((0..40_000_u64, prop_oneof![Just('1'), Just('#')]), 0..4),
        proptest::collection::vec(voice, 1..12),
        (proptest::option::weighted(0.9, 0..2500_u64), any::<bool>()),
        (any::<bool>(), 0..4_usize, 0..200_u64),
    )
        .prop_map(
            |(spec, answers, gaps, keys, mut voice, (stt_ms, leads), (marks, fates, delay))| {
                let mut from = 0;
                let speeches = gaps
                    .into_iter()
                    .map(|(gap, length, words)| {
                        let speech = (from + gap, length, words);
                        from += gap + length;
                        speech
                    })
                    .collect();
                voice.push(Speech::Good);
                Story {
                    spec,
                    answers,
                    speeches,
                    keys,
                    voice,
                    stt_ms,
                    leads,
                    marks,
                    fates,
                    delay,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_and_engines_do_a_call_keeps_the_contract_and_ends(story in stories()) {
        let mut world = World::new(story.spec);
        world.answers = story.answers;
        world.voice.speech = story.voice;
        world.stt_ms = story.stt_ms;
        world.tools = [("book", (story.delay * 30, "booked", false))].into();
        world.carrier.delay = story.delay * 1000;
        world.carrier.fate = [
            (|_| &[0]) as fn(usize) -> &'static [u64],
            |nth| if nth % 3 == 0 { &[] } else { &[0] },
            |nth| if nth % 2 == 0 { &[700] } else { &[0, 30] },
            |_| &[],
        ][story.fates];
        world.at(0, Event::Answered { marks: story.marks });
        if story.leads {
            world.at(0, Event::Turn(TurnHint::Leads(true)));
        }
        for (from, length, words) in story.speeches {
            if story.leads {
                world.led_speech(from, length, words);
            } else {
                world.speech(from, length, words);
            }
        }
        for (ms, key) in story.keys {
            world.at(ms, Event::Digit(key));
        }
        world.run(120_000);
        prop_assert!(world.call.is_over());
        // However the marks fare, what counts as heard of a reply that was not cut was played.
        for line in world.call.report().lines.iter().filter(|line| line.heard.len() > 3) {
            if let Some(reply) = line.reply {
                prop_assert!(world.carrier.heard.iter().any(|played| played.reply == reply), "{:?}", line);
            }
        }
    }
}
