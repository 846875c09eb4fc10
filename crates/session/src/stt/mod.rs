//! What hears: one file per engine, and the list in which they stand in for one another.

mod deepgram;
#[cfg(test)]
mod deepgram_tests;
#[cfg(test)]
mod fall_back_tests;
#[cfg(test)]
mod fault_tests;
mod flux;
#[cfg(test)]
mod flux_tests;
mod languages;
mod listening;
mod nova;
mod pocketsphinx;
mod sent;
mod stream;
mod trial;
mod trouble;
mod unanswered;

use std::collections::VecDeque;

use ringback_audio::ring::EarRing;
use ringback_call::{Edge, Firmness, Party, SAMPLES_PER_MS, Scope, TurnHint, Usage, Words};
use ringback_speech::grammar::Expect;
use ringback_speech::recognizer::Recognized;

use crate::engines::Engines;
use crate::provided::Sender;
use crate::scenario::SttEngine;

pub(crate) use deepgram::Deepgram;
pub(crate) use languages::{MULTI, hears, nova_code};
pub(crate) use pocketsphinx::Local;
pub(crate) use stream::{Heard, Stream};

/// A recogniser of one call.
pub(crate) enum Stt {
    /// A decoder of this machine.
    Local(Local),
    /// A provider that is sent the whole of the caller's audio.
    Stream {
        stream: Stream,
        /// As the provider names it.
        model: String,
    },
}

impl Stt {
    /// What it was used for since this was asked last; nothing for one of this machine.
    fn take_usage(&mut self) -> Option<Usage> {
        let Self::Stream { stream, model } = self else {
            return None;
        };
        let audio_ms = stream.take_sent() / SAMPLES_PER_MS;
        (audio_ms > 0).then(|| Usage {
            audio_ms,
            ..Usage::of(Party::Stt, "deepgram", &*model)
        })
    }
}

/// What providers have settled of this turn: another that takes over does not hear it again.
#[derive(Debug, Default)]
struct Settled {
    text: String,
    /// Where it ends in the ear.
    until: u64,
}

impl Settled {
    fn add(&mut self, words: &Words, until: u64) {
        if words.firmness == Firmness::Interim || words.text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&words.text);
        self.until = self.until.max(until);
    }

    /// The words of one that answers for the whole turn, though it heard only the rest of it.
    fn before(&self, words: Words) -> Words {
        if self.text.is_empty() || words.scope != Scope::Turn {
            return words;
        }
        Words {
            text: format!("{} {}", self.text, words.text)
                .trim_end()
                .to_owned(),
            complete: false,
            ..words
        }
    }
}

/// What hears one call: a recogniser, and those that take its place when it is lost. Dropping it gives it back.
pub(crate) struct Ears {
    current: Option<Stt>,
    /// Which of the call's recognisers it is, counted from 0.
    engine: u32,
    rest: VecDeque<SttEngine>,
    language: String,
    expected: Expect,
    /// A question waits for its answer.
    asked: bool,
    turn_from: u64,
    /// Somebody spoke in this turn, and words came of it.
    spoke: bool,
    worded: bool,
    /// Where speech before this turn begins of which no words came.
    unheard_from: Option<u64>,
    settled: Settled,
    /// Those that heard words, in order.
    served: Vec<&'static str>,
    /// What recognisers that were lost did, as far as it is not told yet.
    used: Vec<Usage>,
}

impl Ears {
    /// No recogniser: callers answer by keypad.
    pub(crate) fn none() -> Self {
        Self::new(None, VecDeque::new(), String::new())
    }

    /// A recogniser that was started as the first, with those that follow it.
    pub(crate) fn new(first: Option<Stt>, rest: VecDeque<SttEngine>, language: String) -> Self {
        if let Some(Stt::Stream { stream, .. }) = &first
            && !rest.is_empty()
        {
            stream.relieve();
        }
        Self {
            current: first,
            engine: 0,
            rest,
            language,
            expected: Expect::Open,
            asked: false,
            turn_from: 0,
            spoke: false,
            worded: false,
            unheard_from: None,
            settled: Settled::default(),
            served: Vec::new(),
            used: Vec::new(),
        }
    }

    /// Those that heard words, in order, as records name them.
    pub(crate) fn served(&self) -> &[&'static str] {
        &self.served
    }

    /// As records name it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.current {
            Some(Stt::Local(_)) => "pocketsphinx",
            Some(Stt::Stream { .. }) => "deepgram",
            None => "keypad",
        }
    }

    /// Whether another recogniser may take over in the middle of a turn.
    pub(crate) fn may_change(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Whether what listens finds the ends of turns itself.
    pub(crate) fn leads(&self) -> bool {
        match &self.current {
            Some(Stt::Stream { stream, .. }) => stream.leads(),
            Some(Stt::Local(_)) | None => false,
        }
    }

    /// What providers did since this was asked last.
    pub(crate) fn take_usage(&mut self) -> Vec<Usage> {
        let mut used = std::mem::take(&mut self.used);
        used.extend(self.current.as_mut().and_then(Stt::take_usage));
        used
    }

    /// What is expected of the caller next. A provider hears anything.
    pub(crate) fn expect(&mut self, engines: &Engines, expect: &Expect) {
        self.expected = expect.clone();
        if let Some(Stt::Local(local)) = &mut self.current
            && let Some(grammar) = engines.grammar(expect)
        {
            local.expect(grammar);
        }
    }

    /// The detector found an edge.
    pub(crate) fn edge(&mut self, edge: Edge, sample: u64) {
        self.spoke |= edge == Edge::Sustained;
        if let Some(Stt::Local(local)) = &mut self.current {
            local.edge(edge, sample);
        }
    }

    /// Feeds what has come together.
    pub(crate) fn feed(&mut self, ring: &EarRing) {
        match &mut self.current {
            Some(Stt::Local(local)) => local.feed(ring),
            Some(Stt::Stream { stream, .. }) => stream.feed(ring),
            None => {}
        }
    }

    /// Asks for the words of the turn so far. False if there is nothing to ask about.
    pub(crate) fn finalize(&mut self, ring: &EarRing) -> bool {
        let asked = match &mut self.current {
            Some(Stt::Local(local)) => local.finalize(ring),
            Some(Stt::Stream { stream, .. }) => stream.finalize(ring),
            None => false,
        };
        self.asked = asked;
        asked
    }

    /// What comes next is another turn.
    pub(crate) fn new_turn(&mut self, ring: &EarRing) {
        self.asked = false;
        let unheard = self.spoke && !self.worded;
        self.unheard_from = unheard.then(|| {
            self.unheard_from
                .map_or(self.turn_from, |from| from.min(self.turn_from))
        });
        (self.spoke, self.worded) = (false, false);
        self.settled = Settled::default();
        self.turn_from = ring.end();
        match &mut self.current {
            Some(Stt::Local(local)) => local.new_turn(ring),
            Some(Stt::Stream { stream, .. }) => stream.new_turn(ring),
            None => {}
        }
    }

    /// The words in what a decoder said, if they are of this turn; or why it failed.
    pub(crate) fn recognized(&mut self, recognized: Recognized) -> Result<Option<Words>, String> {
        match &self.current {
            Some(Stt::Local(local)) => {
                let words = local.words(recognized)?;
                let words = words.map(|words| self.settled.before(words));
                Ok(self.answered(words))
            }
            Some(Stt::Stream { .. }) | None => Ok(None),
        }
    }

    /// The final words of the turn before in what a provider heard.
    pub(crate) fn late(&self, engine: u32, heard: &Heard) -> Option<Words> {
        match &self.current {
            Some(Stt::Stream { stream, .. }) if engine == self.engine => stream.late(heard),
            Some(Stt::Local(_) | Stt::Stream { .. }) | None => None,
        }
    }

    /// The words in what a provider heard, if they are of this turn, and what they mean for it.
    pub(crate) fn heard(&mut self, engine: u32, heard: Heard) -> Option<(Words, Option<TurnHint>)> {
        match &self.current {
            Some(Stt::Stream { stream, .. }) if engine == self.engine => {
                let until = heard.until;
                let (words, hint) = stream.words(heard)?;
                if until > self.turn_from {
                    self.settled.add(&words, until);
                }
                self.answered(Some(words)).map(|words| (words, hint))
            }
            Some(Stt::Local(_) | Stt::Stream { .. }) | None => None,
        }
    }

    fn answered(&mut self, words: Option<Words>) -> Option<Words> {
        if words.as_ref().is_some_and(|words| !words.text.is_empty()) {
            self.worded = true;
            self.unheard_from = None;
            if self.served.last() != Some(&self.name()) {
                self.served.push(self.name());
            }
        }
        self.asked &= words
            .as_ref()
            .is_none_or(|words| words.firmness != Firmness::Flushed);
        words
    }

    /// Whether this engine is the one that listens.
    pub(crate) fn is_current(&self, engine: u32) -> bool {
        self.current.is_some() && engine == self.engine
    }

    /// The recogniser is lost: the next of the list takes its place, with what is not settled of the turn, as
    /// far as the ear remembers it, and with the turn before if somebody spoke in it and no words came. The words
    /// that were asked for are asked of it. False if there is none.
    pub(crate) fn fall_back(&mut self, engines: &Engines, events: &Sender, ring: &EarRing) -> bool {
        self.used = self.take_usage();
        self.current = None;
        while let Some(next) = self.rest.pop_front() {
            self.engine += 1;
            let Some(mut stt) = engines.start_ears(&next, &self.language, self.engine, events)
            else {
                continue;
            };
            let turn = self.unheard_from.unwrap_or(self.turn_from);
            let from = turn.max(self.settled.until).max(ring.start());
            match &mut stt {
                Stt::Local(local) => {
                    if let Some(grammar) = engines.grammar(&self.expected) {
                        local.expect(grammar);
                    }
                    local.take_over(from);
                }
                Stt::Stream { stream, .. } => {
                    stream.take_over(from);
                    if !self.rest.is_empty() {
                        stream.relieve();
                    }
                }
            }
            self.current = Some(stt);
            self.feed(ring);
            if self.asked || self.unheard_from.is_some() {
                self.finalize(ring);
            }
            return true;
        }
        false
    }
}
