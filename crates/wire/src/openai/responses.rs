//! Responses: `POST /responses`, what OpenAI's newest models want where they reason and call tools.
//!
//! [`Request::to_text`] writes the body, [`parse`] reads the data of each event. Take a call's name, `call_id` and arguments from
//! [`Event::ItemDone`], and answer with [`InputItem::FunctionCallOutput`]. A stream ends with exactly one of
//! [`Event::Completed`], [`Event::Incomplete`], [`Event::Failed`] and [`Event::Error`]; one that ends without has failed.
//! Ollama and others keep nothing: send the whole dialog and `store: false`.
//!
//! For the simulator, [`parse_request`] judges a body as OpenAI does and [`Event::to_text`] writes what it sends.

mod event;
mod item;
mod judge;

use serde_json::{Map, Value};

use super::chat::{Tool, ToolChoice};
use super::json::Object;
use super::settings::{Account, Effort, Verbosity};

pub use event::{Echo, Event, Place, Response, parse, parse_response};
pub use item::{FunctionCall, InputContent, InputItem, OutputItem, OutputPart, Role};
pub use judge::parse_request;

/// A request. What is `None`, empty or false is left out: OpenAI refuses some nulls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The model's name; free text.
    pub model: String,
    /// The dialog, or what is new of it with [`Thread::previous_response_id`].
    pub input: Vec<InputItem>,
    /// The instructions; they are not carried over from a previous response.
    pub instructions: Option<String>,
    /// The functions the model may call. On the wire they always say whether they are strict.
    pub tools: Vec<Tool>,
    /// Whether it may, or must, call one; without it `auto`.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; true without it. Sent with tools only.
    pub parallel_tool_calls: Option<bool>,
    /// Whether the answer comes as a stream of events.
    pub stream: bool,
    /// OpenAI pads every delta unless told not to; sent with [`Request::stream`] only.
    pub include_obfuscation: Option<bool>,
    /// How the answer is bounded and shaped.
    pub output: Output,
    /// How much of the dialog the server keeps.
    pub thread: Thread,
    /// Billing, caching, keeping. `store` is true without it.
    pub account: Account,
    /// Fields of other vendors, or of a later day. They replace a field of the same name.
    pub extra: Map<String, Value>,
}

/// How the answer is bounded and shaped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Tokens of the answer, those of reasoning included.
    pub max_output_tokens: Option<u64>,
    /// How much to reason first.
    pub effort: Option<Effort>,
    /// Whether to tell thoughts: `auto`, `concise`, `detailed`.
    pub reasoning_summary: Option<String>,
    /// Of which turns thoughts are kept: `auto`, `current_turn`, `all_turns`.
    pub reasoning_context: Option<String>,
    /// How long the answer is.
    pub verbosity: Option<Verbosity>,
    /// `{"type": "text"}`, `json_object` or `json_schema`.
    pub format: Option<Value>,
    /// 0 to 2; refused by models that reason while they do.
    pub temperature: Option<f64>,
    /// 0 to 1; refused likewise.
    pub top_p: Option<f64>,
}

/// How much of the dialog the server keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// The response to go on from; needs that one to be stored.
    pub previous_response_id: Option<String>,
    /// The conversation to go on with; not together with the former.
    pub conversation: Option<String>,
    /// `auto` drops the oldest input where it is too long, `disabled` refuses.
    pub truncation: Option<String>,
    /// More to tell, such as `reasoning.encrypted_content`, which a model that reasons needs sent back where nothing is stored.
    pub include: Vec<String>,
}

impl Request {
    /// The body.
    #[must_use]
    pub fn to_text(&self) -> String {
        let input: Vec<_> = self.input.iter().map(InputItem::to_value).collect();
        let choice = self.tool_choice.as_ref().map(ToolChoice::to_flat_value);
        let mut object = Object::default()
            .with("model", self.model.as_str())
            .with("input", input)
            .with_some("instructions", self.instructions.clone())
            .with_filled("tools", self.tools.iter().map(flat).collect())
            .with_some("tool_choice", choice)
            .with_some(
                "parallel_tool_calls",
                self.parallel_tool_calls.filter(|_| !self.tools.is_empty()),
            );
        if self.stream {
            let options = self.include_obfuscation;
            let options =
                options.map(|flag| Object::default().with("include_obfuscation", flag).value());
            object = object
                .with("stream", true)
                .with_some("stream_options", options);
        }
        object = self.output.write(object);
        object = self.thread.write(object);
        self.account.write(object).with_all(&self.extra).text()
    }
}

/// A tool without the wrapper of Chat. Its schema is required here, and the default of `strict` differs: both are said.
fn flat(tool: &Tool) -> Value {
    let parameters = tool.parameters.clone().unwrap_or_else(|| {
        let none = Object::default().value();
        Object::tagged("object").with("properties", none).value()
    });
    Object::tagged("function")
        .with("name", tool.name.as_str())
        .with_some("description", tool.description.clone())
        .with("parameters", parameters)
        .with("strict", tool.strict.unwrap_or(false))
        .value()
}

impl Output {
    fn write(&self, object: Object) -> Object {
        let filled = |value: &Value| value.as_object().is_some_and(|fields| !fields.is_empty());
        let reasoning = Object::default()
            .with_some("effort", self.effort.map(Effort::name))
            .with_some("summary", self.reasoning_summary.clone())
            .with_some("context", self.reasoning_context.clone())
            .value();
        let text = Object::default()
            .with_some("verbosity", self.verbosity.map(Verbosity::name))
            .with_some("format", self.format.clone())
            .value();
        object
            .with_some("max_output_tokens", self.max_output_tokens)
            .with_some("reasoning", Some(reasoning).filter(filled))
            .with_some("text", Some(text).filter(filled))
            .with_float("temperature", self.temperature)
            .with_float("top_p", self.top_p)
    }
}

impl Thread {
    fn write(&self, object: Object) -> Object {
        let include = self
            .include
            .iter()
            .map(|word| word.as_str().into())
            .collect();
        object
            .with_some("previous_response_id", self.previous_response_id.clone())
            .with_some("conversation", self.conversation.clone())
            .with_some("truncation", self.truncation.clone())
            .with_filled("include", include)
    }
}
