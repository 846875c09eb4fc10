//! Audio as providers take and give it: encodings and rates, to and from the telephone's 8000 Hz.

use ringback_audio::resample::{Resampler, UnsupportedRates};
use ringback_audio::{RATE_HZ, g711};

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Mulaw,
    Alaw,
    /// 16 bits, low byte first.
    Pcm16,
    /// 32 bits, low byte first.
    Pcm32,
    /// IEEE float, low byte first.
    Float32,
}

impl Coding {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Mulaw | Self::Alaw => 1,
            Self::Pcm16 => 2,
            Self::Pcm32 | Self::Float32 => 4,
        }
    }

    fn write(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::Mulaw => samples.iter().map(|&sample| g711::encode(sample)).collect(),
            Self::Alaw => samples.iter().map(|&sample| alaw(sample)).collect(),
            Self::Pcm16 => samples
                .iter()
                .flat_map(|sample| sample.to_le_bytes())
                .collect(),
            Self::Pcm32 => samples
                .iter()
                .flat_map(|&sample| (i32::from(sample) << 16).to_le_bytes())
                .collect(),
            Self::Float32 => samples
                .iter()
                .flat_map(|&sample| (f32::from(sample) / 32768.0).to_le_bytes())
                .collect(),
        }
    }

    /// Samples of whole groups of bytes.
    fn read(self, bytes: &[u8]) -> Vec<i16> {
        let high = |four: &[u8]| i16::from_le_bytes([four[2], four[3]]);
        match self {
            Self::Mulaw => bytes.iter().map(|&byte| g711::decode(byte)).collect(),
            Self::Alaw => bytes.iter().map(|&byte| g711::decode_alaw(byte)).collect(),
            Self::Pcm16 => bytes
                .chunks_exact(2)
                .map(|two| i16::from_le_bytes([two[0], two[1]]))
                .collect(),
            Self::Pcm32 => bytes.chunks_exact(4).map(high).collect(),
            Self::Float32 => bytes
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]) * 32768.0)
                .map(|sample| sample as i16)
                .collect(),
        }
    }
}

/// The A-law byte nearest to a sample.
fn alaw(sample: i16) -> u8 {
    let distance = |&code: &u8| (i32::from(g711::decode_alaw(code)) - i32::from(sample)).abs();
    (0..=255).min_by_key(distance).unwrap_or_default()
}

/// An encoding and a rate, one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) coding: Coding,
    /// Hz.
    pub(super) rate: u32,
}

impl Format {
    /// The bytes of samples at 8000 Hz.
    ///
    /// # Errors
    /// A rate that nothing is brought to.
    pub(super) fn encode(self, samples: &[i16]) -> Result<Vec<u8>, UnsupportedRates> {
        let mut resampler = Resampler::new(RATE_HZ, self.rate)?;
        let mut out = Vec::new();
        resampler.process(samples, &mut out);
        resampler.finish(&mut out);
        Ok(self.coding.write(&out))
    }

    /// Silence in the place of these bytes.
    pub(super) fn silence(self, bytes: usize) -> Vec<u8> {
        self.coding.write(&vec![0; bytes / self.coding.bytes()])
    }
}

/// Brings a stream of bytes to 8000 Hz.
#[derive(Debug)]
pub(super) struct Intake {
    coding: Coding,
    channels: usize,
    resampler: Resampler,
    rest: Vec<u8>,
}

impl Intake {
    /// Of more than one channel the first is heard.
    ///
    /// # Errors
    /// A rate that is not brought to 8000 Hz.
    pub(super) fn new(format: Format, channels: usize) -> Result<Self, UnsupportedRates> {
        Ok(Self {
            coding: format.coding,
            channels: channels.max(1),
            resampler: Resampler::new(format.rate, RATE_HZ)?,
            rest: Vec::new(),
        })
    }

    /// Appends the samples that are ready.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<i16>) {
        self.rest.extend_from_slice(bytes);
        let group = self.coding.bytes() * self.channels;
        let whole = self.rest.len() / group * group;
        let samples = self.coding.read(&self.rest[..whole]);
        self.rest.drain(..whole);
        let first: Vec<i16> = samples.into_iter().step_by(self.channels).collect();
        self.resampler.process(&first, out);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const ALL: [Coding; 5] = [
        Coding::Mulaw,
        Coding::Alaw,
        Coding::Pcm16,
        Coding::Pcm32,
        Coding::Float32,
    ];

    #[test]
    fn what_is_written_is_read_again_in_any_cut() {
        let samples: Vec<i16> = (0..4000)
            .map(|n| (f64::from(n) * 0.4).sin().mul_add(9000.0, 0.0) as i16)
            .collect();
        for coding in ALL {
            for rate in [8000, 24_000] {
                let format = Format { coding, rate };
                let bytes = format.encode(&samples).unwrap();
                assert_eq!(bytes.len(), 4000 * rate as usize / 8000 * coding.bytes());
                let mut intake = Intake::new(format, 1).unwrap();
                let mut heard = Vec::new();
                for cut in bytes.chunks(333) {
                    intake.take(cut, &mut heard);
                }
                assert!(heard.len() > 3900, "{coding:?} {rate}: {}", heard.len());
                let worst = heard[100..3800]
                    .iter()
                    .zip(&samples[100..])
                    .map(|(a, b)| (a - b).abs())
                    .max();
                assert!(worst.unwrap() < 600, "{coding:?} {rate}: {worst:?}");
            }
        }
    }

    #[test]
    fn silence_is_silent_and_as_long() {
        for coding in ALL {
            let format = Format { coding, rate: 8000 };
            let silence = format.silence(800);
            assert_eq!(silence.len(), 800);
            assert!(
                coding.read(&silence).iter().all(|sample| sample.abs() <= 8),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn the_first_channel_is_heard() {
        let format = Format {
            coding: Coding::Pcm16,
            rate: 8000,
        };
        let mut intake = Intake::new(format, 2).unwrap();
        let mut heard = Vec::new();
        intake.take(&[1, 0, 9, 9, 2, 0, 9], &mut heard);
        intake.take(&[9], &mut heard);
        assert_eq!(heard, [1, 2]);
    }
}
