//! What goes into a response and what comes out of it.

use serde_json::{Map, Value};

use super::super::json::{self, Object};

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of the reference")]
pub enum Role {
    User,
    Assistant,
    System,
    Developer,
}

impl Role {
    pub(super) const NAMES: [(&'static str, Self); 4] = [
        ("user", Self::User),
        ("assistant", Self::Assistant),
        ("system", Self::System),
        ("developer", Self::Developer),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::Developer => "developer",
        }
    }
}

/// An item of the input.
#[derive(Debug, Clone, PartialEq)]
pub enum InputItem {
    /// A message.
    Message {
        /// Who says it.
        role: Role,
        /// What.
        content: InputContent,
        /// `commentary` or `final_answer`: to be sent back as it came.
        phase: Option<String>,
    },
    /// A call of a function, made by the model before.
    FunctionCall(FunctionCall),
    /// Its result.
    FunctionCallOutput {
        /// The call's `call_id`, not its `id`.
        call_id: String,
        /// The result, normally JSON.
        output: String,
    },
    /// Anything else with a `type`, as it came out before, such as `reasoning`.
    Raw(Map<String, Value>),
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum InputContent {
    /// Text.
    Text(String),
    /// Parts with a `type`, as they are.
    Parts(Vec<Value>),
}

impl From<&str> for InputContent {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for InputContent {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A call of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionCall {
    /// The item's name, by which its deltas are told apart.
    pub id: Option<String>,
    /// The call's name, by which its result is.
    pub call_id: String,
    /// The function's name.
    pub name: String,
    /// Its arguments: JSON if all is well.
    pub arguments: String,
    /// `in_progress`, `completed` or `incomplete`.
    pub status: Option<String>,
}

/// An item of the output.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputItem {
    /// A message.
    Message {
        /// The item's name.
        id: String,
        /// `in_progress`, `completed` or `incomplete`.
        status: Option<String>,
        /// `commentary` or `final_answer`.
        phase: Option<String>,
        /// What it says.
        content: Vec<OutputPart>,
    },
    /// A call of a function.
    FunctionCall(FunctionCall),
    /// Anything else with a `type`, such as `reasoning`, as it came.
    Other(Map<String, Value>),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputPart {
    /// Text to speak.
    Text(String),
    /// Text to speak instead.
    Refusal(String),
    /// Anything else, as it came.
    Other(Value),
}

impl InputItem {
    /// A message of text.
    pub fn message(role: Role, content: impl Into<InputContent>) -> Self {
        Self::Message {
            role,
            content: content.into(),
            phase: None,
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Message {
                role,
                content,
                phase,
            } => Object::default()
                .with("role", role.name())
                .with("content", content.to_value())
                .with_some("phase", phase.clone())
                .value(),
            Self::FunctionCall(call) => call.to_value(),
            Self::FunctionCallOutput { call_id, output } => Object::tagged("function_call_output")
                .with("call_id", call_id.as_str())
                .with("output", output.as_str())
                .value(),
            Self::Raw(fields) => Value::Object(fields.clone()),
        }
    }
}

impl InputContent {
    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Parts(parts) => parts.clone().into(),
        }
    }
}

impl FunctionCall {
    fn read(value: &Value) -> Self {
        let id = json::filled(value, "id");
        let call_id = json::filled(value, "call_id").or_else(|| id.clone());
        Self {
            call_id: call_id.unwrap_or_default(),
            id,
            name: json::text(value, "name").unwrap_or_default(),
            arguments: json::json_text(value, "arguments").unwrap_or_default(),
            status: json::filled(value, "status"),
        }
    }

    fn to_value(&self) -> Value {
        Object::tagged("function_call")
            .with_some("id", self.id.clone())
            .with("call_id", self.call_id.as_str())
            .with("name", self.name.as_str())
            .with("arguments", self.arguments.as_str())
            .with_some("status", self.status.clone())
            .value()
    }
}

impl OutputItem {
    /// Reads an item; what is no object is an empty other one.
    pub(super) fn read(value: &Value) -> Self {
        match value.get("type").and_then(Value::as_str) {
            Some("message") => Self::Message {
                id: json::text(value, "id").unwrap_or_default(),
                status: json::filled(value, "status"),
                phase: json::filled(value, "phase"),
                content: json::items(value, "content")
                    .iter()
                    .map(OutputPart::read)
                    .collect(),
            },
            Some("function_call") => Self::FunctionCall(FunctionCall::read(value)),
            Some(_) | None => Self::Other(value.as_object().cloned().unwrap_or_default()),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Message {
                id,
                status,
                phase,
                content,
            } => Object::tagged("message")
                .with("id", id.as_str())
                .with("role", "assistant")
                .with_some("status", status.clone())
                .with_some("phase", phase.clone())
                .with(
                    "content",
                    content.iter().map(OutputPart::to_value).collect::<Vec<_>>(),
                )
                .value(),
            Self::FunctionCall(call) => call.to_value(),
            Self::Other(fields) => Value::Object(fields.clone()),
        }
    }

    /// The item as it is sent back with the next request.
    #[must_use]
    pub fn to_input(&self) -> InputItem {
        match (self, self.to_value()) {
            (Self::FunctionCall(call), _) => InputItem::FunctionCall(call.clone()),
            (Self::Message { .. } | Self::Other(_), Value::Object(fields)) => {
                InputItem::Raw(fields)
            }
            (Self::Message { .. } | Self::Other(_), _) => InputItem::Raw(Map::new()),
        }
    }

    /// The text to speak of a message, refusals included.
    #[must_use]
    pub fn spoken(&self) -> String {
        match self {
            Self::Message { content, .. } => {
                content.iter().filter_map(OutputPart::spoken).collect()
            }
            Self::FunctionCall(_) | Self::Other(_) => String::new(),
        }
    }
}

impl OutputPart {
    pub(super) fn read(value: &Value) -> Self {
        let kind = value.get("type").and_then(Value::as_str);
        let text = || json::text(value, "text").unwrap_or_default();
        match kind {
            Some("output_text") => Self::Text(text()),
            Some("refusal") => Self::Refusal(json::text(value, "refusal").unwrap_or_default()),
            Some(_) | None => Self::Other(value.clone()),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        let none = Vec::<Value>::new;
        match self {
            Self::Text(text) => Object::tagged("output_text")
                .with("text", text.as_str())
                .with("annotations", none())
                .with("logprobs", none())
                .value(),
            Self::Refusal(text) => Object::tagged("refusal")
                .with("refusal", text.as_str())
                .value(),
            Self::Other(value) => value.clone(),
        }
    }

    fn spoken(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Refusal(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}
