//! What was heard: acknowledgements, the model, and where a clear cuts.

use std::collections::VecDeque;

use super::part::{LOOK_BACK, WHOLE_PART};
use super::{FRAME, Ledger, STALL_FAULT_MS, STALL_MS, Spot, part_id};
use crate::action::Action;
use crate::at::At;
use crate::event::{Mark, PartId};

/// A mark is waited for this long beyond the model's end of all audio, in ms.
const MARK_WAIT_MS: u64 = 2000;
/// Without marks, audio may come again this long after the model's end of it, in ms.
const KEEP_MS: u64 = 2000;
/// The outbox is told to forget stretches of at least this many samples (1 s).
const FORGET_EVERY: u32 = 8000;

/// Where a clear cut the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) spot: Spot,
    /// The model's time of it.
    pub(crate) at: At,
}

impl Ledger {
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
        self.delay.lag = at.since(ends);
        if let Some(audible) = self.audible.at.filter(|&audible| audible < ends) {
            let heard = At(audible.0.saturating_add(self.delay.lag));
            self.audible.acknowledged.get_or_insert(heard);
        }
        self.acked = Spot {
            part: usize::from(part.0),
            sample: upto,
        };
        self.drop_sent(self.acked);
        true
    }

    fn drop_sent(&mut self, upto: Spot) {
        while self.sent.front().is_some_and(|sent| sent.upto() <= upto) {
            self.sent.pop_front();
        }
    }

    /// The carrier echoed the mark of a clear: the round trip in microseconds, if it is the last one's.
    pub(crate) fn clear_echoed(&mut self, at: At, epoch: u32) -> Option<u64> {
        if epoch != self.epoch {
            return None;
        }
        let round_trip = at.since(self.delay.cleared_at.take()?);
        self.delay.round_trip = round_trip;
        Some(round_trip)
    }

    /// The position that has been heard at `at`.
    ///
    /// With k the last acknowledgement: pos_k + (at - T_k) + round trip, which is the model's position at
    /// `at - lag + round trip`; never before pos_k, never beyond what was sent.
    pub(crate) fn heard(&self, at: At) -> Cut {
        let by_model = At((at.0 + self.delay.round_trip).saturating_sub(self.delay.lag));
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
        self.queued() > 0 || self.in_flight(at)
    }

    fn in_flight(&self, at: At) -> bool {
        self.sent
            .back()
            .is_some_and(|last| self.heard(at).spot < last.upto())
    }

    /// Whether all there is has been heard: by acknowledgement, else by the model.
    pub(crate) fn all_heard(&self, at: At) -> bool {
        self.all_sent() && ((self.marks && self.pending.is_empty()) || at >= self.heard_by())
    }

    /// The latest time at which everything sent counts as heard.
    pub(crate) fn heard_by(&self) -> At {
        if self.marks {
            self.model_end.plus_ms(MARK_WAIT_MS)
        } else {
            self.model_end
        }
    }

    /// When the carrier has played all that was sent, by the model.
    pub(crate) fn model_end(&self) -> At {
        self.model_end
    }

    /// When the caller begins to hear the first audible sample of the reply, once it was sent.
    pub(crate) fn audible_at(&self) -> Option<At> {
        self.audible.at
    }

    /// The same, as the carrier acknowledged it.
    pub(crate) fn acknowledged_at(&self) -> Option<At> {
        self.audible.acknowledged
    }

    /// Behind the last audible sample that was sent and not cleared.
    pub(crate) fn audible_until(&self) -> Option<At> {
        self.audible.until()
    }

    /// How late the oldest mark is, in ms.
    pub(crate) fn behind_ms(&self, at: At) -> u64 {
        self.pending
            .front()
            .map_or(0, |(_, ends)| at.ms_since(*ends))
    }

    /// Whether the carrier is too late with a mark for more to be sent.
    pub(super) fn stalls(&self, at: At) -> bool {
        self.behind_ms(at) > STALL_MS
    }

    /// When the oldest mark makes the carrier be at fault.
    pub(crate) fn stalled_at(&self) -> Option<At> {
        self.pending
            .front()
            .map(|(_, ends)| ends.plus_ms(STALL_FAULT_MS))
    }

    /// Empties the carrier's buffer: the epoch ends, and where the reply was cut.
    pub(crate) fn clear(&mut self, at: At, actions: &mut VecDeque<Action>) -> Cut {
        let cut = self.heard(at);
        self.epoch = self.epoch.wrapping_add(1);
        actions.push_back(Action::Clear {
            epoch: self.epoch,
            cut: cut.at,
        });
        if self.marks {
            actions.push_back(Action::Mark(Mark::Cleared(self.epoch)));
            self.delay.cleared_at = Some(at);
        }
        self.audible.cut(cut.at);
        self.sent.clear();
        self.pending.clear();
        self.unmarked = 0;
        self.model_end = at;
        self.acked = cut.spot;
        self.next = cut.spot;
        self.furthest = self.furthest.max(cut.spot);
        cut
    }

    /// Goes back to where a cut reply goes on without a loss. A part that was heard to its end does not come again.
    pub(crate) fn rewind(&mut self, cut: Spot) -> Spot {
        let mut spot = cut;
        if let Some(part) = self.parts.get(cut.part) {
            if part.finished && cut.sample >= part.samples {
                spot = Spot {
                    part: cut.part + 1,
                    sample: 0,
                };
            } else {
                spot.sample = part.back_from(cut.sample);
            }
        }
        self.next = spot;
        self.acked = spot;
        spot
    }

    /// Says what of the outbox can be dropped: it was heard, and too long ago to come again.
    pub(crate) fn forget(&mut self, at: At, actions: &mut VecDeque<Action>) {
        if !self.marks {
            self.acked = self.acked.max(self.heard(at.minus_ms(KEEP_MS)).spot);
            self.drop_sent(self.acked);
        }
        let heard = self.acked;
        let reply = self.reply;
        let first = self.forgotten.min(heard.part);
        for index in first..=heard.part {
            let Some(part) = self.parts.get_mut(index) else {
                break;
            };
            let whole = index < heard.part;
            let upto = if whole {
                part.samples
            } else if heard.sample > WHOLE_PART {
                (heard.sample - LOOK_BACK) / FRAME * FRAME
            } else {
                0
            };
            if upto > part.forgotten && (whole || upto - part.forgotten >= FORGET_EVERY) {
                part.forgotten = upto;
                actions.push_back(Action::Forget {
                    reply,
                    part: part_id(index),
                    upto,
                });
            }
        }
        self.forgotten = heard.part;
    }

    /// The text that had been heard at a position, or before an earlier cut: whole parts, and the whole words before it in
    /// the part it lies in.
    pub(crate) fn text_heard(&self, spot: Spot) -> String {
        self.text_upto(spot.max(self.furthest))
    }

    /// All the text of the reply's parts.
    pub(crate) fn text(&self) -> String {
        self.text_upto(Spot {
            part: self.parts.len(),
            sample: 0,
        })
    }

    fn text_upto(&self, spot: Spot) -> String {
        let mut text = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            let heard = match index.cmp(&spot.part) {
                std::cmp::Ordering::Less => part.said(),
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

    /// Whether the spot lies in the last part that there will be.
    pub(crate) fn is_last_part(&self, spot: Spot) -> bool {
        self.closed && spot.part + 1 >= self.parts.len()
    }

    pub(crate) fn part_of(spot: Spot) -> PartId {
        part_id(spot.part)
    }
}
