use std::cell::RefCell;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::rc::Rc;

use proptest::prelude::*;
use ringback_audio::g711;
use ringback_audio::wav::{self, Coding, WavError, WavFormat, WavWriter};

const STEREO: WavFormat = WavFormat {
    rate_hz: 8000,
    channels: 2,
    coding: Coding::Pcm16,
};

type Writes = Vec<(u64, Vec<u8>)>;

/// A file that remembers every write, so that a test can kill the writer after any byte.
#[derive(Clone, Default)]
struct Log {
    position: u64,
    writes: Rc<RefCell<Writes>>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writes
            .borrow_mut()
            .push((self.position, bytes.to_vec()));
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Log {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if let SeekFrom::Start(position) = to {
            self.position = position;
        }
        Ok(self.position)
    }
}

impl Log {
    /// The file as it is after `whole` writes and `part` bytes of the next.
    fn file_after(&self, whole: usize, part: usize) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        for (n, (position, bytes)) in self.writes.borrow().iter().enumerate().take(whole + 1) {
            let bytes = if n == whole {
                &bytes[..part.min(bytes.len())]
            } else {
                bytes
            };
            file.set_position(*position);
            file.write_all(bytes).unwrap();
        }
        file.into_inner()
    }
}

#[test]
fn a_file_cut_off_by_death_at_any_write_is_whole_up_to_the_last_second() {
    for coding in [Coding::Pcm16, Coding::Mulaw] {
        let log = Log::default();
        let mut writer = WavWriter::create(
            log.clone(),
            WavFormat {
                channels: 1,
                coding,
                ..STEREO
            },
        )
        .unwrap();
        let spoken: Vec<i16> = (1..=15)
            .map(|n| g711::decode(g711::encode(n * 1000)))
            .collect();
        for part in spoken.chunks(3) {
            writer.append(part).unwrap();
        }
        let writes = log.writes.borrow().len();
        for whole in 1..writes {
            let (position, length) = {
                let log = log.writes.borrow();
                (log[whole].0, log[whole].1.len())
            };
            // The header is one write of under 60 bytes: it lands whole or not at all.
            let parts = if position == 0 {
                vec![0, length]
            } else {
                (0..=length).collect()
            };
            for part in parts {
                let file = log.file_after(whole, part);
                let mut read = wav::read(&mut &file[..]).unwrap();
                // Before the first header tells a size, the byte of padding is read as one sample of silence.
                read.samples.pop_if(|last| *last == 0);
                assert_eq!(
                    read.samples,
                    spoken[..read.samples.len()],
                    "{coding:?}, write {whole}, byte {part}"
                );
                assert!(
                    read.samples.len() + 3 >= whole / 2 * 3,
                    "{coding:?}, write {whole}, byte {part}"
                );
            }
        }
        assert_eq!(
            wav::read(&mut &log.file_after(writes, 0)[..])
                .unwrap()
                .samples,
            spoken
        );
    }
}

#[test]
fn an_odd_number_of_mulaw_bytes_is_padded_and_the_sizes_say_so() {
    let format = WavFormat {
        channels: 1,
        coding: Coding::Mulaw,
        ..STEREO
    };
    let mut writer = WavWriter::create(Cursor::new(Vec::new()), format).unwrap();
    writer.append(&[0; 3]).unwrap();
    writer.append(&[0; 2]).unwrap();
    assert_eq!(writer.frames(), 5);
    writer.append(&[0; 2]).unwrap();
    let file = writer.finish().unwrap().into_inner();
    assert_eq!(file.len(), 58 + 8);
    assert_eq!(file[4..8], 58u32.to_le_bytes(), "RIFF size");
    assert_eq!(file[46..50], 7u32.to_le_bytes(), "fact: frames");
    assert_eq!(file[54..58], 7u32.to_le_bytes(), "data size");
}

#[test]
fn misuse_is_refused_and_leaves_the_file_as_it_was() {
    assert!(matches!(
        WavWriter::create(
            Cursor::new(Vec::new()),
            WavFormat {
                channels: 0,
                ..STEREO
            }
        ),
        Err(WavError::BadFormat { .. })
    ));
    let mut writer = WavWriter::create(Cursor::new(Vec::new()), STEREO).unwrap();
    writer.append(&[1, 2, 3, 4]).unwrap();
    assert!(matches!(
        writer.append(&[1]),
        Err(WavError::PartialFrame {
            samples: 1,
            channels: 2
        })
    ));
    assert!(matches!(
        writer.overwrite(1, &[5, 6, 7, 8]),
        Err(WavError::BeyondEnd {
            from: 1,
            to: 3,
            frames: 2
        })
    ));
    assert!(matches!(
        writer.overwrite(u64::MAX, &[5, 6]),
        Err(WavError::BeyondEnd { .. })
    ));
    let file = writer.finish().unwrap().into_inner();
    assert_eq!(wav::read(&mut &file[..]).unwrap().samples, [1, 2, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn hound_reads_what_was_appended_and_overwritten(
        blocks in proptest::collection::vec(proptest::collection::vec(any::<i16>(), 0..60), 1..8),
        patch in proptest::collection::vec(any::<i16>(), 0..40),
        at in 0u64..100,
    ) {
        let mut writer = WavWriter::create(Cursor::new(Vec::new()), STEREO).unwrap();
        let mut expected: Vec<i16> = Vec::new();
        for block in &blocks {
            let even = &block[..block.len() / 2 * 2];
            writer.append(even).unwrap();
            expected.extend_from_slice(even);
        }
        let patch = &patch[..patch.len() / 2 * 2];
        let fits = at + patch.len() as u64 / 2 <= writer.frames();
        prop_assert_eq!(writer.overwrite(at, patch).is_ok(), fits);
        if fits {
            expected[at as usize * 2..][..patch.len()].copy_from_slice(patch);
        }
        let mut file = writer.finish().unwrap();
        file.set_position(0);
        let mut reader = hound::WavReader::new(file).unwrap();
        prop_assert_eq!(reader.spec().sample_rate, 8000);
        let found: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
        prop_assert_eq!(&found, &expected);
    }

    #[test]
    fn a_mulaw_file_gives_back_the_coded_samples(samples in proptest::collection::vec(any::<i16>(), 0..100)) {
        let format = WavFormat { rate_hz: 8000, channels: 1, coding: Coding::Mulaw };
        let mut writer = WavWriter::create(Cursor::new(Vec::new()), format).unwrap();
        writer.append(&samples).unwrap();
        let file = writer.finish().unwrap().into_inner();
        let coded: Vec<i16> = samples.iter().map(|&s| g711::decode(g711::encode(s))).collect();
        prop_assert_eq!(wav::read(&mut &file[..]).unwrap().samples, coded);
    }
}
