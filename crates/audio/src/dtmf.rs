//! The tones of a telephone's keys, in band: ITU-T Q.23, with the times of Q.24 doubled for lines that lose frames.

use std::f64::consts::TAU;

/// How long a key sounds, in ms. Q.24 has receivers take 40.
const KEY_MS: usize = 100;
/// Silence behind a key, in ms. Q.24 has receivers take 40.
const GAP_MS: usize = 100;
/// A pause, in ms.
const PAUSE_MS: usize = 500;
const SAMPLES_PER_MS: usize = 8;
/// Peaks of the low and the high tone: the high one is 2 dB louder, as lines damp it more.
const PEAKS: (f64, f64) = (7500.0, 9400.0);

const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [&str; 4] = ["123A", "456B", "789C", "*0#D"];

/// The low and the high frequency of a key, in Hz; `None` for what is no key.
pub fn frequencies(key: char) -> Option<(f64, f64)> {
    KEYS.iter().zip(LOW_HZ).find_map(|(row, low)| {
        let column = row.chars().position(|own| own == key)?;
        Some((low, HIGH_HZ[column]))
    })
}

/// The keys as sound at 8000 Hz: 100 ms of tone and 100 ms of silence each; `w` is a pause of half a second. Anything else is passed
/// over.
pub fn tones(keys: &str) -> Vec<i16> {
    let mut samples = Vec::new();
    for key in keys.chars() {
        if let Some((low, high)) = frequencies(key) {
            samples.extend((0..KEY_MS * SAMPLES_PER_MS).map(|n| tone(n, low, high)));
            samples.resize(samples.len() + GAP_MS * SAMPLES_PER_MS, 0);
        } else if key == 'w' {
            samples.resize(samples.len() + PAUSE_MS * SAMPLES_PER_MS, 0);
        }
    }
    samples
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "hundreds of samples, and peaks that fit by far"
)]
fn tone(n: usize, low: f64, high: f64) -> i16 {
    let at = n as f64 / 8000.0;
    (PEAKS.0 * (TAU * low * at).sin() + PEAKS.1 * (TAU * high * at).sin()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Energy of a frequency in samples, by Goertzel's algorithm, as a share of a sine of full energy.
    fn share(samples: &[i16], hz: f64) -> f64 {
        let w = 2.0 * (TAU * hz / 8000.0).cos();
        let (mut s1, mut s2) = (0.0, 0.0);
        let mut energy = 0.0;
        for &sample in samples {
            let s0 = f64::from(sample) + w * s1 - s2;
            (s2, s1) = (s1, s0);
            energy += f64::from(sample).powi(2);
        }
        (s1 * s1 + s2 * s2 - w * s1 * s2) / (energy * samples.len() as f64 / 2.0)
    }

    #[test]
    fn every_key_sounds_its_two_tones_and_no_other_also_after_mu_law() {
        for key in "0123456789*#ABCD".chars() {
            let linear = tones(&key.to_string());
            let (mut mulaw, mut heard) = (Vec::new(), Vec::new());
            crate::g711::encode_into(&linear, &mut mulaw);
            crate::g711::decode_into(&mulaw, &mut heard);
            assert_eq!(heard.len(), 1600);
            assert!(heard[800..].iter().all(|&sample| sample == 0), "{key}");
            let Some((low, high)) = frequencies(key) else {
                panic!("{key} is a key");
            };
            for hz in LOW_HZ.into_iter().chain(HIGH_HZ) {
                let found = share(&heard[..800], hz);
                let sounds = hz == low || hz == high;
                assert!((found > 0.3) == sounds, "{key}: {found} of {hz} Hz");
                assert!(sounds || found < 0.01, "{key}: {found} of {hz} Hz");
            }
        }
    }

    #[test]
    fn keys_follow_one_another_with_silence_between_and_pauses_where_wanted() {
        assert_eq!(tones("1w2").len(), 1600 + 4000 + 1600);
        assert_eq!(tones("1, x2"), tones("12"));
        assert_eq!(tones(""), []);
    }
}
