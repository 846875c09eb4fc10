//! Scripts in virtual time against a server that is a list of sounds and clears.

use super::*;
use crate::args::CalleeKind;
use crate::caller::callee;
use crate::caller::mouth::Mouth;
use crate::caller::script::Sound;
use ringback_audio::g711;

/// What the server does: audible from, to, in ms; clears in ms.
struct Server {
    sounds: Vec<(u64, u64)>,
    clears: Vec<u64>,
}

/// Runs a script for `ms` and returns what the caller did, with times in ms, and what failed.
fn run(actions: Vec<Action<Arc<Clip>>>, server: &Server, ms: u64) -> (Vec<String>, Vec<String>) {
    let steps = actions.into_iter().enumerate().map(|(index, action)| Step {
        line: index + 1,
        action,
    });
    let mut conductor = Conductor::new(steps.collect());
    let (mut mouth, mut heard) = (Mouth::default(), ReplyWatch::default());
    let (mut last, mut log) = (None::<Utterance>, Vec::new());
    for now_ms in (0..ms).step_by(20) {
        let clears: Vec<u64> = server
            .clears
            .iter()
            .map(|at| at * MS)
            .filter(|&at| at <= now_ms * MS)
            .collect();
        let deeds = conductor.tick(&Senses {
            now: now_ms * MS,
            speaking: mouth.is_speaking(),
            last: last.as_ref(),
            heard: &heard,
            clears: &clears,
        });
        for deed in deeds {
            match deed {
                Deed::Speak(clip) => {
                    log.push(format!("{now_ms} say {}", clip.said));
                    mouth.speak(clip);
                }
                Deed::Press(digit) => log.push(format!("{now_ms} press {digit}")),
                Deed::HangUp => log.push(format!("{now_ms} hang up")),
            }
        }
        if let Some(began) = mouth.frame().began {
            last = Some(began);
        }
        let audible = server
            .sounds
            .iter()
            .any(|&(from, to)| (from..to).contains(&now_ms));
        let byte = if audible {
            g711::encode(5000)
        } else {
            g711::SILENCE
        };
        heard.push(&[byte; 160]);
    }
    (log, conductor.failures().to_vec())
}

fn clip(said: &str, ms: usize) -> Arc<Clip> {
    Arc::new(Clip {
        said: said.into(),
        samples: vec![5000; ms * 8],
        sound: 0..ms * 8,
    })
}

fn wait(timeout_ms: u64) -> Action<Arc<Clip>> {
    Action::WaitReply { timeout_ms }
}

#[test]
fn each_item_is_said_after_the_reply_to_the_one_before_has_ended() {
    let server = Server {
        sounds: vec![(200, 1000), (3000, 3500)],
        clears: vec![],
    };
    let script = vec![
        wait(5000),
        Action::Speak(clip("one", 500)),
        wait(5000),
        Action::Speak(clip("two", 500)),
    ];
    let (log, failures) = run(script, &server, 6000);
    assert_eq!(log, ["1700 say one", "4200 say two", "4700 hang up"]);
    assert!(failures.is_empty(), "{failures:?}");
}

/// A person who answers, whose words take half a second.
fn person() -> Vec<Action<Arc<Clip>>> {
    let steps = callee::steps(CalleeKind::Human);
    let played = steps.into_iter().map(|step| match step.action {
        Action::Speak(Sound::Say(said)) => Action::Speak(clip(&said, 500)),
        Action::Pause { ms } => Action::Pause { ms },
        Action::Listen { timeout_ms } => Action::Listen { timeout_ms },
        Action::HangUp => Action::HangUp,
        other @ (Action::Speak(_)
        | Action::BargeIn { .. }
        | Action::WaitReply { .. }
        | Action::Digits(_)
        | Action::ExpectAudio { .. }
        | Action::ExpectClear { .. }
        | Action::ExpectNoClear { .. }
        | Action::ExpectEnd { .. }) => panic!("{other:?}"),
    });
    played.collect()
}

#[test]
fn a_person_who_says_hello_into_the_greeting_hears_its_end_and_answers() {
    let hello_first = vec![(1500, 4000), (6000, 8000)];
    for sounds in [vec![(200, 9400), (12_000, 14_000)], hello_first] {
        let server = Server {
            sounds,
            clears: vec![],
        };
        let (log, failures) = run(person(), &server, 20_000);
        assert!(failures.is_empty(), "{failures:?}");
        let [hello, yes, end] = &log[..] else {
            panic!("{log:?}")
        };
        assert_eq!(hello, "300 say Hello?");
        let at = |deed: &str| deed.split_once(' ').unwrap().0.parse::<u64>().unwrap();
        let [greeting, answer] = &server.sounds[..] else {
            unreachable!()
        };
        assert!(
            yes.ends_with("say Yes.") && (greeting.1 + 900..=greeting.1 + 1200).contains(&at(yes)),
            "{log:?}"
        );
        assert!(
            end.ends_with("hang up") && (answer.1 + 600..=answer.1 + 900).contains(&at(end)),
            "{log:?}"
        );
    }
}

#[test]
fn a_person_may_be_left_when_they_have_said_all_and_not_before() {
    for (said, failures) in [(0, 1), (2, 0)] {
        let listen = Action::Listen { timeout_ms: 100 };
        let speech = || Action::Speak(clip("Yes.", 100));
        let rest = if said == 0 { Some(speech()) } else { None };
        let actions = [listen].into_iter().chain(rest).chain([Action::HangUp]);
        let steps = actions.map(|action| Step { line: 0, action });
        let mut conductor = Conductor::new(steps.collect());
        conductor.call_ended();
        assert_eq!(conductor.failures().len(), failures);
    }
}

#[test]
fn a_reply_that_never_comes_is_a_failure_and_the_script_goes_on() {
    let server = Server {
        sounds: vec![],
        clears: vec![],
    };
    let (log, failures) = run(vec![wait(1000), Action::HangUp], &server, 2000);
    assert_eq!(log, ["1000 hang up"]);
    assert_eq!(
        failures,
        ["line 1 (wait_reply): no reply was heard to its end within 1000 ms"]
    );
}

#[test]
fn a_barge_in_is_timed_from_the_first_sound_of_the_reply() {
    let server = Server {
        sounds: vec![(1000, 5000)],
        clears: vec![1800],
    };
    let script = vec![
        Action::BargeIn {
            after_ms: 500,
            sound: clip("stop", 400),
        },
        Action::ExpectClear { within_ms: 400 },
        Action::ExpectClear { within_ms: 200 },
    ];
    let (log, failures) = run(script, &server, 6000);
    assert_eq!(log, ["1500 say stop", "1900 hang up"]);
    assert_eq!(
        failures,
        ["line 3 (expect_clear_within_ms): the clear came after 300 ms"]
    );
}

#[test]
fn a_burst_without_a_clear_passes_and_with_one_fails() {
    let burst = || {
        vec![
            Action::BargeIn {
                after_ms: 300,
                sound: clip("burst", 150),
            },
            Action::ExpectNoClear { for_ms: 1000 },
        ]
    };
    let sounds = vec![(0, 5000)];
    let calm = Server {
        sounds: sounds.clone(),
        clears: vec![100],
    };
    assert!(run(burst(), &calm, 3000).1.is_empty());
    let nervous = Server {
        sounds,
        clears: vec![700],
    };
    let (_, failures) = run(burst(), &nervous, 3000);
    assert_eq!(
        failures,
        ["line 2 (expect_no_clear): a clear came after 400 ms"]
    );
}

#[test]
fn keys_are_pressed_four_a_second() {
    let server = Server {
        sounds: vec![],
        clears: vec![],
    };
    let script = vec![Action::Pause { ms: 100 }, Action::Digits("12#".into())];
    let (log, _) = run(script, &server, 2000);
    assert_eq!(
        log,
        ["100 press 1", "360 press 2", "600 press #", "600 hang up"]
    );
}

#[test]
fn sound_and_its_absence_are_noticed() {
    let server = Server {
        sounds: vec![(400, 600)],
        clears: vec![],
    };
    let script = vec![
        Action::ExpectAudio { within_ms: 500 },
        Action::Pause { ms: 2000 },
        Action::ExpectAudio { within_ms: 500 },
        Action::ExpectEnd { within_ms: 300 },
    ];
    let (_, failures) = run(script, &server, 5000);
    assert_eq!(
        failures,
        [
            "line 3 (expect_audio): nothing was audible within 500 ms",
            "line 4 (expect_end): the call did not end within 300 ms"
        ]
    );
}

#[test]
fn an_end_that_was_expected_is_no_failure_and_another_is() {
    let end = |action| {
        let mut conductor = Conductor::new(vec![Step { line: 7, action }]);
        conductor.tick(&Senses {
            now: 0,
            speaking: false,
            last: None,
            heard: &ReplyWatch::default(),
            clears: &[],
        });
        conductor.call_ended();
        conductor.failures().to_vec()
    };
    assert!(end(Action::ExpectEnd { within_ms: 100 }).is_empty());
    assert_eq!(end(wait(100)), ["the call ended at line 7 (wait_reply)"]);
}

#[test]
fn a_machine_may_be_left_while_it_makes_its_tone_and_a_speaker_may_not() {
    let end = |said: &str, begins: bool| {
        let clip = Arc::new(Clip::new(said, &[9000; 800]));
        let actions = [Action::Speak(clip), Action::ExpectEnd { within_ms: 100 }];
        let steps = actions.map(|action| Step { line: 7, action });
        let mut conductor = Conductor::new(steps.into());
        let senses = Senses {
            now: 0,
            speaking: false,
            last: None,
            heard: &ReplyWatch::default(),
            clears: &[],
        };
        if begins {
            conductor.tick(&senses);
        }
        conductor.call_ended();
        conductor.failures().len()
    };
    assert_eq!(end("a tone of 2100 Hz", true), 0);
    assert_eq!(end("a tone of 2100 Hz", false), 1);
    assert_eq!(end("Hello?", true), 1);
}

#[test]
fn an_open_script_waits_for_its_next_step() {
    let mut conductor = Conductor::open();
    let heard = ReplyWatch::default();
    let tick = |conductor: &mut Conductor, now_ms: u64| {
        conductor.tick(&Senses {
            now: now_ms * MS,
            speaking: false,
            last: None,
            heard: &heard,
            clears: &[],
        })
    };
    assert!(tick(&mut conductor, 5000).is_empty());
    assert!(tick(&mut conductor, 8980).is_empty());
    conductor.push(Step {
        line: 0,
        action: Action::Digits("12".into()),
    });
    assert_eq!(tick(&mut conductor, 9000), [Deed::Press('1')]);
    assert_eq!(tick(&mut conductor, 9260), [Deed::Press('2')]);
    assert!(tick(&mut conductor, 12_000).is_empty());
    conductor.push(Step {
        line: 0,
        action: Action::HangUp,
    });
    assert_eq!(tick(&mut conductor, 12_020), [Deed::HangUp]);
    conductor.call_ended();
    assert!(conductor.failures().is_empty());
}
