//! Listens to what is played to the caller: where a reply begins and ends.

use ringback_audio::g711;

use crate::loudness::{self, AUDIBLE_RMS, WINDOW};

/// A reply has ended when nothing was audible for so long: 700 ms. Pauses between sentences are shorter.
pub const QUIET_SAMPLES: u64 = 700 * 8;

/// A stretch of audible audio of the server without a pause of [`QUIET_SAMPLES`], in samples of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Its first audible sample.
    pub begins: u64,
    /// Behind its last audible sample so far.
    pub ends: u64,
    /// A clear threw the rest of it away.
    pub cleared: bool,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A reply became audible.
    Begun(Reply),
    /// It ended: [`QUIET_SAMPLES`] ago, or because it was cut.
    Ended(Reply),
}

/// The watcher of one call.
#[derive(Debug, Default)]
pub struct ReplyWatch {
    position: u64,
    window: Vec<i16>,
    current: Option<Reply>,
    replies: Vec<Reply>,
}

impl ReplyWatch {
    /// Takes the audio played next.
    pub fn push(&mut self, mulaw: &[u8]) -> Vec<Change> {
        let mut changes = Vec::new();
        for &byte in mulaw {
            self.window.push(g711::decode(byte));
            if self.window.len() == WINDOW {
                changes.extend(self.judge());
            }
        }
        changes
    }

    /// Nothing of the present reply comes after this moment: whatever is audible from now on is another one, however
    /// short the pause. `cleared` says that the rest of it was thrown away.
    pub fn cut(&mut self, cleared: bool) -> Vec<Change> {
        let mut changes: Vec<_> = self.judge().into_iter().collect();
        if let Some(reply) = self.current.take() {
            let reply = Reply { cleared, ..reply };
            self.replies.push(reply);
            changes.push(Change::Ended(reply));
        }
        changes
    }

    /// The reply that goes on, or pauses since less than 700 ms.
    #[must_use]
    pub fn current(&self) -> Option<Reply> {
        self.current
    }

    /// The replies that have ended, in order.
    #[must_use]
    pub fn ended(&self) -> &[Reply] {
        &self.replies
    }

    fn judge(&mut self) -> Option<Change> {
        let begins = self.position;
        self.position += self.window.len() as u64;
        let sound = loudness::audible(&self.window, AUDIBLE_RMS);
        self.window.clear();
        if let Some(sound) = sound {
            let ends = begins + sound.end as u64;
            if let Some(current) = &mut self.current {
                current.ends = ends;
                return None;
            }
            let reply = Reply {
                begins: begins + sound.start as u64,
                ends,
                cleared: false,
            };
            self.current = Some(reply);
            return Some(Change::Begun(reply));
        }
        let over = |reply: &mut Reply| self.position >= reply.ends + QUIET_SAMPLES;
        let ended = self.current.take_if(over)?;
        self.replies.push(ended);
        Some(Change::Ended(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(samples: usize) -> Vec<u8> {
        vec![g711::encode(4000); samples]
    }

    fn silence(samples: usize) -> Vec<u8> {
        vec![g711::SILENCE; samples]
    }

    #[test]
    fn a_pause_between_sentences_does_not_end_a_reply() {
        let mut watch = ReplyWatch::default();
        watch.push(&silence(1000));
        watch.push(&sound(4000));
        watch.push(&silence(4000));
        watch.push(&sound(4000));
        assert!(watch.ended().is_empty());
        watch.push(&silence(8000));
        assert_eq!(
            watch.ended(),
            [Reply {
                begins: 1000,
                ends: 13_000,
                cleared: false,
            }]
        );
        assert_eq!(watch.current(), None);
    }

    #[test]
    fn beginning_and_end_are_told_once() {
        let mut watch = ReplyWatch::default();
        let mut changes = watch.push(&sound(333));
        changes.extend(watch.push(&silence(20_000)));
        let reply = Reply {
            begins: 0,
            ends: 333,
            cleared: false,
        };
        assert!(matches!(
            changes[..],
            [Change::Begun(_), Change::Ended(ended)] if ended == reply
        ));
    }

    #[test]
    fn what_is_audible_after_a_cut_is_another_reply_however_short_the_pause() {
        let mut watch = ReplyWatch::default();
        watch.push(&sound(1000));
        let changes = watch.cut(true);
        let first = Reply {
            begins: 0,
            ends: 1000,
            cleared: true,
        };
        assert_eq!(changes, [Change::Ended(first)]);
        assert!(watch.cut(false).is_empty());
        watch.push(&silence(200));
        watch.push(&sound(800));
        assert_eq!(watch.ended(), [first]);
        assert_eq!(watch.current().map(|reply| reply.begins), Some(1200));
    }
}
