//! What Twilio does with our audio: a queue played at 8000 bytes a second, with marks between.
//!
//! No clock: time is a count of samples since the call began, and whoever knows it says how far it has come.

use std::collections::VecDeque;

use ringback_audio::g711;

/// Audio that Twilio keeps at most, in samples: ten minutes. What comes beyond is discarded (31931).
pub const CAPACITY: usize = 600 * 8000;

#[derive(Debug)]
enum Item {
    Audio { bytes: Vec<u8>, played: usize },
    Mark(String),
}

/// The playback queue of one call.
#[derive(Debug)]
pub struct Playback {
    queue: VecDeque<Item>,
    buffered: usize,
    position: u64,
    /// The queue is empty or waits for this sample: the jitter buffer of audio that came into silence.
    begins: u64,
    jitter: u64,
    /// The queue ran empty at this sample, and was not cleared.
    dry: Option<u64>,
}

/// What playing on brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Mu-law, one byte for each sample that passed; silence where nothing was queued.
    pub audio: Vec<u8>,
    /// Marks whose audio has been played, with the sample at which that was.
    pub marks: Vec<(u64, String)>,
}

/// What a `clear` threw away.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Samples that will not be played.
    pub dropped: usize,
    /// The marks that waited, oldest first: all are echoed.
    pub marks: Vec<String>,
}

impl Playback {
    /// A queue that plays nothing until `jitter` samples after the first audio came.
    #[must_use]
    pub fn new(jitter: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            buffered: 0,
            position: 0,
            begins: 0,
            jitter,
            dry: None,
        }
    }

    /// Samples played since the call began.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Samples that wait.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// For how many samples nothing has waited, since the last of what did was played; `None` before the first, behind a
    /// clear, and while something waits.
    #[must_use]
    pub fn starved(&self) -> Option<u64> {
        self.dry.map(|dry| self.position - dry)
    }

    /// Queues audio that came at the present position. False if it is discarded because too much waits.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if self.buffered + bytes.len() > CAPACITY {
            return false;
        }
        if self.buffered == 0 {
            self.begins = self.position + self.jitter;
            self.dry = None;
        }
        self.buffered += bytes.len();
        self.queue.push_back(Item::Audio {
            bytes: bytes.to_vec(),
            played: 0,
        });
        true
    }

    /// Queues a mark behind the audio; gives it back when there is none, since it is echoed at once.
    pub fn mark(&mut self, name: String) -> Option<String> {
        if self.buffered == 0 {
            return Some(name);
        }
        self.queue.push_back(Item::Mark(name));
        None
    }

    /// Empties the queue.
    pub fn clear(&mut self) -> Cleared {
        let dropped = std::mem::take(&mut self.buffered);
        self.dry = None;
        let marks = self
            .queue
            .drain(..)
            .filter_map(|item| match item {
                Item::Mark(name) => Some(name),
                Item::Audio { .. } => None,
            })
            .collect();
        Cleared { dropped, marks }
    }

    /// Plays up to the sample `to`.
    pub fn advance(&mut self, to: u64) -> Played {
        let mut out = Played::default();
        while self.position < to {
            let left = usize::try_from(to - self.position).unwrap_or(usize::MAX);
            let silent = if self.buffered == 0 {
                left
            } else {
                usize::try_from(self.begins.saturating_sub(self.position))
                    .unwrap_or(usize::MAX)
                    .min(left)
            };
            if silent > 0 {
                out.audio.resize(out.audio.len() + silent, g711::SILENCE);
                self.position += silent as u64;
                continue;
            }
            self.play(left, &mut out);
        }
        out
    }

    /// Plays from the first item, at most `left` samples, and takes the marks behind it when it ends.
    fn play(&mut self, left: usize, out: &mut Played) {
        if let Some(Item::Audio { bytes, played }) = self.queue.front_mut() {
            let end = bytes.len().min(*played + left);
            out.audio.extend_from_slice(&bytes[*played..end]);
            self.position += (end - *played) as u64;
            self.buffered -= end - *played;
            *played = end;
            if end < bytes.len() {
                return;
            }
            self.dry = (self.buffered == 0).then_some(self.position);
            self.queue.pop_front();
        }
        while let Some(Item::Mark(_)) = self.queue.front() {
            if let Some(Item::Mark(name)) = self.queue.pop_front() {
                out.marks.push((self.position, name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_begins_after_the_jitter_buffer_and_its_mark_comes_when_it_ends() {
        let mut playback = Playback::new(320);
        playback.advance(1000);
        assert!(playback.push(&[1; 160]));
        assert_eq!(playback.mark("end".into()), None);
        let played = playback.advance(2000);
        assert_eq!(played.audio[..320], [g711::SILENCE; 320]);
        assert_eq!(played.audio[320..480], [1; 160]);
        assert_eq!(played.audio[480..], [g711::SILENCE; 520]);
        assert_eq!(played.marks, [(1480, "end".to_owned())]);
    }

    #[test]
    fn a_mark_with_nothing_buffered_comes_back_at_once() {
        let mut playback = Playback::new(320);
        assert_eq!(playback.mark("now".into()), Some("now".to_owned()));
    }

    #[test]
    fn clear_returns_all_marks_and_silences_at_once() {
        let mut playback = Playback::new(0);
        playback.push(&[1; 160]);
        playback.mark("a".into());
        playback.push(&[2; 160]);
        playback.mark("b".into());
        assert_eq!(playback.advance(100).audio, [1; 100]);
        let cleared = playback.clear();
        assert_eq!(cleared.dropped, 220);
        assert_eq!(cleared.marks, ["a", "b"]);
        assert_eq!(playback.advance(200).audio, [g711::SILENCE; 100]);
    }

    #[test]
    fn how_long_nothing_waited_is_known_until_audio_comes_or_a_clear() {
        let mut playback = Playback::new(0);
        playback.advance(500);
        assert_eq!(playback.starved(), None);
        playback.push(&[1; 160]);
        playback.advance(900);
        assert_eq!(playback.starved(), Some(240));
        playback.push(&[1; 160]);
        assert_eq!(playback.starved(), None);
        playback.advance(2000);
        playback.clear();
        assert_eq!(playback.starved(), None);
    }

    #[test]
    fn ten_minutes_are_kept_and_more_is_discarded() {
        let mut playback = Playback::new(0);
        assert!(playback.push(&vec![0; CAPACITY]));
        assert!(!playback.push(&[0]));
        assert_eq!(playback.buffered(), CAPACITY);
    }
}
