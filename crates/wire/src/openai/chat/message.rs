//! The messages of a dialog.

use serde_json::Value;

use super::super::json::Object;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The instructions, for OpenAI's models only.
    Developer(Content),
    /// The instructions, for every server.
    System(Content),
    /// What the caller said.
    User(Content),
    /// What the model said before, or called.
    Assistant {
        /// What it said; null on the wire where it only called.
        content: Option<Content>,
        /// What it said instead, where it refused.
        refusal: Option<String>,
        /// What it called. Each needs its [`Message::Tool`] before anything else is said.
        tool_calls: Vec<ToolCall>,
    },
    /// The result of a call, right after the message that made it.
    Tool {
        /// The call's name.
        tool_call_id: String,
        /// The result, normally JSON.
        content: Content,
    },
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// Several parts.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// Anything else with a `type`, as it is: images, audio, files.
    Other(Value),
}

/// A call of a function by the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The name of the call.
    pub id: String,
    /// The name of the function.
    pub name: String,
    /// Its arguments: JSON if all is well, and as text because a model may write anything.
    pub arguments: String,
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Message {
    /// What the model said.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::Assistant {
            content: Some(content.into()),
            refusal: None,
            tool_calls: Vec::new(),
        }
    }

    /// What the model called, without a word.
    #[must_use]
    pub fn calls(tool_calls: Vec<ToolCall>) -> Self {
        Self::Assistant {
            content: None,
            refusal: None,
            tool_calls,
        }
    }

    pub(super) fn to_value(&self) -> Value {
        let said = |role: &str, content: &Content| {
            Object::default()
                .with("role", role)
                .with("content", content.to_value())
        };
        match self {
            Self::Developer(content) => said("developer", content),
            Self::System(content) => said("system", content),
            Self::User(content) => said("user", content),
            Self::Assistant {
                content,
                refusal,
                tool_calls,
            } => Object::default()
                .with("role", "assistant")
                .with("content", content.as_ref().map(Content::to_value))
                .with_some("refusal", refusal.clone())
                .with_filled(
                    "tool_calls",
                    tool_calls.iter().map(ToolCall::to_value).collect(),
                ),
            Self::Tool {
                tool_call_id,
                content,
            } => said("tool", content).with("tool_call_id", tool_call_id.as_str()),
        }
        .value()
    }
}

impl Content {
    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Parts(parts) => parts.iter().map(Part::to_value).collect(),
        }
    }
}

impl Part {
    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Object::tagged("text").with("text", text.as_str()).value(),
            Self::Other(value) => value.clone(),
        }
    }
}

impl ToolCall {
    pub(super) fn to_value(&self) -> Value {
        let function = Object::default()
            .with("name", self.name.as_str())
            .with("arguments", self.arguments.as_str());
        Object::tagged("function")
            .with("id", self.id.as_str())
            .with("function", function.value())
            .value()
    }
}
