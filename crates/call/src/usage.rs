//! What a call used of its providers, by turn.

use serde::{Deserialize, Serialize};

use crate::event::{Party, ReplyId, TurnId};

/// Replies whose turn is remembered: what they used may be told after they have ended.
const REMEMBERED: usize = 32;
/// Entries that are kept; what comes beyond is added to the last of its engine.
const MOST_KEPT: usize = 4096;

/// What one engine did for a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its role.
    pub party: Party,
    /// The engine, as settings name it.
    pub provider: String,
    /// Its model; empty where it has none.
    pub model: String,
    /// Requests to a model, or sentences to a voice.
    pub requests: u32,
    /// Tokens that a model read, those of its cache included.
    pub input_tokens: u64,
    /// Of these, those of its cache.
    pub cached_tokens: u64,
    /// Tokens that a model wrote, those of reasoning included.
    pub output_tokens: u64,
    /// Characters that a voice was given.
    pub characters: u64,
    /// Audio that a recogniser was sent, in ms.
    pub audio_ms: u64,
    /// Tokens, or some of them, were not counted by the model's server but estimated by what it was sent and wrote.
    #[serde(default)]
    pub estimated: bool,
}

impl Usage {
    /// Nothing yet.
    pub fn of(party: Party, provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            party,
            provider: provider.into(),
            model: model.into(),
            requests: 0,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            characters: 0,
            audio_ms: 0,
            estimated: false,
        }
    }

    /// Whether both are of one engine and model.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.party, &self.provider, &self.model) == (other.party, &other.provider, &other.model)
    }

    /// Whether there is nothing that could have a price.
    pub fn is_free(&self) -> bool {
        let amounts = [
            self.input_tokens,
            self.output_tokens,
            self.characters,
            self.audio_ms,
        ];
        amounts == [0; 4]
    }

    /// Adds what another says.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.estimated |= other.estimated;
        for (own, more) in [
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.cached_tokens, other.cached_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.characters, other.characters),
            (&mut self.audio_ms, other.audio_ms),
        ] {
            *own = own.saturating_add(more);
        }
    }
}

/// What one engine did for one turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnUsage {
    /// The caller's turn that it answered; 0 before the first.
    pub turn: TurnId,
    /// What it did.
    #[serde(flatten)]
    pub usage: Usage,
}

/// Which turn replies belong to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(std::collections::VecDeque<(ReplyId, TurnId)>);

impl Turns {
    pub(crate) fn set(&mut self, reply: ReplyId, turn: TurnId) {
        self.0.retain(|(id, _)| *id != reply);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((reply, turn));
    }

    pub(crate) fn of(&self, reply: ReplyId) -> Option<TurnId> {
        let found = self.0.iter().find(|(id, _)| *id == reply);
        found.map(|&(_, turn)| turn)
    }
}

/// Adds an entry to those of its turn.
pub(crate) fn add(kept: &mut Vec<TurnUsage>, turn: TurnId, usage: &Usage) {
    let full = kept.len() >= MOST_KEPT;
    let same = kept
        .iter_mut()
        .rev()
        .find(|entry| (full || entry.turn == turn) && entry.usage.is_like(usage));
    match same {
        Some(entry) => entry.usage.add(usage),
        None if full => {}
        None => kept.push(TurnUsage {
            turn,
            usage: usage.clone(),
        }),
    }
}
