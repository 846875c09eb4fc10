//! The caller's end of the line: clips and noise, cut into frames of 20 ms.

use std::collections::VecDeque;
use std::sync::Arc;

use ringback_audio::{FRAME_SAMPLES, g711};

use super::clip::Clip;
use super::noise::PinkNoise;

/// Something that was said, on the call's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// What.
    pub clip: Arc<Clip>,
    /// The sample of the call at which the clip begins.
    pub begins: u64,
}

impl Utterance {
    /// The sample of its first sound.
    #[must_use]
    pub fn first_sound(&self) -> u64 {
        self.begins + self.clip.sound.start as u64
    }

    /// The sample behind its last sound.
    #[must_use]
    pub fn last_sound(&self) -> u64 {
        self.begins + self.clip.sound.end as u64
    }
}

/// What comes out of the caller's telephone.
#[derive(Debug, Default)]
pub struct Mouth {
    position: u64,
    waiting: VecDeque<Arc<Clip>>,
    speaking: Option<Utterance>,
    noise: Option<PinkNoise>,
}

/// One frame.
#[derive(Debug)]
pub struct Frame {
    /// 20 ms of mu-law.
    pub mulaw: [u8; FRAME_SAMPLES],
    /// An utterance whose first sample is in this frame.
    pub began: Option<Utterance>,
    /// An utterance whose last sample is in this frame.
    pub ended: Option<Utterance>,
}

impl Mouth {
    /// A line with this noise on it, or none.
    #[must_use]
    pub fn new(noise: Option<PinkNoise>) -> Self {
        Self {
            noise,
            ..Self::default()
        }
    }

    /// Says a clip, after what is being said.
    pub fn speak(&mut self, clip: Arc<Clip>) {
        self.waiting.push_back(clip);
    }

    /// True while a clip is being said or waits.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        self.speaking.is_some() || !self.waiting.is_empty()
    }

    /// The sample of the call with which the next frame begins.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Lets time pass without a stream: whole frames are lost until `to`.
    pub fn skip_to(&mut self, to: u64) {
        self.position = self.position.max(to);
    }

    /// The next 20 ms.
    pub fn frame(&mut self) -> Frame {
        let mut began = None;
        if self.speaking.is_none()
            && let Some(clip) = self.waiting.pop_front()
        {
            let utterance = Utterance {
                clip,
                begins: self.position,
            };
            began = Some(utterance.clone());
            self.speaking = Some(utterance);
        }
        let mut mulaw = [g711::SILENCE; FRAME_SAMPLES];
        for (index, byte) in mulaw.iter_mut().enumerate() {
            let speech = self.speaking.as_ref().and_then(|utterance| {
                let at = self.position + index as u64 - utterance.begins;
                utterance.clip.samples.get(usize::try_from(at).ok()?)
            });
            let noise = self.noise.as_mut().map(PinkNoise::sample);
            if speech.is_some() || noise.is_some() {
                let speech = speech.copied().unwrap_or(0);
                *byte = g711::encode(speech.saturating_add(noise.unwrap_or(0)));
            }
        }
        self.position += FRAME_SAMPLES as u64;
        let over = |utterance: &mut Utterance| {
            utterance.begins + utterance.clip.samples.len() as u64 <= self.position
        };
        let ended = self.speaking.take_if(over);
        Frame {
            mulaw,
            began,
            ended,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn clip(samples: usize) -> Arc<Clip> {
        Arc::new(Clip {
            said: "x".into(),
            samples: vec![5000; samples],
            sound: 0..samples,
        })
    }

    #[test]
    fn a_silent_line_still_has_frames() {
        assert_eq!(Mouth::default().frame().mulaw, [g711::SILENCE; 160]);
    }

    #[test]
    fn clips_are_said_one_after_the_other_on_frame_boundaries() {
        let mut mouth = Mouth::default();
        mouth.frame();
        mouth.speak(clip(200));
        mouth.speak(clip(100));
        let first = mouth.frame();
        assert_eq!(first.began.unwrap().begins, 160);
        assert!(first.ended.is_none());
        let second = mouth.frame();
        assert_eq!(second.ended.unwrap().last_sound(), 360);
        assert_eq!(second.mulaw[39], g711::encode(5000));
        assert_eq!(second.mulaw[40], g711::SILENCE);
        let third = mouth.frame();
        assert_eq!(third.began.unwrap().begins, 480);
        assert!(third.ended.is_some());
        assert!(!mouth.is_speaking());
    }

    #[test]
    fn noise_goes_on_between_clips() {
        let mut mouth = Mouth::new(Some(PinkNoise::new(500.0)));
        assert_ne!(mouth.frame().mulaw, [g711::SILENCE; 160]);
    }
}
