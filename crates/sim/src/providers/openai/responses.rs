//! Responses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response as HttpResponse;
use ringback_wire::openai::responses::{
    Echo, Event, FunctionCall, InputContent, InputItem, OutputItem, OutputPart, Place,
    Request as Asked, Response, Role, parse_request,
};
use ringback_wire::openai::{Refusal, Usage};
use ringback_wire::sse;
use serde_json::Value;
use uuid::Uuid;

use super::super::Twin;
use super::super::answer::{self, Piece};
use super::super::place::RESPONSES;
use super::super::replies::{Dialog, Said};
use super::super::visit::{Refused, Visit};
use super::{check_model, now, pause, refuse, signed};

/// Characters of a piece of arguments.
const PIECE: usize = 7;

pub(super) async fn create_response(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<HttpResponse, Refused> {
    let (visit, body) = Visit::with_body(&twin, RESPONSES, request).await?;
    let asked = parse_request(&body).map_err(|refusal| refuse(&visit, &refusal))?;
    check_model(&visit, &asked.model)?;
    let before = match &asked.thread.previous_response_id {
        None => 0,
        Some(id) => twin
            .threads
            .turns(id)
            .ok_or_else(|| refuse(&visit, &not_found(id)))?,
    };
    let mut dialog = dialog(&asked);
    dialog.turns += before;
    let said = twin.replies.answer(&dialog, asked.output.max_output_tokens);
    let usage = Usage {
        input: dialog.words as u64,
        output: said.count(),
        ..Usage::default()
    };
    let id = format!("resp_{}", Uuid::now_v7().simple());
    if asked.account.store != Some(false) {
        twin.threads.keep(&id, dialog.turns);
    }
    let mut telling = Telling {
        response: Response {
            id,
            created_at: now(),
            model: asked.model.clone(),
            status: "in_progress".to_owned(),
            ..Response::default()
        },
        echo: Echo::of(&asked),
        pieces: Vec::new(),
        pause: pause(&visit),
    };
    let count = u32::try_from(usage.output).unwrap_or(u32::MAX);
    telling.tell(said, usage);
    if asked.stream {
        return Ok(signed(answer::stream(
            visit,
            sse::CONTENT_TYPE,
            telling.pieces,
        )));
    }
    tokio::time::sleep(telling.pause * count).await;
    let text = telling.response.to_text(&telling.echo);
    Ok(signed(answer::json(visit, text)))
}

fn not_found(id: &str) -> Refusal {
    let message = format!("Previous response with id '{id}' not found.");
    let (param, code) = (
        Some("previous_response_id"),
        Some("previous_response_not_found"),
    );
    Refusal {
        status: 400,
        error: ringback_wire::openai::ApiError::invalid(message, param, code),
    }
}

fn text(content: &InputContent) -> String {
    match content {
        InputContent::Text(text) => text.clone(),
        InputContent::Parts(parts) => {
            let texts = parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join(" ")
        }
    }
}

fn dialog(asked: &Asked) -> Dialog {
    let mut dialog = Dialog {
        tools: asked.tools.iter().map(|tool| tool.name.clone()).collect(),
        ..Dialog::default()
    };
    dialog.read(asked.instructions.as_deref().unwrap_or_default());
    for item in &asked.input {
        match item {
            InputItem::Message {
                role: Role::User,
                content,
                ..
            } => dialog.told(text(content), false),
            InputItem::Message { content, .. } => dialog.read(&text(content)),
            InputItem::FunctionCallOutput { output, .. } => dialog.told(output.clone(), true),
            InputItem::FunctionCall(_) | InputItem::Raw(_) => {}
        }
    }
    dialog
}

/// An answer that is being told.
struct Telling {
    response: Response,
    echo: Echo,
    pieces: Vec<Piece>,
    /// Before each word.
    pause: Duration,
}

impl Telling {
    fn push(&mut self, pause: Duration, event: &Event) {
        let data = event.to_text(self.pieces.len() as u64, &self.echo);
        let mut bytes = String::new();
        sse::write_event(&mut bytes, Some(event.kind()), &data);
        self.pieces.push(Piece {
            pause,
            ..Piece::now(bytes)
        });
    }

    fn now(&mut self, event: &Event) {
        self.push(Duration::ZERO, event);
    }

    fn tell(&mut self, said: Said, usage: Usage) {
        self.now(&Event::Created(self.response.clone()));
        self.now(&Event::InProgress(self.response.clone()));
        let is_cut = said.is_cut;
        if !said.tokens.is_empty() || said.call.is_none() {
            self.message(&said.tokens, is_cut);
        }
        if let Some((name, arguments)) = said.call {
            self.call(name, arguments);
        }
        self.response.usage = Some(usage);
        if is_cut {
            self.response.status = "incomplete".to_owned();
            self.response.incomplete_reason = Some("max_output_tokens".to_owned());
            self.now(&Event::Incomplete(self.response.clone()));
        } else {
            self.response.status = "completed".to_owned();
            self.now(&Event::Completed(self.response.clone()));
        }
    }

    fn message(&mut self, tokens: &[String], is_cut: bool) {
        let id = format!("msg_{}", Uuid::now_v7().simple());
        let output_index = self.response.output.len() as u64;
        let at = Place {
            item_id: id.clone(),
            output_index,
            content_index: 0,
        };
        let item = |status: &str, content| OutputItem::Message {
            id: id.clone(),
            status: Some(status.to_owned()),
            phase: None,
            content,
        };
        self.now(&Event::ItemAdded {
            output_index,
            item: item("in_progress", Vec::new()),
        });
        let empty = OutputPart::Text(String::new());
        self.now(&Event::PartAdded {
            at: at.clone(),
            part: empty,
        });
        for (number, delta) in tokens.iter().enumerate() {
            let pause = if number == 0 {
                Duration::ZERO
            } else {
                self.pause
            };
            self.push(
                pause,
                &Event::TextDelta {
                    at: at.clone(),
                    delta: delta.clone(),
                },
            );
        }
        let text = tokens.concat();
        let part = OutputPart::Text(text.clone());
        self.now(&Event::TextDone {
            at: at.clone(),
            text,
        });
        self.now(&Event::PartDone {
            at,
            part: part.clone(),
        });
        let item = item(if is_cut { "incomplete" } else { "completed" }, vec![part]);
        self.response.output.push(item.clone());
        self.now(&Event::ItemDone { output_index, item });
    }

    fn call(&mut self, name: String, arguments: String) {
        let id = format!("fc_{}", Uuid::now_v7().simple());
        let output_index = self.response.output.len() as u64;
        let at = Place {
            item_id: id.clone(),
            output_index,
            content_index: 0,
        };
        let call = FunctionCall {
            id: Some(id),
            call_id: format!("call_{}", Uuid::now_v7().simple()),
            name,
            arguments: String::new(),
            status: Some("in_progress".to_owned()),
        };
        self.now(&Event::ItemAdded {
            output_index,
            item: OutputItem::FunctionCall(call.clone()),
        });
        let letters: Vec<char> = arguments.chars().collect();
        for piece in letters.chunks(PIECE) {
            let delta = piece.iter().collect();
            self.push(
                self.pause,
                &Event::ArgumentsDelta {
                    at: at.clone(),
                    delta,
                },
            );
        }
        self.now(&Event::ArgumentsDone {
            at,
            arguments: arguments.clone(),
        });
        let item = OutputItem::FunctionCall(FunctionCall {
            arguments,
            status: Some("completed".to_owned()),
            ..call
        });
        self.response.output.push(item.clone());
        self.now(&Event::ItemDone { output_index, item });
    }
}
