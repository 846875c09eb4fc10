//! The ear: the caller's audio by position, gaps filled, and what the detector finds in it.

use std::collections::VecDeque;

use ringback_audio::ring::EarRing;
use ringback_audio::tone::{Heard, Tone, ToneDetector};
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_call::{At, Ear, Edge, SAMPLES_PER_MS, Sign, TurnSettings};
use ringback_speech::detector::{self, Detector, DetectorConfig};
use ringback_speech::vad::VadModel;

/// Audio that comes this much later than its place is dropped: silence stands there already. In samples.
const LATE: u64 = 480;
/// Audio that was held up has come after this time, in microseconds.
const BURST_US: u64 = 100_000;
/// The energy of a frame that nobody hears: 160 samples of -60 dB of full scale.
const INAUDIBLE: u64 = 160 * 33 * 33;
/// Audio the ear remembers, in samples: 2.048 s. The recorder fetches it every 500 ms and goes back by at most what is on its way to the
/// caller; the recogniser begins 300 ms before an onset, which is known within as much again.
pub(crate) const MEMORY: usize = 1 << 14;
/// The same where another recogniser may take over in the middle of a turn and hear it again: 8 s, in samples.
pub(crate) const LONG_MEMORY: usize = 1 << 16;
/// Audio that comes all at once is heard in stretches of 500 ms, in samples, so that each can be read.
pub(crate) const STRETCH: usize = 4000;

const _: () = assert!(3 * STRETCH <= MEMORY);

pub(crate) struct EarSide {
    ring: EarRing,
    detector: Detector,
    model: &'static VadModel,
    partial: Vec<u8>,
    samples: Vec<i16>,
    base: At,
    filled: bool,
    /// Silence that was put in for audio which came all the same, in samples: the ear is ahead of the call by so much.
    ahead: u64,
    /// When the first audio came after silence had been put in.
    stalled_at: Option<At>,
    /// Of the last frame that was taken.
    energy: u64,
    late: u64,
    tones: Option<Box<Tones>>,
}

/// Listens for tones at the beginning of a call that we placed.
struct Tones {
    detector: ToneDetector,
    /// Up to here, in samples of the ear.
    until: u64,
    found: VecDeque<Sign>,
}

impl EarSide {
    /// With tones for the first `listen_ms`.
    pub(crate) fn new(settings: &TurnSettings, listen_ms: u32, remember: usize) -> Self {
        Self {
            tones: (listen_ms > 0).then(|| Tones::until(listen_ms)),
            ring: EarRing::holding(remember),
            detector: Detector::new(DetectorConfig {
                onset_ms: settings.onset_ms,
                sustain_ms: settings.sustain_ms,
                yield_ms: settings.yield_ms,
                pause_ms: settings.finalize_ms,
                ..DetectorConfig::default()
            }),
            model: VadModel::embedded(),
            partial: Vec::with_capacity(2 * FRAME_SAMPLES),
            samples: Vec::with_capacity(FRAME_SAMPLES),
            base: At::default(),
            filled: false,
            ahead: 0,
            stalled_at: None,
            energy: 0,
            late: 0,
        }
    }

    pub(crate) fn begin(&mut self, at: At) {
        self.base = at;
    }

    pub(crate) fn ring(&self) -> &EarRing {
        &self.ring
    }

    /// The position of the ear, in samples.
    pub(crate) fn end(&self) -> u64 {
        self.ring.end()
    }

    /// Samples that came too late and were dropped.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    /// Takes mu-law audio of any length that came at `at`.
    pub(crate) fn hear(&mut self, at: At, mulaw: &[u8]) {
        let place = at.since(self.base) * SAMPLES_PER_MS / 1000;
        if self.filled {
            if self.end() > place + LATE {
                self.late += mulaw.len() as u64;
                return;
            }
            self.filled = false;
            self.stalled_at = Some(at);
        }
        self.take(mulaw);
        // What was held up comes all at once: it stands behind the silence that was put in its place.
        if self
            .stalled_at
            .is_some_and(|stalled| at.since(stalled) < BURST_US)
        {
            self.ahead =
                self.end().saturating_sub(place) / FRAME_SAMPLES as u64 * FRAME_SAMPLES as u64;
        }
    }

    fn take(&mut self, mulaw: &[u8]) {
        self.partial.extend_from_slice(mulaw);
        let mut partial = std::mem::take(&mut self.partial);
        let mut frames = partial.chunks_exact(FRAME_SAMPLES);
        for frame in frames.by_ref() {
            self.frame(frame);
        }
        let rest = frames.remainder().len();
        let start = partial.len() - rest;
        partial.copy_within(start.., 0);
        partial.truncate(rest);
        self.partial = partial;
    }

    /// Fills the ear with silence up to `at`, but by no more than `most` samples. Answers whether anything was missing.
    pub(crate) fn fill(&mut self, at: At, most: u64) -> bool {
        let place = at.since(self.base) * SAMPLES_PER_MS / 1000;
        let missing = place.saturating_sub(self.end()).min(most) / FRAME_SAMPLES as u64;
        self.partial.clear();
        for _ in 0..missing {
            self.frame(&[g711::SILENCE; FRAME_SAMPLES]);
        }
        self.filled |= missing > 0;
        missing > 0
    }

    fn frame(&mut self, mulaw: &[u8]) {
        self.samples.clear();
        g711::decode_into(mulaw, &mut self.samples);
        let energy = energy(&self.samples);
        if self.ahead > 0 && self.is_spare(energy) {
            self.ahead -= FRAME_SAMPLES as u64;
            return;
        }
        self.energy = energy;
        self.ring.push(mulaw);
        if let Some(frame) = self.samples.first_chunk::<FRAME_SAMPLES>() {
            self.detector.push(frame);
            if let Some(tones) = &mut self.tones
                && tones.push(frame, self.ring.end())
            {
                self.tones = None;
            }
        }
        self.detector.run(self.model);
    }

    /// Whether nothing is lost with a frame of this energy: nobody speaks, and it is no louder than the one before.
    fn is_spare(&self, energy: u64) -> bool {
        let quiet = !self.detector.speaking() && !self.detector.energetic();
        quiet && energy <= self.energy.saturating_mul(2).max(INAUDIBLE)
    }

    /// The next tone of a machine.
    pub(crate) fn poll_sign(&mut self) -> Option<Sign> {
        self.tones.as_mut()?.found.pop_front()
    }

    /// The next edge of speech, and where it lies.
    pub(crate) fn poll(&mut self) -> Option<(Edge, Ear)> {
        let found = self.detector.poll()?;
        Some((edge(found.edge), Ear(found.sample)))
    }
}

impl Tones {
    fn until(listen_ms: u32) -> Box<Self> {
        Box::new(Self {
            detector: ToneDetector::new(),
            until: u64::from(listen_ms) * SAMPLES_PER_MS,
            found: VecDeque::with_capacity(4),
        })
    }

    /// Takes a frame that ends at `end`. Answers whether it is time to listen no longer.
    fn push(&mut self, frame: &[i16; FRAME_SAMPLES], end: u64) -> bool {
        if let Some(heard) = self.detector.push(frame) {
            self.found.push_back(sign(heard));
        }
        end >= self.until && self.found.is_empty()
    }
}

/// The detector has heard every frame of the ear, so its positions are the ear's.
fn sign(heard: Heard) -> Sign {
    match heard.tone {
        Tone::Beep { hz } => Sign::Beep {
            hz,
            until: Ear(heard.until),
        },
        Tone::Fax => Sign::Fax,
        Tone::Special => Sign::Special,
    }
}

fn energy(samples: &[i16]) -> u64 {
    let squares = samples
        .iter()
        .map(|&sample| u64::from(sample.unsigned_abs()).pow(2));
    squares.sum()
}

fn edge(edge: detector::Edge) -> Edge {
    match edge {
        detector::Edge::Onset => Edge::Onset,
        detector::Edge::Sustained => Edge::Sustained,
        detector::Edge::Prolonged => Edge::Prolonged,
        detector::Edge::Lull => Edge::Lull,
        detector::Edge::Pause => Edge::Pause,
        detector::Edge::Resumed => Edge::Resumed,
        detector::Edge::Offset => Edge::Offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_before_a_long_gap_can_be_read_after_its_first_stretch() {
        let mut ear = EarSide::new(&TurnSettings::default(), 0, MEMORY);
        ear.begin(At::default());
        let audio: Vec<u8> = (0..STRETCH).map(|n| (n % 97) as u8).collect();
        ear.hear(At::from_ms(500), &audio);
        assert!(ear.fill(At::from_ms(10_000), STRETCH as u64));
        let mut heard = Vec::new();
        assert_eq!(ear.ring().read(0, ear.end(), &mut heard), 0);
        assert_eq!(heard[..STRETCH], audio);
        assert_eq!(heard[STRETCH..], [g711::SILENCE; STRETCH]);

        assert!(ear.fill(At::from_ms(10_000), u64::MAX));
        assert_eq!(ear.end(), 80_000);
        assert!(!ear.fill(At::from_ms(10_000), u64::MAX));
        heard.clear();
        ear.ring().read(0, ear.end(), &mut heard);
        assert!(heard.iter().all(|&byte| byte == g711::SILENCE));
    }

    /// 20 ms of a tone or of silence.
    fn frame(loud: bool) -> [u8; FRAME_SAMPLES] {
        let mut number = 0.0_f64;
        [(); FRAME_SAMPLES].map(|()| {
            number += 1.0;
            let sample = if loud {
                (number * 0.6).sin() * 6000.0
            } else {
                0.0
            };
            g711::encode(sample as i16)
        })
    }

    #[test]
    fn a_beep_is_a_sign_at_its_place_and_only_while_tones_are_listened_for() {
        let signs = |listen_ms: u32| {
            let mut ear = EarSide::new(&TurnSettings::default(), listen_ms, MEMORY);
            ear.begin(At::default());
            let tone = |n: usize| {
                let sounds = (3200..6400).contains(&n);
                let sample = (n as f64 * 0.6).sin() * 6000.0;
                g711::encode(if sounds { sample as i16 } else { 0 })
            };
            for n in 0..60 {
                let frame: Vec<u8> = (n * 160..(n + 1) * 160).map(tone).collect();
                ear.hear(At::from_ms(n as u64 * 20 + 20), &frame);
            }
            std::iter::from_fn(|| ear.poll_sign()).collect::<Vec<_>>()
        };
        assert_eq!(signs(0), []);
        assert_eq!(signs(500), []);
        let [Sign::Beep { hz, until }] = signs(45_000)[..] else {
            panic!("{:?}", signs(45_000));
        };
        // 0.6 of a radian a sample.
        assert!(hz.abs_diff(764) <= 5, "{hz} Hz");
        assert!(until.0.abs_diff(800 * 8) <= 320, "{until:?}");
    }

    #[test]
    fn audio_that_was_held_up_is_kept_and_the_silence_in_its_place_is_taken_back() {
        let mut ear = EarSide::new(&TurnSettings::default(), 0, MEMORY);
        ear.begin(At::default());
        let loud_then_quiet = |n: u64| frame((20..60).contains(&n));
        let mut heard = Vec::new();
        let mut hear = |ear: &mut EarSide, ms, n| {
            ear.hear(At::from_ms(ms), &loud_then_quiet(n));
            let from = heard.len() as u64;
            ear.ring().read(from, ear.end(), &mut heard);
        };
        for n in 0..30 {
            hear(&mut ear, n * 20 + 20, n);
        }
        // Nothing comes for 400 ms, in the middle of the tone; then all of it at once.
        assert!(ear.fill(At::from_ms(720), u64::MAX));
        assert!(ear.fill(At::from_ms(820), u64::MAX));
        assert!(ear.fill(At::from_ms(920), u64::MAX));
        for n in 30..50 {
            hear(&mut ear, 1000, n);
        }
        for n in 50..150 {
            hear(&mut ear, n * 20 + 20, n);
        }
        let loud = frame(true);
        let tones = heard.chunks(FRAME_SAMPLES).filter(|chunk| *chunk == loud);
        assert_eq!(tones.count(), 40, "none of the tone is lost");
        assert!(
            ear.end() <= 3000 * 8 + 160,
            "it ends at {} ms",
            ear.end() / 8
        );
        assert_eq!(ear.late(), 0);
    }
}
