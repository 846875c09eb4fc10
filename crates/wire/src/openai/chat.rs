//! Chat Completions: `POST /chat/completions`, what every compatible server speaks.
//!
//! [`Request::to_text`] writes the body, [`parse`] reads the data of each event of the stream, [`ToolCalls`] puts the pieces of
//! tool calls together, [`parse_answer`] reads an answer that does not stream. For the simulator, [`parse_request`] judges
//! a body as OpenAI does, and [`Chunk::to_text`] and [`Answer::to_text`] write what it sends.
//!
//! A stream has failed if it holds [`Streamed::Failed`], or ends with neither [`Streamed::Done`] nor a finish reason. Run
//! the tools if any call was gathered, whatever the finish reason says.

mod answer;
mod calls;
mod judge;
mod message;
mod stream;
mod think;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::Object;
use super::settings::{Account, Effort, Verbosity};

pub use answer::{Answer, AnswerOrError, parse_answer};
pub use calls::{MAX_ARGUMENT_BYTES, MAX_CALLS, TooManyCalls, ToolCalls};
pub use judge::parse_request;
pub(super) use judge::{choice_word, tool as judge_tool};
pub use message::{Content, Message, Part, ToolCall};
pub use stream::{Choice, Chunk, Delta, FinishReason, Streamed, ToolCallDelta, parse};
pub use think::WithoutThinking;

/// A request. What is `None`, empty or false is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The model's name; free text.
    pub model: String,
    /// The dialog so far.
    pub messages: Vec<Message>,
    /// The functions the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may, or must, call one; without it `auto` with tools.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; true without it. Sent with tools only.
    pub parallel_tool_calls: Option<bool>,
    /// Whether the answer comes as a stream of events.
    pub stream: bool,
    /// Settings of the stream; sent with [`Request::stream`] only.
    pub stream_options: Option<StreamOptions>,
    /// How the answer is bounded and shaped.
    pub output: Output,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// Billing, caching, keeping.
    pub account: Account,
    /// Fields of other vendors, or of a later day. They replace a field of the same name.
    pub extra: Map<String, Value>,
}

/// A function the model may call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tool {
    /// At most 64 of `a-zA-Z0-9_-`.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema; false without it.
    pub strict: Option<bool>,
}

/// Which tool the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// None.
    None,
    /// As it likes.
    Auto,
    /// At least one.
    Required,
    /// This one.
    Function(String),
}

/// Settings of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Asks for a last chunk with the usage.
    pub include_usage: Option<bool>,
    /// OpenAI pads every chunk unless told not to.
    pub include_obfuscation: Option<bool>,
}

/// How the answer is bounded and shaped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Tokens of the answer, those of reasoning included.
    pub max_completion_tokens: Option<u64>,
    /// Its old name: models that reason refuse it, some compatible servers know only it.
    pub max_tokens: Option<u64>,
    /// How much to reason first; see [`super::models::Traits::quickest`].
    pub reasoning_effort: Option<Effort>,
    /// How long the answer is.
    pub verbosity: Option<Verbosity>,
    /// `{"type": "text"}`, `json_object` or `json_schema`.
    pub response_format: Option<Value>,
    /// Texts at which to stop, at most 4; not for models that reason.
    pub stop: Vec<String>,
}

/// How the next token is chosen. Models that reason refuse most of it while they do; Groq refuses the last three.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2, 1 without it.
    pub temperature: Option<f64>,
    /// 0 to 1, 1 without it.
    pub top_p: Option<f64>,
    /// -2 to 2, 0 without it.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2, 0 without it.
    pub presence_penalty: Option<f64>,
    /// For answers that repeat, as far as they do.
    pub seed: Option<i64>,
    /// Answers to make; 1 without it, and nothing else makes sense here.
    pub n: Option<u64>,
    /// Whether to tell the probabilities.
    pub logprobs: Option<bool>,
    /// How many alternatives to tell, at most 20.
    pub top_logprobs: Option<u64>,
    /// Tokens, by their number, made more or less likely: -100 to 100.
    pub logit_bias: BTreeMap<String, i64>,
}

impl Request {
    /// The body.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut object = Object::default()
            .with("model", self.model.as_str())
            .with(
                "messages",
                self.messages
                    .iter()
                    .map(Message::to_value)
                    .collect::<Vec<_>>(),
            )
            .with_filled("tools", self.tools.iter().map(Tool::to_value).collect())
            .with_some(
                "tool_choice",
                self.tool_choice.as_ref().map(ToolChoice::to_value),
            )
            .with_some(
                "parallel_tool_calls",
                self.parallel_tool_calls.filter(|_| !self.tools.is_empty()),
            );
        if self.stream {
            object = object.with("stream", true).with_some(
                "stream_options",
                self.stream_options.map(StreamOptions::to_value),
            );
        }
        object = self.output.write(object);
        object = self.sampling.write(object);
        self.account.write(object).with_all(&self.extra).text()
    }
}

impl Tool {
    fn to_value(&self) -> Value {
        let function = Object::default()
            .with("name", self.name.as_str())
            .with_some("description", self.description.clone())
            .with_some("parameters", self.parameters.clone())
            .with_some("strict", self.strict);
        Object::tagged("function")
            .with("function", function.value())
            .value()
    }
}

impl ToolChoice {
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("none", Self::None),
        ("auto", Self::Auto),
        ("required", Self::Required),
    ];

    fn to_value(&self) -> Value {
        match self {
            Self::None => "none".into(),
            Self::Auto => "auto".into(),
            Self::Required => "required".into(),
            Self::Function(name) => Object::tagged("function")
                .with(
                    "function",
                    Object::default().with("name", name.as_str()).value(),
                )
                .value(),
        }
    }

    /// As Responses has it: without the wrapper.
    pub(super) fn to_flat_value(&self) -> Value {
        match self {
            Self::Function(name) => Object::tagged("function")
                .with("name", name.as_str())
                .value(),
            Self::None | Self::Auto | Self::Required => self.to_value(),
        }
    }
}

impl StreamOptions {
    fn to_value(self) -> Value {
        Object::default()
            .with_some("include_usage", self.include_usage)
            .with_some("include_obfuscation", self.include_obfuscation)
            .value()
    }
}

impl Output {
    fn write(&self, object: Object) -> Object {
        let stop = self.stop.iter().map(|text| text.as_str().into()).collect();
        object
            .with_some("max_completion_tokens", self.max_completion_tokens)
            .with_some("max_tokens", self.max_tokens)
            .with_some("reasoning_effort", self.reasoning_effort.map(Effort::name))
            .with_some("verbosity", self.verbosity.map(Verbosity::name))
            .with_some("response_format", self.response_format.clone())
            .with_filled("stop", stop)
    }
}

impl Sampling {
    fn write(&self, object: Object) -> Object {
        let bias = self.logit_bias.iter();
        let bias: Map<_, _> = bias
            .map(|(token, bias)| (token.clone(), (*bias).into()))
            .collect();
        object
            .with_float("temperature", self.temperature)
            .with_float("top_p", self.top_p)
            .with_float("frequency_penalty", self.frequency_penalty)
            .with_float("presence_penalty", self.presence_penalty)
            .with_some("seed", self.seed)
            .with_some("n", self.n)
            .with_some("logprobs", self.logprobs)
            .with_some("top_logprobs", self.top_logprobs)
            .with_some("logit_bias", Some(bias).filter(|bias| !bias.is_empty()))
    }
}
