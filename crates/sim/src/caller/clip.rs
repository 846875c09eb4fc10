//! A piece of the caller's speech, in the telephone band.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::ops::Range;

use ringback_audio::RATE_HZ;

use crate::loudness;

/// Edges of the telephone band, Hz.
const LOW_HZ: f64 = 300.0;
const HIGH_HZ: f64 = 3400.0;

/// Something the caller can say.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What it is, for the transcript.
    pub said: String,
    /// 8000 Hz, 300 to 3400 Hz.
    pub samples: Vec<i16>,
    /// From its first to behind its last sound; all of it if it is silent throughout.
    pub sound: Range<usize>,
}

impl Clip {
    /// Brings samples at 8000 Hz into the telephone band.
    #[must_use]
    pub fn new(said: impl Into<String>, samples: &[i16]) -> Self {
        let samples = telephone_band(samples);
        let floor = (loudness::speech_level(&samples) / 20.0).max(loudness::AUDIBLE_RMS);
        let sound = loudness::audible(&samples, floor).unwrap_or(0..samples.len());
        Self {
            said: said.into(),
            samples,
            sound,
        }
    }

    /// Length in ms.
    #[must_use]
    pub fn ms(&self) -> u64 {
        ringback_audio::frame::ms_of_samples(self.samples.len() as u64, RATE_HZ)
    }
}

/// A second-order filter section (the audio equaliser cookbook's formulas).
#[derive(Debug, Clone)]
struct Section {
    feed: [f64; 3],
    back: [f64; 2],
    past: [f64; 2],
}

impl Section {
    fn new(hz: f64, q: f64, is_high_pass: bool) -> Self {
        let w = 2.0 * PI * hz / f64::from(RATE_HZ);
        let (alpha, cos) = (w.sin() / (2.0 * q), w.cos());
        let norm = 1.0 + alpha;
        let (edge, middle) = if is_high_pass {
            ((1.0 + cos) / 2.0, -(1.0 + cos))
        } else {
            ((1.0 - cos) / 2.0, 1.0 - cos)
        };
        Self {
            feed: [edge / norm, middle / norm, edge / norm],
            back: [-2.0 * cos / norm, (1.0 - alpha) / norm],
            past: [0.0; 2],
        }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.feed[0] * x + self.past[0];
        self.past[0] = self.feed[1] * x - self.back[0] * y + self.past[1];
        self.past[1] = self.feed[2] * x - self.back[1] * y;
        y
    }
}

/// The band filter of a telephone line: fourth order below 300 Hz, second order above 3400 Hz.
#[derive(Debug, Clone)]
pub struct Band([Section; 3]);

impl Default for Band {
    fn default() -> Self {
        // The two sections of a fourth-order Butterworth high pass, and a second-order low pass.
        Self([
            Section::new(LOW_HZ, 0.541_196_1, true),
            Section::new(LOW_HZ, 1.306_563, true),
            Section::new(HIGH_HZ, FRAC_1_SQRT_2, false),
        ])
    }
}

impl Band {
    /// Filters one sample.
    pub fn step(&mut self, sample: f64) -> f64 {
        self.0.iter_mut().fold(sample, |x, section| section.step(x))
    }
}

fn telephone_band(samples: &[i16]) -> Vec<i16> {
    let mut band = Band::default();
    samples
        .iter()
        .map(|&sample| saturate(band.step(f64::from(sample))))
        .collect()
}

/// Rounds to 16 bits.
#[must_use]
pub fn saturate(sample: f64) -> i16 {
    sample
        .round()
        .clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64) -> Vec<i16> {
        (0..8000)
            .map(|n| ((2.0 * PI * hz * f64::from(n) / 8000.0).sin() * 10_000.0) as i16)
            .collect()
    }

    fn gain_db(hz: f64) -> f64 {
        let input = tone(hz);
        let output = telephone_band(&input);
        20.0 * (loudness::rms(&output[2000..]) / loudness::rms(&input[2000..])).log10()
    }

    #[test]
    fn speech_passes_and_hum_does_not() {
        assert!(gain_db(1000.0).abs() < 0.5, "{}", gain_db(1000.0));
        assert!(gain_db(60.0) < -40.0, "{}", gain_db(60.0));
        assert!(gain_db(3900.0) < -10.0, "{}", gain_db(3900.0));
    }

    #[test]
    fn the_sound_of_a_clip_leaves_out_the_silence_around_it() {
        let mut samples = vec![0i16; 8000];
        samples[3000..5000].copy_from_slice(&tone(800.0)[..2000]);
        let clip = Clip::new("tone", &samples);
        assert!(clip.sound.start.abs_diff(3000) < 20, "{:?}", clip.sound);
        assert!(clip.sound.end.abs_diff(5000) < 60, "{:?}", clip.sound);
    }
}
