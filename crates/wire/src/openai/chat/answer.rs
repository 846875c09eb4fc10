//! Answers that do not stream.

use serde_json::Value;

use super::super::errors::ApiError;
use super::super::json::{self, Object};
use super::super::usage::Usage;
use super::calls::ToolCalls;
use super::message::ToolCall;
use super::stream::{Delta, FinishReason};
use crate::Garbled;

/// The first choice of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Its name.
    pub id: String,
    /// Unix time in seconds.
    pub created: u64,
    /// The model that answered.
    pub model: String,
    /// What it said.
    pub content: Option<String>,
    /// What it said instead.
    pub refusal: Option<String>,
    /// What it called.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
    /// What it cost.
    pub usage: Option<Usage>,
}

/// An answer, or an error some servers send with the status 200.
pub type AnswerOrError = Result<Answer, ApiError>;

/// Reads the body of an answer that does not stream. Calls without an id are called `made_up` and their number.
///
/// # Errors
/// [`Garbled`] if it is no JSON object, or neither an error nor with a choice.
pub fn parse_answer(text: &str, made_up: &str) -> Result<AnswerOrError, Garbled> {
    let value = json::parse("chat answer", text)?;
    let Some(choice) = json::items(&value, "choices").first() else {
        let error = ApiError::of(&value).ok_or_else(|| json::lacking("chat answer", text))?;
        return Ok(Err(error));
    };
    let said = Delta::read(choice.get("message").unwrap_or(&Value::Null));
    let mut calls = ToolCalls::default();
    for (number, mut call) in (0..).zip(said.tool_calls) {
        call.index = Some(number);
        if calls.push(&call).is_err() {
            break;
        }
    }
    let reason = json::filled(choice, "finish_reason");
    Ok(Ok(Answer {
        id: json::text(&value, "id").unwrap_or_default(),
        created: json::count(&value, "created").unwrap_or(0),
        model: json::text(&value, "model").unwrap_or_default(),
        content: said.content,
        refusal: said.refusal,
        tool_calls: calls.finish(made_up),
        finish_reason: reason.as_deref().map(FinishReason::of),
        usage: value.get("usage").and_then(Usage::read),
    }))
}

impl Answer {
    /// The body as OpenAI sends it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let calls = self.tool_calls.iter().map(ToolCall::to_value).collect();
        let message = Object::default()
            .with("role", "assistant")
            .with("content", self.content.clone())
            .with("refusal", self.refusal.clone())
            .with("annotations", Vec::<Value>::new())
            .with_filled("tool_calls", calls);
        let reason = self.finish_reason.as_ref().unwrap_or(&FinishReason::Stop);
        let choice = Object::default()
            .with("index", 0)
            .with("message", message.value())
            .with("logprobs", Value::Null)
            .with("finish_reason", reason.name());
        Object::default()
            .with("id", self.id.as_str())
            .with("object", "chat.completion")
            .with("created", self.created)
            .with("model", self.model.as_str())
            .with("service_tier", "default")
            .with("system_fingerprint", Value::Null)
            .with("choices", vec![choice.value()])
            .with("usage", self.usage.unwrap_or_default().chat())
            .text()
    }
}
