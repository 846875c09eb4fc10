//! What a voice still owes the caller.

use ringback_call::{PartId, ReplyId};

use super::rest;
use super::stream::TimedWord;

/// A sentence that is being spoken, or is to be.
pub(super) struct Owed {
    pub(super) reply: ReplyId,
    pub(super) part: PartId,
    /// What this voice is to speak.
    pub(super) text: String,
    /// Samples of the part that other voices spoke before.
    pub(super) base: u32,
    /// Samples of the part so far.
    pub(super) told: u32,
    pub(super) words: Vec<TimedWord>,
    /// All its speech, for the cache, unless voices share it.
    pub(super) speech: Option<Vec<u8>>,
}

impl Owed {
    /// What is still to be spoken, should the voice be lost now.
    pub(super) fn remaining(&self, speed_pct: u16) -> &str {
        let told = self.told - self.base;
        if told == 0 {
            return &self.text;
        }
        if self.words.is_empty() {
            return rest::by_length(&self.text, u64::from(told), speed_pct);
        }
        let over = self.words.partition_point(|word| word.until <= told);
        rest::by_words(&self.text, &self.words[..over])
    }
}
