//! The newest samples of the call, read in windows.

use ringback_audio::FRAME_SAMPLES;

use crate::vad::WINDOW_SAMPLES;

/// Frames and windows both come out whole in a multiple of 5 windows.
const FEW: usize = 10 * WINDOW_SAMPLES;
const MANY: usize = 40 * WINDOW_SAMPLES;
const CONTEXT: usize = 32;
const WINDOW: u64 = WINDOW_SAMPLES as u64;

/// A ring of whole windows: neither a window nor a frame ever wraps. It begins small, for a caller who computes windows at once.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    ring: Box<[i16]>,
    end: u64,
}

impl Samples {
    /// Samples kept at first, and after [`Samples::grow`].
    pub(super) const FEW: u64 = FEW as u64;
    pub(super) const MANY: u64 = MANY as u64;

    pub(super) fn new() -> Self {
        Self {
            ring: vec![0; FEW].into_boxed_slice(),
            end: 0,
        }
    }

    /// Keeps [`Samples::MANY`] from now on.
    pub(super) fn grow(&mut self) {
        if self.ring.len() == MANY {
            return;
        }
        let mut many = vec![0; MANY].into_boxed_slice();
        for start in (self.end.saturating_sub(Self::FEW)..self.end).step_by(CONTEXT) {
            let (from, to) = (self.slot(start), (start % Self::MANY) as usize);
            many[to..to + CONTEXT].copy_from_slice(&self.ring[from..from + CONTEXT]);
        }
        self.ring = many;
    }

    pub(super) fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let at = self.slot(self.end);
        self.ring[at..at + FRAME_SAMPLES].copy_from_slice(frame);
        self.end += FRAME_SAMPLES as u64;
    }

    /// The samples of a window, -1.0 to 1.0.
    pub(super) fn window(&self, index: u64, into: &mut [f32; WINDOW_SAMPLES]) {
        let at = self.slot(index * WINDOW);
        scale(&self.ring[at..at + WINDOW_SAMPLES], into);
    }

    /// The 32 samples in front of a window; zeros in front of the first.
    pub(super) fn context(&self, index: u64) -> [f32; CONTEXT] {
        let mut context = [0.0; CONTEXT];
        if index > 0 {
            let at = self.slot(index * WINDOW - CONTEXT as u64);
            scale(&self.ring[at..at + CONTEXT], &mut context);
        }
        context
    }

    fn slot(&self, sample: u64) -> usize {
        (sample % self.ring.len() as u64) as usize
    }
}

fn scale(samples: &[i16], into: &mut [f32]) {
    for (to, &sample) in into.iter_mut().zip(samples) {
        *to = f32::from(sample) / 32768.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_their_contexts_are_the_stream_cut_at_multiples_of_256() {
        for grown_at in [None, Some(0), Some(7), Some(195)] {
            let sample = |n: usize| (n * 7 % 30_011) as i16;
            let mut samples = Samples::new();
            for frame in 0..200 {
                if grown_at == Some(frame) {
                    samples.grow();
                }
                samples.push(&std::array::from_fn(|i| sample(frame * FRAME_SAMPLES + i)));
            }
            let all = [90u64, 100, 116, 119, 120, 124];
            let early = if grown_at.is_some_and(|at| at < 50) {
                0
            } else {
                2
            };
            for &index in &all[early..] {
                let mut window = [0.0; WINDOW_SAMPLES];
                samples.window(index, &mut window);
                let start = index as usize * WINDOW_SAMPLES;
                assert_eq!(
                    window,
                    std::array::from_fn(|i| f32::from(sample(start + i)) / 32768.0)
                );
                assert_eq!(
                    samples.context(index),
                    std::array::from_fn(|i| f32::from(sample(start - 32 + i)) / 32768.0)
                );
            }
        }
    }
}
