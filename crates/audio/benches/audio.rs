//! Costs of 20 ms of audio: `cargo bench -p ringback-audio`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringback_audio::gate::Gate;
use ringback_audio::resample::Resampler;
use ringback_audio::tone::ToneDetector;
use ringback_audio::{FRAME_SAMPLES, g711};

fn speechlike(samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| ((n as f32 * 0.7).sin() * 6000.0 + (n as f32 * 0.11).sin() * 4000.0) as i16)
        .collect()
}

fn mulaw(c: &mut Criterion) {
    let linear = speechlike(FRAME_SAMPLES);
    let mut coded = Vec::with_capacity(FRAME_SAMPLES);
    c.bench_function("mulaw/encode 160", |b| {
        b.iter(|| {
            coded.clear();
            g711::encode_into(black_box(&linear), &mut coded);
        });
    });
    let mut decoded = Vec::with_capacity(FRAME_SAMPLES);
    c.bench_function("mulaw/decode 160", |b| {
        b.iter(|| {
            decoded.clear();
            g711::decode_into(black_box(&coded), &mut decoded);
        });
    });
}

fn resampler(c: &mut Criterion) {
    for (from, to) in [
        (8000, 16_000),
        (16_000, 8000),
        (24_000, 8000),
        (22_050, 8000),
    ] {
        let Ok(mut resampler) = Resampler::new(from, to) else {
            continue;
        };
        let input = speechlike(from as usize / 50);
        let mut output = Vec::with_capacity(1024);
        c.bench_function(&format!("resample/{from} to {to}, 20 ms"), |b| {
            b.iter(|| {
                output.clear();
                resampler.process(black_box(&input), &mut output);
            });
        });
    }
}

fn gate(c: &mut Criterion) {
    let mut gate = Gate::new();
    let frame: [i16; FRAME_SAMPLES] = std::array::from_fn(|n| ((n * 37 % 19) as i16 - 9) * 8);
    c.bench_function("gate/frame", |b| b.iter(|| gate.push(black_box(&frame))));
}

fn tone(c: &mut Criterion) {
    let mut detector = ToneDetector::new();
    let sound: Vec<i16> = speechlike(FRAME_SAMPLES);
    let Some(frame) = sound.first_chunk() else {
        return;
    };
    c.bench_function("tone/frame of sound", |b| {
        b.iter(|| detector.push(black_box(frame)));
    });
    c.bench_function("tone/frame of silence", |b| {
        b.iter(|| detector.push(black_box(&[0; FRAME_SAMPLES])));
    });
}

criterion_group!(benches, mulaw, resampler, gate, tone);
criterion_main!(benches);
