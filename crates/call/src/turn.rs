//! The caller's turn: what was heard of it, and when it is over.

use crate::action::{Action, Cause, Note, TurnEnd};
use crate::at::{At, Ear};
use crate::call::Call;
use crate::dialog::{Line, Speaker};
use crate::event::{Firmness, Form, Scope, TurnId, Words};
use crate::report::TurnReport;
use crate::timers::Reason;

/// Speech without words for this long is no turn, in ms.
const NO_WORDS_MS: u64 = 1000;
/// Speech without words is asked about again if it lasted this long, in ms of audio.
const ASK_AGAIN_MS: u64 = 1000;
/// The longest wait once the text matches what was expected, in ms.
const CAP_COMPLETE_MS: u64 = 400;
/// The most keys of a turn.
const MOST_KEYS: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct CallerTurn {
    /// Something happened in it.
    pub(crate) started: bool,
    /// Energetic speech, with no lull since.
    pub(crate) sounding: bool,
    /// The speech of this run spans `sustain_ms`.
    pub(crate) sustained: bool,
    /// The speech of this run spans `yield_ms`.
    pub(crate) prolonged: bool,
    /// The caller took the floor in it.
    pub(crate) yielded: bool,
    /// Where its speech began.
    pub(crate) onset: Ear,
    /// Its last sound.
    pub(crate) last_sound: Ear,
    pub(crate) last_sound_at: At,
    asked: Option<At>,
    flushed: Option<At>,
    carried: String,
    settled: String,
    interim: String,
    complete: bool,
    digits: String,
}

impl CallerTurn {
    /// The same speech, going on with what was said before it.
    pub(crate) fn carry(&mut self, text: String, digits: String) {
        self.started = true;
        self.carried = text;
        self.digits = digits;
    }

    /// Speech began, or goes on.
    pub(crate) fn sound(&mut self, sample: Ear) {
        if !self.started || self.onset == Ear::default() {
            self.onset = sample;
        }
        self.started = true;
        self.sounding = true;
        self.last_sound = self.last_sound.max(sample);
        self.asked = None;
        self.flushed = None;
    }

    /// Speech paused.
    pub(crate) fn quiet(&mut self, sample: Ear, at: At) {
        self.sounding = false;
        self.last_sound = self.last_sound.max(sample);
        self.last_sound_at = at;
    }

    fn take(&mut self, at: At, words: &Words) {
        let text = words.text.trim();
        match (words.scope, words.firmness) {
            (Scope::Turn, Firmness::Interim) => {
                self.settled.clear();
                text.clone_into(&mut self.interim);
            }
            (Scope::Turn, Firmness::Final | Firmness::Flushed) => {
                self.interim.clear();
                text.clone_into(&mut self.settled);
            }
            (Scope::Segment, Firmness::Interim) => text.clone_into(&mut self.interim),
            (Scope::Segment, Firmness::Final | Firmness::Flushed) => {
                self.interim.clear();
                join(&mut self.settled, text);
            }
        }
        self.complete = words.complete && !text.is_empty() && self.carried.is_empty();
        self.started |= !text.is_empty();
        if words.firmness == Firmness::Flushed {
            self.flushed = Some(at);
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.carried.clone();
        join(&mut text, &self.settled);
        join(&mut text, &self.interim);
        text
    }

    fn span_ms(&self) -> u64 {
        self.last_sound.ms_since(self.onset)
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// The words of a text, lower case, hyphens as spaces, without punctuation.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '-')
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric() || *c == '\'')
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

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
        self.turn.take(self.now, words);
        if self.words_on_floor(words) {
            return;
        }
        if self.reply_unheard() {
            return;
        }
        if self.turn.started && !words.text.trim().is_empty() && !self.turn.sounding {
            self.timers.clear(Reason::Idle);
            if self.turn.last_sound_at == At::default() {
                self.turn.last_sound_at = self.now;
            }
        }
        self.judge_turn();
    }

    pub(crate) fn on_digit(&mut self, digit: char) {
        self.idle = 0;
        self.timers.clear(Reason::Idle);
        if self.reply_unheard() {
            self.key_takes_floor();
        } else {
            self.reopen();
        }
        self.turn.started = true;
        self.turn.last_sound_at = self.now;
        let ends = digit == '#' && !self.turn.digits.is_empty();
        if !ends && self.turn.digits.len() < MOST_KEYS {
            self.turn.digits.push(digit);
        }
        let wanted = usize::from(self.expect.keys);
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
        if text.is_empty() {
            let bound = if turn.flushed.is_some() {
                NO_WORDS_MS
            } else {
                cap.max(NO_WORDS_MS)
            };
            return (quiet.plus_ms(bound), None);
        }
        if turn.flushed.is_none() {
            let cap = if turn.complete { CAP_COMPLETE_MS } else { cap };
            return (quiet.plus_ms(cap), Some(TurnEnd::Cap));
        }
        let (wait, cause) = if turn.complete {
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
        let ask = span >= ASK_AGAIN_MS || self.turn.yielded;
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
        self.turns += 1;
        let turn = TurnId(self.turns);
        let text = self.turn.text();
        let digits = std::mem::take(&mut self.turn.digits);
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
            from: self.ear_at(self.turn.onset),
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
        self.resumes = 0;
        self.idle = 0;
        self.new_turn();
        self.ask(Cause::Answer, text, digits);
    }
}
