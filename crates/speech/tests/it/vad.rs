//! Our forward pass against what ONNX Runtime computes.

use ringback_audio::g711;
use ringback_speech::vad::{VadModel, VadState, WINDOW_SAMPLES};

/// What `models/silero/extract.py` was given to make `silero_reference.f32`.
const SENTENCES: [&[u8]; 5] = [
    include_bytes!("../fixtures/callers/rms-1.ulaw"),
    include_bytes!("../fixtures/callers/slt-2.ulaw"),
    include_bytes!("../fixtures/callers/espeak-5.ulaw"),
    include_bytes!("../fixtures/callers/kal16-6.ulaw"),
    include_bytes!("../fixtures/callers/awb-3.ulaw"),
];
static REFERENCE: &[u8] = include_bytes!("../fixtures/silero_reference.f32");

fn windows() -> Vec<[f32; WINDOW_SAMPLES]> {
    let mulaw = SENTENCES.join(&[g711::SILENCE; 6400][..]);
    let (windows, _) = mulaw.as_chunks::<WINDOW_SAMPLES>();
    windows
        .iter()
        .map(|window| window.map(|byte| f32::from(g711::decode(byte)) / 32768.0))
        .collect()
}

#[test]
fn every_window_equals_onnx_runtime_within_a_ten_thousandth() {
    let windows = windows();
    let expected: Vec<f32> = REFERENCE
        .as_chunks()
        .0
        .iter()
        .map(|bytes: &[u8; 4]| f32::from_le_bytes(*bytes))
        .collect();
    assert_eq!(windows.len(), expected.len());
    assert!(
        expected.iter().any(|&p| p > 0.99) && expected.iter().any(|&p| p < 0.01),
        "the audio is worth comparing"
    );
    let model = VadModel::embedded();
    let mut state = VadState::new();
    let mut worst = 0.0f32;
    for (n, (window, expected)) in windows.iter().zip(expected).enumerate() {
        model.step(&mut [(&mut state, window)]);
        let difference = (state.probability - expected).abs();
        assert!(
            difference < 1e-4,
            "window {n}: {} instead of {expected}",
            state.probability
        );
        worst = worst.max(difference);
    }
    assert!(
        worst > 0.0,
        "two different orders of summation cannot agree to the last bit everywhere"
    );
}

#[test]
fn a_batch_of_calls_gives_each_call_what_it_would_get_alone() {
    let windows = windows();
    let model = VadModel::embedded();
    for calls in 1..=9 {
        let mut together = vec![VadState::new(); calls];
        let mut alone = together.clone();
        for step in 0..6 {
            let offset = |call: usize| &windows[(call * 37 + step) % windows.len()];
            let mut batch: Vec<_> = together
                .iter_mut()
                .enumerate()
                .map(|(call, state)| (state, offset(call)))
                .collect();
            model.step(&mut batch);
            for (call, state) in alone.iter_mut().enumerate() {
                model.step(&mut [(state, offset(call))]);
            }
        }
        assert_eq!(together, alone, "{calls} calls");
    }
}

#[test]
fn a_copied_state_goes_on_as_the_original() {
    let windows = windows();
    let model = VadModel::embedded();
    let mut original = VadState::new();
    for window in &windows[..20] {
        model.step(&mut [(&mut original, window)]);
    }
    let mut copy = original.clone();
    model.step(&mut [(&mut original, &windows[20])]);
    model.step(&mut [(&mut copy, &windows[20])]);
    assert_eq!(original, copy);
    assert_ne!(copy, VadState::new());
}

#[test]
fn a_state_told_of_the_silence_left_out_goes_on_as_if_it_had_heard_it() {
    let model = VadModel::embedded();
    let silence = [0.0; WINDOW_SAMPLES];
    let windows = windows();
    let (first, second) = (&windows[..92], &windows[117..127]);
    let mut before = VadState::new();
    for window in first.iter().chain([&silence; 8]) {
        model.step(&mut [(&mut before, window)]);
    }
    let heard = |state: &mut VadState,
                 windows: &mut dyn Iterator<Item = &[f32; WINDOW_SAMPLES]>|
     -> Vec<f32> {
        windows
            .map(|window| {
                model.step(&mut [(state, window)]);
                state.probability
            })
            .collect()
    };
    let with_silence = heard(
        &mut before.clone(),
        &mut [&silence; 41].into_iter().chain(second),
    )[41..]
        .to_vec();
    let mut told = before.clone();
    told.skip(40, &[0.0; 32]);
    let told = heard(&mut told, &mut [&silence].into_iter().chain(second))[1..].to_vec();
    let frozen = heard(&mut before, &mut [&silence].into_iter().chain(second))[1..].to_vec();
    let distance = |a: &[f32]| {
        a.iter()
            .zip(&with_silence)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    };
    assert!(
        distance(&told) < 0.05,
        "{told:?} instead of {with_silence:?}"
    );
    assert!(
        distance(&frozen) > 2.0 * distance(&told),
        "a frozen state is further off: {frozen:?}"
    );
}
