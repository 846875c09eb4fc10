//! The newest samples of the call, read in windows.

use ringback_audio::FRAME_SAMPLES;

use crate::vad::WINDOW_SAMPLES;

const WINDOWS: u64 = 40;
const CONTEXT: usize = 32;

/// A ring of whole windows: a window never wraps.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    ring: Box<[i16]>,
    next: usize,
}

impl Samples {
    pub(super) const CAPACITY: usize = WINDOWS as usize * WINDOW_SAMPLES;

    pub(super) fn new() -> Self {
        Self {
            ring: vec![0; Self::CAPACITY].into_boxed_slice(),
            next: 0,
        }
    }

    pub(super) fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        // The capacity is 64 whole frames.
        self.ring[self.next..self.next + FRAME_SAMPLES].copy_from_slice(frame);
        self.next = (self.next + FRAME_SAMPLES) % Self::CAPACITY;
    }

    /// The samples of a window, -1.0 to 1.0.
    pub(super) fn window(&self, index: u64, into: &mut [f32; WINDOW_SAMPLES]) {
        let at = slot(index);
        scale(&self.ring[at..at + WINDOW_SAMPLES], into);
    }

    /// The 32 samples in front of a window; zeros in front of the first, where the ring is still untouched.
    pub(super) fn context(&self, index: u64) -> [f32; CONTEXT] {
        let at = (slot(index) + Self::CAPACITY - CONTEXT) % Self::CAPACITY;
        let mut context = [0.0; CONTEXT];
        if index > 0 {
            scale(&self.ring[at..at + CONTEXT], &mut context);
        }
        context
    }
}

fn slot(window: u64) -> usize {
    (window % WINDOWS) as usize * WINDOW_SAMPLES
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
        let sample = |n: usize| (n * 7 % 30_011) as i16;
        let mut samples = Samples::new();
        for frame in 0..200 {
            samples.push(&std::array::from_fn(|i| sample(frame * FRAME_SAMPLES + i)));
        }
        for index in [90u64, 100, 119, 120, 124] {
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
