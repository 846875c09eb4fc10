//! Frames of 20 ms, and the arithmetic between milliseconds and samples.

/// The telephone's rate, in Hz (Twilio Media Streams: `audio/x-mulaw;rate=8000`).
pub const RATE_HZ: u32 = 8000;

/// Samples in a telephone frame.
pub const FRAME_SAMPLES: usize = 160;

/// Length of every frame, in ms.
pub const FRAME_MS: u32 = 20;

const FRAMES_PER_SECOND: u32 = 1000 / FRAME_MS;

/// 20 ms of one channel of linear samples at a stated rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    rate_hz: u32,
    samples: Vec<i16>,
}

/// Samples that do not make a frame of 20 ms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// 20 ms is no whole number of samples at this rate.
    #[error(
        "a frame of 20 ms is no whole number of samples at {rate_hz} Hz: resample to a multiple of 50 Hz first"
    )]
    Rate {
        /// The rate asked for, in Hz.
        rate_hz: u32,
    },
    /// The number of samples is not that of 20 ms.
    #[error("a frame of 20 ms at {rate_hz} Hz has {expected} samples, not {found}")]
    Length {
        /// The rate asked for, in Hz.
        rate_hz: u32,
        /// Samples in 20 ms at that rate.
        expected: usize,
        /// Samples given.
        found: usize,
    },
}

impl Frame {
    /// A frame of these samples.
    ///
    /// # Errors
    /// [`BadFrame`] when `samples` is not exactly 20 ms at `rate_hz`.
    pub fn new(rate_hz: u32, samples: Vec<i16>) -> Result<Self, BadFrame> {
        let expected = frame_samples(rate_hz)?;
        if samples.len() != expected {
            return Err(BadFrame::Length {
                rate_hz,
                expected,
                found: samples.len(),
            });
        }
        Ok(Self { rate_hz, samples })
    }

    /// A frame of digital silence.
    ///
    /// # Errors
    /// [`BadFrame::Rate`] when 20 ms is no whole number of samples at `rate_hz`.
    pub fn silence(rate_hz: u32) -> Result<Self, BadFrame> {
        Ok(Self {
            rate_hz,
            samples: vec![0; frame_samples(rate_hz)?],
        })
    }

    /// The rate, in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The samples: always 20 ms of them.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The samples, to be changed in place.
    pub fn samples_mut(&mut self) -> &mut [i16] {
        &mut self.samples
    }
}

/// Samples in `ms` milliseconds at `rate_hz`, rounded down.
#[must_use]
pub const fn samples_of_ms(ms: u64, rate_hz: u32) -> u64 {
    ms * rate_hz as u64 / 1000
}

/// Milliseconds in `samples` at `rate_hz`, rounded down; 0 at a rate of 0.
#[must_use]
pub const fn ms_of_samples(samples: u64, rate_hz: u32) -> u64 {
    if rate_hz == 0 {
        0
    } else {
        samples * 1000 / rate_hz as u64
    }
}

fn frame_samples(rate_hz: u32) -> Result<usize, BadFrame> {
    if rate_hz == 0 || !rate_hz.is_multiple_of(FRAMES_PER_SECOND) {
        return Err(BadFrame::Rate { rate_hz });
    }
    Ok((rate_hz / FRAMES_PER_SECOND) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_frame_is_160_samples_and_20_ms() {
        assert_eq!(
            samples_of_ms(u64::from(FRAME_MS), RATE_HZ),
            FRAME_SAMPLES as u64
        );
        assert_eq!(
            ms_of_samples(FRAME_SAMPLES as u64, RATE_HZ),
            u64::from(FRAME_MS)
        );
        assert_eq!(
            Frame::silence(RATE_HZ).map(|frame| frame.samples().len()),
            Ok(FRAME_SAMPLES)
        );
    }

    #[test]
    fn a_frame_of_the_wrong_length_is_refused_with_the_right_one() {
        assert_eq!(
            Frame::new(16_000, vec![0; 160]),
            Err(BadFrame::Length {
                rate_hz: 16_000,
                expected: 320,
                found: 160
            })
        );
        assert_eq!(
            Frame::silence(11_025),
            Err(BadFrame::Rate { rate_hz: 11_025 })
        );
        assert_eq!(Frame::silence(0), Err(BadFrame::Rate { rate_hz: 0 }));
        assert!(Frame::new(44_100, vec![0; 882]).is_ok());
    }
}
