//! Chat Completions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use ringback_wire::openai::chat::{
    Answer, Choice, Chunk, Content, Delta, FinishReason, Message, Part, Request as Asked, ToolCall,
    ToolCallDelta, parse_request,
};
use ringback_wire::openai::{DONE, Usage};
use ringback_wire::sse;
use uuid::Uuid;

use super::super::Twin;
use super::super::answer::{self, Piece};
use super::super::mark::Mark;
use super::super::place::CHAT;
use super::super::replies::{Dialog, Said};
use super::super::stamps::Point;
use super::super::visit::{Refused, Visit};
use super::{check_model, now, pause, refuse, signed};
use crate::clock::monotonic_us;

/// Characters of a piece of arguments.
const PIECE: usize = 7;

pub(super) async fn complete_chat(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let came_us = monotonic_us();
    let (visit, body) = Visit::with_body(&twin, CHAT, request).await?;
    let asked = parse_request(&body).map_err(|refusal| refuse(&visit, &refusal))?;
    check_model(&visit, &asked.model)?;
    let dialog = dialog(&asked);
    let mark = Mark::last_in(&dialog.last);
    visit.entry.stamp(mark, Point::Asked, Some(came_us));
    let said = twin.replies.answer(
        &dialog,
        asked
            .output
            .max_completion_tokens
            .or(asked.output.max_tokens),
    );
    let usage = Usage {
        input: dialog.words as u64,
        output: said.count(),
        ..Usage::default()
    };
    let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
    if asked.stream {
        let pieces = Stream {
            id,
            created: now(),
            asked: &asked,
            mark,
        }
        .pieces(said, usage, &visit);
        return Ok(signed(answer::stream(visit, sse::CONTENT_TYPE, pieces)));
    }
    tokio::time::sleep(pause(&visit) * u32::try_from(usage.output).unwrap_or(u32::MAX)).await;
    let text = said.text();
    let answer = Answer {
        id,
        created: now(),
        model: asked.model,
        content: Some(text).filter(|text| !text.is_empty() || said.call.is_none()),
        refusal: None,
        finish_reason: Some(reason(&said)),
        tool_calls: said.call.map(call).into_iter().collect(),
        usage: Some(usage),
    };
    Ok(signed(answer::json(visit, answer.to_text())))
}

fn text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Parts(parts) => {
            let texts = parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Other(_) => None,
            });
            texts.collect::<Vec<_>>().join(" ")
        }
    }
}

fn dialog(asked: &Asked) -> Dialog {
    let mut dialog = Dialog {
        tools: asked.tools.iter().map(|tool| tool.name.clone()).collect(),
        ..Dialog::default()
    };
    for message in &asked.messages {
        match message {
            Message::User(content) => dialog.told(text(content), false),
            Message::Tool { content, .. } => dialog.told(text(content), true),
            Message::Developer(content) | Message::System(content) => dialog.read(&text(content)),
            Message::Assistant { content, .. } => {
                dialog.read(&content.as_ref().map(text).unwrap_or_default())
            }
        }
    }
    dialog
}

fn reason(said: &Said) -> FinishReason {
    match (&said.call, said.is_cut) {
        (Some(_), _) => FinishReason::ToolCalls,
        (None, true) => FinishReason::Length,
        (None, false) => FinishReason::Stop,
    }
}

fn call((name, arguments): (String, String)) -> ToolCall {
    ToolCall {
        id: format!("call_{}", Uuid::now_v7().simple()),
        name,
        arguments,
    }
}

/// An answer that streams.
struct Stream<'a> {
    id: String,
    created: u64,
    asked: &'a Asked,
    mark: Option<Mark>,
}

impl Stream<'_> {
    fn piece(&self, choices: Vec<Choice>, usage: Option<Usage>) -> Piece {
        let chunk = Chunk {
            id: self.id.clone(),
            created: self.created,
            model: self.asked.model.clone(),
            service_tier: Some("default".to_owned()),
            choices,
            usage,
        };
        let mut event = String::new();
        sse::write_event(
            &mut event,
            None,
            &chunk.to_text(&self.asked.stream_options.unwrap_or_default()),
        );
        Piece::now(event)
    }

    fn delta(&self, delta: Delta) -> Piece {
        self.piece(
            vec![Choice {
                delta,
                ..Choice::default()
            }],
            None,
        )
    }

    fn pieces(&self, said: Said, usage: Usage, visit: &Visit) -> Vec<Piece> {
        let pause = pause(visit);
        let finish_reason = Some(reason(&said));
        let only_calls = said.tokens.is_empty() && said.call.is_some();
        let mut pieces = vec![self.delta(Delta {
            role: Some("assistant".to_owned()),
            content: (!only_calls).then(String::new),
            ..Delta::default()
        })];
        for (number, token) in said.tokens.into_iter().enumerate() {
            let piece = self.delta(Delta {
                content: Some(token),
                ..Delta::default()
            });
            let pause = if number == 0 { Duration::ZERO } else { pause };
            let written = self.mark.map(|mark| (mark, number + 1));
            pieces.push(Piece {
                pause,
                written,
                ..piece
            });
        }
        if let Some(made) = said.call {
            pieces.extend(self.call(call(made)).map(|piece| Piece { pause, ..piece }));
        }
        pieces.push(self.piece(
            vec![Choice {
                finish_reason,
                ..Choice::default()
            }],
            None,
        ));
        if self
            .asked
            .stream_options
            .and_then(|options| options.include_usage)
            == Some(true)
        {
            pieces.push(self.piece(Vec::new(), Some(usage)));
        }
        let mut done = String::new();
        sse::write_event(&mut done, None, DONE);
        pieces.push(Piece::now(done));
        pieces
    }

    /// A call: its name first, then its arguments in pieces.
    fn call(&self, call: ToolCall) -> impl Iterator<Item = Piece> + use<'_> {
        let letters: Vec<char> = call.arguments.chars().collect();
        let first = ToolCallDelta {
            index: Some(0),
            id: Some(call.id),
            name: Some(call.name),
            arguments: Some(String::new()),
        };
        let rest: Vec<_> = letters
            .chunks(PIECE)
            .map(|piece| ToolCallDelta {
                index: Some(0),
                arguments: Some(piece.iter().collect()),
                ..ToolCallDelta::default()
            })
            .collect();
        let deltas = std::iter::once(first).chain(rest);
        deltas.map(|delta| {
            self.delta(Delta {
                tool_calls: vec![delta],
                ..Delta::default()
            })
        })
    }
}
