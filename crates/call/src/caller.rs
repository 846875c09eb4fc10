//! The caller's turn as it stands: what was heard of it so far.

use crate::at::{At, Ear};
use crate::event::{Firmness, Scope, Words};
use crate::owed::Before;

#[derive(Clone, Debug, Default)]
pub(crate) struct CallerTurn {
    /// Something happened in it.
    pub(crate) started: bool,
    /// Energetic speech, with no lull since.
    pub(crate) sounding: bool,
    pub(crate) run: Run,
    /// Somebody certainly spoke in it: a run of speech was sustained.
    pub(crate) spoken: bool,
    pub(crate) met: Met,
    /// Where its speech began.
    onset: Option<Ear>,
    /// Its last sound.
    pub(crate) last_sound: Ear,
    pub(crate) last_sound_at: At,
    /// The recogniser was asked for its words, and speech has not gone on since.
    pub(crate) asked: Option<At>,
    /// It answered.
    pub(crate) flushed: Option<At>,
    pub(crate) outlook: Outlook,
    pub(crate) past: Past,
    carried: Carried,
    words: Recognised,
    pub(crate) digits: String,
}

/// How it was met before it was over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Met {
    /// The caller took the floor in it.
    pub(crate) yielded: bool,
    /// They were asked for patience in it,
    pub(crate) filled: bool,
    /// and heard that from then on.
    pub(crate) filled_at: Option<At>,
}

/// Speech since its last onset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// It spans `sustain_ms`.
    pub(crate) sustained: bool,
    /// It spans `yield_ms`.
    pub(crate) prolonged: bool,
}

/// What is believed of the turn's end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outlook {
    /// The recogniser says when it ends.
    pub(crate) led: bool,
    /// It thinks that the turn may be over.
    pub(crate) eager: bool,
    /// It said that the turn is over.
    pub(crate) ended: Option<At>,
    /// How often the responder was asked before the end.
    pub(crate) guesses: u8,
}

/// What is still to come of turns before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// Until then words that come without speech belong to the turn before.
    pub(crate) late: Option<At>,
    /// What the recogniser owes to the turn before.
    pub(crate) before: Option<Before>,
    /// The recogniser was asked about this turn: nothing comes of older ones once it is over.
    pub(crate) questioned: bool,
}

/// What was said before in a turn that was reopened.
#[derive(Clone, Debug, Default)]
struct Carried {
    text: String,
    from: Option<At>,
}

/// What the recogniser has of a turn.
#[derive(Clone, Debug, Default)]
struct Recognised {
    settled: String,
    interim: String,
    complete: bool,
    /// They were told for the whole turn at once.
    whole: bool,
    /// Since when a recogniser that took the place of another hears the turn again.
    again: Option<At>,
}

impl CallerTurn {
    /// The next turn.
    pub(crate) fn next(&self) -> Self {
        Self {
            outlook: Outlook {
                led: self.outlook.led,
                ..Outlook::default()
            },
            ..Self::default()
        }
    }

    /// The same turn, going on with what was said before.
    pub(crate) fn carry(&mut self, text: String, digits: String, from: At) {
        self.started = true;
        self.words.complete = false;
        self.carried = Carried {
            text,
            from: Some(from),
        };
        self.digits.insert_str(0, &digits);
    }

    /// What is final of its words, with what it carries.
    pub(crate) fn settled(&self) -> String {
        let mut text = self.carried.text.clone();
        join(&mut text, &self.words.settled);
        text
    }

    /// When the turn began that was reopened.
    pub(crate) fn carried_from(&self) -> Option<At> {
        self.carried.from
    }

    /// What was said before it was reopened was this.
    pub(crate) fn carry_rather(&mut self, text: &str) {
        text.clone_into(&mut self.carried.text);
    }

    /// This was said before all that the recogniser has of it.
    pub(crate) fn precede(&mut self, text: &str) {
        self.started = true;
        self.words.complete = false;
        join(&mut self.carried.text, text);
    }

    /// Whether the recogniser has any words of it, apart from what it carries.
    pub(crate) fn has_words(&self) -> bool {
        !(self.words.settled.is_empty() && self.words.interim.is_empty())
    }

    /// Whether the recogniser tells its words for the whole turn at once, and nothing of it once that is over.
    pub(crate) fn is_told_whole(&self) -> bool {
        self.words.whole
    }

    /// Whether its words are a whole sentence of what was expected.
    pub(crate) fn complete(&self) -> bool {
        self.words.complete
    }

    /// Speech began, or goes on.
    pub(crate) fn sound(&mut self, sample: Ear) {
        if !self.spoke() {
            self.onset = Some(sample);
        }
        self.started = true;
        self.sounding = true;
        self.last_sound = self.last_sound.max(sample);
        self.asked = None;
        self.flushed = None;
    }

    /// Whether the detector heard speech in it.
    pub(crate) fn spoke(&self) -> bool {
        self.onset.is_some()
    }

    pub(crate) fn onset(&self) -> Ear {
        self.onset.unwrap_or_default()
    }

    /// The words so far say nothing.
    pub(crate) fn forget_words(&mut self) {
        self.words = Recognised {
            again: self.words.again,
            ..Recognised::default()
        };
        self.started = !self.digits.is_empty();
    }

    /// Since when the caller was heard to be asked for patience, if they were silent from then on.
    pub(crate) fn filled_since_sound(&self) -> Option<At> {
        self.met.filled_at.filter(|at| *at >= self.last_sound_at)
    }

    /// Speech paused.
    pub(crate) fn quiet(&mut self, sample: Ear, at: At) {
        self.sounding = false;
        self.last_sound = self.last_sound.max(sample);
        self.last_sound_at = at;
    }

    pub(crate) fn take(&mut self, at: At, words: &Words) {
        let text = words.text.trim();
        let Recognised {
            settled, interim, ..
        } = &mut self.words;
        match (words.scope, words.firmness) {
            (Scope::Before, _) => return,
            (Scope::Turn, Firmness::Interim) => {
                settled.clear();
                text.clone_into(interim);
            }
            (Scope::Turn, Firmness::Final | Firmness::Flushed) => {
                interim.clear();
                text.clone_into(settled);
            }
            (Scope::Segment, Firmness::Interim) => text.clone_into(interim),
            (Scope::Segment, Firmness::Final | Firmness::Flushed) => {
                interim.clear();
                join(settled, text);
            }
        }
        self.words.whole = words.scope == Scope::Turn;
        self.words.complete = words.complete && !text.is_empty() && self.carried.text.is_empty();
        self.started |= !text.is_empty();
        if words.firmness == Firmness::Interim && !text.is_empty() {
            self.outlook.ended = None;
        }
        // An answer that comes when speech went on after the question was asked is not all there is.
        if words.firmness == Firmness::Flushed && self.asked.is_some() {
            self.flushed = Some(at);
        }
    }

    /// Another recogniser hears it from its begin on.
    pub(crate) fn hear_again(&mut self, at: At) {
        self.words.again = Some(at);
    }

    /// Since when a recogniser that took the place of another hears it again.
    pub(crate) fn heard_again(&self) -> Option<At> {
        self.words.again
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.carried.text.clone();
        join(&mut text, &self.words.settled);
        join(&mut text, &self.words.interim);
        text
    }

    pub(crate) fn span_ms(&self) -> u64 {
        self.last_sound.ms_since(self.onset())
    }
}

pub(crate) fn join(text: &mut String, more: &str) {
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
