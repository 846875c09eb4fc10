//! The events of a response, both ways.

use serde_json::{Map, Value};

use super::super::DONE;
use super::super::errors::ApiError;
use super::super::json::{self, Object};
use super::super::settings::Effort;
use super::super::usage::Usage;
use super::item::{OutputItem, OutputPart};
use super::{Request, Verbosity, flat};
use crate::Garbled;

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are named as in the reference")]
pub enum Event {
    /// `response.created`: the first one.
    Created(Response),
    /// `response.queued`.
    Queued(Response),
    /// `response.in_progress`.
    InProgress(Response),
    /// `response.output_item.added`.
    ItemAdded { output_index: u64, item: OutputItem },
    /// `response.content_part.added`.
    PartAdded { at: Place, part: OutputPart },
    /// `response.output_text.delta`: text to speak.
    TextDelta { at: Place, delta: String },
    /// `response.output_text.done`.
    TextDone { at: Place, text: String },
    /// `response.refusal.delta`: text to speak instead.
    RefusalDelta { at: Place, delta: String },
    /// `response.refusal.done`.
    RefusalDone { at: Place, refusal: String },
    /// `response.content_part.done`.
    PartDone { at: Place, part: OutputPart },
    /// `response.function_call_arguments.delta`; the content index is 0.
    ArgumentsDelta { at: Place, delta: String },
    /// `response.function_call_arguments.done`; the content index is 0. It does not say which function.
    ArgumentsDone { at: Place, arguments: String },
    /// `response.output_item.done`: the item, complete.
    ItemDone { output_index: u64, item: OutputItem },
    /// `response.completed`: an end.
    Completed(Response),
    /// `response.incomplete`: an end; see [`Response::incomplete_reason`].
    Incomplete(Response),
    /// `response.failed`: an end; see [`Response::error`].
    Failed(Response),
    /// `error`: an end.
    Error(ApiError),
    /// `[DONE]`, which some servers send after the end.
    Done,
    /// A kind that is not known here; to be ignored. Thoughts and hosted tools are among them.
    Other(String),
}

/// Which part of which item a delta belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The item's `id`.
    pub item_id: String,
    /// Which item of the output, from 0.
    pub output_index: u64,
    /// Which part of the item, from 0.
    pub content_index: u64,
}

/// A response as the events repeat it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    /// Its name.
    pub id: String,
    /// Unix time in seconds.
    pub created_at: u64,
    /// The model that answers.
    pub model: String,
    /// `in_progress`, `completed`, `incomplete`, `failed`, `queued`, `cancelled`.
    pub status: String,
    /// The items that are complete.
    pub output: Vec<OutputItem>,
    /// What it cost, at the end.
    pub usage: Option<Usage>,
    /// Why it failed.
    pub error: Option<ApiError>,
    /// Why it is incomplete: `max_output_tokens`, `content_filter`, `max_messages`, `steered`.
    pub incomplete_reason: Option<String>,
}

/// Reads the data of one event.
///
/// # Errors
/// [`Garbled`] if it is neither `[DONE]` nor a JSON object with a `type` or an `error`.
pub fn parse(data: &str) -> Result<Event, Garbled> {
    if data.trim_start().starts_with(DONE) {
        return Ok(Event::Done);
    }
    let value = json::parse("responses event", data)?;
    let Some(kind) = json::filled(&value, "type") else {
        let error = ApiError::of(&value).ok_or_else(|| json::lacking("responses event", data))?;
        return Ok(Event::Error(error));
    };
    let response = value.get("response").unwrap_or(&Value::Null);
    let event = of_response(&kind, response).or_else(|| of_item(&kind, &value));
    Ok(event.unwrap_or_else(|| {
        if kind == "error" {
            let mut error = ApiError::of(&value).unwrap_or_default();
            error.kind = error.kind.filter(|kind| kind != "error");
            Event::Error(error)
        } else {
            Event::Other(kind)
        }
    }))
}

/// The events that are about one item.
fn of_item(kind: &str, value: &Value) -> Option<Event> {
    let at = Place::read(value);
    let output_index = at.output_index;
    let text = |name: &str| json::json_text(value, name).unwrap_or_default();
    let field = |name: &str| value.get(name).unwrap_or(&Value::Null);
    let item = || OutputItem::read(field("item"));
    let part = || OutputPart::read(field("part"));
    let delta = || text("delta");
    Some(match kind {
        "response.output_item.added" => Event::ItemAdded {
            output_index,
            item: item(),
        },
        "response.output_item.done" => Event::ItemDone {
            output_index,
            item: item(),
        },
        "response.content_part.added" => Event::PartAdded { at, part: part() },
        "response.content_part.done" => Event::PartDone { at, part: part() },
        "response.output_text.delta" => Event::TextDelta { at, delta: delta() },
        "response.output_text.done" => Event::TextDone {
            at,
            text: text("text"),
        },
        "response.refusal.delta" => Event::RefusalDelta { at, delta: delta() },
        "response.refusal.done" => Event::RefusalDone {
            at,
            refusal: text("refusal"),
        },
        "response.function_call_arguments.delta" => Event::ArgumentsDelta { at, delta: delta() },
        "response.function_call_arguments.done" => {
            let arguments = text("arguments");
            Event::ArgumentsDone { at, arguments }
        }
        _ => return None,
    })
}

/// The events that repeat the whole response.
fn of_response(kind: &str, response: &Value) -> Option<Event> {
    let event = match kind {
        "response.created" => Event::Created,
        "response.queued" => Event::Queued,
        "response.in_progress" => Event::InProgress,
        "response.completed" => Event::Completed,
        "response.incomplete" => Event::Incomplete,
        "response.failed" => Event::Failed,
        _ => return None,
    };
    Some(event(Response::read(response)))
}

/// Reads the body of an answer that does not stream: a response, or an error some servers send with the status 200.
///
/// # Errors
/// [`Garbled`] if it is no JSON object, or neither.
pub fn parse_response(text: &str) -> Result<Result<Response, ApiError>, Garbled> {
    let value = json::parse("response", text)?;
    if value.get("output").is_some() {
        return Ok(Ok(Response::read(&value)));
    }
    let error = ApiError::of(&value).ok_or_else(|| json::lacking("response", text))?;
    Ok(Err(error))
}

impl Response {
    fn read(value: &Value) -> Self {
        let text = |name| json::text(value, name).unwrap_or_default();
        let created = json::float(value, "created_at").unwrap_or(0.0);
        let details = json::object(value, "incomplete_details");
        Self {
            id: text("id"),
            created_at: created as u64,
            model: text("model"),
            status: text("status"),
            output: json::items(value, "output")
                .iter()
                .map(OutputItem::read)
                .collect(),
            usage: value.get("usage").and_then(Usage::read),
            error: json::object(value, "error").map(ApiError::fields),
            incomplete_reason: details.and_then(|details| json::filled(details, "reason")),
        }
    }

    /// The body of an answer that does not stream.
    #[must_use]
    pub fn to_text(&self, echo: &Echo) -> String {
        self.to_value(echo).to_string()
    }

    fn to_value(&self, echo: &Echo) -> Value {
        let reason = self.incomplete_reason.as_ref();
        let details =
            reason.map(|reason| Object::default().with("reason", reason.as_str()).value());
        let error = self.error.as_ref().map(|error| {
            Object::default()
                .with("code", error.code.as_deref().unwrap_or("server_error"))
                .with("message", error.message.as_str())
                .with_some("param", error.param.clone())
                .with_some("type", error.kind.clone())
                .value()
        });
        let output: Vec<_> = self.output.iter().map(OutputItem::to_value).collect();
        Object::default()
            .with_all(&echo.0)
            .with("id", self.id.as_str())
            .with("object", "response")
            .with("created_at", self.created_at)
            .with("model", self.model.as_str())
            .with("status", self.status.as_str())
            .with("output", output)
            .with("usage", self.usage.as_ref().map(Usage::response))
            .with("error", error)
            .with("incomplete_details", details)
            .value()
    }
}

/// The settings of a request as its response repeats them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Echo(Map<String, Value>);

impl Echo {
    /// The settings of `request`, defaults where it says nothing.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let choice = request.tool_choice.as_ref();
        let output = &request.output;
        let reasoning = Object::default()
            .with("effort", output.effort.map(Effort::name))
            .with("summary", output.reasoning_summary.clone());
        let plain = || Object::tagged("text").value();
        let text = Object::default()
            .with("format", output.format.clone().unwrap_or_else(plain))
            .with(
                "verbosity",
                output.verbosity.map_or("medium", Verbosity::name),
            );
        let echo = Object::default()
            .with("metadata", Map::new())
            .with("service_tier", "default")
            .with("store", true);
        let echo = request
            .account
            .write(echo)
            .with("background", false)
            .with("instructions", request.instructions.clone())
            .with("max_output_tokens", output.max_output_tokens)
            .with(
                "parallel_tool_calls",
                request.parallel_tool_calls.unwrap_or(true),
            )
            .with(
                "previous_response_id",
                request.thread.previous_response_id.clone(),
            )
            .with("reasoning", reasoning.value())
            .with("temperature", output.temperature.unwrap_or(1.0))
            .with("text", text.value())
            .with(
                "tool_choice",
                choice.map_or("auto".into(), |choice| choice.to_flat_value()),
            )
            .with("tools", request.tools.iter().map(flat).collect::<Vec<_>>())
            .with("top_p", output.top_p.unwrap_or(1.0))
            .with(
                "truncation",
                request.thread.truncation.as_deref().unwrap_or("disabled"),
            )
            .with("user", Value::Null);
        match echo.value() {
            Value::Object(fields) => Self(fields),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Self::default(),
        }
    }
}

impl Event {
    /// The event's `type`, which is also the name of the server-sent event; `[DONE]` has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Created(_) => "response.created",
            Self::Queued(_) => "response.queued",
            Self::InProgress(_) => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::RefusalDelta { .. } => "response.refusal.delta",
            Self::RefusalDone { .. } => "response.refusal.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed(_) => "response.completed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Failed(_) => "response.failed",
            Self::Error(_) => "error",
            Self::Done => "",
            Self::Other(kind) => kind,
        }
    }

    /// True if nothing but [`Event::Done`] comes after it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(
            self,
            Self::Completed(_) | Self::Incomplete(_) | Self::Failed(_) | Self::Error(_)
        )
    }

    /// The data of the event; `sequence_number` counts from 0.
    #[must_use]
    pub fn to_text(&self, sequence_number: u64, echo: &Echo) -> String {
        let event = Object::tagged(self.kind()).with("sequence_number", sequence_number);
        let none = Vec::<Value>::new;
        match self {
            Self::Created(response)
            | Self::Queued(response)
            | Self::InProgress(response)
            | Self::Completed(response)
            | Self::Incomplete(response)
            | Self::Failed(response) => event.with("response", response.to_value(echo)),
            Self::ItemAdded { output_index, item } | Self::ItemDone { output_index, item } => event
                .with("output_index", *output_index)
                .with("item", item.to_value()),
            Self::PartAdded { at, part } | Self::PartDone { at, part } => {
                at.write(event).with("part", part.to_value())
            }
            Self::TextDelta { at, delta } => at
                .write(event)
                .with("delta", delta.as_str())
                .with("logprobs", none()),
            Self::TextDone { at, text } => at
                .write(event)
                .with("text", text.as_str())
                .with("logprobs", none()),
            Self::RefusalDelta { at, delta } => at.write(event).with("delta", delta.as_str()),
            Self::RefusalDone { at, refusal } => at.write(event).with("refusal", refusal.as_str()),
            Self::ArgumentsDelta { at, delta } => {
                at.write_item(event).with("delta", delta.as_str())
            }
            Self::ArgumentsDone { at, arguments } => {
                at.write_item(event).with("arguments", arguments.as_str())
            }
            Self::Error(error) => event
                .with("code", error.code.clone())
                .with("message", error.message.as_str())
                .with("param", error.param.clone()),
            Self::Other(_) => event,
            Self::Done => return DONE.to_owned(),
        }
        .text()
    }
}

impl Place {
    fn read(value: &Value) -> Self {
        Self {
            item_id: json::text(value, "item_id").unwrap_or_default(),
            output_index: json::count(value, "output_index").unwrap_or(0),
            content_index: json::count(value, "content_index").unwrap_or(0),
        }
    }

    fn write_item(&self, event: Object) -> Object {
        event
            .with("item_id", self.item_id.as_str())
            .with("output_index", self.output_index)
    }

    fn write(&self, event: Object) -> Object {
        self.write_item(event)
            .with("content_index", self.content_index)
    }
}
