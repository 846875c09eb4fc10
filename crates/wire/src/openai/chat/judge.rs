//! Requests as OpenAI judges them.

mod messages;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::judge::{Fields, Refusal, no_such_word};
use super::super::models::{ChatTools, Traits};
use super::super::settings::{Account, Effort, Verbosity};
use super::{Output, Request, Sampling, StreamOptions, Tool, ToolChoice};

use messages::{answered, messages};

const NULLABLE: [&str; 21] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "n",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "top_logprobs",
    "top_p",
    "verbosity",
];

/// Known to OpenAI, of no use on the telephone: they go to [`Request::extra`] as they are.
const UNJUDGED: [&str; 9] = [
    "audio",
    "function_call",
    "functions",
    "modalities",
    "moderation",
    "prediction",
    "prompt_cache_retention",
    "user",
    "web_search_options",
];

/// Reads the body of a request as strictly as OpenAI does. Whether the model exists is not asked.
///
/// # Errors
/// [`Refusal`]: the answer of OpenAI.
pub fn parse_request(text: &str) -> Result<Request, Refusal> {
    let mut fields = Fields::body(text)?;
    fields.nullable(&NULLABLE);
    let model = fields.required_text("model")?;
    let messages = messages(&mut fields)?;
    let tools = tools(&mut fields)?;
    let extra = fields.unjudged(&UNJUDGED);
    let request = Request {
        model,
        messages,
        tool_choice: tool_choice(&mut fields, !tools.is_empty())?,
        parallel_tool_calls: parallel(&mut fields, !tools.is_empty())?,
        tools,
        stream: fields.flag("stream")?.unwrap_or(false),
        stream_options: stream_options(&mut fields)?,
        output: output(&mut fields)?,
        sampling: sampling(&mut fields)?,
        account: Account::judge(&mut fields, &[])?,
        extra,
    };
    fields.finish()?;
    if request.stream_options.is_some() && !request.stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::invalid(
            message.to_owned(),
            Some("stream_options"),
            None,
        ));
    }
    answered(&request.messages)?;
    suits(&request)?;
    Ok(request)
}

fn tools(fields: &mut Fields) -> Result<Vec<Tool>, Refusal> {
    let listed = fields.list("tools")?.unwrap_or_default().into_iter();
    listed
        .map(|(path, value)| {
            let mut fields = Fields::of(path, value)?;
            fields.required_word("type", &["function"])?;
            let function = fields.object("function")?;
            let mut function = function.ok_or_else(|| fields.missing("function"))?;
            fields.finish()?;
            function.nullable(&["strict"]);
            let tool = tool(&mut function)?;
            function.finish()?;
            Ok(tool)
        })
        .collect()
}

/// The fields of a function, which Responses has without a wrapper.
pub(in super::super) fn tool(fields: &mut Fields) -> Result<Tool, Refusal> {
    let name = fields.required_text("name")?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if name.len() > 64 {
        return Err(fields.too_long("name", name.chars().count(), 64));
    }
    if name.is_empty() || !name.chars().all(plain) {
        let path = fields.path("name");
        let message = format!(
            "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(Refusal::invalid(
            message,
            Some(&path),
            Some("invalid_value"),
        ));
    }
    Ok(Tool {
        name,
        description: fields.text("description")?,
        parameters: fields.map("parameters")?.map(Value::Object),
        strict: fields.flag("strict")?,
    })
}

fn tool_choice(fields: &mut Fields, has_tools: bool) -> Result<Option<ToolChoice>, Refusal> {
    let path = fields.path("tool_choice");
    let choice = match fields.take("tool_choice") {
        None => return Ok(None),
        Some(Value::String(word)) => choice_word(&path, &word)?,
        Some(value) => {
            let mut fields = Fields::of(path.clone(), value)?;
            fields.required_word("type", &["function"])?;
            let function = fields.object("function")?;
            let mut function = function.ok_or_else(|| fields.missing("function"))?;
            let name = function.required_text("name")?;
            function.finish()?;
            fields.finish()?;
            ToolChoice::Function(name)
        }
    };
    if has_tools || choice == ToolChoice::None {
        Ok(Some(choice))
    } else {
        Err(without_tools(&path))
    }
}

pub(in super::super) fn choice_word(path: &str, word: &str) -> Result<ToolChoice, Refusal> {
    let choices = &ToolChoice::WORDS;
    let found = choices.iter().find(|(name, _)| *name == word);
    match found {
        Some((_, choice)) => Ok(choice.clone()),
        None => Err(no_such_word(
            path,
            word,
            &choices.each_ref().map(|(name, _)| *name),
        )),
    }
}

fn parallel(fields: &mut Fields, has_tools: bool) -> Result<Option<bool>, Refusal> {
    let parallel = fields.flag("parallel_tool_calls")?;
    if parallel.is_some() && !has_tools {
        return Err(without_tools("parallel_tool_calls"));
    }
    Ok(parallel)
}

fn without_tools(path: &str) -> Refusal {
    let message =
        format!("Invalid value for '{path}': '{path}' is only allowed when 'tools' are specified.");
    Refusal::invalid(message, Some(path), None)
}

fn stream_options(fields: &mut Fields) -> Result<Option<StreamOptions>, Refusal> {
    let Some(mut options) = fields.object("stream_options")? else {
        return Ok(None);
    };
    let asked = StreamOptions {
        include_usage: options.flag("include_usage")?,
        include_obfuscation: options.flag("include_obfuscation")?,
    };
    options.finish()?;
    Ok(Some(asked))
}

fn output(fields: &mut Fields) -> Result<Output, Refusal> {
    let stop = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(value) => {
            let mut whole = Map::new();
            whole.insert("stop".to_owned(), value);
            Fields::of(String::new(), Value::Object(whole))?.texts("stop")?
        }
    };
    if stop.len() > 4 {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length {} instead.",
            stop.len()
        );
        let code = Some("array_above_max_length");
        return Err(Refusal::invalid(message, Some("stop"), code));
    }
    let response_format = fields.map("response_format")?;
    if let Some(format) = &response_format {
        let mut format = Fields::of("response_format".to_owned(), Value::Object(format.clone()))?;
        format.required_word("type", &["text", "json_object", "json_schema"])?;
    }
    Ok(Output {
        max_completion_tokens: fields.count("max_completion_tokens", 1, i64::MAX)?,
        max_tokens: fields.count("max_tokens", 1, i64::MAX)?,
        reasoning_effort: fields.named("reasoning_effort", &Effort::NAMES)?,
        verbosity: fields.named("verbosity", &Verbosity::NAMES)?,
        response_format: response_format.map(Value::Object),
        stop,
    })
}

fn sampling(fields: &mut Fields) -> Result<Sampling, Refusal> {
    let mut logit_bias = BTreeMap::new();
    if let Some(mut bias) = fields.object("logit_bias")? {
        for token in bias.names() {
            if let Some(value) = bias.integer(&token, -100, 100)? {
                logit_bias.insert(token, value);
            }
        }
    }
    Ok(Sampling {
        temperature: fields.float("temperature", 0.0, 2.0)?,
        top_p: fields.float("top_p", 0.0, 1.0)?,
        frequency_penalty: fields.float("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: fields.float("presence_penalty", -2.0, 2.0)?,
        seed: fields.integer("seed", i64::MIN, i64::MAX)?,
        n: fields.count("n", 1, 128)?,
        logprobs: fields.flag("logprobs")?,
        top_logprobs: fields.count("top_logprobs", 0, 20)?,
        logit_bias,
    })
}

/// What the model of the request takes.
fn suits(request: &Request) -> Result<(), Refusal> {
    let traits = Traits::of(&request.model);
    let effort = request.output.reasoning_effort;
    if !traits.reasons {
        return match effort {
            Some(_) if is_older(&request.model) => {
                let message = "Unrecognized request argument supplied: reasoning_effort";
                Err(Refusal::invalid(message.to_owned(), None, None))
            }
            Some(_) | None => Ok(()),
        };
    }
    if effort == Some(Effort::None) && !traits.takes_none {
        let message = "'reasoning_effort' does not support 'none' with this model.";
        return Err(Refusal::unsupported_value("reasoning_effort", message));
    }
    if request.output.max_tokens.is_some() {
        let instead = " Use 'max_completion_tokens' instead.";
        return Err(Refusal::unsupported("max_tokens", instead));
    }
    if !request.output.stop.is_empty() {
        return Err(Refusal::unsupported("stop", ""));
    }
    let with_tools = match traits.chat_tools {
        ChatTools::Always => true,
        ChatTools::UnlessReasoning => matches!(effort, None | Some(Effort::None)),
        ChatTools::OnlyWithoutReasoning => effort == Some(Effort::None),
        ChatTools::Never => false,
    };
    if !with_tools && !request.tools.is_empty() {
        return Err(no_tools(&request.model, traits.takes_none));
    }
    let reasons = match (effort, traits.chat_tools) {
        (Some(effort), _) => effort != Effort::None,
        (None, ChatTools::OnlyWithoutReasoning | ChatTools::Never) => true,
        (None, ChatTools::Always | ChatTools::UnlessReasoning) => !traits.takes_none,
    };
    if reasons {
        request.sampling.without_reasoning()
    } else {
        Ok(())
    }
}

/// Names of OpenAI that are known not to reason; others may be a compatible server's.
fn is_older(model: &str) -> bool {
    model.starts_with("gpt-4") || model.starts_with("gpt-3.5")
}

fn no_tools(model: &str, takes_none: bool) -> Refusal {
    let instead = if takes_none {
        " or set reasoning_effort to 'none'"
    } else {
        ""
    };
    let message = format!(
        "Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. Please use /v1/responses{instead}."
    );
    Refusal::invalid(message, Some("reasoning_effort"), None)
}

impl Sampling {
    /// Refuses what a model does not take while it reasons.
    fn without_reasoning(&self) -> Result<(), Refusal> {
        let fixed = [
            ("temperature", self.temperature, 1.0),
            ("top_p", self.top_p, 1.0),
            ("presence_penalty", self.presence_penalty, 0.0),
            ("frequency_penalty", self.frequency_penalty, 0.0),
        ];
        for (name, value, only) in fixed {
            if let Some(value) = value.filter(|value| *value != only) {
                let message = format!(
                    "'{name}' does not support {value} with this model. Only the default ({only}) value is supported."
                );
                return Err(Refusal::unsupported_value(name, &message));
            }
        }
        if self.logprobs == Some(true) || self.top_logprobs.is_some() {
            return Err(Refusal::unsupported("logprobs", ""));
        }
        Ok(())
    }
}
