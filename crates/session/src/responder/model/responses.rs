//! Responses: what OpenAI's newest models want where they reason and call tools.

use ringback_wire::openai::Account;
use ringback_wire::openai::responses::{
    self, Event, FunctionCall, InputItem, Output, OutputItem, Request, Response, Role,
};
use serde_json::json;

use super::answer::{Call, Finish, Stage, Writer};
use super::prompt::{Prompt, Step};
use super::{Model, chat, fault};
use crate::provider::Failure;

/// The body of a request. The whole dialog goes with each, and nothing is kept.
pub(super) fn body(model: &Model, prompt: &Prompt) -> String {
    let system = prompt.system.trim().to_owned();
    let mut input = input(prompt);
    let mut instructions = Some(system).filter(|text| !text.is_empty());
    if input.is_empty() {
        let system = instructions.take().unwrap_or_default();
        input.push(InputItem::message(Role::Developer, system));
    }
    let mut request = Request {
        model: model.model.clone(),
        input,
        instructions,
        tools: prompt.tools.iter().map(chat::tool).collect(),
        parallel_tool_calls: Some(false),
        stream: true,
        include_obfuscation: model.is_at_openai().then_some(false),
        output: Output {
            max_output_tokens: Some(u64::from(model.max_tokens)),
            temperature: model.temperature(),
            ..Output::default()
        },
        account: Account {
            store: Some(false),
            ..Account::default()
        },
        ..Request::default()
    };
    if let Some(effort) = model.effort() {
        let reasoning = json!({ "effort": effort });
        request.extra.insert("reasoning".to_owned(), reasoning);
    }
    request.extra.extend(model.extra.clone());
    request.to_text()
}

fn input(prompt: &Prompt) -> Vec<InputItem> {
    let mut input = Vec::new();
    for step in prompt.steps() {
        match step {
            Step::Caller(text) => input.push(InputItem::message(Role::User, text)),
            Step::Agent { text, calls } => {
                if !text.is_empty() {
                    input.push(InputItem::message(Role::Assistant, text));
                }
                input.extend(calls.iter().map(|call| {
                    InputItem::FunctionCall(FunctionCall {
                        call_id: call.id.clone(),
                        name: call.name.clone(),
                        arguments: call.arguments.clone(),
                        ..FunctionCall::default()
                    })
                }));
                input.extend(calls.into_iter().map(|call| InputItem::FunctionCallOutput {
                    call_id: call.id,
                    output: call.result,
                }));
            }
        }
    }
    input
}

/// What has been read of a stream.
#[derive(Default)]
pub(super) struct Reading {
    /// Which part of which item was spoken last: between two of them there is a space.
    part: Option<(u64, u64)>,
    calls: Vec<Call>,
    finish: Option<Finish>,
}

impl Reading {
    pub(super) fn take(&mut self, data: &str, writer: &mut Writer<'_>) -> Result<Stage, Failure> {
        match responses::parse(data).map_err(fault::garbled)? {
            Event::TextDelta { at, delta } | Event::RefusalDelta { at, delta } => {
                let part = Some((at.output_index, at.content_index));
                if self.part != part && self.part.is_some() {
                    writer.text(" ");
                }
                self.part = part;
                writer.text(&delta);
            }
            Event::ItemAdded {
                item: OutputItem::FunctionCall(_),
                ..
            } => writer.begin(),
            Event::ArgumentsDelta { delta, .. } => {
                writer.begin();
                writer.unspoken(delta.chars().count());
            }
            Event::ItemDone {
                item: OutputItem::FunctionCall(call),
                ..
            } => {
                writer.begin();
                self.calls.push(called(call));
            }
            Event::Completed(response) => return Ok(self.end(&response, Finish::Stop, writer)),
            Event::Incomplete(response) => {
                let why = incomplete(response.incomplete_reason.as_deref());
                return Ok(self.end(&response, why, writer));
            }
            Event::Failed(response) => {
                let _ = response.usage.map(|usage| writer.sending.counted(usage));
                return Err(fault::within(&response.error.unwrap_or_default()));
            }
            Event::Error(error) => return Err(fault::within(&error)),
            Event::Done => return Ok(Stage::Over),
            // Thoughts, under names of their own.
            Event::Other(kind) if kind.starts_with("response.") => writer.unspoken(1),
            Event::Other(_)
            | Event::Created(_)
            | Event::Queued(_)
            | Event::InProgress(_)
            | Event::ItemAdded { .. }
            | Event::ItemDone { .. }
            | Event::PartAdded { .. }
            | Event::PartDone { .. }
            | Event::TextDone { .. }
            | Event::RefusalDone { .. }
            | Event::ArgumentsDone { .. } => {}
        }
        Ok(Stage::Going)
    }

    fn end(&mut self, response: &Response, finish: Finish, writer: &Writer<'_>) -> Stage {
        let _ = response.usage.map(|usage| writer.sending.counted(usage));
        self.finish = Some(finish);
        Stage::Over
    }

    pub(super) fn is_complete(&self) -> bool {
        self.finish.is_some()
    }

    pub(super) fn close(self, writer: Writer<'_>) -> Result<(), Failure> {
        writer.close(self.calls, self.finish)
    }
}

fn called(call: FunctionCall) -> Call {
    let id = match call.call_id {
        id if id.is_empty() => format!("call_{}", uuid::Uuid::now_v7().simple()),
        id => id,
    };
    let arguments = match call.arguments {
        arguments if arguments.trim().is_empty() => "{}".to_owned(),
        arguments => arguments,
    };
    Call {
        id,
        name: call.name,
        arguments,
    }
}

fn incomplete(reason: Option<&str>) -> Finish {
    match reason {
        Some("max_output_tokens") => Finish::Length,
        Some("content_filter") => Finish::Filtered,
        Some(word) => Finish::Other(word.to_owned()),
        None => Finish::Other("incomplete".to_owned()),
    }
}
