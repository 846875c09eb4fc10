//! A streaming resampler for any rational ratio of telephone and studio rates.
//!
//! A polyphase FIR filter: a sinc cut at 0.9 of the lower Nyquist frequency under a Kaiser window of beta 8, 48 taps
//! long at the lower rate. It keeps its state from block to block; how the input is cut into blocks never changes a
//! sample of the output.

const BETA: f64 = 8.0;
const CUTOFF: f64 = 0.9;
const HALF_TAPS_AT_LOWER_RATE: u64 = 24;
const LANES: usize = 8;
const BLOCK: usize = 960;
const MAX_COEFFICIENTS: u64 = 1 << 17;

/// Rates between which [`Resampler`] does not convert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot resample from {from_hz} Hz to {to_hz} Hz: both must lie in 8000..=48000 Hz in a ratio of small whole numbers"
)]
pub struct UnsupportedRates {
    /// Rate of the input, in Hz.
    pub from_hz: u32,
    /// Rate asked for, in Hz.
    pub to_hz: u32,
}

/// Converts a stream of one channel from one rate to another.
///
/// The output is aligned: its sample `n` belongs to the instant `n / to_hz` of the input. It therefore lags by
/// [`Resampler::delay_samples`] until [`Resampler::finish`] brings the tail. Overshoot saturates.
#[derive(Clone, Debug)]
pub struct Resampler {
    filter: Vec<f32>,
    taps: usize,
    up: u64,
    down: u64,
    /// Input samples from `window_start` on; the first `taps / 2 - 1` positions of a stream are zeros before it.
    window: Vec<f32>,
    window_start: u64,
    received: u64,
    emitted: u64,
}

impl Resampler {
    /// A resampler at the start of a stream.
    ///
    /// # Errors
    /// [`UnsupportedRates`] outside 8000..=48000 Hz, or when the ratio in lowest terms needs a filter of over 131072
    /// coefficients (all usual rates, 11025, 22050 and 44100 among them, need at most a sixth of that).
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, UnsupportedRates> {
        let unsupported = UnsupportedRates { from_hz, to_hz };
        if !(8000..=48000).contains(&from_hz) || !(8000..=48000).contains(&to_hz) {
            return Err(unsupported);
        }
        let divisor = greatest_common_divisor(u64::from(from_hz), u64::from(to_hz));
        let (up, down) = (u64::from(to_hz) / divisor, u64::from(from_hz) / divisor);
        let half =
            (HALF_TAPS_AT_LOWER_RATE * u64::from(from_hz.max(to_hz))).div_ceil(u64::from(to_hz));
        let taps = (2 * half).next_multiple_of(LANES as u64);
        if up * taps > MAX_COEFFICIENTS {
            return Err(unsupported);
        }
        let taps = taps as usize;
        let filter = if up == down {
            Vec::new()
        } else {
            design(taps, up, f64::from(from_hz), f64::from(to_hz))
        };
        let mut resampler = Self {
            filter,
            taps,
            up,
            down,
            window: Vec::with_capacity(taps + BLOCK),
            window_start: 0,
            received: 0,
            emitted: 0,
        };
        resampler.reset();
        Ok(resampler)
    }

    /// Takes input samples and appends every output sample that is ready.
    ///
    /// Allocates only what `output` needs to grow.
    pub fn process(&mut self, input: &[i16], output: &mut Vec<i16>) {
        if self.is_identity() {
            output.extend_from_slice(input);
            return;
        }
        for block in input.chunks(BLOCK) {
            self.window
                .extend(block.iter().map(|&sample| f32::from(sample)));
            self.received += block.len() as u64;
            self.emit(u64::MAX, output);
            self.forget();
        }
    }

    /// Appends the tail as if silence followed, and makes ready for a new stream.
    ///
    /// All in all a stream of `n` input samples gives `n * to_hz / from_hz` output samples, rounded up.
    pub fn finish(&mut self, output: &mut Vec<i16>) {
        if !self.is_identity() {
            let total = (self.received * self.up).div_ceil(self.down);
            self.window.extend(std::iter::repeat_n(0.0, self.taps / 2));
            self.received += (self.taps / 2) as u64;
            self.emit(total, output);
        }
        self.reset();
    }

    /// Forgets the stream: the next sample is the first of a new one. To be called after a gap.
    pub fn reset(&mut self) {
        self.window.clear();
        self.window.resize(self.taps / 2 - 1, 0.0);
        self.window_start = 0;
        self.received = 0;
        self.emitted = 0;
    }

    /// How far the output lags behind the input, in output samples, rounded up: 3 ms at the lower of the two rates.
    #[must_use]
    pub fn delay_samples(&self) -> usize {
        if self.is_identity() {
            0
        } else {
            (self.taps as u64 / 2 * self.up).div_ceil(self.down) as usize
        }
    }

    fn is_identity(&self) -> bool {
        self.up == self.down
    }

    fn emit(&mut self, limit: u64, output: &mut Vec<i16>) {
        while self.emitted < limit {
            let position = self.emitted * self.down;
            let centre = position / self.up;
            if centre + self.taps as u64 / 2 >= self.received {
                return;
            }
            let phase = (position % self.up) as usize;
            let from = (centre - self.window_start) as usize;
            let sum = dot(
                &self.filter[phase * self.taps..][..self.taps],
                &self.window[from..from + self.taps],
            );
            output.push(sum.round_ties_even() as i16);
            self.emitted += 1;
        }
    }

    fn forget(&mut self) {
        let needed_from = self.emitted * self.down / self.up;
        let done = ((needed_from - self.window_start) as usize).min(self.window.len());
        self.window.copy_within(done.., 0);
        self.window.truncate(self.window.len() - done);
        self.window_start += done as u64;
    }
}

fn dot(coefficients: &[f32], samples: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (c, s) in coefficients
        .chunks_exact(LANES)
        .zip(samples.chunks_exact(LANES))
    {
        for lane in 0..LANES {
            sums[lane] += c[lane] * s[lane];
        }
    }
    sums.iter().sum()
}

/// One row of `taps` coefficients per phase. Coefficient `k` weighs the input sample `k - (taps / 2 - 1)` after the
/// one at or before the output's instant. Each row is scaled to pass a constant unchanged.
fn design(taps: usize, up: u64, from_hz: f64, to_hz: f64) -> Vec<f32> {
    let half = (taps / 2) as f64;
    let cutoff = CUTOFF * from_hz.min(to_hz) / from_hz;
    let mut filter = Vec::with_capacity(taps * up as usize);
    for phase in 0..up {
        let offset = phase as f64 / up as f64;
        let row: Vec<f64> = (0..taps)
            .map(|k| {
                let t = k as f64 - (half - 1.0) - offset;
                let inside = (1.0 - (t / half).powi(2)).max(0.0);
                sinc(cutoff * t) * bessel_i0(BETA * inside.sqrt())
            })
            .collect();
        let sum: f64 = row.iter().sum();
        filter.extend(row.iter().map(|c| (c / sum) as f32));
    }
    filter
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle.abs() < 1e-9 {
        1.0
    } else {
        angle.sin() / angle
    }
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40u32 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATES: [u32; 8] = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

    fn tone(rate: u32, hz: f64, samples: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        (0..samples)
            .map(|n| ((n as f64 * step).sin() * 16_000.0).round() as i16)
            .collect()
    }

    fn convert(from: u32, to: u32, input: &[i16]) -> Vec<i16> {
        let mut output = Vec::new();
        let mut resampler = Resampler::new(from, to).unwrap();
        resampler.process(input, &mut output);
        resampler.finish(&mut output);
        output
    }

    /// Amplitude of a tone in the middle of a signal, by correlation under a Hann window.
    fn amplitude(signal: &[i16], rate: u32, hz: f64) -> f64 {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        let length = signal.len() as f64;
        let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
        for (n, &sample) in signal.iter().enumerate() {
            let w = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / length).cos();
            re += w * f64::from(sample) * (n as f64 * step).cos();
            im += w * f64::from(sample) * (n as f64 * step).sin();
            weight += w;
        }
        2.0 * (re * re + im * im).sqrt() / weight
    }

    fn middle(signal: &[i16]) -> &[i16] {
        &signal[signal.len() / 8..signal.len() * 7 / 8]
    }

    fn power(signal: &[i16]) -> f64 {
        signal.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / signal.len() as f64
    }

    #[test]
    fn the_telephone_band_passes_unchanged_between_all_rates() {
        for from in RATES {
            for to in RATES {
                for (hz, loss_db) in [(300.0, 0.02), (1000.0, 0.02), (3300.0, 0.3)] {
                    let output = convert(from, to, &tone(from, hz, from as usize / 2));
                    let gain = 20.0 * (amplitude(middle(&output), to, hz) / 16_000.0).log10();
                    assert!(
                        gain.abs() < loss_db,
                        "{from} to {to} Hz: {hz} Hz changes by {gain:.3} dB"
                    );
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (from, to) in [
            (16_000, 8000),
            (24_000, 8000),
            (22_050, 8000),
            (44_100, 8000),
            (48_000, 8000),
            (48_000, 16_000),
        ] {
            for part in 1..=8 {
                let low = f64::from(to) / 2.0 * 1.05;
                let hz = low + (f64::from(from) / 2.0 * 0.98 - low) * f64::from(part) / 8.0;
                let output = convert(from, to, &tone(from, hz, from as usize / 2));
                let leak = 10.0 * (power(middle(&output)) / (16_000f64.powi(2) / 2.0)).log10();
                assert!(
                    leak < -75.0,
                    "{from} to {to} Hz: {hz:.0} Hz leaks {leak:.1} dB"
                );
            }
        }
    }

    #[test]
    fn going_up_adds_nothing_but_rounding() {
        for (from, to) in [
            (8000, 16_000),
            (8000, 48_000),
            (8000, 22_050),
            (16_000, 44_100),
        ] {
            let hz = 1000.0;
            let output = convert(from, to, &tone(from, hz, from as usize / 2));
            let expected = tone(to, hz, output.len());
            let rest: Vec<i16> = output.iter().zip(&expected).map(|(a, b)| a - b).collect();
            let residue = 10.0 * (power(middle(&rest)) / (16_000f64.powi(2) / 2.0)).log10();
            assert!(
                residue < -75.0,
                "{from} to {to} Hz: residue {residue:.1} dB, so the output is also aligned"
            );
        }
    }

    #[test]
    fn the_length_follows_the_ratio_and_the_lag_is_as_stated() {
        for from in RATES {
            for to in RATES {
                let input = tone(from, 500.0, 5000);
                assert_eq!(
                    convert(from, to, &input).len() as u64,
                    (5000 * u64::from(to)).div_ceil(u64::from(from)),
                    "{from} to {to} Hz"
                );
                let mut resampler = Resampler::new(from, to).unwrap();
                let mut output = Vec::new();
                resampler.process(&input, &mut output);
                let lag = (5000 * u64::from(to)).div_ceil(u64::from(from)) - output.len() as u64;
                assert!(
                    lag.abs_diff(resampler.delay_samples() as u64) <= 1,
                    "{from} to {to} Hz: lag {lag}"
                );
                assert!(
                    resampler.delay_samples() as u64 * 1000 <= 4 * u64::from(to),
                    "{from} to {to} Hz lags over 4 ms"
                );
            }
        }
    }

    #[test]
    fn the_loudest_square_wave_saturates_and_never_wraps() {
        let square: Vec<i16> = (0..4000)
            .map(|n| if n / 40 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let output = convert(8000, 16_000, &square);
        for (n, &sample) in output.iter().enumerate() {
            let phase = n % 160;
            if (4..76).contains(&phase) {
                assert!(sample > 25_000, "sample {n} is {sample}");
            }
        }
        assert_eq!(output.iter().max(), Some(&i16::MAX));
    }

    #[test]
    fn rates_without_a_small_ratio_are_refused_by_name() {
        for (from_hz, to_hz) in [
            (7999, 8000),
            (8000, 96_000),
            (0, 8000),
            (47_999, 8000),
            (8000, 44_101),
        ] {
            assert_eq!(
                Resampler::new(from_hz, to_hz).err(),
                Some(UnsupportedRates { from_hz, to_hz })
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_cut_into_blocks_never_changes_a_sample(
            from in prop::sample::select(&RATES[..]),
            to in prop::sample::select(&RATES[..]),
            input in proptest::collection::vec(any::<i16>(), 0..3000),
            cuts in proptest::collection::vec(0usize..700, 1..10),
        ) {
            let whole = convert(from, to, &input);
            let mut resampler = Resampler::new(from, to).unwrap();
            let mut output = Vec::new();
            // A stream before this one must leave no trace.
            resampler.process(&input[..input.len().min(333)], &mut output);
            resampler.reset();
            output.clear();
            let mut rest = &input[..];
            for cut in cuts {
                let (block, after) = rest.split_at(cut.min(rest.len()));
                resampler.process(block, &mut output);
                rest = after;
            }
            resampler.process(rest, &mut output);
            resampler.finish(&mut output);
            prop_assert_eq!(output, whole);
        }
    }
}
