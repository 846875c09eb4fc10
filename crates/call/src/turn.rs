//! When the caller's turn is over, and what it was.

use crate::action::{Action, Cause, Note, TurnEnd};
use crate::at::At;
use crate::call::Call;
use crate::caller::{CallerTurn, Late, plain_words};
use crate::dialog::{Line, Speaker};
use crate::event::{Firmness, Form, TurnId, Words};
use crate::mode::Reply;
use crate::report::{TurnReport, Unclear};
use crate::timers::Reason;

/// Speech without words for this long is no turn, in ms.
const NO_WORDS_MS: u64 = 1000;
/// Speech without words is asked about again if it lasted this long, in ms of audio.
const ASK_AGAIN_MS: u64 = 1000;
/// The longest wait once the text matches what was expected, in ms.
const CAP_COMPLETE_MS: u64 = 400;
/// Words that come this long after a turn that ended without them belong to it, in ms.
const LATE_MS: u64 = 2000;
/// The most keys of a turn.
const MOST_KEYS: usize = 64;

impl Call {
    /// Asks the recogniser for what it has, once a pause.
    pub(crate) fn finalize(&mut self) {
        if self.turn.asked.is_none() && self.turn.flushed.is_none() {
            self.turn.asked = Some(self.now);
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
        if let Some(late) = self.turn.late
            && self.now < late.until
            && !self.turn.spoke()
        {
            self.late_words(words, late);
            return;
        }
        if spoken {
            self.arm_silence();
            if self.reply_live() && !self.reply_speaking() {
                self.reopen();
            }
        }
        self.turn.take(self.now, words);
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

    /// Words of the turn before. If it ended without its last words, they replace what it was taken to be, as long as
    /// nothing of its reply was sent.
    fn late_words(&mut self, words: &Words, late: Late) {
        if !late.owed || words.firmness != Firmness::Flushed {
            return;
        }
        self.turn.late = Some(Late {
            owed: false,
            ..late
        });
        let Some((_, text, _)) = self.mode.live().and_then(Reply::answers) else {
            return;
        };
        let news = plain_words(&words.text);
        if news.is_empty() || news == plain_words(&text) || self.reply_speaking() {
            return;
        }
        let last_sound = self.report.turns.last().map(|report| report.last_sound);
        self.reopen();
        self.turn.last_sound_at = last_sound.unwrap_or(self.now);
        self.turn.drop_carried_text();
        self.turn.asked = Some(self.now);
        self.turn.take(self.now, words);
        self.judge_turn();
    }

    pub(crate) fn on_digit(&mut self, digit: char) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        self.counts.idle = 0;
        self.timers.clear(Reason::Idle);
        self.arm_silence();
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
        if !self.turn.started || self.turn.sounding || keys {
            self.timers.clear(Reason::Turn);
            return;
        }
        let (due, _) = self.turn_verdict();
        self.timers.set(Reason::Turn, due.max(self.now));
        if due <= self.now {
            self.timers.clear(Reason::Turn);
            self.turn_due();
        }
    }

    /// When the turn is over, and why; no reason means that nothing was said.
    fn turn_verdict(&self) -> (At, Option<TurnEnd>) {
        let turn = &self.turn;
        let settings = &self.spec.turn;
        let quiet = turn.last_sound_at;
        let text = turn.text();
        let cap = u64::from(settings.end_cap_ms);
        if text.is_empty() && !turn.digits.is_empty() {
            let wait = u64::from(settings.end_wait_filler_ms);
            return (quiet.plus_ms(wait), Some(TurnEnd::Keys));
        }
        if text.is_empty() {
            let bound = if turn.flushed.is_some() {
                NO_WORDS_MS
            } else {
                cap.max(NO_WORDS_MS)
            };
            return (quiet.plus_ms(bound), None);
        }
        if turn.flushed.is_none() {
            let cap = if turn.complete() {
                CAP_COMPLETE_MS
            } else {
                cap
            };
            return (quiet.plus_ms(cap), Some(TurnEnd::Cap));
        }
        let (wait, cause) = if turn.complete() {
            (settings.end_wait_complete_ms, TurnEnd::Complete)
        } else if self.expect.form == Form::Digits || self.ends_with_filler(&text) {
            (settings.end_wait_filler_ms, TurnEnd::Filler)
        } else {
            (settings.end_wait_ms, TurnEnd::Wait)
        };
        (quiet.plus_ms(u64::from(wait).min(cap)), Some(cause))
    }

    fn ends_with_filler(&self, text: &str) -> bool {
        plain_words(text)
            .last()
            .is_some_and(|word| self.spec.fillers.contains(word))
    }

    /// The time set by [`Call::judge_turn`] has come.
    pub(crate) fn turn_due(&mut self) {
        match self.turn_verdict() {
            (due, _) if due > self.now => self.timers.set(Reason::Turn, due),
            (_, Some(cause)) => self.end_turn(cause),
            (_, None) => self.no_words(),
        }
    }

    fn no_words(&mut self) {
        let span = self.turn.span_ms();
        // A short answer that was not understood must not be met with silence where one was asked for.
        let unheard_answer = self.expect.form != Form::Open && self.turn.sustained;
        let ask = span >= ASK_AGAIN_MS || self.turn.yielded || unheard_answer;
        if self.turn.sustained {
            self.report.unclear(Unclear {
                from: self.ear_at(self.turn.onset()),
                until: self.turn.last_sound_at,
            });
        }
        self.note(Note::NoWords {
            span_ms: u32::try_from(span).unwrap_or(u32::MAX),
        });
        self.new_turn();
        if ask {
            self.ask(Cause::Unclear, String::new(), String::new());
        } else if !self.reply_live() {
            self.arm_idle();
        }
    }

    /// What was heard of the caller so far is dealt with.
    pub(crate) fn new_turn(&mut self) {
        self.turn = CallerTurn::default();
        self.timers.clear(Reason::Turn);
        self.timers.clear(Reason::Keys);
        self.act(Action::NewTurn);
    }

    fn end_turn(&mut self, cause: TurnEnd) {
        self.counts.turns = self.counts.turns.saturating_add(1);
        let turn = TurnId(self.counts.turns);
        let text = self.turn.text();
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
        self.dialog.push(Line {
            speaker: Speaker::Caller,
            turn,
            reply: None,
            said: text.clone(),
            heard: text.clone(),
            digits: digits.clone(),
            from: from.min(self.turn.last_sound_at),
            until: self.turn.last_sound_at,
            cut: false,
        });
        self.report.turns.push(TurnReport {
            turn,
            cause,
            last_sound: self.turn.last_sound_at,
            finalized: self.turn.asked,
            words: self.turn.flushed,
            ended: self.now,
            text: None,
            speech: None,
            audible: None,
        });
        self.counts.resumes = 0;
        self.counts.idle = 0;
        let late = Late {
            until: self.now.plus_ms(LATE_MS),
            owed: self.turn.asked.is_some() && self.turn.flushed.is_none() && !self.turn.carries(),
        };
        self.new_turn();
        self.turn.late = Some(late);
        self.ask(Cause::Answer, text, digits);
    }
}
