//! Where sound begins and ends: energy in windows of 20 ms, refined to the sample.

use std::ops::Range;

/// Samples of a window: 20 ms.
pub const WINDOW: usize = 160;

/// Root mean square over which a window of played audio counts as audible: about -50 dB of full scale, well over the
/// noise of a synthetic voice's pauses (under 50 at its peak) and under its quietest syllables.
pub const AUDIBLE_RMS: f64 = 100.0;

/// Root mean square of samples; 0 of none.
#[must_use]
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample).powi(2))
        .sum();
    (sum / samples.len() as f64).sqrt()
}

/// From the first to behind the last sample of the audible part, or `None` when no window is over `floor`.
///
/// The edges are the first sample of the first audible window and the last one of the last whose own size is over
/// `floor`.
#[must_use]
pub fn audible(samples: &[i16], floor: f64) -> Option<Range<usize>> {
    let mut windows = samples
        .chunks(WINDOW)
        .enumerate()
        .filter(|(_, window)| rms(window) > floor);
    let (first, first_window) = windows.next()?;
    let (last, last_window) = windows.next_back().unwrap_or((first, first_window));
    let over = |sample: &i16| f64::from(sample.unsigned_abs()) > floor;
    let begin = first_window.iter().position(over).unwrap_or(0);
    let end = last_window
        .iter()
        .rposition(over)
        .map_or(last_window.len(), |index| index + 1);
    Some(first * WINDOW + begin..last * WINDOW + end)
}

/// Level of speech without its pauses: the root mean square of the windows within 20 dB of the loudest.
#[must_use]
pub fn speech_level(samples: &[i16]) -> f64 {
    let levels: Vec<f64> = samples.chunks(WINDOW).map(rms).collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    let active: Vec<f64> = levels
        .into_iter()
        .filter(|&level| level > 0.0 && level >= loudest / 10.0)
        .collect();
    if active.is_empty() {
        return 0.0;
    }
    (active.iter().map(|level| level * level).sum::<f64>() / active.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_found_to_the_sample() {
        let mut samples = vec![0i16; 2000];
        samples[333..1234].fill(3000);
        assert_eq!(audible(&samples, AUDIBLE_RMS), Some(333..1234));
    }

    #[test]
    fn a_click_shorter_than_its_window_is_no_sound() {
        let mut samples = vec![0i16; 2000];
        samples[500] = 1000;
        assert_eq!(audible(&samples, AUDIBLE_RMS), None);
        assert_eq!(audible(&[], AUDIBLE_RMS), None);
    }

    #[test]
    fn pauses_do_not_lower_the_level_of_speech() {
        let mut samples = vec![0i16; 16_000];
        samples[..1600].fill(2000);
        assert!((speech_level(&samples) - 2000.0).abs() < 1.0);
        assert_eq!(speech_level(&[0; 400]), 0.0);
    }
}
