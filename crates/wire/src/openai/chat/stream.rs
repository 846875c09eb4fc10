//! The chunks of a streamed answer.

use serde_json::Value;

use super::super::DONE;
use super::super::errors::ApiError;
use super::super::json::{self, Object};
use super::super::usage::Usage;
use super::StreamOptions;
use crate::Garbled;

/// The data of one event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Streamed {
    /// A piece of the answer.
    Chunk(Chunk),
    /// The answer has failed, after whatever came before.
    Failed(ApiError),
    /// The answer is complete.
    Done,
}

/// A piece of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    /// The answer's name.
    pub id: String,
    /// Unix time in seconds.
    pub created: u64,
    /// The model that answers, which may be named more exactly than in the request.
    pub model: String,
    /// The tier it was served by.
    pub service_tier: Option<String>,
    /// Pieces of the answers; often empty.
    pub choices: Vec<Choice>,
    /// What the request cost. Servers send it never, once, or with every chunk: the last one counts.
    pub usage: Option<Usage>,
}

/// A piece of one of the answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// Which answer, from 0.
    pub index: u64,
    /// What was added.
    pub delta: Delta,
    /// Why the answer has ended.
    pub finish_reason: Option<FinishReason>,
}

/// What a chunk adds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// `assistant`, in the first chunk.
    pub role: Option<String>,
    /// Text to speak.
    pub content: Option<String>,
    /// Text to speak instead.
    pub refusal: Option<String>,
    /// The model's thoughts (`reasoning` or `reasoning_content` of compatible servers): not to speak.
    pub reasoning: Option<String>,
    /// Pieces of calls; for [`super::ToolCalls`].
    pub tool_calls: Vec<ToolCallDelta>,
}

/// A piece of a call. Compatible servers leave out any of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// Which call of the answer, from 0.
    pub index: Option<u64>,
    /// The call's name, normally in its first piece.
    pub id: Option<String>,
    /// The function's name, normally in its first piece.
    pub name: Option<String>,
    /// More of the arguments, or all of them.
    pub arguments: Option<String>,
}

/// Why an answer has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// It is complete. Some servers say so where tools are called, too.
    Stop,
    /// It is as long as was allowed, reasoning included.
    Length,
    /// Tools are called.
    ToolCalls,
    /// It was held back.
    ContentFilter,
    /// A tool is called, in the old way.
    FunctionCall,
    /// Anything else.
    Other(String),
}

impl FinishReason {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            "function_call" => Self::FunctionCall,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::FunctionCall => "function_call",
            Self::Other(word) => word,
        }
    }
}

/// Reads the data of one event.
///
/// # Errors
/// [`Garbled`] if it is neither `[DONE]` nor a JSON object.
pub fn parse(data: &str) -> Result<Streamed, Garbled> {
    if data.trim_start().starts_with(DONE) {
        return Ok(Streamed::Done);
    }
    let value = json::parse("chat chunk", data)?;
    let of_groq = json::object(&value, "x_groq");
    if let Some(error) = failure(&value).or_else(|| of_groq.and_then(failure)) {
        return Ok(Streamed::Failed(error));
    }
    let usage = [Some(&value), of_groq].into_iter().flatten();
    let mut usage = usage.filter_map(|value| Usage::read(value.get("usage")?));
    Ok(Streamed::Chunk(Chunk {
        id: json::text(&value, "id").unwrap_or_default(),
        created: json::count(&value, "created").unwrap_or(0),
        model: json::text(&value, "model").unwrap_or_default(),
        service_tier: json::filled(&value, "service_tier"),
        choices: json::items(&value, "choices")
            .iter()
            .map(Choice::read)
            .collect(),
        usage: usage.next(),
    }))
}

fn failure(value: &Value) -> Option<ApiError> {
    let error = value.get("error").filter(|error| !error.is_null());
    let is_one = error.is_some_and(|error| error.is_object() || error.is_string())
        || (value.get("choices").is_none() && value.get("message").is_some());
    if is_one { ApiError::of(value) } else { None }
}

impl Choice {
    fn read(value: &Value) -> Self {
        let reason = json::filled(value, "finish_reason");
        Self {
            index: json::count(value, "index").unwrap_or(0),
            delta: Delta::read(value.get("delta").unwrap_or(&Value::Null)),
            finish_reason: reason.as_deref().map(FinishReason::of),
        }
    }

    fn to_value(&self) -> Value {
        let reason = self.finish_reason.as_ref().map(FinishReason::name);
        Object::default()
            .with("index", self.index)
            .with("delta", self.delta.to_value())
            .with("logprobs", Value::Null)
            .with("finish_reason", reason)
            .value()
    }
}

impl Delta {
    /// A delta, or the message of an answer that does not stream: they have the same fields.
    pub(super) fn read(value: &Value) -> Self {
        let calls = json::items(value, "tool_calls").iter();
        let mut tool_calls: Vec<_> = calls.map(ToolCallDelta::read).collect();
        if let Some(old) = json::object(value, "function_call") {
            tool_calls.push(ToolCallDelta {
                index: Some(0),
                id: None,
                name: json::filled(old, "name"),
                arguments: json::json_text(old, "arguments"),
            });
        }
        Self {
            role: json::filled(value, "role"),
            content: json::text(value, "content"),
            refusal: json::text(value, "refusal"),
            reasoning: json::filled(value, "reasoning")
                .or_else(|| json::filled(value, "reasoning_content")),
            tool_calls,
        }
    }

    /// With the first chunk, as OpenAI does, content and refusal are there in any case.
    fn to_value(&self) -> Value {
        let mut object = Object::default().with_some("role", self.role.clone());
        object = match (&self.role, &self.content) {
            (Some(_), content) => object
                .with("content", content.clone())
                .with("refusal", self.refusal.clone()),
            (None, content) => object
                .with_some("content", content.clone())
                .with_some("refusal", self.refusal.clone()),
        };
        object
            .with_some("reasoning", self.reasoning.clone())
            .with_filled(
                "tool_calls",
                self.tool_calls
                    .iter()
                    .map(ToolCallDelta::to_value)
                    .collect(),
            )
            .value()
    }
}

impl ToolCallDelta {
    fn read(value: &Value) -> Self {
        let function = json::object(value, "function").unwrap_or(&Value::Null);
        Self {
            index: json::count(value, "index"),
            id: json::filled(value, "id"),
            name: json::filled(function, "name"),
            arguments: json::json_text(function, "arguments"),
        }
    }

    fn to_value(&self) -> Value {
        let function = Object::default()
            .with_some("name", self.name.clone())
            .with_some("arguments", self.arguments.clone());
        Object::default()
            .with_some("index", self.index)
            .with_some("id", self.id.clone())
            .with_some("type", self.id.as_ref().map(|_| "function"))
            .with("function", function.value())
            .value()
    }
}

impl Chunk {
    /// The chunk as OpenAI sends it to a request with such options: `usage` only where it was asked for, and padding
    /// unless it was declined.
    #[must_use]
    pub fn to_text(&self, asked: &StreamOptions) -> String {
        let mut object = Object::default()
            .with("id", self.id.as_str())
            .with("object", "chat.completion.chunk")
            .with("created", self.created)
            .with("model", self.model.as_str())
            .with(
                "service_tier",
                self.service_tier.as_deref().unwrap_or("default"),
            )
            .with("system_fingerprint", Value::Null)
            .with(
                "choices",
                self.choices
                    .iter()
                    .map(Choice::to_value)
                    .collect::<Vec<_>>(),
            );
        if asked.include_usage == Some(true) {
            object = object.with("usage", self.usage.as_ref().map(Usage::chat));
        }
        if asked.include_obfuscation != Some(false) {
            object = object.with("obfuscation", self.padding());
        }
        object.text()
    }

    /// Fills the content up to the next 16 bytes.
    fn padding(&self) -> String {
        let contents = self
            .choices
            .iter()
            .filter_map(|choice| choice.delta.content.as_ref());
        let length: usize = contents.map(String::len).sum();
        "x".repeat(16 - length % 16)
    }
}
