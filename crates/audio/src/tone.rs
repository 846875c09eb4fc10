//! Tones that machines make on a line at 8000 Hz: the beep of a voicemail, a fax, a number that is not in service.
//!
//! Each frame of 20 ms is measured by a bank of Goertzel filters 50 Hz apart. A filter's phase from one frame to the next gives
//! the frequency to a few Hz, and at that frequency the energy of the last 40 ms is measured: a *pure* window has nearly all of its
//! energy there. Two tones at once (ringing, busy, keys) have half of it, and speech wanders.

use std::f64::consts::TAU;

use crate::frame::{FRAME_MS, FRAME_SAMPLES, RATE_HZ};

/// The lowest and highest filter, in Hz; the tones of interest lie within.
const LOWEST_HZ: usize = 350;
const HIGHEST_HZ: usize = 2500;
/// The distance of two filters: a frame of 20 ms holds whole periods of each.
const STEP_HZ: usize = 50;
const BANDS: usize = (HIGHEST_HZ - LOWEST_HZ) / STEP_HZ + 1;
/// The share of a window's energy that a tone has at its frequency.
const PURE: f32 = 0.85;
/// How far the frequency of a tone may wander, in Hz.
const WANDER_HZ: f32 = 12.0;
/// By how much its power may: 4 dB either way.
const SWELL: f32 = 2.5;
/// The mean power of the faintest tone that counts: -46 dB of full scale.
const FAINTEST: f32 = 164.0 * 164.0;
/// A tone has ended in silence when a frame has this share of its power (-12 dB).
const SILENT: f32 = 0.06;
/// So many windows that are not pure end a tone: 80 ms.
const MOST_MISSES: u32 = 4;
/// The shortest beep has so many pure windows: 100 to 120 ms.
const BEEP_WINDOWS: u32 = 4;
/// The longest beep, in ms: what sounds longer is a dial tone or a test tone.
const LONGEST_BEEP_MS: u64 = 3000;

/// A called fax answers with 2100 Hz, 15 Hz either way, for 2.6 to 4 s (ITU-T T.30, CED).
const FAX_ANSWERS_HZ: std::ops::RangeInclusive<f32> = 2080.0..=2120.0;
const FAX_ANSWERS_MS: u64 = 1500;
/// A calling fax sends 1100 Hz, 38 Hz either way, for 0.5 s every 3.5 s (ITU-T T.30, CNG).
const FAX_CALLS_HZ: std::ops::RangeInclusive<f32> = 1060.0..=1140.0;
const FAX_CALLS_MS: std::ops::RangeInclusive<u64> = 400..=620;
const FAX_CALLS_EVERY_MS: std::ops::RangeInclusive<u64> = 3200..=3800;
/// The special information tone: three tones that rise, each about a third of a second (ITU-T E.180), with the North American
/// variants of the first two.
const SPECIAL_HZ: [std::ops::RangeInclusive<f32>; 3] =
    [890.0..=1010.0, 1345.0..=1455.0, 1740.0..=1830.0];
const SPECIAL_WINDOWS: u32 = 8;

/// What a tone stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// One tone, and then silence.
    Beep {
        /// Its frequency in Hz, to about 5 Hz.
        hz: u16,
    },
    /// A fax, by its answer tone or its calling tone.
    Fax,
    /// The special information tone: the call did not reach anybody.
    Special,
}

/// A tone and where it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What.
    pub tone: Tone,
    /// Its first sample, counted from the first frame; to 20 ms.
    pub from: u64,
    /// Behind its last sample so far, in the same way.
    pub until: u64,
}

/// A tone that sounds.
#[derive(Clone, Copy, Debug)]
struct Sounding {
    hz: f32,
    power: f32,
    from: u64,
    windows: u32,
    misses: u32,
    /// How many tones of the special information it completes.
    special: usize,
    told: bool,
}

/// A window of 40 ms that has nearly all of its energy at one frequency.
#[derive(Clone, Copy, Debug)]
struct Pure {
    hz: f32,
    power: f32,
}

/// Finds tones in audio of 8000 Hz, frame by frame. About 12 KiB of plain data; nothing is allocated.
#[derive(Clone, Debug)]
pub struct ToneDetector {
    /// Twice the cosine, and the cosine and sine, of each filter.
    bank: [[f32; 3]; BANDS],
    /// The last two frames.
    window: [f32; 2 * FRAME_SAMPLES],
    /// The bank's answer to the frame before, real and imaginary.
    before: [[f32; 2]; BANDS],
    energy_before: f32,
    position: u64,
    sounding: Option<Sounding>,
    /// When the last tone began that may have been one of a calling fax.
    calling: Option<u64>,
}

impl Default for ToneDetector {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "frequencies of the telephone band and counts of samples in a frame"
)]
impl ToneDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        let filter = |band: usize| {
            let w = TAU * (LOWEST_HZ + band * STEP_HZ) as f64 / f64::from(RATE_HZ);
            [(2.0 * w.cos()) as f32, w.cos() as f32, w.sin() as f32]
        };
        Self {
            bank: std::array::from_fn(filter),
            window: [0.0; 2 * FRAME_SAMPLES],
            before: [[0.0; 2]; BANDS],
            energy_before: 0.0,
            position: 0,
            sounding: None,
            calling: None,
        }
    }

    /// Takes the next 20 ms. A beep is told when silence follows it, a fax or special information as soon as it is known.
    pub fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Option<Heard> {
        self.window.copy_within(FRAME_SAMPLES.., 0);
        let mut energy = 0.0;
        for (place, &sample) in self.window[FRAME_SAMPLES..].iter_mut().zip(frame) {
            *place = f32::from(sample);
            energy += *place * *place;
        }
        self.position += FRAME_SAMPLES as u64;
        let pure = self.measure(energy);
        self.energy_before = energy;
        let power = energy / FRAME_SAMPLES as f32;
        match pure {
            Some(pure) => self.sounds(pure),
            None => self.misses(power),
        }
    }

    /// The tone of the last two frames, if they are one.
    fn measure(&mut self, energy: f32) -> Option<Pure> {
        if energy < FAINTEST * FRAME_SAMPLES as f32 * 0.5 {
            self.before = [[0.0; 2]; BANDS];
            return None;
        }
        let answer = self.filter();
        let before = std::mem::replace(&mut self.before, answer);
        let size = |value: &[f32; 2]| value[0] * value[0] + value[1] * value[1];
        let (peak, _) = answer
            .iter()
            .map(size)
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        // Nearly all of a pure tone is in the two filters next to it.
        let beside = |band: usize| answer.get(band).map_or(0.0, size);
        let (below, above) = (beside(peak.wrapping_sub(1)), beside(peak + 1));
        let total = energy + self.energy_before;
        let power = total / (2 * FRAME_SAMPLES) as f32;
        let share = 2.0 * size(&answer[peak]) / (FRAME_SAMPLES as f32 * energy);
        if share < 0.3 || power < FAINTEST || size(&before[peak]) == 0.0 {
            return None;
        }
        let middle = (LOWEST_HZ + peak * STEP_HZ) as f32;
        let phase = |value: [f32; 2]| value[1].atan2(value[0]);
        let turn = std::f32::consts::TAU;
        let mut turned = (phase(answer[peak]) - phase(before[peak])) / turn;
        turned -= turned.round();
        // Halfway between two filters the phase may be off by a whole turn: the tone lies on the side of the stronger one.
        if turned.abs() > 0.3 && (turned > 0.0) != (above > below) {
            turned -= turned.signum();
        }
        let hz = middle + turned * STEP_HZ as f32;
        let share = 2.0 * self.energy_at(hz) / ((2 * FRAME_SAMPLES) as f32 * total);
        (share >= PURE).then_some(Pure { hz, power })
    }

    /// The bank's answer to the last frame. As a frame holds whole periods of every filter, its phase is that of the line.
    fn filter(&self) -> [[f32; 2]; BANDS] {
        let (mut s1, mut s2) = ([0.0_f32; BANDS], [0.0_f32; BANDS]);
        for &sample in &self.window[FRAME_SAMPLES..] {
            for ((one, two), [twice, ..]) in s1.iter_mut().zip(&mut s2).zip(&self.bank) {
                let zero = sample + twice * *one - *two;
                *two = *one;
                *one = zero;
            }
        }
        std::array::from_fn(|band| {
            let [_, cos, sin] = self.bank[band];
            [s1[band] * cos - s2[band], s1[band] * sin]
        })
    }

    /// The squared size of the window's answer at a frequency.
    fn energy_at(&self, hz: f32) -> f32 {
        let twice = 2.0 * (std::f32::consts::TAU * hz / RATE_HZ as f32).cos();
        let (mut s1, mut s2) = (0.0_f32, 0.0_f32);
        for &sample in &self.window {
            let zero = sample + twice * s1 - s2;
            s2 = s1;
            s1 = zero;
        }
        s1 * s1 + s2 * s2 - twice * s1 * s2
    }

    fn sounds(&mut self, pure: Pure) -> Option<Heard> {
        let goes_on = |tone: &Sounding| {
            let swell = pure.power / tone.power;
            (tone.hz - pure.hz).abs() <= WANDER_HZ && (1.0 / SWELL..=SWELL).contains(&swell)
        };
        let position = self.position;
        match &mut self.sounding {
            Some(tone) if goes_on(tone) => {
                tone.windows += 1 + tone.misses;
                tone.misses = 0;
            }
            before => {
                let special = before.as_ref().map_or(0, special_so_far);
                *before = Some(Sounding {
                    hz: pure.hz,
                    power: pure.power,
                    from: position - 2 * FRAME_SAMPLES as u64,
                    windows: 1,
                    misses: 0,
                    special,
                    told: false,
                });
            }
        }
        let tone = self.sounding.as_mut().filter(|tone| !tone.told)?;
        let ms = u64::from(tone.windows + 1) * u64::from(FRAME_MS);
        let what = if FAX_ANSWERS_HZ.contains(&tone.hz) && ms >= FAX_ANSWERS_MS {
            Tone::Fax
        } else if special_so_far(tone) == SPECIAL_HZ.len() {
            Tone::Special
        } else {
            return None;
        };
        tone.told = true;
        Some(Heard {
            tone: what,
            from: tone.from,
            until: position,
        })
    }

    /// The window is no tone: one that sounded goes on behind a crackle, or has ended in silence or in something else.
    fn misses(&mut self, power: f32) -> Option<Heard> {
        let tone = self.sounding.as_mut()?;
        tone.misses += 1;
        let silent = power < (tone.power * SILENT).max(1.0);
        if !silent && tone.misses < MOST_MISSES {
            return None;
        }
        let tone = self.sounding.take()?;
        let ms = u64::from(tone.windows + 1) * u64::from(FRAME_MS);
        if !silent || tone.told || tone.windows < BEEP_WINDOWS || ms > LONGEST_BEEP_MS {
            return None;
        }
        let until = tone.from + ms * u64::from(RATE_HZ) / 1000;
        let calls = FAX_CALLS_HZ.contains(&tone.hz) && FAX_CALLS_MS.contains(&ms);
        let since = self
            .calling
            .map(|last| (tone.from - last) * 1000 / u64::from(RATE_HZ));
        self.calling = calls.then_some(tone.from).or(self.calling);
        let fax = calls && since.is_some_and(|since| FAX_CALLS_EVERY_MS.contains(&since));
        Some(Heard {
            tone: if fax {
                Tone::Fax
            } else {
                Tone::Beep {
                    hz: tone.hz.round() as u16,
                }
            },
            from: tone.from,
            until,
        })
    }
}

/// How many tones of the special information this one completes.
fn special_so_far(tone: &Sounding) -> usize {
    let long = tone.windows >= SPECIAL_WINDOWS;
    match SPECIAL_HZ.get(tone.special) {
        Some(range) if long && range.contains(&tone.hz) => tone.special + 1,
        Some(_) if long && SPECIAL_HZ[0].contains(&tone.hz) => 1,
        Some(_) | None => 0,
    }
}

#[cfg(test)]
#[path = "tone_tests.rs"]
mod tests;
