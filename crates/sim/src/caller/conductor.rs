//! Carries a script out, step by step: pure, with the call's clock as argument.

use std::collections::VecDeque;
use std::sync::Arc;

use super::callee::is_tone;
use super::clip::Clip;
use super::mouth::Utterance;
use super::script::{Action, Step};
use crate::watch::{QUIET_SAMPLES, Reply, ReplyWatch};

/// Samples in a millisecond.
const MS: u64 = 8;
/// From key to key: four a second.
const KEY_SAMPLES: u64 = 250 * MS;

const UNHEARD: &str = "no reply was heard to its end";

/// What the caller is to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Says it.
    Speak(Arc<Clip>),
    /// Presses a key.
    Press(char),
    /// Hangs up.
    HangUp,
}

/// What the caller knows at this moment. Times are samples of the call.
#[derive(Debug)]
pub struct Senses<'a> {
    /// Now.
    pub now: u64,
    /// Something is being said.
    pub speaking: bool,
    /// What was said last, or is being said.
    pub last: Option<&'a Utterance>,
    /// What is heard.
    pub heard: &'a ReplyWatch,
    /// When the server cleared its audio.
    pub clears: &'a [u64],
}

/// A script on its way.
#[derive(Debug)]
pub struct Conductor {
    steps: VecDeque<Step<Arc<Clip>>>,
    /// When the first of them became the present one.
    entered: u64,
    /// When a key was pressed last.
    pressed: u64,
    /// The present step's own progress: it has begun to speak, or so many keys were pressed.
    begun: usize,
    failures: Vec<String>,
    /// Lines that were still to be spoken when the call ended.
    unsaid: usize,
    /// More steps may come: the caller waits for them when there are none.
    open: bool,
    finished: bool,
}

impl Conductor {
    /// A script that begins with the call.
    #[must_use]
    pub fn new(steps: Vec<Step<Arc<Clip>>>) -> Self {
        Self {
            steps: steps.into(),
            entered: 0,
            pressed: 0,
            begun: 0,
            failures: Vec::new(),
            unsaid: 0,
            open: false,
            finished: false,
        }
    }

    /// A script that is still being written: with no step left the caller stays on the line.
    #[must_use]
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::new(Vec::new())
        }
    }

    /// Adds a step.
    pub fn push(&mut self, step: Step<Arc<Clip>>) {
        self.steps.push_back(step);
    }

    /// Goes on as far as possible; called every 20 ms.
    pub fn tick(&mut self, senses: &Senses<'_>) -> Vec<Deed> {
        let mut deeds = Vec::new();
        while !self.finished {
            let Some(step) = self.steps.front().cloned() else {
                self.entered = senses.now;
                if self.open {
                    break;
                }
                self.finished = true;
                deeds.push(Deed::HangUp);
                break;
            };
            if !self.perform(&step, senses, &mut deeds) {
                break;
            }
            self.steps.pop_front();
            self.entered = senses.now;
            self.begun = 0;
        }
        deeds
    }

    /// Tells that the call is over. What was still to do is a failure, unless the end was expected. A machine that makes its tone
    /// expects it already then.
    pub fn call_ended(&mut self) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let begun = usize::from(self.begun > 0);
        let waiting = self.steps.iter().skip(begun);
        let lines = waiting.filter(|step| matches!(step.action, Action::Speak(_)));
        self.unsaid = lines.count();
        let is_end = |step: &Step<_>| matches!(step.action, Action::ExpectEnd { .. });
        if begun > 0 && self.steps.get(1).is_some_and(is_end) {
            let is_tone = |step: &mut Step<Arc<Clip>>| matches!(&step.action, Action::Speak(clip) if is_tone(&clip.said));
            self.steps.pop_front_if(is_tone);
        }
        match self.steps.pop_front() {
            None => {}
            Some(step) if matches!(step.action, Action::ExpectEnd { .. }) => {
                if let Some(next) = self.steps.front() {
                    let what = format!("the call ended before {}", place(next));
                    self.failures.push(what);
                }
            }
            Some(step) if matches!(step.action, Action::Listen { .. }) && self.unsaid == 0 => {}
            Some(step) => {
                let what = format!("the call ended at {}", place(&step));
                self.failures.push(what);
            }
        }
    }

    /// The expectations that were not met.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many lines were still to be spoken when the call ended.
    #[must_use]
    pub fn unsaid(&self) -> usize {
        self.unsaid
    }

    /// Works on a step; true when it is done.
    fn perform(
        &mut self,
        step: &Step<Arc<Clip>>,
        senses: &Senses<'_>,
        deeds: &mut Vec<Deed>,
    ) -> bool {
        let waited = senses.now - self.entered;
        match &step.action {
            Action::Speak(clip) => self.speak(clip, senses, deeds),
            Action::BargeIn { after_ms, sound } => {
                let due = senses
                    .heard
                    .current()
                    .is_some_and(|reply| senses.now >= reply.begins + after_ms * MS);
                (self.begun > 0 || due) && self.speak(sound, senses, deeds)
            }
            Action::WaitReply { timeout_ms } => {
                let heard = reply_is_over(senses, self.pressed);
                self.met(heard, waited, *timeout_ms, step, UNHEARD)
            }
            Action::Listen { timeout_ms } => {
                self.met(quiet_again(senses), waited, *timeout_ms, step, UNHEARD)
            }
            Action::Pause { ms } => waited >= ms * MS,
            Action::Digits(digits) => self.press(digits, senses.now, deeds),
            Action::HangUp => {
                deeds.push(Deed::HangUp);
                self.finished = true;
                false
            }
            Action::ExpectAudio { within_ms } => {
                let audible = senses.heard.current().is_some();
                self.met(audible, waited, *within_ms, step, "nothing was audible")
            }
            Action::ExpectClear { within_ms } => self.expect_clear(*within_ms, senses, step),
            Action::ExpectNoClear { for_ms } => {
                if let Some(clear) = clear_since_last_sound(senses) {
                    let late_ms = clear.saturating_sub(first_sound(senses)) / MS;
                    self.fail(step, &format!("a clear came after {late_ms} ms"));
                    return true;
                }
                waited >= for_ms * MS
            }
            Action::ExpectEnd { within_ms } => {
                self.met(false, waited, *within_ms, step, "the call did not end")
            }
        }
    }

    fn speak(&mut self, clip: &Arc<Clip>, senses: &Senses<'_>, deeds: &mut Vec<Deed>) -> bool {
        if self.begun == 0 {
            self.begun = 1;
            deeds.push(Deed::Speak(Arc::clone(clip)));
            return false;
        }
        !senses.speaking
    }

    fn press(&mut self, digits: &str, now: u64, deeds: &mut Vec<Deed>) -> bool {
        let waited = now - self.entered;
        let keys: Vec<char> = digits.chars().skip(self.begun).collect();
        for digit in keys {
            if waited < self.begun as u64 * KEY_SAMPLES {
                return false;
            }
            deeds.push(Deed::Press(digit));
            self.pressed = now;
            self.begun += 1;
        }
        true
    }

    fn expect_clear(
        &mut self,
        within_ms: u64,
        senses: &Senses<'_>,
        step: &Step<Arc<Clip>>,
    ) -> bool {
        let from = first_sound(senses);
        match clear_since_last_sound(senses) {
            Some(clear) if clear <= from + within_ms * MS => true,
            Some(clear) => {
                self.fail(
                    step,
                    &format!("the clear came after {} ms", (clear - from) / MS),
                );
                true
            }
            None if senses.now > from + within_ms * MS => {
                self.fail(step, &format!("no clear came within {within_ms} ms"));
                true
            }
            None => false,
        }
    }

    fn met(
        &mut self,
        met: bool,
        waited: u64,
        limit_ms: u64,
        step: &Step<Arc<Clip>>,
        otherwise: &str,
    ) -> bool {
        if !met && waited >= limit_ms * MS {
            self.fail(step, &format!("{otherwise} within {limit_ms} ms"));
            return true;
        }
        met
    }

    fn fail(&mut self, step: &Step<Arc<Clip>>, what: &str) {
        self.failures.push(format!("{}: {what}", place(step)));
    }
}

fn place<S>(step: &Step<S>) -> String {
    let name = match step.action {
        Action::Speak(_) => "speaking",
        Action::BargeIn { .. } => "barge_in",
        Action::WaitReply { .. } => "wait_reply",
        Action::Listen { .. } => "listening",
        Action::Pause { .. } => "pause_ms",
        Action::Digits(_) => "digits",
        Action::HangUp => "hang_up",
        Action::ExpectAudio { .. } => "expect_audio",
        Action::ExpectClear { .. } => "expect_clear_within_ms",
        Action::ExpectNoClear { .. } => "expect_no_clear",
        Action::ExpectEnd { .. } => "expect_end",
    };
    match step.line {
        0 => name.to_owned(),
        line => format!("line {line} ({name})"),
    }
}

/// When the caller's last utterance was first audible; the beginning of the call before any.
fn first_sound(senses: &Senses<'_>) -> u64 {
    senses.last.map_or(0, Utterance::first_sound)
}

fn clear_since_last_sound(senses: &Senses<'_>) -> Option<u64> {
    let from = first_sound(senses);
    senses.clears.iter().copied().find(|&clear| clear >= from)
}

/// A reply began after the last sound and the last key of the caller, was not thrown away, and there has been quiet
/// since.
fn reply_is_over(senses: &Senses<'_>, pressed: u64) -> bool {
    let after = senses.last.map_or(0, Utterance::last_sound).max(pressed);
    let answers = |reply: &Reply| {
        reply.begins >= after && !reply.cleared && senses.now >= reply.ends + QUIET_SAMPLES
    };
    senses.heard.current().is_none() && senses.heard.ended().last().is_some_and(answers)
}

/// A reply that ended after the caller's last words had begun was not thrown away, and there has been quiet since.
fn quiet_again(senses: &Senses<'_>) -> bool {
    let spoke = first_sound(senses);
    let answers = |reply: &Reply| {
        reply.ends >= spoke && !reply.cleared && senses.now >= reply.ends + QUIET_SAMPLES
    };
    senses.heard.current().is_none() && senses.heard.ended().last().is_some_and(answers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
