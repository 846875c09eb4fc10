//! The local recogniser: fed while the caller speaks, from a little before the onset on.

use std::sync::Arc;

use ringback_audio::ring::EarRing;
use ringback_call::{Edge, Firmness, Scope, Words};
use ringback_speech::grammar::{Grammar, Meaning};
use ringback_speech::recognizer::{Recognized, Recognizer};

/// Audio goes to the decoder in blocks of 80 ms, in samples.
const BLOCK: u64 = 640;
/// Audio before the onset that is decoded too: 300 ms, in samples.
const BEFORE: u64 = 2400;

pub(crate) struct Local {
    recognizer: Recognizer,
    fed: u64,
    turn: bool,
    open: bool,
    finalize: u32,
    block: Vec<u8>,
}

impl Local {
    pub(crate) fn new(recognizer: Recognizer) -> Self {
        Self {
            recognizer,
            fed: 0,
            turn: false,
            open: true,
            finalize: 0,
            block: Vec::with_capacity(8192),
        }
    }

    /// Takes over in the middle of a call, perhaps of a turn: what the ear remembers from `from` on is decoded.
    pub(crate) fn take_over(&mut self, from: u64) {
        self.turn = true;
        self.fed = from;
        self.recognizer.begin(from);
    }

    pub(crate) fn expect(&mut self, grammar: Arc<Grammar>) {
        self.open = grammar.is_open();
        self.recognizer.expect(grammar);
    }

    /// A turn begins with its first onset.
    pub(crate) fn edge(&mut self, edge: Edge, sample: u64) {
        if !self.turn && matches!(edge, Edge::Onset | Edge::Resumed) {
            self.turn = true;
            self.fed = sample.saturating_sub(BEFORE).max(self.fed);
            self.recognizer.begin(self.fed);
        }
    }

    /// Feeds what has come together.
    pub(crate) fn feed(&mut self, ring: &EarRing) {
        if self.turn && ring.end() >= self.fed + BLOCK {
            self.feed_all(ring);
        }
    }

    fn feed_all(&mut self, ring: &EarRing) {
        self.block.clear();
        ring.read(self.fed, ring.end(), &mut self.block);
        self.fed = ring.end();
        if !self.block.is_empty() {
            self.recognizer.audio(&self.block);
        }
    }

    /// Asks for the words of the turn so far. False if there is no turn to ask about.
    pub(crate) fn finalize(&mut self, ring: &EarRing) -> bool {
        if !self.turn {
            return false;
        }
        self.feed_all(ring);
        self.finalize = self.finalize.wrapping_add(1);
        self.recognizer.finalize(self.finalize);
        true
    }

    /// What comes next is another turn.
    pub(crate) fn new_turn(&mut self, ring: &EarRing) {
        if self.turn {
            self.turn = false;
            self.recognizer.end_turn();
        }
        // Answers to what was asked before are stale from now on.
        self.finalize = self.finalize.wrapping_add(1);
        self.fed = ring.end().saturating_sub(BEFORE).max(self.fed);
    }

    /// The words in what the decoder said, if they are of this turn; or why it failed.
    pub(crate) fn words(&self, recognized: Recognized) -> Result<Option<Words>, String> {
        match recognized {
            Recognized::Partial { text } => Ok(self.turn.then_some(Words {
                text,
                // An interim of a grammar changes its mind too often to take the floor.
                confidence: 0,
                firmness: Firmness::Interim,
                scope: Scope::Turn,
                complete: false,
            })),
            Recognized::Final {
                text,
                confidence_pm,
                complete,
                meaning,
                finalize,
                ..
            } => Ok((finalize == self.finalize).then(|| Words {
                // Scraps of a closed grammar that mean nothing are what it made of other words.
                text: if complete || self.open || meaning != Meaning::Nothing {
                    text
                } else {
                    String::new()
                },
                confidence: confidence_pm,
                firmness: Firmness::Flushed,
                scope: Scope::Turn,
                complete,
            })),
            Recognized::Failed { why } => Err(why),
        }
    }
}
