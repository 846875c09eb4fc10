//! What of the caller's audio was sent to a recogniser in the cloud, over all its sockets.

use std::collections::VecDeque;

use ringback_audio::g711::SILENCE;

use super::stream::Block;
use super::unanswered::{SPOKEN, is_audible};

/// Audio that is kept for a new socket, in samples: 8 s.
const KEPT: usize = 64_000;
/// Audio is sent in blocks of 80 ms, in samples.
const BLOCK: usize = 640;

/// Where a socket's audio lies in the ear, and the audio that a new socket would have to hear again.
#[derive(Debug, Default)]
pub(super) struct SentAudio {
    kept: VecDeque<u8>,
    kept_from: u64,
    /// The ear's position less the socket's, in samples.
    origin: i64,
    /// Samples sent on this socket.
    samples: u64,
}

impl SentAudio {
    /// A new socket: the blocks that it is to hear first.
    pub(super) fn again(&mut self) -> Vec<Vec<u8>> {
        self.origin = self.kept_from as i64;
        self.samples = self.kept.len() as u64;
        let kept: Vec<u8> = self.kept.iter().copied().collect();
        kept.chunks(BLOCK).map(<[u8]>::to_vec).collect()
    }

    /// A block goes out.
    pub(super) fn push(&mut self, block: &Block) {
        if self.kept_from + self.kept.len() as u64 != block.start {
            // A gap in the ear, or the first audio: what comes after it is at another offset.
            self.kept.clear();
            self.kept_from = block.start;
        }
        self.origin = block.start as i64 - self.samples as i64;
        self.kept.extend(&block.mulaw);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.forget(self.kept_from + surplus as u64);
        self.samples += block.mulaw.len() as u64;
    }

    /// Silence goes out that is not in the ear, to keep the socket open.
    pub(super) fn silence(&mut self) -> Vec<u8> {
        self.samples += BLOCK as u64;
        self.origin -= BLOCK as i64;
        vec![SILENCE; BLOCK]
    }

    /// Audio before this position is not wanted again.
    pub(super) fn forget(&mut self, upto: u64) {
        let length = upto
            .saturating_sub(self.kept_from)
            .min(self.kept.len() as u64);
        self.kept.drain(..length as usize);
        self.kept_from += length;
    }

    /// Whether speech seems to be in the audio up to this position that a new socket would hear.
    pub(super) fn has_speech_upto(&self, upto: u64) -> bool {
        let length = upto.saturating_sub(self.kept_from) as usize;
        let kept: Vec<u8> = self.kept.iter().take(length).copied().collect();
        let audible = kept.chunks(BLOCK).filter(|block| is_audible(block));
        audible.map(|block| block.len() as u64).sum::<u64>() >= SPOKEN
    }

    /// Where the audio begins that a new socket would hear.
    pub(super) fn kept_from(&self) -> u64 {
        self.kept_from
    }

    /// Whether nothing was sent on this socket.
    pub(super) fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The position of the ear up to which audio was sent.
    pub(super) fn position(&self) -> u64 {
        self.place(self.samples)
    }

    /// Where a position of the socket lies in the ear.
    pub(super) fn place(&self, samples: u64) -> u64 {
        u64::try_from(self.origin + samples as i64).unwrap_or(0)
    }
}
