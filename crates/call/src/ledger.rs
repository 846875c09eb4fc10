//! What was queued, sent, acknowledged and cleared: the only truth about what was heard.
//!
//! The carrier plays what it gets in order, so the end of its queue can be modelled: every stretch sent ends at
//! max(previous end, now) plus its length. Audio is sent while that end is less than `ahead_ms` from now. Echoed marks
//! correct the model by its lag; they never drive it, because a window of acknowledgements starves on a long round trip.

use std::collections::VecDeque;

use crate::action::Action;
use crate::at::At;
use crate::event::{Mark, PartId, Piece, ReplyId};

/// A frame of 20 ms, in samples.
const FRAME: u32 = 160;
/// Audio is sent in stretches of this many ms when there is enough of it.
const BATCH_MS: u64 = 60;
/// A mark at least every 200 ms of audio, in samples.
const MARK_EVERY: u32 = 1600;
/// A part that began at most this many samples (1.5 s) before a cut is spoken again from its beginning.
const WHOLE_PART: u32 = 12_000;
/// Else speech goes on at the quietest frame of this many samples (300 ms) before the cut.
const LOOK_BACK: u32 = 2400;
/// Sending stops when a mark is this late, in ms.
const STALL_MS: u64 = 1000;
/// The carrier is at fault when a mark is this late, in ms.
pub(crate) const STALL_FAULT_MS: u64 = 5000;

/// A position in a reply: a part and a sample in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) part: usize,
    pub(crate) sample: u32,
}

#[derive(Clone, Debug)]
struct Part {
    text: String,
    samples: u32,
    levels: Vec<u8>,
    audible: Option<u32>,
    finished: bool,
    forgotten: u32,
}

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
    acked: Spot,
    lag: u64,
    round_trip: u64,
    cleared_at: Option<At>,
    audible_at: Option<At>,
}

/// Where a clear cut the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) spot: Spot,
    /// The model's time of it.
    pub(crate) at: At,
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
        self.sent.clear();
        self.pending.clear();
        self.unmarked = 0;
        self.audible_at = None;
    }

    /// The next part of the reply is going to be spoken.
    pub(crate) fn add_part(&mut self, text: &str) -> PartId {
        self.parts.push(Part {
            text: text.to_owned(),
            samples: 0,
            levels: Vec::new(),
            audible: None,
            finished: false,
            forgotten: 0,
        });
        part_id(self.parts.len() - 1)
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
            part.audible = piece.audible.map(|at| part.samples.saturating_add(at));
        }
        part.samples = part.samples.saturating_add(piece.samples);
        part.levels.extend_from_slice(&piece.levels);
        true
    }

    /// A part has all its speech.
    pub(crate) fn finish_part(&mut self, reply: ReplyId, id: PartId) {
        if reply == self.reply
            && let Some(part) = self.parts.get_mut(usize::from(id.0))
        {
            part.finished = true;
        }
    }

    /// Milliseconds of speech that are queued and not sent.
    pub(crate) fn queued_ms(&self) -> u64 {
        let all: u64 = self
            .parts
            .iter()
            .skip(self.next.part)
            .map(|part| u64::from(part.samples))
            .sum();
        all.saturating_sub(u64::from(self.next.sample)) / crate::at::SAMPLES_PER_MS
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
        if self.marks && self.behind_ms(at) > STALL_MS {
            return;
        }
        loop {
            self.mark_end_of_part(actions);
            let room = At(self.model_end.max(at).0 - at.0);
            let Some((samples, from)) = self.sendable(room, ahead_ms) else {
                break;
            };
            self.send(at, from, samples, actions);
        }
    }

    /// How much may be sent, if `room` of the carrier's buffer is taken.
    fn sendable(&self, room: At, ahead_ms: u32) -> Option<(u32, Spot)> {
        let part = self.parts.get(self.next.part)?;
        let waiting = part.samples - self.next.sample;
        if waiting == 0 {
            return None;
        }
        let free_ms = u64::from(ahead_ms).saturating_sub(room.ms());
        let waiting_ms = u64::from(waiting) / crate::at::SAMPLES_PER_MS;
        if free_ms < BATCH_MS.min(waiting_ms).max(20) {
            return None;
        }
        let frames = u32::try_from(free_ms / 20).unwrap_or(u32::MAX);
        Some((waiting.min(frames.saturating_mul(FRAME)), self.next))
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
        self.unmarked += samples;
        if self.audible_at.is_none()
            && let Some(audible) = self.parts[from.part].audible
            && audible < self.next.sample
        {
            let before = u64::from(audible.saturating_sub(from.sample));
            self.audible_at = Some(starts.plus_samples(before));
        }
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

    /// When more can be sent, if there is more.
    pub(crate) fn send_due(&self, ahead_ms: u32) -> Option<At> {
        let part = self.parts.get(self.next.part)?;
        let waiting_ms = u64::from(part.samples - self.next.sample) / crate::at::SAMPLES_PER_MS;
        (waiting_ms > 0).then(|| {
            let batch = BATCH_MS.min(waiting_ms).max(20);
            self.model_end
                .minus_ms(u64::from(ahead_ms).saturating_sub(batch))
        })
    }

    /// The carrier echoed a mark. Answers whether it told anything new.
    pub(crate) fn acknowledge(&mut self, at: At, mark: Mark) -> bool {
        let Some(place) = self
            .pending
            .iter()
            .position(|&(pending, _)| pending == mark)
        else {
            return false;
        };
        let Mark::Played { part, upto, .. } = mark else {
            return false;
        };
        let ends = self.pending[place].1;
        self.pending.drain(..=place);
        self.lag = at.since(ends);
        self.acked = Spot {
            part: usize::from(part.0),
            sample: upto,
        };
        true
    }

    /// The carrier echoed the mark of a clear: the round trip in microseconds, if it is the last one's.
    pub(crate) fn clear_echoed(&mut self, at: At, epoch: u32) -> Option<u64> {
        if epoch != self.epoch {
            return None;
        }
        let round_trip = at.since(self.cleared_at.take()?);
        self.round_trip = round_trip;
        Some(round_trip)
    }

    /// The position that has been heard at `at`.
    ///
    /// With k the last acknowledgement: pos_k + (at - T_k) + round trip, which is the model's position at
    /// `at - lag + round trip`; never before pos_k, never beyond what was sent.
    pub(crate) fn heard(&self, at: At) -> Cut {
        let by_model = At((at.0 + self.round_trip).saturating_sub(self.lag));
        let mut cut = Cut {
            spot: self.acked,
            at: self.model_end.min(at),
        };
        for sent in &self.sent {
            if by_model <= sent.starts {
                break;
            }
            let played = u32::try_from(by_model.since(sent.starts) * 8 / 1000).unwrap_or(u32::MAX);
            let samples = played.min(sent.samples);
            let spot = Spot {
                part: sent.from.part,
                sample: sent.from.sample + samples,
            };
            if spot >= self.acked {
                cut = Cut {
                    spot,
                    at: sent.starts.plus_samples(u64::from(samples)),
                };
            }
        }
        cut
    }

    /// Whether any audio of the reply was sent and cannot have been heard yet, or waits to be sent.
    pub(crate) fn unheard(&self, at: At) -> bool {
        self.queued_ms() > 0 || self.in_flight(at)
    }

    fn in_flight(&self, at: At) -> bool {
        self.sent
            .back()
            .is_some_and(|last| self.heard(at).spot < last.upto())
    }

    /// Whether anything was sent.
    pub(crate) fn anything_sent(&self) -> bool {
        !self.sent.is_empty() || self.next > Spot::default()
    }

    /// All there is was sent.
    pub(crate) fn all_sent(&self) -> bool {
        self.closed && self.next.part >= self.parts.len()
    }

    /// When everything sent has been heard, if no more comes: by acknowledgement, else by the model.
    pub(crate) fn all_heard(&self, at: At) -> bool {
        if !self.all_sent() {
            return false;
        }
        if self.marks {
            self.pending.is_empty() || at >= self.model_end.plus_ms(2000)
        } else {
            at >= self.model_end
        }
    }

    /// The latest time at which everything sent counts as heard.
    pub(crate) fn heard_by(&self) -> At {
        if self.marks {
            self.model_end.plus_ms(2000)
        } else {
            self.model_end
        }
    }

    /// When the caller begins to hear the first audible sample of the reply, once it was sent.
    pub(crate) fn audible_at(&self) -> Option<At> {
        self.audible_at
    }

    /// How late the oldest mark is, in ms.
    pub(crate) fn behind_ms(&self, at: At) -> u64 {
        self.pending
            .front()
            .map_or(0, |(_, ends)| at.ms_since(*ends))
    }

    /// When the oldest mark makes the carrier be at fault.
    pub(crate) fn stalled_at(&self) -> Option<At> {
        let (_, ends) = self.pending.front().filter(|_| self.marks)?;
        Some(ends.plus_ms(STALL_FAULT_MS))
    }

    /// Empties the carrier's buffer: the epoch ends, and where the reply was cut.
    pub(crate) fn clear(&mut self, at: At, actions: &mut VecDeque<Action>) -> Cut {
        let cut = self.heard(at);
        self.epoch += 1;
        actions.push_back(Action::Clear {
            epoch: self.epoch,
            cut: cut.at,
        });
        if self.marks {
            actions.push_back(Action::Mark(Mark::Cleared(self.epoch)));
            self.cleared_at = Some(at);
        }
        self.sent.clear();
        self.pending.clear();
        self.unmarked = 0;
        self.model_end = at;
        self.acked = cut.spot;
        self.next = cut.spot;
        cut
    }

    /// Goes back to where a cut reply goes on without a loss.
    pub(crate) fn rewind(&mut self, cut: Spot) -> Spot {
        let mut spot = cut;
        if let Some(part) = self.parts.get(cut.part) {
            spot.sample = if cut.sample <= WHOLE_PART {
                0
            } else {
                quietest(&part.levels, cut.sample)
            }
            .max(part.forgotten);
        }
        self.next = spot;
        self.acked = spot;
        spot
    }

    /// Says what of the outbox can be dropped: it was heard, and too long ago to come again.
    pub(crate) fn forget(&mut self, at: At, actions: &mut VecDeque<Action>) {
        let heard = if self.marks {
            self.acked
        } else {
            self.heard(at.minus_ms(2000)).spot
        };
        let reply = self.reply;
        for (index, part) in self.parts.iter_mut().enumerate().take(heard.part + 1) {
            let upto = if index < heard.part {
                part.samples
            } else if heard.sample > WHOLE_PART {
                (heard.sample - LOOK_BACK) / FRAME * FRAME
            } else {
                0
            };
            let worth = index < heard.part || upto >= part.forgotten + 8000;
            if upto > part.forgotten && worth {
                part.forgotten = upto;
                actions.push_back(Action::Forget {
                    reply,
                    part: part_id(index),
                    upto,
                });
            }
        }
    }

    /// The text that had been heard at a position: whole parts, and the whole words before it in the part it lies in.
    pub(crate) fn text_upto(&self, spot: Spot) -> String {
        let mut text = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            let heard = match index.cmp(&spot.part) {
                std::cmp::Ordering::Less => part.text.as_str(),
                std::cmp::Ordering::Equal => part.words_upto(spot.sample),
                std::cmp::Ordering::Greater => break,
            };
            if !heard.is_empty() && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(heard);
        }
        text
    }

    /// All the text of the reply's parts.
    pub(crate) fn text(&self) -> String {
        self.text_upto(Spot {
            part: self.parts.len(),
            sample: 0,
        })
    }

    /// Whether the spot lies in the last part that there will be.
    pub(crate) fn is_last_part(&self, spot: Spot) -> bool {
        self.closed && spot.part + 1 >= self.parts.len()
    }

    pub(crate) fn part_of(spot: Spot) -> PartId {
        part_id(spot.part)
    }
}

impl Part {
    /// The whole words that end before a sample, by proportion of the length.
    fn words_upto(&self, sample: u32) -> &str {
        // Unfinished speech is taken to be as long as its text at 14 characters a second.
        let spoken = if self.finished {
            self.samples
        } else {
            let guess = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
            self.samples.max(guess.saturating_mul(8000 / 14))
        };
        if sample >= spoken {
            return if sample == 0 { "" } else { &self.text };
        }
        let bytes = (self.text.len() as u64 * u64::from(sample) / u64::from(spoken)) as usize;
        let end = self
            .text
            .char_indices()
            .filter(|&(index, character)| character.is_whitespace() && index <= bytes)
            .next_back()
            .map_or(0, |(index, _)| index);
        self.text[..end].trim_end()
    }
}

/// The beginning of the quietest frame of the 300 ms before `cut`.
fn quietest(levels: &[u8], cut: u32) -> u32 {
    let last = (cut / FRAME) as usize;
    let first = (cut.saturating_sub(LOOK_BACK) / FRAME) as usize;
    (first..last.min(levels.len()))
        .min_by_key(|&frame| (levels[frame], std::cmp::Reverse(frame)))
        .map_or(cut / FRAME * FRAME, |frame| {
            u32::try_from(frame).unwrap_or(0) * FRAME
        })
}

fn part_id(index: usize) -> PartId {
    PartId(u16::try_from(index).unwrap_or(u16::MAX))
}
