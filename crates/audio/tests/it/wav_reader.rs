use std::io::Cursor;

use proptest::prelude::*;
use ringback_audio::wav::{self, Head, Wav, WavError};

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(body.len() as u32 + 4).to_le_bytes());
    bytes.extend_from_slice(b"WAVE");
    bytes.extend_from_slice(&body);
    bytes
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut body = Vec::new();
    body.extend_from_slice(&tag.to_le_bytes());
    body.extend_from_slice(&channels.to_le_bytes());
    body.extend_from_slice(&rate.to_le_bytes());
    body.extend_from_slice(&(rate * u32::from(block)).to_le_bytes());
    body.extend_from_slice(&block.to_le_bytes());
    body.extend_from_slice(&bits.to_le_bytes());
    chunk(b"fmt ", &body)
}

fn read(bytes: &[u8]) -> Result<Wav, WavError> {
    wav::read(&mut &bytes[..])
}

fn check(tag: u16, bits: u16, data: &[u8], expected: &[i16]) {
    let file = riff(&[format(tag, 1, 8000, bits), chunk(b"data", data)]);
    let mut rest = &file[..];
    let head = Head::read(&mut rest).unwrap();
    assert_eq!((head.rate_hz, head.channels), (8000, 1));
    assert_eq!(head.audio_bytes, Some(data.len() as u64));
    assert_eq!(head.frame_bytes(), usize::from(bits / 8));
    assert_eq!(head.is_linear16(), (tag, bits) == (1, 16));
    let mut mono = Vec::new();
    head.to_mono(&rest[..data.len()], &mut mono);
    assert_eq!(mono, expected, "tag {tag}, {bits} bits");
    let wav = read(&file).unwrap();
    assert_eq!(
        wav,
        Wav {
            rate_hz: 8000,
            channels: 1,
            samples: expected.to_vec()
        },
        "tag {tag}, {bits} bits"
    );
}

#[test]
fn every_promised_coding_becomes_linear_samples() {
    check(1, 8, &[0, 128, 255], &[-32768, 0, 32512]);
    check(1, 16, &[0, 0x80, 0xFF, 0x7F, 1, 0], &[-32768, 32767, 1]);
    check(
        1,
        24,
        &[0, 0, 0x80, 0xFF, 0xFF, 0x7F, 0x80, 1, 0],
        &[-32768, 32767, 2],
    );
    check(
        1,
        32,
        &[0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0x80, 1, 0],
        &[-32768, 32767, 2],
    );
    let floats: Vec<u8> = [-1.0f32, 0.5, 7.0, f32::NAN]
        .iter()
        .flat_map(|f| f.to_le_bytes())
        .collect();
    check(3, 32, &floats, &[-32768, 16384, 32767, 0]);
    check(7, 8, &[0xFF, 0x80, 0x00], &[0, 32124, -32124]);
    check(6, 8, &[0xD5, 0xAA], &[8, 32256]);
}

#[test]
fn audio_behind_a_head_is_mixed_frame_by_frame_and_half_a_frame_left_out() {
    let file = riff(&[
        format(1, 2, 16_000, 16),
        chunk(b"LIST", b"abc"),
        chunk(b"data", &[]),
    ]);
    let head = Head::read(&mut &file[..]).unwrap();
    assert_eq!((head.channels, head.frame_bytes()), (2, 4));
    assert_eq!(head.audio_bytes, None, "a size of 0 is that of a stream");
    let mut mono = Vec::new();
    head.to_mono(&[10, 0, 20, 0, 0xFF, 0x7F, 0xFF, 0x7F, 1, 0], &mut mono);
    assert_eq!(mono, [15, 32767]);
}

#[test]
fn the_extensible_format_is_read_by_its_subformat() {
    let mut body = format(0xFFFE, 3, 48_000, 16)[8..].to_vec();
    body.extend_from_slice(&[22, 0, 16, 0, 7, 0, 0, 0, 1, 0]);
    body.extend_from_slice(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    let bytes = riff(&[chunk(b"fmt ", &body), chunk(b"data", &[1, 0, 2, 0, 3, 0])]);
    assert_eq!(
        read(&bytes).unwrap(),
        Wav {
            rate_hz: 48_000,
            channels: 3,
            samples: vec![1, 2, 3]
        }
    );
}

#[test]
fn unknown_chunks_of_odd_and_even_size_are_skipped() {
    let bytes = riff(&[
        chunk(b"LIST", &[1, 2, 3]),
        format(1, 1, 8000, 16),
        chunk(b"bext", &[0; 602]),
        chunk(b"data", &[5, 0]),
        chunk(b"cue ", &[9; 4]),
    ]);
    assert_eq!(read(&bytes).unwrap().samples, [5]);
}

#[test]
fn a_stream_of_unstated_or_overstated_size_lasts_until_its_end() {
    for size in [0u32, u32::MAX, 4_000_000_000] {
        let mut bytes = riff(&[format(1, 2, 8000, 16)]);
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&[1, 0, 2, 0, 3, 0, 9]);
        let wav = read(&bytes).unwrap();
        assert_eq!(
            (wav.channels, &wav.samples[..]),
            (2, &[1i16, 2][..]),
            "size {size}: whole frames only"
        );
    }
}

#[test]
fn each_fault_has_its_own_name() {
    let samples = chunk(b"data", &[1, 0]);
    assert!(matches!(
        read(b"RIFX\0\0\0\0WAVEfmt "),
        Err(WavError::NotWav)
    ));
    assert!(matches!(read(b"RIFF"), Err(WavError::Truncated { .. })));
    assert!(matches!(
        read(&riff(std::slice::from_ref(&samples))),
        Err(WavError::Truncated { .. })
    ));
    assert!(matches!(
        read(&riff(&[format(1, 1, 8000, 16)])),
        Err(WavError::Truncated {
            missing: "data chunk"
        })
    ));
    assert!(matches!(
        read(&riff(&[format(0x55, 1, 8000, 16), samples.clone()])),
        Err(WavError::UnsupportedCoding {
            tag: 0x55,
            bits: 16
        })
    ));
    assert!(matches!(
        read(&riff(&[format(1, 0, 8000, 16), samples.clone()])),
        Err(WavError::BadFormat { channels: 0, .. })
    ));
    assert!(matches!(
        read(&riff(&[format(1, 1, 0, 16), samples])),
        Err(WavError::BadFormat { rate_hz: 0, .. })
    ));
}

#[test]
fn channels_can_be_taken_apart_and_mixed() {
    let wav = Wav {
        rate_hz: 8000,
        channels: 2,
        samples: vec![100, -100, 32767, 32767, -3, 1],
    };
    assert_eq!(wav.frames(), 3);
    assert_eq!(wav.to_mono(), [0, 32767, -1]);
    assert_eq!(wav.channel(1).collect::<Vec<_>>(), [-100, 32767, 1]);
    assert_eq!(wav.channel(2).count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_hound_writes_is_read_alike(
        samples in proptest::collection::vec(any::<i32>(), 0..200),
        channels in 1u16..5,
        rate in 1u32..200_000,
        bits in prop::sample::select(&[8u16, 16, 24, 32][..]),
    ) {
        let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: hound::SampleFormat::Int };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        let whole = samples.len() - samples.len() % usize::from(channels);
        for &sample in &samples[..whole] {
            writer.write_sample(sample >> (32 - bits)).unwrap();
        }
        writer.finalize().unwrap();
        let wav = read(file.get_ref()).unwrap();
        prop_assert_eq!((wav.rate_hz, wav.channels, wav.samples.len()), (rate, channels, whole));
        for (&sample, &found) in samples.iter().zip(&wav.samples) {
            let kept = i64::from(sample >> (32 - bits) << (32 - bits));
            prop_assert!((kept - (i64::from(found) << 16)).abs() <= 1 << 16);
        }
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_panic(
        mut head in proptest::collection::vec(any::<u8>(), 0..80),
        real in any::<bool>(),
        tail in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        if real {
            let mut start = riff(&[format(1, 1, 8000, 16)]);
            start.append(&mut head);
            head = start;
        }
        head.extend_from_slice(&tail);
        let _ = read(&head);
    }
}
