//! How busy the engines of this machine are.

use super::Engines;

/// How busy the engines of this machine are, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Sentences that wait for a thread of the local voice, or are being spoken.
    pub voice_queue: usize,
    /// Shares of the local voice that no call has.
    pub voice_seats_free: usize,
    /// Decoders of the local recogniser.
    pub recognizers: usize,
    /// Of these, those that no call has.
    pub recognizers_free: usize,
    /// Blocks of recordings that wait for the disk.
    pub recorder_queue: usize,
}

impl Engines {
    /// How busy the engines are now.
    pub fn load(&self) -> Load {
        let recognizers = self.recognizers.as_ref().ok();
        Load {
            voice_queue: self.voices.waiting(),
            voice_seats_free: self.voice_seats.available_permits(),
            recognizers: recognizers.map_or(0, |pool| pool.count()),
            recognizers_free: recognizers.map_or(0, |pool| pool.free()),
            recorder_queue: self.writer.waiting(),
        }
    }
}
