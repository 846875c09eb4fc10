//! Understanding of text, and the whole way of a recorded answer through a decoder.

#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::channel;

use criterion::{Criterion, criterion_group, criterion_main};
use ringback_speech::grammar::{Dictionary, Expect, Grammar};
use ringback_speech::recognizer::{Recognized, RecognizerPool};

const YES_PLEASE: &[u8] = include_bytes!("../tests/fixtures/answers/rms-yes-please.ulaw");

fn recognizer(criterion: &mut Criterion) {
    let dictionary = Dictionary::load_default().unwrap();
    let forms = vec![
        Expect::YesNo,
        Expect::Number {
            min: 0,
            max: 999_999,
        },
        Expect::Date,
    ];
    let expect = Expect::Any(forms);
    let grammar = Grammar::compile(&expect, &dictionary).unwrap();
    criterion.bench_function("grammar/compile", |bencher| {
        bencher.iter(|| Grammar::compile(black_box(&expect), &dictionary).unwrap());
    });
    criterion.bench_function("grammar/interpret", |bencher| {
        bencher.iter(|| {
            grammar.interpret(black_box(
                "um i would say three thousand four hundred and seven please",
            ))
        });
    });
    let pool = RecognizerPool::start(1).unwrap_or_else(|error| panic!("{error}"));
    let (sender, answers) = channel();
    let line = pool
        .lease(Box::new(move |heard| drop(sender.send(heard))))
        .unwrap();
    line.expect(Arc::new(
        Grammar::compile(&Expect::YesNo, &dictionary).unwrap(),
    ));
    criterion.bench_function("recognizer/yes please", |bencher| {
        bencher.iter(|| {
            line.begin(0);
            line.audio(YES_PLEASE);
            line.finalize(1);
            while !matches!(answers.recv().unwrap(), Recognized::Final { .. }) {}
        });
    });
}

criterion_group!(benches, recognizer);
criterion_main!(benches);
