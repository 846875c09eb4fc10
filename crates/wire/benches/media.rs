//! The cost of a media frame: 20 ms of audio in, and out.
#![allow(
    missing_docs,
    reason = "the macros of the harness make undocumented functions"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringback_wire::twilio::media::{Inbound, parse, parse_reference, write_media};
use ringback_wire::twilio::media_client::parse_outbound;

const STREAM: &str = "MZ0000000000000000000000000000a001";

fn frame() -> [u8; 160] {
    std::array::from_fn(|index| u8::try_from(index * 7 % 256).unwrap_or(0))
}

fn message() -> String {
    let mut out = String::new();
    let media = ringback_wire::twilio::media_client::InboundMedia {
        sequence: 1234,
        stream_sid: STREAM,
        chunk: 1233,
        timestamp_ms: 24_660,
        mulaw: &frame(),
    };
    ringback_wire::twilio::media_client::write_inbound_media(&mut out, &media);
    out
}

fn inbound(bencher: &mut Criterion) {
    let text = message();
    let mut mulaw = Vec::with_capacity(160);
    bencher.bench_function("media in: parse and decode 160 bytes", |bencher| {
        bencher.iter(|| {
            mulaw.clear();
            if let Ok(Inbound::Media(media)) = parse(black_box(&text)) {
                let decoded = media.decode_into(&mut mulaw);
                debug_assert!(decoded.is_ok());
            }
            black_box(mulaw.len())
        });
    });
    bencher.bench_function("media in: parse alone", |bencher| {
        bencher.iter(|| parse(black_box(&text)))
    });
    bencher.bench_function("media in: reference parse alone", |bencher| {
        bencher.iter(|| parse_reference(black_box(&text)));
    });
}

fn outbound(bencher: &mut Criterion) {
    let mulaw = frame();
    let mut out = String::with_capacity(512);
    bencher.bench_function("media out: write 160 bytes", |bencher| {
        bencher.iter(|| {
            write_media(&mut out, black_box(STREAM), black_box(&mulaw));
            black_box(out.len())
        });
    });
    bencher.bench_function("simulator: strict parse of 160 bytes", |bencher| {
        bencher.iter(|| parse_outbound(black_box(&out)));
    });
}

criterion_group!(benches, inbound, outbound);
criterion_main!(benches);
