//! Tones, and what is none.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "made-up audio of some seconds"
)]

use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;
use crate::g711;

const PEAK: f64 = 8000.0;

/// Sines of these frequencies and peaks, for so many ms.
fn sines(parts: &[(f64, f64)], ms: usize) -> Vec<f64> {
    let sample = |n: usize| {
        let at = n as f64 / 8000.0;
        parts
            .iter()
            .map(|(hz, peak)| peak * (TAU * hz * at).sin())
            .sum()
    };
    (0..ms * 8).map(sample).collect()
}

fn tone(hz: f64, ms: usize) -> Vec<f64> {
    sines(&[(hz, PEAK)], ms)
}

fn silence(ms: usize) -> Vec<f64> {
    vec![0.0; ms * 8]
}

/// White noise of this root mean square.
fn noise(rms: f64, samples: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    (0..samples)
        .map(|_| uniform() * rms * 12.0_f64.sqrt())
        .collect()
}

/// What is found in audio that went over a line with mu-law.
fn heard(samples: &[f64]) -> Vec<Heard> {
    let mut detector = ToneDetector::new();
    let line: Vec<i16> = samples
        .iter()
        .map(|&sample| g711::decode(g711::encode(sample as i16)))
        .collect();
    line.chunks_exact(FRAME_SAMPLES)
        .filter_map(|frame| detector.push(frame.first_chunk()?))
        .collect()
}

fn tones(samples: &[f64]) -> Vec<Tone> {
    heard(samples).iter().map(|heard| heard.tone).collect()
}

fn with_noise(mut samples: Vec<f64>, db: f64) -> Vec<f64> {
    let rms = PEAK / 2.0_f64.sqrt() / 10.0_f64.powf(db / 20.0);
    let noise = noise(rms, samples.len());
    for (sample, noise) in samples.iter_mut().zip(noise) {
        *sample += noise;
    }
    samples
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_steady_tone_and_then_silence_is_a_beep_of_its_frequency_at_its_place_also_in_noise(
        hz in 350.0..2200.0_f64, ms in 120_usize..900, lead in 0_usize..60, db in prop_oneof![Just(60.0), Just(30.0), Just(20.0)],
        peak in 900.0..12_000.0_f64,
    ) {
        let sound = sines(&[(hz, peak)], ms);
        let mut samples = silence(200 + lead);
        samples.extend(sound);
        samples.extend(silence(400));
        let noisy = with_noise(samples, db + 20.0 * (PEAK / peak).log10());
        let found = heard(&noisy);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        let Tone::Beep { hz: found_hz } = found[0].tone else {
            panic!("{found:?}");
        };
        prop_assert!((f64::from(found_hz) - hz).abs() < 8.0, "{found_hz} for {hz}");
        let (from, until) = ((200 + lead) as u64 * 8, (200 + lead + ms) as u64 * 8);
        prop_assert!(found[0].from.abs_diff(from) <= 320, "{found:?} for {from}");
        prop_assert!(found[0].until.abs_diff(until) <= 320, "{found:?} for {until}");
    }

    #[test]
    fn two_tones_at_once_are_no_beep(a in 350.0..2300.0_f64, apart in 40.0..700.0_f64, ms in 100_usize..1500) {
        let mut samples = silence(100);
        samples.extend(sines(&[(a, PEAK), (a + apart, PEAK)], ms));
        samples.extend(silence(300));
        prop_assert_eq!(tones(&samples), []);
    }

    #[test]
    fn noise_alone_is_no_tone(rms in 20.0..9000.0_f64) {
        let mut samples = noise(rms, 24_000);
        samples.extend(silence(300));
        prop_assert_eq!(tones(&samples), []);
    }
}

#[test]
fn ringing_busy_and_dial_tones_and_keys_are_no_beeps() {
    for (a, b, on) in [
        (440.0, 480.0, 2000),
        (480.0, 620.0, 500),
        (350.0, 440.0, 1000),
    ] {
        let mut samples = Vec::new();
        for _ in 0..4 {
            samples.extend(sines(&[(a, PEAK), (b, PEAK)], on));
            samples.extend(silence(on));
        }
        assert_eq!(tones(&samples), [], "{a} and {b} Hz");
    }
    let keys = crate::dtmf::tones("0123456789*#");
    let keys: Vec<f64> = keys.into_iter().map(f64::from).collect();
    assert_eq!(tones(&keys), []);
}

#[test]
fn a_tone_that_does_not_end_or_that_ends_in_other_sound_is_no_beep() {
    let endless = tone(425.0, 6000);
    assert_eq!(tones(&endless), []);
    let mut until_too_late = tone(425.0, 4000);
    until_too_late.extend(silence(500));
    assert_eq!(tones(&until_too_late), []);
    let mut into_noise = tone(1000.0, 300);
    into_noise.extend(noise(4000.0, 8000));
    assert_eq!(tones(&into_noise), []);
    let mut short = tone(1000.0, 60);
    short.extend(silence(300));
    assert_eq!(tones(&short), []);
}

#[test]
fn a_glide_is_no_beep() {
    let mut phase = 0.0;
    let glide = (0..4800).map(|n| {
        phase += TAU * (600.0 + f64::from(n) * 0.08) / 8000.0;
        PEAK * f64::sin(phase)
    });
    let mut samples: Vec<f64> = glide.collect();
    samples.extend(silence(300));
    assert_eq!(tones(&samples), []);
}

#[test]
fn a_vowel_of_which_one_harmonic_is_left_is_no_beep() {
    // The second harmonic of a voice that sinks from 174 to 170 Hz: others are in its beginning, and it fades.
    let mut phase = 0.0;
    let vowel = (0..3200).map(|n| {
        let at = f64::from(n) / 3200.0;
        phase += TAU * (174.0 - 4.0 * at) / 8000.0;
        let others = (1.0 - 3.0 * at).max(0.0);
        let fades = (12.0 - 12.0 * at).min(1.0);
        let voice =
            f64::sin(2.0 * phase) + others * (f64::sin(3.0 * phase) + f64::sin(5.0 * phase));
        PEAK / 2.0 * fades * voice
    });
    let mut samples: Vec<f64> = vowel.collect();
    samples.extend(silence(300));
    assert_eq!(tones(&samples), []);
}

#[test]
fn a_fax_that_answers_is_known_after_a_second_and_a_half_also_with_its_phase_reversed() {
    let found = heard(&tone(2100.0, 3000));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tone, Tone::Fax);
    assert!(found[0].until.abs_diff(12_000) <= 320, "{found:?}");
    // ITU-T V.8: the phase turns over every 450 ms, and the tone swells by a fifth 15 times a second.
    let modem = (0..32_000).map(|n| {
        let at = f64::from(n) / 8000.0;
        let turned = if (n / 3600) % 2 == 0 { 1.0 } else { -1.0 };
        turned * PEAK * (1.0 + 0.2 * (TAU * 15.0 * at).sin()) * (TAU * 2100.0 * at).sin()
    });
    assert_eq!(tones(&modem.collect::<Vec<_>>()), [Tone::Fax]);
}

#[test]
fn a_fax_that_calls_is_known_by_its_second_tone() {
    let mut samples = Vec::new();
    for _ in 0..2 {
        samples.extend(tone(1100.0, 500));
        samples.extend(silence(3000));
    }
    let found = tones(&samples);
    assert!(
        matches!(found[..], [Tone::Beep { hz: 1095..=1105 }, Tone::Fax]),
        "{found:?}"
    );
}

#[test]
fn the_special_information_tone_is_known_by_its_third_tone_and_is_no_beep() {
    for (first, second, ms) in [
        (950.0, 1400.0, 330),
        (913.8, 1370.6, 380),
        (985.2, 1428.5, 276),
    ] {
        let mut samples = silence(300);
        for hz in [first, second, 1776.7] {
            samples.extend(tone(hz, ms));
        }
        samples.extend(silence(500));
        assert_eq!(tones(&samples), [Tone::Special], "{first} Hz");
    }
}
