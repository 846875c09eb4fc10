//! Audio that a provider took and has said nothing to since.

use std::time::Duration;

use ringback_audio::g711;
use tokio::time::Instant;

use super::listening::GIVE_UP;

/// So many samples a millisecond.
const MS: u64 = 8;
/// Somebody speaks when so much is audible, in samples: 240 ms.
pub(super) const SPOKEN: u64 = 1920;
/// The mean square over which audio is audible: -45 dBFS.
const AUDIBLE: i64 = 184 * 184;

/// What was sent on a socket since it last said something, and by when it can have been heard.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    since: Option<Instant>,
    samples: u64,
    heard_by: Option<Instant>,
}

impl Unanswered {
    /// Audio of so many samples went out.
    pub(super) fn sent(&mut self, samples: usize, now: Instant) {
        self.since.get_or_insert(now);
        self.samples += samples as u64;
        // Deepgram takes audio at up to 1.25 times the pace at which it was spoken, so what comes at once is heard later.
        let took = Duration::from_millis(samples as u64 * 4 / (5 * MS));
        let next = self.heard_by.map_or(now, |before| before + took);
        self.heard_by = Some(next.clamp(now, now + GIVE_UP));
    }

    /// The provider said something.
    pub(super) fn answered(&mut self) {
        self.since = None;
        self.samples = 0;
    }

    /// Another socket.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// How much was sent, in samples.
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// By when all that was sent can have been heard, at most [`GIVE_UP`] after it was sent.
    pub(super) fn heard_by(&self) -> Option<Instant> {
        self.heard_by
    }

    /// Whether so much audio was sent, and the first of it so long ago.
    pub(super) fn lasts(&self, time: Duration, now: Instant) -> bool {
        let audio = Duration::from_millis(self.samples / MS);
        let since = self.since.map(|since| now.duration_since(since));
        audio >= time && since.is_some_and(|since| since >= time)
    }
}

/// The same, from where somebody can be heard: of silence providers may tell less often.
#[derive(Debug, Default)]
pub(super) struct UnansweredSpeech {
    audio: Unanswered,
    /// How much of it is audible, in samples.
    audible: u64,
}

impl UnansweredSpeech {
    /// Audio went out.
    pub(super) fn sent(&mut self, mulaw: &[u8], now: Instant) {
        if is_audible(mulaw) {
            self.audible += mulaw.len() as u64;
        }
        if self.audible > 0 {
            self.audio.sent(mulaw.len(), now);
        }
    }

    /// The provider said something of the audio.
    pub(super) fn answered(&mut self) {
        self.audio.answered();
        self.audible = 0;
    }

    /// What was sent before is heard only from now on.
    pub(super) fn waits(&mut self) {
        self.audio.answered();
    }

    /// Whether somebody spoke, and has been sent for so long.
    pub(super) fn lasts(&self, time: Duration, now: Instant) -> bool {
        self.audible >= SPOKEN && self.audio.lasts(time, now)
    }
}

/// Whether a block is loud enough to be speech.
pub(super) fn is_audible(mulaw: &[u8]) -> bool {
    let square = |&byte: &u8| i64::from(g711::decode(byte)).pow(2);
    let sum: i64 = mulaw.iter().map(square).sum();
    sum > AUDIBLE * mulaw.len() as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const S: Duration = Duration::from_secs(1);
    const BLOCK: usize = 640;

    #[test]
    fn audio_that_comes_as_it_is_spoken_is_heard_at_once_and_a_burst_later() {
        let mut now = Instant::now();
        let mut unanswered = Unanswered::default();
        for _ in 0..50 {
            unanswered.sent(BLOCK, now);
            assert_eq!(unanswered.heard_by(), Some(now));
            now += Duration::from_millis(80);
        }
        assert!(unanswered.lasts(3 * S, now) && !unanswered.lasts(5 * S, now));

        let mut burst = Unanswered::default();
        for _ in 0..=25 {
            burst.sent(BLOCK, now);
        }
        // 25 blocks of 64 ms each behind the first.
        assert_eq!(burst.heard_by(), Some(now + Duration::from_millis(1600)));
        assert!(!burst.lasts(2 * S, now), "no time has passed");
        assert!(burst.lasts(2 * S, now + 2 * S));
        for _ in 0..100 {
            burst.sent(BLOCK, now);
        }
        assert_eq!(burst.heard_by(), Some(now + GIVE_UP), "and no later");
        burst.answered();
        assert!(burst.is_empty() && !burst.lasts(S, now + 10 * S));
        assert_eq!(burst.heard_by(), Some(now + GIVE_UP), "the rest is to come");
    }

    #[test]
    fn speech_counts_from_where_it_is_audible_and_a_click_is_none() {
        let (silence, loud) = ([0xff; BLOCK], [0x55; BLOCK]);
        let mut now = Instant::now();
        let mut speech = UnansweredSpeech::default();
        let mut send = |speech: &mut UnansweredSpeech, audio: &[u8], blocks: u32| {
            for _ in 0..blocks {
                speech.sent(audio, now);
                now += Duration::from_millis(80);
            }
            now
        };
        let at = send(&mut speech, &silence, 100);
        assert!(!speech.lasts(S, at), "nobody spoke");
        send(&mut speech, &loud, 1);
        let at = send(&mut speech, &silence, 100);
        assert!(!speech.lasts(S, at), "a click");
        send(&mut speech, &loud, 2);
        let at = send(&mut speech, &silence, 1);
        assert!(speech.lasts(2 * S, at));
        speech.waits();
        let at = send(&mut speech, &silence, 12);
        assert!(!speech.lasts(S, at), "counted anew");
        let at = send(&mut speech, &silence, 1);
        assert!(speech.lasts(S, at), "but somebody spoke");
        speech.answered();
        let at = send(&mut speech, &silence, 100);
        assert!(!speech.lasts(S, at), "and was heard");
    }
}
