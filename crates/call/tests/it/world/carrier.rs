//! A carrier: plays what it gets, echoes marks when they are played, and all that wait at a clear.

use ringback_call::{Mark, PartId, ReplyId};

/// A stretch that the caller heard; times in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    pub start: u64,
    pub end: u64,
    pub reply: ReplyId,
    pub part: PartId,
    pub from: u32,
}

impl Played {
    pub fn upto(&self) -> u32 {
        self.from + u32::try_from((self.end - self.start) / 125).unwrap()
    }
}

pub struct Carrier {
    /// One way, in microseconds.
    pub delay: u64,
    /// What becomes of the echo of the nth mark: further delays in ms, none if it is lost.
    pub fate: fn(usize) -> &'static [u64],
    /// From this time in ms on no mark comes back.
    pub dead_from: u64,
    pub heard: Vec<Played>,
    free: u64,
    waiting: Vec<(u64, Mark)>,
    echoes: Vec<(u64, Mark)>,
    marks: usize,
}

impl Default for Carrier {
    fn default() -> Self {
        Self {
            delay: 40_000,
            fate: |_| &[0],
            dead_from: u64::MAX / 2000,
            heard: Vec::new(),
            free: 0,
            waiting: Vec::new(),
            echoes: Vec::new(),
            marks: 0,
        }
    }
}

impl Carrier {
    pub fn play(&mut self, now: u64, reply: ReplyId, part: PartId, from: u32, samples: u32) {
        let start = self.free.max(now + self.delay);
        self.free = start + u64::from(samples) * 125;
        self.heard.push(Played {
            start,
            end: self.free,
            reply,
            part,
            from,
        });
    }

    pub fn mark(&mut self, now: u64, mark: Mark) {
        let due = self.free.max(now + self.delay) + self.delay;
        if due > self.dead_from * 1000 {
            return;
        }
        self.waiting.push((due, mark));
    }

    /// What would be played after the clear arrives is not heard. Answers when the marks that wait come back, at the latest.
    pub fn clear(&mut self, now: u64) -> u64 {
        let arrives = now + self.delay;
        self.heard.retain(|played| played.start < arrives);
        if let Some(last) = self.heard.last_mut() {
            last.end = last.end.min(arrives);
        }
        self.free = self.free.min(arrives);
        arrives + self.delay
    }

    /// The echoes that are on their way since the last time.
    pub fn echoes(&mut self) -> Vec<(u64, Mark)> {
        for (due, mark) in std::mem::take(&mut self.waiting) {
            for later in (self.fate)(self.marks) {
                self.echoes.push((due + later * 1000, mark));
            }
            self.marks += 1;
        }
        std::mem::take(&mut self.echoes)
    }

    /// The longest silence between two stretches of a reply, in ms.
    pub fn longest_gap(&self, reply: u32) -> u64 {
        let of: Vec<_> = self
            .heard
            .iter()
            .filter(|played| played.reply == ReplyId(reply))
            .collect();
        of.windows(2)
            .map(|pair| (pair[1].start - pair[0].end) / 1000)
            .max()
            .unwrap_or(0)
    }

    /// Whether every sample of a reply's parts was heard, each after the one before it, with repetitions allowed.
    pub fn heard_all(&self, reply: u32, lengths: &[u32]) -> bool {
        let (mut part, mut sample) = (0, 0);
        for played in self
            .heard
            .iter()
            .filter(|played| played.reply == ReplyId(reply))
        {
            let at = usize::from(played.part.0);
            if at == part + 1 && sample == lengths[part] {
                (part, sample) = (at, 0);
            }
            if at != part || played.from > sample {
                return false;
            }
            sample = sample.max(played.upto());
        }
        part + 1 == lengths.len() && sample == lengths[part]
    }

    /// When the caller heard the last of a reply, in ms.
    pub fn last_heard(&self, reply: u32) -> u64 {
        self.heard
            .iter()
            .filter(|played| played.reply == ReplyId(reply))
            .map(|played| played.end / 1000)
            .max()
            .unwrap_or(0)
    }
}
