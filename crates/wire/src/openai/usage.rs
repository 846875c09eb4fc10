//! What a request cost.

use serde_json::Value;

use super::json::{self, Object};

/// Tokens of one request. Reading takes both spellings (`prompt_tokens` of Chat, `input_tokens` of Responses); a count
/// that is missing is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request, those from the cache included.
    pub input: u64,
    /// Of [`Usage::input`], read from the cache.
    pub cached: u64,
    /// Of [`Usage::input`], written to the cache.
    pub cache_writes: u64,
    /// Tokens of the answer, those of reasoning included.
    pub output: u64,
    /// Of [`Usage::output`], spent on reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Both together, as `total_tokens` says it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        let count = |names: [&str; 2]| names.iter().find_map(|name| json::count(value, name));
        let within = |names: [&str; 2], field: &str| {
            let details = names.iter().find_map(|name| json::object(value, name));
            details
                .and_then(|details| json::count(details, field))
                .unwrap_or(0)
        };
        let input = count(["prompt_tokens", "input_tokens"]);
        let output = count(["completion_tokens", "output_tokens"]);
        if input.is_none() && output.is_none() {
            return None;
        }
        let of_input = ["prompt_tokens_details", "input_tokens_details"];
        let of_output = ["completion_tokens_details", "output_tokens_details"];
        Some(Self {
            input: input.unwrap_or(0),
            cached: within(of_input, "cached_tokens"),
            cache_writes: within(of_input, "cache_write_tokens"),
            output: output.unwrap_or(0),
            reasoning: within(of_output, "reasoning_tokens"),
        })
    }

    pub(super) fn chat(&self) -> Value {
        let input = Object::default()
            .with("cached_tokens", self.cached)
            .with("audio_tokens", 0)
            .with("cache_write_tokens", self.cache_writes);
        let output = Object::default()
            .with("reasoning_tokens", self.reasoning)
            .with("audio_tokens", 0)
            .with("accepted_prediction_tokens", 0)
            .with("rejected_prediction_tokens", 0);
        Object::default()
            .with("prompt_tokens", self.input)
            .with("completion_tokens", self.output)
            .with("total_tokens", self.total())
            .with("prompt_tokens_details", input.value())
            .with("completion_tokens_details", output.value())
            .value()
    }

    pub(super) fn response(&self) -> Value {
        let input = Object::default()
            .with("cached_tokens", self.cached)
            .with("cache_write_tokens", self.cache_writes);
        let output = Object::default().with("reasoning_tokens", self.reasoning);
        Object::default()
            .with("input_tokens", self.input)
            .with("input_tokens_details", input.value())
            .with("output_tokens", self.output)
            .with("output_tokens_details", output.value())
            .with("total_tokens", self.total())
            .value()
    }
}
