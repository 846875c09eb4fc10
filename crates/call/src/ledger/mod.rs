//! What was queued, sent, acknowledged and cleared: the only truth about what was heard.
//!
//! The carrier plays what it gets in order, so the end of its queue can be modelled: every stretch sent ends at
//! max(previous end, now) plus its length. Audio is sent while that end is less than `ahead_ms` from now. Echoed marks
//! correct the model by its lag; they never drive it, because a window of acknowledgements starves on a long round trip.

mod audible;
mod heard;
mod part;

use std::collections::VecDeque;

use crate::action::Action;
use crate::at::At;
use crate::event::{Mark, PartId, Piece, ReplyId};

use audible::Audible;
use part::Part;
pub(crate) use part::Spot;

/// A frame of 20 ms, in samples.
const FRAME: u32 = 160;
const FRAME_MS: u64 = 20;
/// Audio is sent in stretches of this many ms when there is enough of it.
const BATCH_MS: u64 = 60;
/// A mark at least every 200 ms of audio, in samples.
const MARK_EVERY: u32 = 1600;
/// Sending stops when a mark is this late, in ms.
const STALL_MS: u64 = 1000;
/// The carrier is at fault when a mark is this late, in ms.
pub(crate) const STALL_FAULT_MS: u64 = 5000;

/// A stretch that was written to the carrier in this epoch.
#[derive(Clone, Copy, Debug)]
struct Sent {
    from: Spot,
    samples: u32,
    starts: At,
}

impl Sent {
    fn ends(&self) -> At {
        self.starts.plus_samples(u64::from(self.samples))
    }

    fn upto(&self) -> Spot {
        Spot {
            part: self.from.part,
            sample: self.from.sample + self.samples,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    marks: bool,
    epoch: u32,
    reply: ReplyId,
    parts: Vec<Part>,
    closed: bool,
    next: Spot,
    sent: VecDeque<Sent>,
    model_end: At,
    unmarked: u32,
    pending: VecDeque<(Mark, At)>,
    /// Heard, as the carrier says.
    acked: Spot,
    /// Heard before some clear.
    furthest: Spot,
    /// The first part of which the outbox may hold anything.
    forgotten: usize,
    delay: Delay,
    audible: Audible,
}

/// How far the carrier is behind the model, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Delay {
    lag: u64,
    round_trip: u64,
    cleared_at: Option<At>,
}

impl Ledger {
    pub(crate) fn new(marks: bool) -> Self {
        Self {
            marks,
            ..Self::default()
        }
    }

    /// A new reply takes the place of the last one.
    pub(crate) fn open(&mut self, reply: ReplyId) {
        self.reply = reply;
        self.parts.clear();
        self.closed = false;
        self.next = Spot::default();
        self.acked = Spot::default();
        self.furthest = Spot::default();
        self.forgotten = 0;
        self.sent.clear();
        self.pending.clear();
        self.unmarked = 0;
        self.audible = Audible::default();
    }

    /// The next part of the reply is going to be spoken.
    pub(crate) fn add_part(&mut self, text: &str) -> PartId {
        self.parts.push(Part::new(text));
        part_id(self.parts.len() - 1)
    }

    /// Whether it has no part yet.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.parts.is_empty()
    }

    /// More parts come after all.
    pub(crate) fn reopen(&mut self) {
        self.closed = false;
    }

    /// No more parts will come.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Speech that waits in the outbox. False if it belongs to no part that is open.
    pub(crate) fn queue(&mut self, piece: &Piece) -> bool {
        if piece.reply != self.reply {
            return false;
        }
        let Some(part) = self.parts.get_mut(usize::from(piece.part.0)) else {
            return false;
        };
        if part.finished {
            return false;
        }
        if part.audible.is_none() {
            let audible = piece.audible.filter(|&at| at < piece.samples);
            part.audible = audible.map(|at| part.samples.saturating_add(at));
        }
        part.samples = part.samples.saturating_add(piece.samples);
        let frames = (part.samples / FRAME) as usize;
        let room = frames.saturating_sub(part.levels.len());
        part.levels.extend(piece.levels.iter().take(room));
        true
    }

    /// The voice told when it speaks the next words of a part. More than the text can have are ignored.
    pub(crate) fn time_words(&mut self, reply: ReplyId, id: PartId, ends: &[u32]) {
        if reply != self.reply {
            return;
        }
        if let Some(part) = self.parts.get_mut(usize::from(id.0)) {
            let room = part.text.len().saturating_sub(part.ends.len());
            part.ends.extend(ends.iter().take(room));
        }
    }

    /// A part has all its speech. Answers how many samples, if it had not been finished before.
    pub(crate) fn finish_part(&mut self, reply: ReplyId, id: PartId, void: bool) -> Option<u32> {
        let part = self
            .parts
            .get_mut(usize::from(id.0))
            .filter(|part| reply == self.reply && !part.finished)?;
        part.finished = true;
        part.void = void;
        Some(part.samples)
    }

    /// Milliseconds of speech that are queued and not sent.
    pub(crate) fn queued_ms(&self) -> u64 {
        self.queued() / crate::at::SAMPLES_PER_MS
    }

    /// Samples of speech that are queued and not sent.
    fn queued(&self) -> u64 {
        let all: u64 = self
            .parts
            .iter()
            .skip(self.next.part)
            .map(|part| u64::from(part.samples))
            .sum();
        all.saturating_sub(u64::from(self.next.sample))
    }

    /// Whether anything of the reply was sent, ever.
    pub(crate) fn anything_sent(&self) -> bool {
        self.next.max(self.furthest) > Spot::default() && self.spoken()
    }

    /// Whether there is any speech of the reply.
    fn spoken(&self) -> bool {
        self.parts
            .iter()
            .take(self.next.part.max(self.furthest.part) + 1)
            .any(|part| part.samples > 0)
    }

    /// All there is was sent.
    pub(crate) fn all_sent(&self) -> bool {
        self.closed && self.next.part >= self.parts.len()
    }

    /// Whether there are sentences and none of them had an audible sample.
    pub(crate) fn silent(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| part.audible.is_none())
    }

    /// Whether there was nothing to say in any of them.
    pub(crate) fn is_void(&self) -> bool {
        self.parts.iter().all(|part| part.void)
    }

    /// Drops the parts of which nothing was sent, so that the reply ends after the sentence that is being heard.
    pub(crate) fn drop_unsent_parts(&mut self) {
        let keep = if self.next.sample > 0 {
            self.next.part + 1
        } else {
            self.next.part
        };
        self.parts.truncate(keep);
        self.closed = true;
    }

    /// Sends what may be sent.
    pub(crate) fn pump(&mut self, at: At, ahead_ms: u32, actions: &mut VecDeque<Action>) {
        loop {
            self.mark_end_of_part(actions);
            if self.stalls(at) {
                break;
            }
            let Some(samples) = self.sendable(at, ahead_ms) else {
                break;
            };
            self.send(at, self.next, samples, actions);
        }
    }

    /// How much may be sent now.
    fn sendable(&self, at: At, ahead_ms: u32) -> Option<u32> {
        let (waiting, batch) = self.next_batch(ahead_ms)?;
        let taken_ms = self.model_end.since(at).div_ceil(1000);
        let free_ms = u64::from(ahead_ms).max(FRAME_MS).saturating_sub(taken_ms);
        if free_ms < batch {
            return None;
        }
        let frames = u32::try_from(free_ms / FRAME_MS).unwrap_or(u32::MAX);
        Some(waiting.min(frames.saturating_mul(FRAME)))
    }

    /// The samples of the current part that wait, and the free room of the carrier's buffer they are sent at, in ms.
    fn next_batch(&self, ahead_ms: u32) -> Option<(u32, u64)> {
        let part = self.parts.get(self.next.part)?;
        let waiting = part.samples - self.next.sample;
        let waiting_ms = u64::from(waiting) / crate::at::SAMPLES_PER_MS;
        let batch = BATCH_MS.min(waiting_ms).min(u64::from(ahead_ms));
        (waiting > 0).then(|| (waiting, batch.max(FRAME_MS)))
    }

    fn send(&mut self, at: At, from: Spot, samples: u32, actions: &mut VecDeque<Action>) {
        let starts = self.model_end.max(at);
        let sent = Sent {
            from,
            samples,
            starts,
        };
        self.model_end = sent.ends();
        self.next = sent.upto();
        self.unmarked = self.unmarked.saturating_add(samples);
        if self.audible.at.is_none()
            && let Some(audible) = self.parts[from.part].audible
            && audible < self.next.sample
        {
            let before = u64::from(audible.saturating_sub(from.sample));
            self.audible.at = Some(starts.plus_samples(before));
        }
        let first = (from.sample / FRAME) as usize;
        let levels = self.parts[from.part]
            .levels
            .get(first..)
            .unwrap_or_default();
        self.audible
            .play(starts, levels, (samples / FRAME) as usize);
        self.sent.push_back(sent);
        actions.push_back(Action::Send {
            reply: self.reply,
            part: part_id(from.part),
            from: from.sample,
            samples,
            starts,
        });
        if self.unmarked >= MARK_EVERY {
            self.mark(actions);
        }
    }

    fn mark_end_of_part(&mut self, actions: &mut VecDeque<Action>) {
        while let Some(part) = self.parts.get(self.next.part) {
            if !part.finished || self.next.sample < part.samples {
                return;
            }
            if self.unmarked > 0 {
                self.mark(actions);
            }
            self.next = Spot {
                part: self.next.part + 1,
                sample: 0,
            };
        }
    }

    fn mark(&mut self, actions: &mut VecDeque<Action>) {
        self.unmarked = 0;
        if !self.marks {
            return;
        }
        let mark = Mark::Played {
            epoch: self.epoch,
            reply: self.reply,
            part: part_id(self.next.part),
            upto: self.next.sample,
        };
        self.pending.push_back((mark, self.model_end));
        actions.push_back(Action::Mark(mark));
    }

    /// When more can be sent, if there is more and the carrier keeps up.
    pub(crate) fn send_due(&self, at: At, ahead_ms: u32) -> Option<At> {
        let (_, batch) = self.next_batch(ahead_ms).filter(|_| !self.stalls(at))?;
        let ahead = u64::from(ahead_ms).max(FRAME_MS);
        Some(self.model_end.minus_ms(ahead - batch))
    }

    /// The reply is over: late marks of it say nothing any more.
    pub(crate) fn retire(&mut self) {
        self.open(self.reply);
        self.close();
    }
}

fn part_id(index: usize) -> PartId {
    PartId(u16::try_from(index).unwrap_or(u16::MAX))
}
