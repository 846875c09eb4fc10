//! The detector and sounds that are no speech, and its freedom from when windows are computed.

use std::f64::consts::TAU;

use proptest::prelude::*;
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::detector::{Detector, DetectorConfig, EarEdge, Edge};
use ringback_speech::vad::VadModel;

use crate::callers::{Line, Pink, Seeded, VOICES};

const SAMPLES_PER_MS: usize = 8;

fn drain(detector: &mut Detector, edges: &mut Vec<EarEdge>) {
    edges.extend(std::iter::from_fn(|| detector.poll()));
}

fn edges(samples: &[i16]) -> Vec<EarEdge> {
    let mut detector = Detector::new(DetectorConfig::default());
    let mut edges = Vec::new();
    for frame in samples.as_chunks::<FRAME_SAMPLES>().0 {
        detector.push(frame);
        detector.run(VadModel::embedded());
        drain(&mut detector, &mut edges);
    }
    edges
}

fn count(edges: &[EarEdge], kind: Edge) -> usize {
    edges.iter().filter(|edge| edge.edge == kind).count()
}

/// Silence, or pink noise of -45 dBFS, with a sound every 2 s, as mu-law brings it.
fn every_two_seconds(noisy: bool, sounds: &[Vec<f64>]) -> Vec<i16> {
    let mut samples: Vec<f64> = vec![0.0; 16_000];
    for sound in sounds {
        samples.extend(sound);
        samples.resize(samples.len() + 16_000, 0.0);
    }
    let mut pink = Pink::new(9);
    let noise: Vec<f64> = samples.iter().map(|_| pink.next()).collect();
    let rms = (noise.iter().map(|n| n * n).sum::<f64>() / noise.len() as f64).sqrt();
    let gain = if noisy {
        32768.0 * 10f64.powf(-45.0 / 20.0) / rms
    } else {
        0.0
    };
    let coded = |sample: f64| g711::decode(g711::encode(sample as i16));
    samples
        .iter()
        .zip(noise)
        .map(|(sample, noise)| coded(sample + noise * gain))
        .collect()
}

/// A burst of white noise through a resonance: no tail, or one that dies away as a cough does.
fn burst(random: &mut Seeded, ms: usize, peak: f64, resonance_hz: f64, cough: bool) -> Vec<f64> {
    let radius = 0.9;
    let turn = 2.0 * radius * (TAU * resonance_hz / 8000.0).cos();
    let (mut last, mut before) = (0.0, 0.0);
    let length = ms * SAMPLES_PER_MS;
    (0..length)
        .map(|n| {
            let now = random.normal() + turn * last - radius * radius * before;
            (before, last) = (last, now);
            let envelope = if cough {
                (-4.0 * n as f64 / length as f64).exp()
            } else {
                1.0
            };
            peak * envelope * now / 4.0
        })
        .collect()
}

#[test]
fn bursts_of_150_ms_and_coughs_are_never_sustained_speech() {
    let mut random = Seeded::new(21);
    let sounds: Vec<Vec<f64>> = (0..24)
        .map(|n| {
            let resonance = [500.0, 900.0, 1400.0, 2200.0][n % 4];
            burst(
                &mut random,
                150,
                [4000.0, 12_000.0][n % 2],
                resonance,
                n % 3 == 0,
            )
        })
        .collect();
    for noisy in [false, true] {
        let found = edges(&every_two_seconds(noisy, &sounds));
        assert_eq!(
            count(&found, Edge::Sustained),
            0,
            "noisy {noisy}: {found:?}"
        );
        assert_eq!(
            count(&found, Edge::Prolonged),
            0,
            "noisy {noisy}: {found:?}"
        );
    }
}

#[test]
fn the_first_150_ms_of_real_words_are_never_sustained_speech() {
    let sounds: Vec<Vec<f64>> = VOICES
        .iter()
        .flat_map(|voice| voice.sentences)
        .map(|sentence| {
            sentence[..150 * SAMPLES_PER_MS]
                .iter()
                .map(|&byte| f64::from(g711::decode(byte)))
                .collect()
        })
        .collect();
    let found = edges(&every_two_seconds(false, &sounds));
    assert!(
        count(&found, Edge::Onset) > 5,
        "they are words, after all: {found:?}"
    );
    assert_eq!(count(&found, Edge::Sustained), 0, "{found:?}");
}

#[test]
fn keys_pressed_on_the_telephone_are_no_speech() {
    let rows = [697.0, 770.0, 852.0, 941.0];
    let columns = [1209.0, 1336.0, 1477.0, 1633.0];
    let sounds: Vec<Vec<f64>> = (0..48)
        .map(|n| {
            let (row, column) = (rows[n % 4], columns[n / 4 % 4]);
            let length = [80, 200, 600][n / 16] * SAMPLES_PER_MS;
            (0..length)
                .map(|n| n as f64 / 8000.0)
                .map(|t| 6000.0 * ((TAU * row * t).sin() + (TAU * column * t).sin()))
                .collect()
        })
        .collect();
    for noisy in [false, true] {
        assert_eq!(
            edges(&every_two_seconds(noisy, &sounds)),
            [],
            "noisy {noisy}"
        );
    }
}

#[test]
fn steady_noise_and_silence_have_no_edges() {
    assert_eq!(edges(&every_two_seconds(true, &vec![Vec::new(); 15])), []);
    assert_eq!(edges(&[0; 80_000]), []);
}

#[test]
fn every_sentence_of_a_second_or_more_is_sustained_and_the_edges_lie_inside_onset_and_offset() {
    for (voice, seed) in VOICES.iter().zip(1u64..) {
        for snr_db in [None, Some(20.0), Some(10.0)] {
            let mut line = Line::new(voice, seed);
            if let Some(snr_db) = snr_db {
                line = line.with_pink_noise(snr_db, seed);
            }
            let found = edges(&line.samples);
            check_order(&found);
            for &(start, end) in line
                .sentences
                .iter()
                .filter(|(start, end)| end - start > 8000)
            {
                let sustained = found.iter().any(|edge| {
                    edge.edge == Edge::Sustained && (start..end).contains(&(edge.sample as usize))
                });
                assert!(
                    sustained,
                    "{snr_db:?}, voice {seed}, sentence at {start}: {found:?}"
                );
            }
        }
    }
}

/// Onset and Offset by turns, all others between them; a Lull or a Pause only once until Resumed.
fn check_order(edges: &[EarEdge]) {
    let (mut speaking, mut lulled, mut paused) = (false, false, false);
    for edge in edges {
        match edge.edge {
            Edge::Onset => {
                assert!(!speaking, "{edges:?}");
                (speaking, lulled, paused) = (true, false, false);
            }
            Edge::Offset => {
                assert!(speaking, "{edges:?}");
                speaking = false;
            }
            Edge::Lull => assert!(
                speaking && !std::mem::replace(&mut lulled, true),
                "{edges:?}"
            ),
            Edge::Pause => assert!(
                speaking && !std::mem::replace(&mut paused, true),
                "{edges:?}"
            ),
            Edge::Resumed => {
                assert!(speaking && (lulled || paused), "{edges:?}");
                (lulled, paused) = (false, false);
            }
            Edge::Sustained | Edge::Prolonged => assert!(speaking, "{edges:?}"),
        }
    }
}

#[test]
fn it_does_not_matter_how_late_windows_are_computed() {
    let model = VadModel::embedded();
    for (voice, seed) in VOICES.iter().zip(1u64..) {
        let line = Line::new(voice, seed).with_pink_noise(20.0, seed);
        let at_once = edges(&line.samples);
        assert!(at_once.len() > 20);
        let mut random = Seeded::new(seed);
        let mut detector = Detector::new(DetectorConfig::default());
        let mut late = Vec::new();
        let mut frames = line.frames();
        while !frames.is_empty() {
            let (now, rest) =
                frames.split_at(frames.len().min(1 + (random.unit() * 47.0) as usize));
            now.iter().for_each(|frame| detector.push(frame));
            // Some windows now, the others later still.
            let some = (random.unit() * 40.0) as usize;
            for _ in 0..some {
                let Some(window) = detector.pending() else {
                    break;
                };
                model.step(&mut [window]);
                detector.advance();
            }
            // The next pushes may bring as many frames as may wait at all.
            if !rest.is_empty() && detector.pending().is_some() {
                detector.run(model);
            }
            drain(&mut detector, &mut late);
            frames = rest;
        }
        detector.run(model);
        drain(&mut detector, &mut late);
        assert_eq!(late, at_once, "voice {seed}");
    }
}

#[test]
fn windows_never_computed_are_given_up_and_later_speech_is_found() {
    let line = Line::new(&VOICES[0], 3);
    let mut detector = Detector::new(DetectorConfig::default());
    let (ignored, heard) = line
        .frames()
        .split_at(line.sentences[3].0 / FRAME_SAMPLES - 50);
    ignored.iter().for_each(|frame| detector.push(frame));
    assert!(
        detector.poll().is_none(),
        "no window was computed, so there is no evidence"
    );
    let mut found = Vec::new();
    for frame in heard {
        detector.push(frame);
        detector.run(VadModel::embedded());
        drain(&mut detector, &mut found);
    }
    assert!(count(&found, Edge::Sustained) >= 2, "{found:?}");
    assert_eq!(
        detector.position() as usize,
        line.samples.len() / FRAME_SAMPLES * FRAME_SAMPLES
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_sound_gives_edges_in_order_and_never_further_back_than_their_rules(
        pieces in proptest::collection::vec((0u8..6, 1usize..60, 0i16..=i16::MAX, any::<u64>()), 1..10),
    ) {
        let mut detector = Detector::new(DetectorConfig::default());
        let mut found: Vec<EarEdge> = Vec::new();
        for (kind, frames, peak, seed) in pieces {
            let mut random = Seeded::new(seed);
            for n in 0..frames {
                let frame = std::array::from_fn(|i| match kind {
                    0 => 0,
                    1 => peak,
                    2 => if i % 2 == 0 { i16::MAX } else { i16::MIN },
                    3 => ((random.unit() * 2.0 - 1.0) * f64::from(peak)) as i16,
                    4 => g711::decode(VOICES[seed as usize % 5].sentences[3][(n * FRAME_SAMPLES + i) % 3000]),
                    _ => (f64::from(peak) * (i as f64 * 0.2).sin()) as i16,
                });
                detector.push(&frame);
                detector.run(VadModel::embedded());
                prop_assert!((0.0..=1.0).contains(&detector.probability()));
                prop_assert!(detector.gate_open() || !detector.speaking());
                let before = found.len();
                drain(&mut detector, &mut found);
                for edge in &found[before..] {
                    prop_assert!(edge.sample <= detector.position());
                    prop_assert!(edge.sample + 13 * 256 >= detector.position(), "{:?} at {}", edge, detector.position());
                }
            }
        }
        check_order(&found);
    }
}
