//! Tones that machines make on a line at 8000 Hz: the beep of a voicemail, a fax, a number that is not in service.
//!
//! Each frame of 20 ms is measured by a bank of Goertzel filters 50 Hz apart. A filter's phase from one frame to the next gives
//! the frequency to a few Hz, and at that frequency the energy of the last 40 ms is measured: a *pure* window has nearly all of its
//! energy there. Two tones at once (ringing, busy, keys) have half of it, and speech wanders.
//!
//! A vowel may be pure for a tenth of a second: a high voice, of which the telephone leaves little but one harmonic. But it glides,
//! swells, begins in other sound and fades. So where voices are (below 500 Hz above all), a beep is a tone whose frequency and
//! level stand still (`Steadiness`), and that either stands alone or is longer than a vowel stands still. Tones that went through
//! the codecs of mobile networks are less still, most of all high ones, where no vowel is pure.

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
/// The same behind a tone that is switched off: its last frame in part, and one of silence.
const CUT_MISSES: u32 = 2;
/// The shortest beep has so many pure windows: 100 to 120 ms.
const BEEP_WINDOWS: u32 = 4;
/// Voices are pure up to here, in Hz, and sometimes up to there; a beep between the two has so many windows among pure ones, or
/// stands alone.
const VOICES_HZ: f32 = 500.0;
const HIGH_VOICES_HZ: f32 = 1000.0;
const HIGH_WINDOWS: u32 = 3;
/// A beep that a voice could be, and that does not stand alone, has so many: 180 to 200 ms.
const LONG_WINDOWS: u32 = 7;
/// How still these stand: one between the two, a long one, and a short one that stands alone.
const HIGH: Still = Still {
    hz: 8.0,
    swell: 2.0,
    pure: 0.93,
};
const LONG: Still = Still {
    hz: 4.0,
    swell: 1.75,
    pure: 0.95,
};
const SHORT: Still = Still {
    hz: 1.25,
    swell: 1.12,
    pure: 0.965,
};
/// How far the frequency may seem to be another where a tone begins within a window, in Hz.
const EDGE_HZ: f32 = 5.0;
/// The share of its power that a window has at least that begins before the tone, or ends behind it, and is pure.
const EDGE_POWER: f32 = 0.82;
/// What sounds before a tone that stands alone has at most this share of its power (-10 dB).
const QUIET: f32 = 0.1;
/// Frames that are remembered: four that tell whether a tone stands alone, and three in which it begins.
const FRAMES: usize = 7;
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
    /// It began in quiet, or behind a beep that did.
    alone: bool,
    steadiness: Steadiness,
}

/// A window of 40 ms that has nearly all of its energy at one frequency.
#[derive(Clone, Copy, Debug)]
struct Pure {
    hz: f32,
    power: f32,
    share: f32,
}

/// Within what a tone stays. Noise 20 dB below moves it by up to 1 Hz and 0.3 dB, and leaves it a share of 0.98.
struct Still {
    /// Its frequency, in Hz.
    hz: f32,
    /// Its power, as a ratio.
    swell: f32,
    /// The least share of the energy that it has, in the mean.
    pure: f32,
}

/// How still a tone stands. A window counts that lies between two pure ones: others may hold less than 40 ms of it.
#[derive(Clone, Copy, Debug, Default)]
struct Steadiness {
    /// The last window, and whether one stands before it.
    last: Option<(Pure, bool)>,
    /// The last window before one that was not pure, its frequency and power.
    end: Option<[f32; 2]>,
    windows: u32,
    /// Lowest and highest.
    hz: [f32; 2],
    power: [f32; 2],
    /// The sum of shares.
    share: f32,
}

impl Steadiness {
    fn sounds(&mut self, pure: Pure) {
        if let Some((last, true)) = self.last {
            self.count(last);
        }
        self.last = Some((pure, self.last.is_some()));
    }

    fn misses(&mut self) {
        if let Some((last, _)) = self.last.take() {
            self.end = Some([last.hz, last.power]);
        }
    }

    fn count(&mut self, pure: Pure) {
        let widen = |[low, high]: [f32; 2], value: f32| [low.min(value), high.max(value)];
        if self.windows == 0 {
            self.hz = [pure.hz; 2];
            self.power = [pure.power; 2];
        }
        self.hz = widen(self.hz, pure.hz);
        self.power = widen(self.power, pure.power);
        self.share += pure.share;
        self.windows += 1;
    }

    /// Whether a window at its edge, of this frequency and power, belongs to a tone that is switched on and off.
    fn holds(&self, [hz, power]: [f32; 2]) -> bool {
        self.hz[0] - EDGE_HZ <= hz
            && hz <= self.hz[1] + EDGE_HZ
            && power >= self.power[0] * EDGE_POWER
    }

    /// Whether it stands as still as a beep.
    #[allow(clippy::cast_precision_loss, reason = "a count of windows")]
    fn is(&self, still: &Still) -> bool {
        let [low, high] = self.hz;
        self.windows > 0
            && high - low <= still.hz
            && self.power[1] <= self.power[0] * still.swell
            && self.share >= still.pure * self.windows as f32
    }
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
    /// The mean power of the last frames, the newest last.
    powers: [f32; FRAMES],
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
            powers: [0.0; FRAMES],
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
        self.powers.copy_within(1.., 0);
        self.powers[FRAMES - 1] = power;
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
        (share >= PURE).then_some(Pure { hz, power, share })
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
                tone.steadiness.sounds(pure);
            }
            before => {
                let mut quiet = self.powers[..FRAMES - 3].iter();
                let alone = quiet.all(|&power| power <= pure.power * QUIET);
                *before = Some(Sounding::new(pure, position, before.as_ref(), alone));
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
        tone.steadiness.misses();
        let silent = power < (tone.power * SILENT).max(1.0);
        if !silent && tone.misses < MOST_MISSES {
            return None;
        }
        let tone = self.sounding.take()?;
        let ms = u64::from(tone.windows + 1) * u64::from(FRAME_MS);
        if !silent || tone.told || !tone.is_beep() || ms > LONGEST_BEEP_MS {
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

impl Sounding {
    /// A tone whose first window ends at `until`, behind another one or none.
    fn new(pure: Pure, until: u64, before: Option<&Self>, quiet: bool) -> Self {
        let mut steadiness = Steadiness::default();
        steadiness.sounds(pure);
        Self {
            hz: pure.hz,
            power: pure.power,
            from: until - 2 * FRAME_SAMPLES as u64,
            windows: 1,
            misses: 0,
            special: before.map_or(0, special_so_far),
            told: false,
            alone: quiet || before.is_some_and(|tone| tone.alone && tone.steadiness.is(&SHORT)),
            steadiness,
        }
    }

    /// Whether it was one, now that silence follows.
    fn is_beep(&self) -> bool {
        let still = &self.steadiness;
        if self.windows < BEEP_WINDOWS || self.hz >= HIGH_VOICES_HZ {
            return self.windows >= BEEP_WINDOWS;
        }
        if self.hz >= VOICES_HZ {
            return (self.alone || still.windows >= HIGH_WINDOWS) && still.is(&HIGH);
        }
        let edges =
            still.holds([self.hz, self.power]) && still.end.is_some_and(|end| still.holds(end));
        let whole = still.windows + 2 >= self.windows;
        let short = whole && edges && self.alone && self.misses <= CUT_MISSES;
        let long = still.windows >= LONG_WINDOWS;
        short && still.is(&SHORT) || long && still.is(&LONG)
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
