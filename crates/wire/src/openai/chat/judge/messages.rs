//! Messages as OpenAI judges them.

use serde_json::Value;

use super::super::super::judge::{Fields, Refusal, numbered, wrong_type};
use super::super::{Content, Message, Part, ToolCall};

pub(super) fn messages(fields: &mut Fields) -> Result<Vec<Message>, Refusal> {
    let listed = fields.list("messages")?;
    let listed = listed.ok_or_else(|| fields.missing("messages"))?;
    if listed.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        let code = Some("empty_array");
        return Err(Refusal::invalid(message.to_owned(), Some("messages"), code));
    }
    let listed = listed.into_iter();
    listed
        .map(|(path, value)| message(Fields::of(path, value)?))
        .collect()
}

fn message(mut fields: Fields) -> Result<Message, Refusal> {
    let roles = ["system", "assistant", "user", "tool", "developer"];
    let role = fields.required_word("role", &roles)?;
    let message = match role.as_str() {
        "assistant" => assistant(&mut fields)?,
        "tool" => Message::Tool {
            tool_call_id: fields.required_text("tool_call_id")?,
            content: said(&mut fields)?,
        },
        "user" => Message::User(said(&mut fields)?),
        "developer" => Message::Developer(said(&mut fields)?),
        _ => Message::System(said(&mut fields)?),
    };
    if role != "tool" {
        fields.text("name")?;
    }
    fields.finish()?;
    Ok(message)
}

fn said(fields: &mut Fields) -> Result<Content, Refusal> {
    let value = fields.required("content")?;
    content(&fields.path("content"), value)
}

fn content(path: &str, value: Value) -> Result<Content, Refusal> {
    let values = match value {
        Value::String(text) => return Ok(Content::Text(text)),
        Value::Array(values) => values,
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            return Err(wrong_type(
                path,
                "one of a string or array of objects",
                &other,
            ));
        }
    };
    let parts = numbered(path, values).into_iter();
    let parts = parts.map(|(path, value)| part(path, value));
    Ok(Content::Parts(parts.collect::<Result<_, _>>()?))
}

fn part(path: String, value: Value) -> Result<Part, Refusal> {
    let kinds = ["text", "image_url", "input_audio", "refusal", "file"];
    let mut fields = Fields::of(path, value.clone())?;
    if fields.required_word("type", &kinds)? != "text" {
        return Ok(Part::Other(value));
    }
    let text = fields.required_text("text")?;
    if fields.take("prompt_cache_breakpoint").is_some() {
        return Ok(Part::Other(value));
    }
    fields.finish()?;
    Ok(Part::Text(text))
}

fn assistant(fields: &mut Fields) -> Result<Message, Refusal> {
    fields.nullable(&["content", "refusal", "audio", "function_call"]);
    let path = fields.path("content");
    let said = fields.take("content").map(|value| content(&path, value));
    let said = said.transpose()?;
    let refusal = fields.text("refusal")?;
    let mut tool_calls = Vec::new();
    for (path, value) in fields.list("tool_calls")?.unwrap_or_default() {
        tool_calls.push(tool_call(Fields::of(path, value)?)?);
    }
    if said.is_none() && refusal.is_none() && tool_calls.is_empty() {
        let message = format!("Invalid value for '{path}': expected a string, got null.");
        return Err(Refusal::invalid(message, Some(&path), None));
    }
    Ok(Message::Assistant {
        content: said,
        refusal,
        tool_calls,
    })
}

fn tool_call(mut fields: Fields) -> Result<ToolCall, Refusal> {
    fields.required_word("type", &["function"])?;
    let id = fields.required_text("id")?;
    let function = fields.object("function")?;
    let mut function = function.ok_or_else(|| fields.missing("function"))?;
    let call = ToolCall {
        id,
        name: function.required_text("name")?,
        arguments: function.required_text("arguments")?,
    };
    function.finish()?;
    fields.finish()?;
    Ok(call)
}

/// Every call has its result right after it, and every result its call right before it.
pub(super) fn answered(messages: &[Message]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    let mut results_may_follow = false;
    for (index, message) in messages.iter().enumerate() {
        if let Message::Tool { tool_call_id, .. } = message {
            let known = open.iter().position(|id| id == tool_call_id);
            match known {
                Some(known) if results_may_follow => drop(open.swap_remove(known)),
                Some(_) | None => return Err(without_call(index)),
            }
            continue;
        }
        unanswered(&open)?;
        results_may_follow = false;
        if let Message::Assistant { tool_calls, .. } = message {
            open = tool_calls.iter().map(|call| call.id.as_str()).collect();
            results_may_follow = !open.is_empty();
        }
    }
    unanswered(&open)
}

fn without_call(index: usize) -> Refusal {
    let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
    let param = format!("messages.[{index}].role");
    Refusal::invalid(message.to_owned(), Some(&param), None)
}

fn unanswered(open: &[&str]) -> Result<(), Refusal> {
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(Refusal::invalid(message, Some("messages"), None))
}
