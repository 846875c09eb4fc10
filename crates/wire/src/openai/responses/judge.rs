//! Requests as OpenAI judges them.

use serde_json::Value;

use super::super::chat::{Tool, ToolChoice, choice_word, judge_tool};
use super::super::judge::{Fields, Refusal, wrong_type};
use super::super::models::Traits;
use super::super::settings::{Account, Effort, Verbosity};
use super::item::{FunctionCall, InputContent, InputItem, Role};
use super::{Output, Request, Thread};

const NULLABLE: [&str; 18] = [
    "conversation",
    "include",
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "top_logprobs",
    "top_p",
    "truncation",
];

/// Known to OpenAI, of no use on the telephone: they go to [`Request::extra`] as they are.
const UNJUDGED: [&str; 10] = [
    "access_programs",
    "background",
    "context_management",
    "image",
    "max_tool_calls",
    "moderation",
    "prompt",
    "prompt_cache_retention",
    "top_logprobs",
    "user",
];

const INCLUDABLE: [&str; 8] = [
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// Reads the body of a request as strictly as OpenAI does; of the tools only functions are known here. Whether the
/// model and the previous response exist is not asked.
///
/// # Errors
/// [`Refusal`]: the answer of OpenAI.
pub fn parse_request(text: &str) -> Result<Request, Refusal> {
    let mut fields = Fields::body(text)?;
    fields.nullable(&NULLABLE);
    let extra = fields.unjudged(&UNJUDGED);
    let stream = fields.flag("stream")?.unwrap_or(false);
    let request = Request {
        model: fields.required_text("model")?,
        input: input(&mut fields)?,
        instructions: fields.text("instructions")?,
        tools: tools(&mut fields)?,
        tool_choice: tool_choice(&mut fields)?,
        parallel_tool_calls: fields.flag("parallel_tool_calls")?,
        include_obfuscation: obfuscation(&mut fields, stream)?,
        stream,
        output: output(&mut fields)?,
        thread: thread(&mut fields)?,
        account: Account::judge(&mut fields, &["ultrafast"])?,
        extra,
    };
    fields.finish()?;
    answered(&request)?;
    suits(&request)?;
    Ok(request)
}

fn obfuscation(fields: &mut Fields, stream: bool) -> Result<Option<bool>, Refusal> {
    let Some(mut options) = fields.object("stream_options")? else {
        return Ok(None);
    };
    let flag = options.flag("include_obfuscation")?;
    options.finish()?;
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::invalid(
            message.to_owned(),
            Some("stream_options"),
            None,
        ));
    }
    Ok(flag)
}

fn input(fields: &mut Fields) -> Result<Vec<InputItem>, Refusal> {
    match fields.required("input")? {
        Value::String(text) => Ok(vec![InputItem::message(Role::User, text)]),
        Value::Array(values) => {
            let values = super::super::judge::numbered("input", values).into_iter();
            values.map(|(path, value)| item(path, value)).collect()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(
            wrong_type("input", "one of a string or array of input items", &other),
        ),
    }
}

fn item(path: String, value: Value) -> Result<InputItem, Refusal> {
    let mut fields = Fields::of(path, value.clone())?;
    let kinds = [
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
    ];
    let kind = fields.word("type", &kinds)?;
    let item = match kind.as_deref() {
        Some("function_call") => InputItem::FunctionCall(function_call(&mut fields)?),
        Some("function_call_output") => {
            fields.text("id")?;
            fields.text("status")?;
            InputItem::FunctionCallOutput {
                call_id: fields.required_text("call_id")?,
                output: fields.required_text("output")?,
            }
        }
        Some("reasoning") => return raw(fields, value, &["id", "summary"]),
        Some(_) | None if fields.names().iter().any(|name| name == "id") => {
            return raw(fields, value, &["id", "role", "content", "status"]);
        }
        Some(_) | None => message(&mut fields)?,
    };
    fields.finish()?;
    Ok(item)
}

/// An item as it came out before: only what must be there is asked for.
fn raw(mut fields: Fields, value: Value, required: &[&str]) -> Result<InputItem, Refusal> {
    for name in required {
        fields.required(name)?;
    }
    let known = ["phase", "content", "encrypted_content", "status"];
    fields.unjudged(&known);
    fields.finish()?;
    Ok(InputItem::Raw(
        value.as_object().cloned().unwrap_or_default(),
    ))
}

fn message(fields: &mut Fields) -> Result<InputItem, Refusal> {
    fields.nullable(&["phase"]);
    let role = fields.named("role", &Role::NAMES)?;
    let role = role.ok_or_else(|| fields.missing("role"))?;
    let content = match fields.required("content")? {
        Value::String(text) => InputContent::Text(text),
        Value::Array(parts) => {
            let path = fields.path("content");
            for (path, part) in super::super::judge::numbered(&path, parts.clone()) {
                part_of(role, Fields::of(path, part)?)?;
            }
            InputContent::Parts(parts)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            let expected = "one of a string or array of objects";
            return Err(wrong_type(&fields.path("content"), expected, &other));
        }
    };
    Ok(InputItem::Message {
        role,
        content,
        phase: fields.word("phase", &["commentary", "final_answer"])?,
    })
}

fn part_of(role: Role, mut part: Fields) -> Result<(), Refusal> {
    let kinds: &[&str] = match role {
        Role::Assistant => &["output_text", "refusal"],
        Role::User | Role::System | Role::Developer => &["input_text", "input_image", "input_file"],
    };
    let kind = part.required_word("type", kinds)?;
    if kind.ends_with("_text") {
        part.required_text("text")?;
    }
    Ok(())
}

fn function_call(fields: &mut Fields) -> Result<FunctionCall, Refusal> {
    Ok(FunctionCall {
        id: fields.text("id")?,
        call_id: fields.required_text("call_id")?,
        name: fields.required_text("name")?,
        arguments: fields.required_text("arguments")?,
        status: fields.word("status", &["in_progress", "completed", "incomplete"])?,
    })
}

fn tools(fields: &mut Fields) -> Result<Vec<Tool>, Refusal> {
    let listed = fields.list("tools")?.unwrap_or_default().into_iter();
    listed
        .map(|(path, value)| {
            let mut fields = Fields::of(path, value)?;
            fields.required_word("type", &["function"])?;
            fields.nullable(&["strict", "parameters", "description"]);
            let tool = judge_tool(&mut fields)?;
            fields.finish()?;
            Ok(tool)
        })
        .collect()
}

fn tool_choice(fields: &mut Fields) -> Result<Option<ToolChoice>, Refusal> {
    match fields.take("tool_choice") {
        None => Ok(None),
        Some(Value::String(word)) => choice_word("tool_choice", &word).map(Some),
        Some(value) => {
            let mut fields = Fields::of("tool_choice".to_owned(), value)?;
            fields.required_word("type", &["function"])?;
            let name = fields.required_text("name")?;
            fields.finish()?;
            Ok(Some(ToolChoice::Function(name)))
        }
    }
}

fn output(fields: &mut Fields) -> Result<Output, Refusal> {
    let mut output = Output {
        max_output_tokens: fields.count("max_output_tokens", 1, i64::MAX)?,
        temperature: fields.float("temperature", 0.0, 2.0)?,
        top_p: fields.float("top_p", 0.0, 1.0)?,
        ..Output::default()
    };
    if let Some(mut reasoning) = fields.object("reasoning")? {
        reasoning.nullable(&["effort", "summary", "context"]);
        output.effort = reasoning.named("effort", &Effort::NAMES)?;
        output.reasoning_summary = reasoning.word("summary", &["auto", "concise", "detailed"])?;
        output.reasoning_context =
            reasoning.word("context", &["auto", "current_turn", "all_turns"])?;
        reasoning.text("mode")?;
        reasoning.finish()?;
    }
    if let Some(mut text) = fields.object("text")? {
        text.nullable(&["verbosity"]);
        output.verbosity = text.named("verbosity", &Verbosity::NAMES)?;
        output.format = text.map("format")?.map(Value::Object);
        text.finish()?;
    }
    Ok(output)
}

fn thread(fields: &mut Fields) -> Result<Thread, Refusal> {
    let conversation = match fields.take("conversation") {
        Some(Value::Object(object)) => {
            Fields::of("conversation".to_owned(), Value::Object(object))?.text("id")?
        }
        Some(Value::String(id)) => Some(id),
        None => None,
        Some(other) => return Err(wrong_type("conversation", "a string", &other)),
    };
    let previous_response_id = fields.text("previous_response_id")?;
    if conversation.is_some() && previous_response_id.is_some() {
        let message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation' cannot be used together.";
        return Err(Refusal::invalid(
            message.to_owned(),
            Some("conversation"),
            None,
        ));
    }
    let include = fields.texts("include")?;
    if let Some(word) = include
        .iter()
        .find(|word| !INCLUDABLE.contains(&word.as_str()))
    {
        return Err(super::super::judge::no_such_word(
            "include",
            word,
            &INCLUDABLE,
        ));
    }
    Ok(Thread {
        previous_response_id,
        conversation,
        truncation: fields.word("truncation", &["auto", "disabled"])?,
        include,
    })
}

/// Every call has its result after it; every result its call before it, unless the server keeps the dialog.
fn answered(request: &Request) -> Result<(), Refusal> {
    let kept =
        request.thread.previous_response_id.is_some() || request.thread.conversation.is_some();
    let mut open: Vec<&str> = Vec::new();
    for item in &request.input {
        match item {
            InputItem::FunctionCall(call) => open.push(&call.call_id),
            InputItem::FunctionCallOutput { call_id, .. } => {
                match open.iter().position(|id| id == call_id) {
                    Some(at) => drop(open.remove(at)),
                    None if kept => {}
                    None => {
                        let message = format!(
                            "No tool call found for function call output with call_id {call_id}."
                        );
                        return Err(Refusal::invalid(message, Some("input"), None));
                    }
                }
            }
            InputItem::Message { .. } | InputItem::Raw(_) => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(id) => {
            let message = format!("No tool output found for function call {id}.");
            Err(Refusal::invalid(message, Some("input"), None))
        }
    }
}

/// What the model of the request takes.
fn suits(request: &Request) -> Result<(), Refusal> {
    let traits = Traits::of(&request.model);
    let (effort, output) = (request.output.effort, &request.output);
    if !traits.reasons {
        return match effort {
            Some(_) if request.model.starts_with("gpt-4") => {
                Err(Refusal::unsupported("reasoning.effort", ""))
            }
            Some(_) | None => Ok(()),
        };
    }
    if effort == Some(Effort::None) {
        if traits.takes_none {
            return Ok(());
        }
        let message = "'reasoning.effort' does not support 'none' with this model.";
        return Err(Refusal::unsupported_value("reasoning.effort", message));
    }
    let reasons = effort.is_some() || !traits.takes_none;
    for (name, value) in [("temperature", output.temperature), ("top_p", output.top_p)] {
        if reasons && value.is_some_and(|value| value != 1.0) {
            return Err(Refusal::unsupported(name, ""));
        }
    }
    Ok(())
}
