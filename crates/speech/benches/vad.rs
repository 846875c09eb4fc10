//! Costs of hearing: `cargo bench -p ringback-speech --bench vad`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringback_audio::g711;
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

criterion_group!(benches, model);
criterion_main!(benches);
