//! Costs of hearing: `cargo bench -p ringback-speech --bench vad`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::detector::{Detector, DetectorConfig};
use ringback_speech::vad::{VadModel, VadState, WINDOW_SAMPLES};

static SENTENCE: &[u8] = include_bytes!("../tests/fixtures/callers/rms-1.ulaw");

fn model(c: &mut Criterion) {
    let (windows, _) = SENTENCE.as_chunks::<WINDOW_SAMPLES>();
    let windows: Vec<[f32; WINDOW_SAMPLES]> = windows
        .iter()
        .map(|window| window.map(|byte| f32::from(g711::decode(byte)) / 32768.0))
        .collect();
    let model = VadModel::embedded();
    for calls in [1, 4, 8] {
        let mut states = vec![VadState::new(); calls];
        let mut n = 0;
        c.bench_function(&format!("vad/window, batch of {calls}"), |b| {
            b.iter(|| {
                n = (n + 1) % windows.len();
                let mut batch: Vec<_> = states
                    .iter_mut()
                    .map(|state| (state, black_box(&windows[n])))
                    .collect();
                model.step(&mut batch);
            });
        });
    }
}

fn detector(c: &mut Criterion) {
    let mut detector = Detector::new(DetectorConfig::default());
    let silence = [0i16; FRAME_SAMPLES];
    c.bench_function("detector/silent frame", |b| {
        b.iter(|| {
            detector.push(black_box(&silence));
            detector.run(VadModel::embedded());
            detector.poll()
        });
    });
    let mut spoken = Vec::new();
    g711::decode_into(SENTENCE, &mut spoken);
    let (frames, _) = spoken.as_chunks::<FRAME_SAMPLES>();
    let mut n = 0;
    c.bench_function("detector/frame of speech", |b| {
        b.iter(|| {
            n = (n + 1) % frames.len();
            detector.push(black_box(&frames[n]));
            detector.run(VadModel::embedded());
            detector.poll()
        });
    });
    let mut state = VadState::new();
    let window = [0.0; WINDOW_SAMPLES];
    c.bench_function("vad/window after 60 s left out", |b| {
        b.iter(|| {
            state.skip(1875, &[0.0; 32]);
            VadModel::embedded().step(&mut [(&mut state, black_box(&window))]);
        });
    });
}

criterion_group!(benches, model, detector);
criterion_main!(benches);
