//! The queue in front of a decoder's thread: commands are never lost, sound is bounded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::Sink;
use crate::grammar::Grammar;

/// Sound that may wait, in bytes: 12 s of mu-law.
const MAX_WAITING: usize = 96_000;

/// What a decoder's thread is asked.
pub(super) enum Command {
    Lease(Sink),
    Expect(Arc<Grammar>),
    Begin(u64),
    Audio(Vec<u8>),
    Finalize(u32),
    EndTurn,
    Release,
}

#[derive(Default)]
struct Queue {
    commands: VecDeque<Command>,
    waiting: usize,
    closed: bool,
}

/// The queue. Its lock is held only to push or pop.
#[derive(Default)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    filled: Condvar,
    dropped: AtomicU64,
}

impl Mailbox {
    pub(super) fn send(&self, command: Command) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.commands.push_back(command);
        drop(queue);
        self.filled.notify_one();
    }

    /// The lease is over: nobody waits any more for what is in the queue.
    pub(super) fn release(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.commands.clear();
        queue.waiting = 0;
        queue.commands.push_back(Command::Release);
        drop(queue);
        self.filled.notify_one();
    }

    /// Whether the end of the lease is what comes next.
    pub(super) fn is_released(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(queue.commands.front(), Some(Command::Release))
    }

    /// Queues sound, dropping the oldest that waits where there is too much.
    pub(super) fn audio(&self, mulaw: &[u8]) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Command::Audio(last)) = queue.commands.back_mut() {
            last.extend_from_slice(mulaw);
        } else {
            queue.commands.push_back(Command::Audio(mulaw.to_vec()));
        }
        queue.waiting += mulaw.len();
        let mut excess = queue.waiting.saturating_sub(MAX_WAITING);
        self.dropped.fetch_add(excess as u64, Ordering::Relaxed);
        queue.waiting -= excess;
        for command in &mut queue.commands {
            if let Command::Audio(sound) = command {
                let gone = excess.min(sound.len());
                sound.drain(..gone);
                excess -= gone;
            }
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// The next command; waits for it. `None` once the pool closes.
    pub(super) fn next(&self) -> Option<Command> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.closed {
                return None;
            }
            if let Some(command) = queue.commands.pop_front() {
                if let Command::Audio(sound) = &command {
                    queue.waiting -= sound.len();
                }
                return Some(command);
            }
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the thread once it has done what it is doing.
    pub(super) fn close(&self) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.filled.notify_one();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Starts counting anew for the next lease.
    pub(super) fn reset(&self) {
        self.dropped.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn the_oldest_sound_makes_room_and_commands_stay() {
        let mailbox = Mailbox::default();
        mailbox.send(Command::Begin(7));
        mailbox.audio(&[1; MAX_WAITING]);
        mailbox.send(Command::Finalize(1));
        mailbox.audio(&[2; 160]);
        mailbox.audio(&[3; 160]);
        assert_eq!(mailbox.dropped(), 320);
        assert!(matches!(mailbox.next(), Some(Command::Begin(7))));
        assert!(
            matches!(mailbox.next(), Some(Command::Audio(sound)) if sound.len() == MAX_WAITING - 320)
        );
        assert!(matches!(mailbox.next(), Some(Command::Finalize(1))));
        assert!(
            matches!(mailbox.next(), Some(Command::Audio(sound)) if sound == [[2; 160], [3; 160]].concat())
        );
        assert_eq!(mailbox.queue.lock().unwrap().waiting, 0);
        mailbox.close();
        assert!(mailbox.next().is_none());
    }

    #[test]
    fn at_the_end_of_a_lease_nothing_of_it_waits() {
        let mailbox = Mailbox::default();
        mailbox.audio(&[1; MAX_WAITING]);
        mailbox.send(Command::Finalize(1));
        assert!(!mailbox.is_released());
        mailbox.release();
        assert!(mailbox.is_released());
        assert!(matches!(mailbox.next(), Some(Command::Release)));
        mailbox.audio(&[2; MAX_WAITING]);
        assert_eq!(mailbox.dropped(), 0);
    }

    #[test]
    fn sound_longer_than_the_bound_keeps_its_end() {
        let mailbox = Mailbox::default();
        let sound: Vec<u8> = (0..MAX_WAITING + 5)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        mailbox.audio(&sound);
        assert!(matches!(mailbox.next(), Some(Command::Audio(kept)) if kept == sound[5..]));
        assert_eq!(mailbox.dropped(), 5);
    }
}
