//! The energy gate: is there anything here that could be speech?
//!
//! It looks at the power of `x[n] - 0.9 x[n-1]`. The pre-emphasis takes away the low rumble that keeps a gate on plain
//! energy open most of the time in noise. It costs well under a microsecond a frame, and decides whether the dearer
//! detector has to look at all.

use crate::frame::FRAME_SAMPLES;

/// Levels are in dB relative to a power of one squared quantisation step of 16-bit audio; full scale is this much.
const FULL_SCALE_DB: f32 = 90.31;
const PRE_EMPHASIS: f32 = 0.9;
const ENERGETIC_OVER_FLOOR_DB: f32 = 6.0;
/// The gate opens on less than an energetic frame: a word may begin softly, and in 10 dB of noise its first 150 ms lie
/// between 4 and 6 dB over the floor. Steady noise varies by about 1 dB from frame to frame, so 4 dB still shuts it out.
const OPEN_OVER_FLOOR_DB: f32 = 4.0;
/// 3 dB a second at 50 frames a second.
const RISE_DB_PER_FRAME: f32 = 0.06;
/// 100 ms.
const MEAN_FRAMES: usize = 5;
/// 1.5 s.
const MINIMUM_FRAMES: u32 = 75;

/// The floor never goes below this (-70 dBFS). In digital silence its logarithm would fall without end, and the idle
/// noise of a mu-law line, which toggles between the codes next to zero (linear 0 and 8, at most 21 dB here), would then
/// count as energetic. 6 dB over this lies above such toggling and below the quietest talker worth hearing.
const LOWEST_FLOOR_DB: f32 = 20.0;

/// The floor starts no higher than this (-50 dBFS). A call may begin in the middle of a word, and the minimum over the
/// little heard so far is then the word itself; a floor taken from it would swallow the word. After 1.5 s, in which even
/// quick speech has a gap, the floor takes its first true minimum at once. A line noisier than this holds the gate open
/// until then, which costs arithmetic and no speech.
const HIGHEST_FIRST_FLOOR_DB: f32 = 40.0;

/// What one frame of 20 ms sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// At least 6 dB over the noise floor.
    pub energetic: bool,
    /// At least 2 of the last 3 frames, this one among them, are 4 dB over the noise floor: this may be speech.
    pub open: bool,
    /// Power after pre-emphasis in dB relative to full scale, rounded: 0 or below up to +5, -90 for digital silence.
    pub db: i16,
}

/// Follows the noise floor of one stream. Plain data, no heap.
#[derive(Clone, Debug)]
pub struct Gate {
    previous: f32,
    recent: [f32; MEAN_FRAMES],
    minimum: SlidingMinimum,
    floor_db: f32,
    frames: u32,
    over_history: u8,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A gate at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            previous: 0.0,
            recent: [0.0; MEAN_FRAMES],
            minimum: SlidingMinimum::new(),
            floor_db: HIGHEST_FIRST_FLOOR_DB,
            frames: 0,
            over_history: 0,
        }
    }

    /// Takes the next 20 ms at 8000 Hz.
    pub fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Level {
        let power = self.power_after_pre_emphasis(frame);
        let db = decibels(power);
        self.follow_floor(power);
        self.over_history =
            (self.over_history << 1 | u8::from(db >= self.floor_db + OPEN_OVER_FLOOR_DB)) & 0b111;
        Level {
            energetic: db >= self.floor_db + ENERGETIC_OVER_FLOOR_DB,
            open: self.over_history.count_ones() >= 2,
            db: (db - FULL_SCALE_DB).round() as i16,
        }
    }

    /// The noise floor in dB relative to full scale, after pre-emphasis.
    #[must_use]
    pub fn floor_db(&self) -> f32 {
        self.floor_db - FULL_SCALE_DB
    }

    fn power_after_pre_emphasis(&mut self, frame: &[i16; FRAME_SAMPLES]) -> f32 {
        let mut delayed = [0.0f32; FRAME_SAMPLES + 1];
        delayed[0] = self.previous;
        for (slot, &sample) in delayed[1..].iter_mut().zip(frame) {
            *slot = f32::from(sample);
        }
        self.previous = delayed[FRAME_SAMPLES];
        let mut sums = [0.0f32; 8];
        for (now, before) in delayed[1..].chunks_exact(8).zip(delayed.chunks_exact(8)) {
            for lane in 0..8 {
                let difference = now[lane] - PRE_EMPHASIS * before[lane];
                sums[lane] += difference * difference;
            }
        }
        sums.iter().sum::<f32>() / FRAME_SAMPLES as f32
    }

    fn follow_floor(&mut self, power: f32) {
        self.recent[self.frames as usize % MEAN_FRAMES] = power;
        self.frames = self.frames.wrapping_add(1);
        if self.frames < MEAN_FRAMES as u32 {
            return;
        }
        let mean = self.recent.iter().sum::<f32>() / MEAN_FRAMES as f32;
        let quietest = decibels(self.minimum.push(mean)).max(LOWEST_FLOOR_DB);
        self.floor_db = if self.frames == MINIMUM_FRAMES {
            quietest
        } else {
            quietest.min(self.floor_db + RISE_DB_PER_FRAME)
        };
    }
}

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1.0).log10()
}

/// The minimum of the last 1.5 s, as a monotonic queue in a fixed ring: each value enters and leaves once.
#[derive(Clone, Debug)]
struct SlidingMinimum {
    entries: [(u32, f32); 128],
    first: u32,
    past: u32,
    now: u32,
}

impl SlidingMinimum {
    fn new() -> Self {
        Self {
            entries: [(0, 0.0); 128],
            first: 0,
            past: 0,
            now: 0,
        }
    }

    fn push(&mut self, value: f32) -> f32 {
        self.now = self.now.wrapping_add(1);
        while self.past != self.first && self.entry(self.past.wrapping_sub(1)).1 >= value {
            self.past = self.past.wrapping_sub(1);
        }
        self.entries[(self.past % 128) as usize] = (self.now, value);
        self.past = self.past.wrapping_add(1);
        while self.now.wrapping_sub(self.entry(self.first).0) >= MINIMUM_FRAMES {
            self.first = self.first.wrapping_add(1);
        }
        self.entry(self.first).1
    }

    fn entry(&self, index: u32) -> (u32, f32) {
        self.entries[(index % 128) as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// White noise from a fixed congruence, uniform in `-peak..=peak`.
    struct Noise(u64);

    impl Noise {
        fn frame(&mut self, peak: i32) -> [i16; FRAME_SAMPLES] {
            std::array::from_fn(|_| {
                self.0 = self
                    .0
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((self.0 >> 33) as i64 % i64::from(2 * peak + 1) - i64::from(peak)) as i16
            })
        }
    }

    fn run(gate: &mut Gate, noise: &mut Noise, peak: i32, frames: usize) -> Vec<Level> {
        (0..frames).map(|_| gate.push(&noise.frame(peak))).collect()
    }

    #[test]
    fn digital_silence_and_the_idle_toggling_of_mulaw_stay_shut() {
        let mut gate = Gate::new();
        for n in 0..500 {
            let frame = if n < 250 {
                [0; FRAME_SAMPLES]
            } else {
                std::array::from_fn(|i| if i % 2 == 0 { 8 } else { 0 })
            };
            let level = gate.push(&frame);
            assert!(!level.energetic && !level.open, "frame {n}: {level:?}");
        }
        assert_eq!(gate.push(&[0; FRAME_SAMPLES]).db, -90);
    }

    #[test]
    fn steady_noise_shuts_the_gate_once_its_floor_is_known() {
        let mut gate = Gate::new();
        let mut noise = Noise(1);
        run(&mut gate, &mut noise, 300, 100);
        let levels = run(&mut gate, &mut noise, 300, 500);
        assert_eq!(levels.iter().filter(|level| level.open).count(), 0);
    }

    #[test]
    fn a_burst_over_the_noise_opens_at_its_second_frame_and_shuts_after_it() {
        let mut gate = Gate::new();
        let mut noise = Noise(2);
        run(&mut gate, &mut noise, 100, 300);
        let burst = run(&mut gate, &mut noise, 1000, 10);
        assert!(burst.iter().all(|level| level.energetic));
        assert!(!burst[0].open && burst[1..].iter().all(|level| level.open));
        let after = run(&mut gate, &mut noise, 100, 10);
        assert!(after.iter().all(|level| !level.energetic));
        assert!(after[0].open && after[1..].iter().all(|level| !level.open));
    }

    #[test]
    fn speech_that_begins_with_the_stream_is_heard() {
        let mut gate = Gate::new();
        let levels = run(&mut gate, &mut Noise(3), 3000, 50);
        assert!(levels.iter().all(|level| level.energetic));
    }

    #[test]
    fn a_noisy_line_is_known_after_a_second_and_a_half() {
        let mut gate = Gate::new();
        let levels = run(&mut gate, &mut Noise(6), 3000, 200);
        assert!(levels[..70].iter().all(|level| level.energetic));
        assert!(
            levels[80..]
                .iter()
                .all(|level| !level.energetic && !level.open)
        );
    }

    #[test]
    fn a_sound_between_4_and_6_db_over_the_floor_opens_without_being_energetic() {
        let mut gate = Gate::new();
        let mut noise = Noise(7);
        run(&mut gate, &mut noise, 1000, 300);
        let floor = gate.floor_db();
        let soft = run(&mut gate, &mut noise, 1650, 3);
        assert!(
            soft.iter().all(|level| !level.energetic),
            "{soft:?} over {floor}"
        );
        assert!(soft[1].open && soft[2].open, "{soft:?} over {floor}");
    }

    #[test]
    fn the_floor_falls_at_once_and_rises_at_most_3_db_a_second() {
        let mut gate = Gate::new();
        let mut noise = Noise(4);
        run(&mut gate, &mut noise, 1000, 1000);
        let loud = gate.floor_db();
        run(&mut gate, &mut noise, 30, 10);
        let quiet = gate.floor_db();
        assert!(quiet < loud - 25.0, "{loud} to {quiet}");
        run(&mut gate, &mut noise, 1000, 50 + MINIMUM_FRAMES as usize);
        let risen = gate.floor_db() - quiet;
        assert!(risen > 2.0 && risen < 3.0 * 2.5 + 0.1, "rose {risen} dB");
    }

    proptest! {
        #[test]
        fn the_sliding_minimum_equals_the_minimum_of_the_window(values in proptest::collection::vec(0u16..50, 1..400)) {
            let mut minimum = SlidingMinimum::new();
            for (n, &value) in values.iter().enumerate() {
                let window = &values[n.saturating_sub(MINIMUM_FRAMES as usize - 1)..=n];
                let expected = window.iter().copied().min().map(f32::from);
                prop_assert_eq!(Some(minimum.push(f32::from(value))), expected);
            }
        }

        #[test]
        fn two_energetic_frames_of_three_open_the_gate(peaks in proptest::collection::vec(0i32..3000, 1..100)) {
            let mut gate = Gate::new();
            let mut noise = Noise(5);
            let levels: Vec<Level> = peaks.iter().map(|&peak| gate.push(&noise.frame(peak))).collect();
            for n in 0..levels.len() {
                let energetic = levels[n.saturating_sub(2)..=n].iter().filter(|level| level.energetic).count();
                prop_assert!(levels[n].open || energetic < 2);
            }
        }
    }
}
