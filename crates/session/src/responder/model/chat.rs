//! Chat Completions: what every server speaks.

use ringback_wire::openai::Account;
use ringback_wire::openai::chat::{
    self, Choice, Chunk, FinishReason, Message, Output, Request, Sampling, StreamOptions, Streamed,
    Tool, ToolCall, ToolCalls, WithoutThinking,
};
use ringback_wire::openai::models::Traits;

use super::answer::{Call, Finish, Stage, Writer};
use super::prompt::{Called, Prompt, Step, ToolSpec};
use super::{Model, fault};
use crate::provider::Failure;

/// The body of a request.
pub(super) fn body(model: &Model, prompt: &Prompt) -> String {
    let openai = model.is_at_openai();
    let tokens = Some(u64::from(model.max_tokens));
    let modern = openai || Traits::of(&model.model).reasons;
    let mut request = Request {
        model: model.model.clone(),
        messages: messages(prompt, openai),
        tools: prompt.tools.iter().map(tool).collect(),
        parallel_tool_calls: Some(false),
        stream: true,
        stream_options: Some(StreamOptions {
            include_usage: Some(true),
            include_obfuscation: openai.then_some(false),
        }),
        output: Output {
            max_completion_tokens: tokens.filter(|_| modern),
            max_tokens: tokens.filter(|_| !modern),
            ..Output::default()
        },
        sampling: Sampling {
            temperature: model.temperature(),
            ..Sampling::default()
        },
        account: Account {
            store: openai.then_some(false),
            ..Account::default()
        },
        ..Request::default()
    };
    if let Some(effort) = model.effort() {
        let name = "reasoning_effort".to_owned();
        request.extra.insert(name, effort.into());
    }
    request.extra.extend(model.extra.clone());
    request.to_text()
}

pub(super) fn tool(tool: &ToolSpec) -> Tool {
    Tool {
        name: tool.name.clone(),
        description: Some(tool.description.clone()).filter(|text| !text.is_empty()),
        parameters: Some(tool.parameters.clone()),
        strict: None,
    }
}

fn messages(prompt: &Prompt, openai: bool) -> Vec<Message> {
    let mut messages = Vec::new();
    let system = prompt.system.trim();
    if !system.is_empty() && openai {
        messages.push(Message::Developer(system.into()));
    } else if !system.is_empty() {
        messages.push(Message::System(system.into()));
    }
    for step in prompt.steps() {
        match step {
            Step::Caller(text) => messages.push(Message::User(text.into())),
            Step::Agent { text, calls } => {
                messages.push(Message::Assistant {
                    content: Some(text).filter(|text| !text.is_empty()).map(Into::into),
                    refusal: None,
                    tool_calls: calls.iter().map(call).collect(),
                });
                messages.extend(calls.into_iter().map(|call| Message::Tool {
                    tool_call_id: call.id,
                    content: call.result.into(),
                }));
            }
        }
    }
    messages
}

fn call(call: &Called) -> ToolCall {
    ToolCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
    }
}

/// What has been read of a stream.
#[derive(Default)]
pub(super) struct Reading {
    thinking: WithoutThinking,
    calls: ToolCalls,
    finish: Option<Finish>,
}

impl Reading {
    pub(super) fn take(&mut self, data: &str, writer: &mut Writer<'_>) -> Result<Stage, Failure> {
        match chat::parse(data).map_err(fault::garbled)? {
            Streamed::Failed(error) => Err(fault::within(&error)),
            Streamed::Done => {
                self.finish.get_or_insert(Finish::Stop);
                Ok(Stage::Over)
            }
            Streamed::Chunk(chunk) => {
                self.chunk(chunk, writer)?;
                Ok(if self.finish.is_some() {
                    Stage::Finished
                } else {
                    Stage::Going
                })
            }
        }
    }

    fn chunk(&mut self, chunk: Chunk, writer: &mut Writer<'_>) -> Result<(), Failure> {
        let _ = chunk.usage.map(|usage| writer.sending.counted(usage));
        for choice in chunk.choices {
            if choice.index == 0 {
                self.choice(&choice, writer)?;
            }
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Choice, writer: &mut Writer<'_>) -> Result<(), Failure> {
        let delta = &choice.delta;
        writer.unspoken(length(delta.reasoning.as_deref()));
        if let Some(content) = &delta.content {
            let spoken = self.thinking.push(content);
            if spoken.is_empty() {
                writer.unspoken(length(Some(content)));
            }
            writer.text(&spoken);
        }
        writer.text(delta.refusal.as_deref().unwrap_or_default());
        for call in &delta.tool_calls {
            writer.begin();
            writer.unspoken(length(call.arguments.as_deref()));
            self.calls.push(call).map_err(fault::garbled)?;
        }
        if let Some(reason) = &choice.finish_reason {
            self.finish = Some(finish(reason));
        }
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.finish.is_some()
    }

    pub(super) fn close(self, mut writer: Writer<'_>) -> Result<(), Failure> {
        writer.text(&self.thinking.finish());
        let made_up = format!("call_{}_", uuid::Uuid::now_v7().simple());
        let calls = self.calls.finish(&made_up).into_iter();
        let calls = calls.map(|call| Call {
            id: call.id,
            name: call.name,
            arguments: call.arguments,
        });
        writer.close(calls.collect(), self.finish)
    }
}

fn finish(reason: &FinishReason) -> Finish {
    match reason {
        FinishReason::Stop => Finish::Stop,
        FinishReason::Length => Finish::Length,
        FinishReason::ToolCalls | FinishReason::FunctionCall => Finish::Calls,
        FinishReason::ContentFilter => Finish::Filtered,
        FinishReason::Other(word) => Finish::Other(word.clone()),
    }
}

fn length(text: Option<&str>) -> usize {
    text.map_or(0, |text| text.chars().count())
}
