//! The ear: the caller's audio by position, gaps filled, and what the detector finds in it.

use ringback_audio::ring::EarRing;
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_call::{At, SAMPLES_PER_MS, TurnSettings};
use ringback_speech::detector::{Detector, DetectorConfig, EarEdge};
use ringback_speech::vad::VadModel;

/// Audio that comes this much later than its place is dropped: silence stands there already. In samples.
const LATE: u64 = 480;

pub(crate) struct EarSide {
    ring: EarRing,
    detector: Detector,
    model: &'static VadModel,
    partial: Vec<u8>,
    samples: Vec<i16>,
    base: At,
    filled: bool,
    late: u64,
}

impl EarSide {
    pub(crate) fn new(settings: &TurnSettings) -> Self {
        Self {
            ring: EarRing::new(),
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
        if self.filled {
            let place = at.since(self.base) * SAMPLES_PER_MS / 1000;
            if self.end() > place + LATE {
                self.late += mulaw.len() as u64;
                return;
            }
            self.filled = false;
        }
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

    /// Fills the ear with silence up to `at`. Answers whether anything was missing.
    pub(crate) fn fill(&mut self, at: At) -> bool {
        let place = at.since(self.base) * SAMPLES_PER_MS / 1000;
        let missing = place.saturating_sub(self.end()) / FRAME_SAMPLES as u64;
        self.partial.clear();
        for _ in 0..missing {
            self.frame(&[g711::SILENCE; FRAME_SAMPLES]);
        }
        self.filled |= missing > 0;
        missing > 0
    }

    fn frame(&mut self, mulaw: &[u8]) {
        self.ring.push(mulaw);
        self.samples.clear();
        g711::decode_into(mulaw, &mut self.samples);
        if let Some(frame) = self.samples.first_chunk::<FRAME_SAMPLES>() {
            self.detector.push(frame);
        }
        self.detector.run(self.model);
    }

    pub(crate) fn poll(&mut self) -> Option<EarEdge> {
        self.detector.poll()
    }
}
