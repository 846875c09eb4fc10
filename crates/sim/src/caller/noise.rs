//! Pink noise in the telephone band, the same every time.

use super::clip::{Band, saturate};
use crate::loudness;

/// A stream of pink noise: seven octaves of held random numbers, added up.
#[derive(Debug, Clone)]
pub struct PinkNoise {
    state: u64,
    rows: [f64; OCTAVES],
    count: u32,
    gain: f64,
    band: Band,
}

const OCTAVES: usize = 12;
/// Samples that show the level of the raw noise.
const TRIAL: usize = 16_000;

impl PinkNoise {
    /// Noise of the given root mean square, as of 16-bit samples.
    #[must_use]
    pub fn new(rms: f64) -> Self {
        let mut noise = Self {
            state: 0x9E37_79B9_7F4A_7C15,
            rows: [0.0; OCTAVES],
            count: 0,
            gain: 1.0,
            band: Band::default(),
        };
        let mut trial = noise.clone();
        trial.gain = 1000.0;
        let samples: Vec<i16> = (0..TRIAL).map(|_| trial.sample()).collect();
        noise.gain = 1000.0 * rms / loudness::rms(&samples).max(1.0);
        noise
    }

    /// Noise that lies `snr_db` under speech of the level `speech_rms`.
    #[must_use]
    pub fn under(speech_rms: f64, snr_db: f64) -> Self {
        Self::new(speech_rms / 10f64.powf(snr_db / 20.0))
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        self.count = self.count.wrapping_add(1);
        let row = (self.count.trailing_zeros() as usize).min(OCTAVES - 1);
        self.rows[row] = self.random();
        let sum: f64 = self.rows.iter().sum::<f64>() + self.random();
        saturate(self.gain * self.band.step(sum))
    }

    /// Between -1 and 1 (xorshift64*).
    fn random(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_level_asked_for() {
        let mut noise = PinkNoise::under(3000.0, 20.0);
        let samples: Vec<i16> = (0..40_000).map(|_| noise.sample()).collect();
        let level = loudness::rms(&samples);
        assert!((level / 300.0 - 1.0).abs() < 0.1, "{level}");
    }

    #[test]
    fn there_is_more_of_it_below_a_kilohertz_than_above_two() {
        let mut noise = PinkNoise::new(2000.0);
        let samples: Vec<i16> = (0..40_000).map(|_| noise.sample()).collect();
        // The difference of neighbours weighs high frequencies, their sum low ones.
        let rough: Vec<i16> = samples
            .windows(2)
            .map(|w| (w[1] / 2) - (w[0] / 2))
            .collect();
        let smooth: Vec<i16> = samples
            .windows(2)
            .map(|w| (w[1] / 2) + (w[0] / 2))
            .collect();
        assert!(loudness::rms(&smooth) > 1.5 * loudness::rms(&rough));
    }
}
