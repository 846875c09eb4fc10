//! The last seconds of the caller's audio, addressed by ear sample.

/// The newest mu-law bytes of a stream, addressed by position since the stream began.
///
/// Never allocates after [`EarRing::holding`].
#[derive(Clone, Debug)]
pub struct EarRing {
    bytes: Box<[u8]>,
    end: u64,
}

impl EarRing {
    /// An empty ring at ear sample 0 that keeps the newest `samples` (8000 a second, a byte each; at least one).
    #[must_use]
    pub fn holding(samples: usize) -> Self {
        Self {
            bytes: vec![crate::g711::SILENCE; samples.max(1)].into_boxed_slice(),
            end: 0,
        }
    }

    /// Appends mu-law samples; the oldest fall out.
    pub fn push(&mut self, mulaw: &[u8]) {
        let capacity = self.bytes.len();
        let kept = &mulaw[mulaw.len().saturating_sub(capacity)..];
        let at = self.slot(self.end + (mulaw.len() - kept.len()) as u64);
        let (first, second) = kept.split_at(kept.len().min(capacity - at));
        self.bytes[at..at + first.len()].copy_from_slice(first);
        self.bytes[..second.len()].copy_from_slice(second);
        self.end += mulaw.len() as u64;
    }

    /// One past the newest sample: the number of samples pushed so far.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The oldest sample still there.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.end.saturating_sub(self.bytes.len() as u64)
    }

    /// Appends to `out` what is still there of the samples `from..to` and returns the ear sample of the first one
    /// appended. With nothing to append that is `from`, moved into the range the ring holds.
    pub fn read(&self, from: u64, to: u64, out: &mut Vec<u8>) -> u64 {
        let from = from.clamp(self.start(), self.end);
        let to = to.clamp(from, self.end);
        let at = self.slot(from);
        let length = (to - from) as usize;
        let first = length.min(self.bytes.len() - at);
        out.extend_from_slice(&self.bytes[at..at + first]);
        out.extend_from_slice(&self.bytes[..length - first]);
        from
    }

    fn slot(&self, sample: u64) -> usize {
        (sample % self.bytes.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_push_longer_than_the_ring_keeps_its_newest_part() {
        const CAPACITY: usize = 1000;
        let long: Vec<u8> = (0..CAPACITY + 300).map(|n| (n % 251) as u8).collect();
        let mut ring = EarRing::holding(CAPACITY);
        ring.push(&[9; 10]);
        ring.push(&long);
        let mut out = Vec::new();
        assert_eq!(ring.read(0, u64::MAX, &mut out), ring.start());
        assert_eq!(out, long[300..]);
        assert_eq!(ring.end() - ring.start(), CAPACITY as u64);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_read_equals_the_stream_wherever_it_is_still_held(
            capacity in 1usize..7_000,
            blocks in proptest::collection::vec(0usize..2_000, 1..12),
            from in 0u64..14_000,
            length in 0u64..7_000,
        ) {
            let mut ring = EarRing::holding(capacity);
            let mut stream: Vec<u8> = Vec::new();
            for block in blocks {
                let bytes: Vec<u8> = (0..block).map(|n| ((stream.len() + n) * 31 % 253) as u8).collect();
                ring.push(&bytes);
                stream.extend_from_slice(&bytes);
            }
            prop_assert_eq!(ring.end(), stream.len() as u64);
            prop_assert_eq!(ring.end() - ring.start(), stream.len().min(capacity) as u64);
            let mut out = vec![1, 2];
            let start = ring.read(from, from + length, &mut out);
            prop_assert!(start >= ring.start() && start <= ring.end());
            let first = from.clamp(ring.start(), ring.end());
            let last = (from + length).clamp(first, ring.end());
            prop_assert_eq!(start, first);
            prop_assert_eq!(&out[..2], &[1u8, 2][..]);
            prop_assert_eq!(&out[2..], &stream[first as usize..last as usize]);
        }
    }
}
