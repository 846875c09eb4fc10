//! The thread's work without the thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Mutex;

use super::*;
use crate::grammar::{Dictionary, Expect};

const NO: &[u8] = include_bytes!("../../tests/fixtures/answers/slt-no-thank-you.ulaw");
const FEEDBACK: &[u8] = include_bytes!("../../tests/fixtures/answers/slt-feedback.ulaw");
const MONDAY: &[u8] = include_bytes!("../../tests/fixtures/answers/rms-monday.ulaw");

/// A worker that is leased, and what its sink was told.
fn leased() -> (Worker, Arc<Mutex<Vec<Recognized>>>) {
    let library = Arc::new(Library::load().unwrap_or_else(|error| panic!("{error}")));
    let mut worker = Worker::new(library, Model::debian(), Arc::default());
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let sink = Box::new(move |recognized| into.lock().unwrap().push(recognized));
    worker.obey(Command::Lease(sink)).unwrap();
    (worker, told)
}

fn expect(expect: &Expect) -> Command {
    let dictionary = Dictionary::load_default().unwrap_or_else(|error| panic!("{error}"));
    Command::Expect(Arc::new(Grammar::compile(expect, &dictionary).unwrap()))
}

#[test]
fn speech_without_a_pause_is_closed_and_goes_on_in_another_utterance() {
    let (mut worker, told) = leased();
    worker.obey(expect(&Expect::Date)).unwrap();
    worker.obey(Command::Begin(0)).unwrap();
    let long = MONDAY.repeat(2 * LONGEST / MONDAY.len() + 1);
    worker.obey(Command::Audio(long)).unwrap();
    let turn = worker.turn.as_ref().unwrap();
    assert!(turn.open && turn.length < LONGEST, "{}", turn.length);
    worker.obey(Command::Finalize(1)).unwrap();
    let told = told.lock().unwrap();
    let last = told.last().unwrap();
    assert!(
        matches!(
            last,
            Recognized::Final {
                finalize: 1,
                complete: false,
                ..
            }
        ),
        "{last:?}"
    );
}

#[test]
fn a_broken_decoder_is_replaced_and_hears_the_same_expectation() {
    let (mut worker, told) = leased();
    worker.obey(expect(&Expect::Date)).unwrap();
    worker.obey(Command::Begin(0)).unwrap();
    worker.fail("it broke");
    assert!(worker.turn.is_none());
    worker.obey(Command::Begin(0)).unwrap();
    worker.obey(Command::Audio(MONDAY.to_vec())).unwrap();
    worker.obey(Command::Finalize(1)).unwrap();
    let told = told.lock().unwrap();
    assert_eq!(
        told[0],
        Recognized::Failed {
            why: "it broke".into()
        }
    );
    let last = told.last().unwrap();
    assert!(
        matches!(last, Recognized::Final { text, complete: true, .. } if text == "next monday"),
        "{last:?}"
    );
}

/// Noise that falls towards higher tones, some 20 dB under the speech of the fixtures.
fn noisy(mulaw: &[u8]) -> Vec<u8> {
    let (mut state, mut low) = (7_u32, 0);
    mulaw
        .iter()
        .map(|byte| {
            state = state.wrapping_mul(69_069).wrapping_add(12_345);
            let white = (state >> 18).cast_signed() - 0x2000;
            low += (white - low) / 8;
            let noise = i16::try_from(low / 12 + white / 200).unwrap();
            g711::encode(g711::decode(*byte).saturating_add(noise))
        })
        .collect()
}

#[test]
fn the_first_words_of_a_call_are_heard_in_noise() {
    let phrases = [
        "leave feedback",
        "i would like to leave feedback",
        "talk to a manager",
        "hello there",
        "goodbye",
    ];
    let phrases = Expect::Phrases(phrases.map(String::from).into());
    for (question, sound, expected) in [
        (Expect::Date, MONDAY, "next monday"),
        (Expect::YesNo, NO, "no thank you"),
        (phrases, FEEDBACK, "i would like to leave feedback"),
    ] {
        let (mut worker, told) = leased();
        worker.obey(expect(&question)).unwrap();
        worker.obey(Command::Begin(0)).unwrap();
        worker.obey(Command::Audio(noisy(sound))).unwrap();
        worker.obey(Command::Finalize(1)).unwrap();
        let told = told.lock().unwrap();
        let last = told.last().unwrap();
        assert!(
            matches!(last, Recognized::Final { text, complete: true, .. } if text == expected),
            "{last:?}"
        );
    }
}

#[test]
fn a_decoder_gets_used_to_noise_for_the_rest_of_a_call() {
    let (mut worker, _told) = leased();
    worker.obey(expect(&Expect::Date)).unwrap();
    for (sound, used) in [(MONDAY.to_vec(), false), (noisy(MONDAY), true)] {
        worker.obey(Command::Begin(0)).unwrap();
        worker.obey(Command::Audio(sound)).unwrap();
        assert_eq!(worker.used_to_noise, used);
    }
    worker.obey(Command::Release).unwrap();
    worker.obey(Command::Lease(Box::new(drop))).unwrap();
    assert!(!worker.used_to_noise);
}
