//! The caller against a server of a list of messages, in virtual time.

use std::sync::Arc;

use ringback_audio::g711;
use ringback_sim::caller::clip::Clip;
use ringback_sim::caller::conductor::Conductor;
use ringback_sim::caller::mouth::Mouth;
use ringback_sim::caller::script::{Action, Step};
use ringback_sim::conversation::{Conversation, Happening};
use ringback_sim::twilio::stream::MediaStream;
use ringback_wire::twilio::media::{MediaFormat, Start, Track, write_clear, write_media};

const SID: &str = "MZ00000000000000000000000000000001";

/// What the server sends.
#[derive(Debug, Clone, Copy)]
enum Sent {
    /// So many ms of sound, at once.
    Sound(usize),
    Clear,
}

type Steps = Vec<Action<Arc<Clip>>>;

/// Makes a call of `ms`: the server sends what is listed at these ms. What the caller did at which ms, and what failed.
fn made(steps: Steps, server: &[(u64, Sent)], ms: u64) -> (Vec<String>, Vec<String>) {
    let steps = steps.into_iter().enumerate().map(|(index, action)| Step {
        line: index + 1,
        action,
    });
    let mut call = Conversation::new(Conductor::new(steps.collect()), Mouth::default());
    let mut stream = MediaStream::new(Start {
        stream_sid: SID.into(),
        account_sid: None,
        call_sid: "CA1".into(),
        tracks: vec![Track::Inbound],
        media_format: MediaFormat::default(),
        custom_parameters: Default::default(),
    });
    call.stream_begins(0);
    let mut hung_up = None;
    for now_ms in 1..=ms {
        for (_, sent) in server.iter().filter(|(at, _)| *at == now_ms) {
            let mut text = String::new();
            match sent {
                Sent::Sound(length) => {
                    write_media(&mut text, SID, &vec![g711::encode(6000); length * 8]);
                }
                Sent::Clear => write_clear(&mut text, SID),
            }
            call.receive(&mut stream, &text, now_ms * 8);
        }
        if now_ms % 20 == 0 && hung_up.is_none() {
            call.play_to(now_ms * 8);
            hung_up = call.tick(now_ms * 8).hang_up.then_some(now_ms);
        }
    }
    let (record, failures, _) = call.finish();
    assert_eq!(record.refusals, 0);
    let deeds = record.moments.iter().filter_map(|moment| {
        let at = moment.at_ms;
        if let Happening::Key { digit } = &moment.happening {
            return Some(format!("{at} key {digit}"));
        }
        let Happening::CallerBegins { said } = &moment.happening else {
            return None;
        };
        Some(format!("{at} says {said}"))
    });
    let end = hung_up.map(|at| format!("{at} hangs up"));
    (deeds.chain(end).collect(), failures)
}

fn wait() -> Action<Arc<Clip>> {
    Action::WaitReply { timeout_ms: 5000 }
}

fn keys(digits: &str) -> Action<Arc<Clip>> {
    Action::Digits(digits.into())
}

fn clip(said: &str, ms: usize) -> Arc<Clip> {
    Arc::new(Clip {
        said: said.into(),
        samples: vec![5000; ms * 8],
        sound: 0..ms * 8,
    })
}

/// The steps of a caller who answers with keys, and waits for each reply.
fn keypad() -> Steps {
    vec![wait(), keys("1"), wait(), keys("4"), wait()]
}

#[test]
fn keys_are_answered_before_the_next_are_pressed() {
    use Sent::Sound;
    let server = [(100, Sound(1000)), (3000, Sound(1000)), (6500, Sound(500))];
    let (deeds, failures) = made(keypad(), &server, 10_000);
    assert_eq!(deeds, ["1840 key 1", "4740 key 4", "7740 hangs up"]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn keys_into_a_reply_are_answered_by_the_next_even_at_once_after_the_clear() {
    use Sent::{Clear, Sound};
    let server = [(100, Sound(4000)), (1030, Clear), (1050, Sound(2000))];
    let steps = vec![Action::Pause { ms: 1000 }, keys("2"), wait()];
    let (deeds, failures) = made(steps, &server, 9000);
    assert_eq!(deeds, ["1000 key 2", "3800 hangs up"]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn a_reply_that_was_cleared_is_not_heard_to_its_end() {
    use Sent::{Clear, Sound};
    // The reply to the speech before is on its way when the key is pressed, and is thrown away.
    let server = [(1030, Sound(4000)), (1090, Clear), (3000, Sound(1000))];
    let steps = vec![Action::Pause { ms: 1000 }, keys("2"), wait()];
    let (deeds, failures) = made(steps, &server, 9000);
    assert_eq!(deeds, ["1000 key 2", "4760 hangs up"]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn keys_just_after_a_reply_are_answered_by_what_follows_without_a_pause() {
    use Sent::Sound;
    let server = [(100, Sound(1000)), (1330, Sound(1000))];
    let steps = vec![Action::Pause { ms: 1280 }, keys("2"), wait()];
    let (deeds, failures) = made(steps, &server, 9000);
    assert_eq!(deeds, ["1280 key 2", "3080 hangs up"]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn a_reply_that_talks_on_over_the_caller_is_no_reply_to_what_was_said() {
    use Sent::Sound;
    let server = [(100, Sound(4000)), (5000, Sound(500))];
    for said in ["a text", "a burst"] {
        let sound = clip(said, 150);
        let barge_in = Action::BargeIn {
            after_ms: 1000,
            sound,
        };
        let (deeds, failures) = made(vec![barge_in, wait()], &server, 9000);
        assert_eq!(deeds, [&format!("1120 says {said}"), "6240 hangs up"]);
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn keys_without_a_reply_are_a_failure() {
    let server = [(100, Sent::Sound(1000))];
    let (deeds, failures) = made(vec![wait(), keys("1"), wait()], &server, 9000);
    assert_eq!(deeds, ["1840 key 1", "6840 hangs up"]);
    assert_eq!(
        failures,
        ["line 3 (wait_reply): no reply was heard to its end within 5000 ms"]
    );
}
