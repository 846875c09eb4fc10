//! When the caller's turn is over, and what it was.

use crate::action::{Action, Cause, DropCause, Note, TurnEnd};
use crate::at::At;
use crate::call::Call;
use crate::caller::plain_words;
use crate::dialog::{Line, Speaker};
use crate::event::{Form, Scope, TurnHint, TurnId, Words};
use crate::owed::Before;
use crate::report::{AnsweredBy, TurnReport, Unclear};
use crate::timers::Reason;

/// Speech without words for this long is no turn, in ms.
const NO_WORDS_MS: u64 = 1000;
/// Speech without words is asked about again if it lasted this long, in ms of audio.
const ASK_AGAIN_MS: u64 = 1000;
/// The longest wait once the text matches what was expected, in ms.
const CAP_COMPLETE_MS: u64 = 400;
/// Words that come this long after a turn that ended without them belong to it, in ms.
const LATE_MS: u64 = 2000;
/// Final words that were asked for so long ago are late: a reply may be asked for with what there is.
const WORDS_LATE_MS: u64 = 400;
/// Final words that were asked for are waited for so long. Those that come later mend what the turn was taken to be.
const OWED_MS: u64 = 1000;
/// A recogniser that leads and was asked to end a turn has this long to do so, in ms.
const FORCED_MS: u64 = 400;
/// A recogniser that took the place of another has this long to have words of the turn, in ms.
const AGAIN_MS: u64 = 2000;
/// And this long to have all of them.
const ALL_AGAIN_MS: u64 = 4000;
/// The most keys of a turn.
const MOST_KEYS: usize = 64;

impl Call {
    /// Asks the recogniser for what it has, once a pause. One that leads knows pauses itself.
    pub(crate) fn finalize(&mut self) {
        if !self.turn.outlook.led {
            self.ask_for_words();
        }
    }

    fn ask_for_words(&mut self) {
        if self.turn.asked.is_none() && self.turn.flushed.is_none() {
            self.turn.asked = Some(self.now);
            self.turn.past.questioned = true;
            self.act(Action::Finalize);
        }
    }

    /// The caller's speech paused while they have the floor.
    pub(crate) fn pause_in_turn(&mut self) {
        if self.turn.started {
            self.finalize();
            self.judge_turn();
        }
    }

    pub(crate) fn on_words(&mut self, words: &Words) {
        let spoken = !words.text.trim().is_empty();
        if words.scope == Scope::Before {
            self.words_of_before(words);
            return;
        }
        if self.turn.past.late.is_some_and(|until| self.now < until) && !self.turn.spoke() {
            return;
        }
        if spoken {
            self.arm_silence();
            if self.reply_live() && !self.reply_speaking() {
                self.reopen();
            }
        }
        self.turn.take(self.now, words);
        self.weigh_guess();
        if self.reply_speaking() {
            self.words_on_floor(words);
            return;
        }
        if spoken && !self.turn.spoke() {
            self.timers.clear(Reason::Idle);
            self.turn.last_sound_at = self.now;
        }
        self.judge_turn();
    }

    pub(crate) fn on_digit(&mut self, digit: char) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        self.counts.idle = 0;
        self.timers.clear(Reason::Idle);
        self.arm_silence();
        self.drop_guess(DropCause::Key);
        if self.reply_speaking() {
            self.key_takes_floor();
        } else {
            self.reopen();
        }
        let wanted = usize::from(self.expect.keys);
        // Keys of a turn that had them all: the caller corrects them.
        if wanted > 0 && self.turn.digits.len() >= wanted {
            self.turn.digits.clear();
        }
        self.turn.started = true;
        self.turn.last_sound_at = self.now;
        let ends = digit == '#' && !self.turn.digits.is_empty();
        if !ends && self.turn.digits.len() < MOST_KEYS {
            self.turn.digits.push(digit);
        }
        if ends || (wanted > 0 && self.turn.digits.len() >= wanted) {
            self.end_turn(TurnEnd::Keys);
        } else {
            let wait = u64::from(self.spec.turn.end_wait_filler_ms);
            self.timers.clear(Reason::Turn);
            self.timers.set(Reason::Keys, self.now.plus_ms(wait));
        }
    }

    pub(crate) fn keys_due(&mut self) {
        if !self.turn.digits.is_empty() {
            self.end_turn(TurnEnd::Keys);
        }
    }

    /// Sets the time at which the turn is over, as things stand.
    pub(crate) fn judge_turn(&mut self) {
        let keys = !self.turn.digits.is_empty() && self.timers.is_set(Reason::Keys);
        let sounding = self.turn.sounding && self.turn.outlook.ended.is_none();
        self.timers.clear(Reason::Turn);
        if !self.turn.started || sounding || keys || self.fills_turn() {
            return;
        }
        let (due, _) = self.turn_verdict();
        if due <= self.now {
            self.turn_due();
        } else {
            self.wait_for_turn(due);
        }
    }

    /// The turn is not over before `due`: a reply may be asked for meanwhile, as soon as final words are late.
    fn wait_for_turn(&mut self, due: At) {
        let late = self.words_late().filter(|late| *late > self.now);
        let look = late.filter(|_| self.spec.turn.speculate);
        self.timers
            .set(Reason::Turn, look.map_or(due, |look| look.min(due)));
        self.speculate();
    }

    /// From when on the final words that were asked for are late, unless they came.
    pub(crate) fn words_late(&self) -> Option<At> {
        let asked = self.turn.asked.filter(|_| self.turn.flushed.is_none());
        asked.map(|asked| asked.plus_ms(WORDS_LATE_MS))
    }

    /// The recogniser knows something of the turn.
    pub(crate) fn on_turn_hint(&mut self, hint: TurnHint) {
        match hint {
            TurnHint::Leads(leads) => {
                self.turn.outlook.led = leads;
                self.turn.outlook.eager = false;
                self.turn.outlook.ended = None;
                // Who takes the place of one that led has not been asked about this pause.
                if !self.turn.sounding && !self.reply_speaking() {
                    self.pause_in_turn();
                }
            }
            TurnHint::Eager => self.turn.outlook.eager = self.turn.outlook.led,
            TurnHint::Resumed => {
                self.turn.outlook.eager = false;
                self.turn.outlook.ended = None;
                self.drop_guess(DropCause::Resumed);
            }
            TurnHint::Ended => {
                let counts = self.turn.outlook.led && !self.turn.text().is_empty();
                self.turn.outlook.ended = counts.then_some(self.now);
            }
            TurnHint::Again if self.turn.started => self.turn.hear_again(self.now),
            TurnHint::Again => {}
        }
        if !self.reply_speaking() {
            self.judge_turn();
        }
    }

    /// Another recogniser takes the place of one that was lost. It hears the turn from its begin on, or the one before if
    /// somebody spoke in that and no words came.
    pub(crate) fn hear_again(&mut self) {
        if self.reply_speaking() && !self.fills_turn() {
            return;
        }
        if self.counts.unheard && !self.turn.started && !self.reply_live() {
            self.timers.clear(Reason::Idle);
            self.turn.started = true;
            self.turn.spoken = true;
            self.turn.last_sound_at = self.now;
            self.turn.asked = Some(self.now);
        }
        if self.turn.started {
            self.turn.hear_again(self.now);
            self.judge_turn();
        }
    }

    /// By when a recogniser that hears the turn again, or on another connection, must be through: what it has before is not all that was said.
    fn heard_again_by(&self) -> Option<At> {
        let since = self.turn.heard_again()?;
        let bound = if self.turn.has_words() {
            ALL_AGAIN_MS
        } else {
            AGAIN_MS
        };
        self.turn.flushed.is_none().then(|| since.plus_ms(bound))
    }

    /// When the turn is over, and why; no reason means that nothing was understood.
    fn turn_verdict(&self) -> (At, Option<TurnEnd>) {
        let turn = &self.turn;
        let settings = &self.spec.turn;
        let quiet = turn.last_sound_at;
        let text = turn.text();
        let cap = u64::from(settings.end_cap_ms);
        if turn.outlook.led && !text.is_empty() {
            return self.led_verdict();
        }
        if text.is_empty() && !turn.digits.is_empty() {
            let wait = u64::from(settings.end_wait_filler_ms);
            return (quiet.plus_ms(wait), Some(TurnEnd::Keys));
        }
        if let Some(due) = self.heard_again_by()
            && due > quiet.plus_ms(cap)
        {
            return (due, None);
        }
        if text.is_empty() {
            let bound = if turn.flushed.is_some() {
                NO_WORDS_MS
            } else {
                cap.max(NO_WORDS_MS)
            };
            return (quiet.plus_ms(bound), None);
        }
        if turn.flushed.is_none() && turn.complete() {
            return (quiet.plus_ms(CAP_COMPLETE_MS), Some(TurnEnd::Cap));
        }
        let (wait, cause) = if turn.complete() {
            (settings.end_wait_complete_ms, TurnEnd::Complete)
        } else if self.expect.form == Form::Digits || self.ends_with_filler(&text) {
            (settings.end_wait_filler_ms, TurnEnd::Filler)
        } else {
            (settings.end_wait_ms, TurnEnd::Wait)
        };
        let over = quiet.plus_ms(u64::from(wait).min(cap));
        match turn.asked {
            _ if turn.flushed.is_some() => (over, Some(cause)),
            Some(asked) if !turn.is_told_whole() => {
                let bound = asked.plus_ms(OWED_MS).max(over);
                (bound.min(quiet.plus_ms(cap)), Some(TurnEnd::Cap))
            }
            Some(_) | None => (quiet.plus_ms(cap), Some(TurnEnd::Cap)),
        }
    }

    /// When a turn is over whose end the recogniser finds. What it says is about audio that is some hundred milliseconds
    /// old, so somebody who sounds by now has gone on: the words of that will come, or it is noise without any.
    fn led_verdict(&self) -> (At, Option<TurnEnd>) {
        let turn = &self.turn;
        if let Some(ended) = turn.outlook.ended.or(turn.flushed) {
            let wait = if turn.sounding { NO_WORDS_MS } else { 0 };
            return (ended.plus_ms(wait), Some(TurnEnd::Recogniser));
        }
        let due = match turn.asked {
            Some(asked) => asked.plus_ms(FORCED_MS),
            None => {
                let cap = u64::from(self.spec.turn.end_cap_ms);
                turn.last_sound_at.plus_ms(cap)
            }
        };
        (due, Some(TurnEnd::Cap))
    }

    pub(crate) fn ends_with_filler(&self, text: &str) -> bool {
        plain_words(text)
            .last()
            .is_some_and(|word| self.spec.fillers.contains(word))
    }

    /// The time set by [`Call::judge_turn`] has come.
    pub(crate) fn turn_due(&mut self) {
        match self.turn_verdict() {
            (due, _) if due > self.now => self.wait_for_turn(due),
            (_, Some(TurnEnd::Cap)) if self.turn.outlook.led && self.turn.asked.is_none() => {
                self.ask_for_words();
                self.judge_turn();
            }
            (_, Some(cause)) => self.end_turn(cause),
            (_, None) => self.no_words(),
        }
    }

    fn no_words(&mut self) {
        let span = self.turn.span_ms();
        self.weigh_unclear(span);
        // A short answer that was not understood must not be met with silence where one was asked for.
        let unheard_answer = self.expect.form != Form::Open && self.turn.run.sustained;
        // Nor one that was said while recognisers changed places.
        let unheard_again = self.turn.heard_again().is_some() && self.turn.spoken;
        let ask = span >= ASK_AGAIN_MS || self.turn.met.yielded || unheard_answer || unheard_again;
        self.counts.unheard = self.turn.spoken && !ask;
        if self.turn.run.sustained {
            self.report.unclear(Unclear {
                from: self.ear_at(self.turn.onset()),
                until: self.turn.last_sound_at,
            });
        }
        self.note(Note::NoWords {
            span_ms: u32::try_from(span).unwrap_or(u32::MAX),
        });
        let owed = Before::of(&self.turn, None);
        self.new_turn();
        self.turn.past.before = owed;
        if ask && !self.answer_by_order(None) {
            self.ask(Cause::Unclear, String::new(), String::new());
        } else if !self.reply_live() {
            self.arm_idle();
        }
    }

    /// What was heard of the caller so far is dealt with.
    pub(crate) fn new_turn(&mut self) {
        let before = self.turn.past.before.take();
        let questioned = self.turn.past.questioned;
        self.turn = self.turn.next();
        // A burst that nobody asked about is no turn: the one before is the same.
        self.turn.past.before = before.filter(|_| !questioned);
        self.callee.new_turn();
        self.timers.clear(Reason::Turn);
        self.timers.clear(Reason::Keys);
        self.act(Action::NewTurn);
    }

    fn end_turn(&mut self, cause: TurnEnd) {
        let text = self.turn.text();
        if self.weigh_turn(&text) {
            self.new_turn();
            self.arm_idle();
            return;
        }
        self.counts.turns = self.counts.turns.saturating_add(1);
        let turn = TurnId(self.counts.turns);
        let digits = std::mem::take(&mut self.turn.digits);
        let from = self.turn.carried_from().unwrap_or_else(|| {
            if self.turn.spoke() {
                self.ear_at(self.turn.onset())
            } else {
                self.turn.last_sound_at
            }
        });
        self.note(Note::Turn {
            turn,
            cause,
            waited_ms: u32::try_from(self.now.ms_since(self.turn.last_sound_at))
                .unwrap_or(u32::MAX),
        });
        let line = Line {
            speaker: Speaker::Caller,
            turn,
            reply: None,
            said: text.clone(),
            heard: text.clone(),
            digits: digits.clone(),
            from: from.min(self.turn.last_sound_at),
            until: self.turn.last_sound_at,
            cut: false,
        };
        let filled = self.turn.filled_since_sound();
        match filled {
            Some(at) => self.dialog.push_before(at, line),
            None => self.dialog.push(line),
        }
        self.report.turns.push(TurnReport {
            audible: filled,
            answered_by: filled.map(|_| AnsweredBy::Filler),
            finalized: self.turn.asked,
            words: self.turn.flushed.or(self.turn.outlook.ended),
            ..TurnReport::of(turn, cause, self.turn.last_sound_at, self.now)
        });
        self.counts.resumes = 0;
        self.counts.idle = 0;
        self.counts.unheard = false;
        let owed = Before::of(&self.turn, Some(turn));
        // One that leads says of which turn its words are.
        let late = (!self.turn.outlook.led).then(|| self.now.plus_ms(LATE_MS));
        self.new_turn();
        self.turn.past.before = owed;
        self.turn.past.late = late;
        if !self.answer_by_order(Some(turn)) && !self.answer_itself() && !self.promote(&text) {
            self.ask(Cause::Answer, text, digits);
        }
    }
}
