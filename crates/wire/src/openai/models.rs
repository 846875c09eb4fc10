//! `GET /models`, and what is known about how a model wants to be asked.

use serde_json::Value;

use super::json::{self, Object};
use super::settings::Effort;
use crate::Garbled;

/// One model of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The name that goes into requests.
    pub id: String,
    /// Unix time in seconds; 0 where it is missing.
    pub created: u64,
    /// Who made it.
    pub owned_by: Option<String>,
    /// The day it is switched off, `YYYY-MM-DD`: worth a warning.
    pub shutdown_date: Option<String>,
}

/// Reads the list of models. An entry without a name is left out.
///
/// # Errors
/// [`Garbled`] if the text is no JSON object with a list.
pub fn parse(text: &str) -> Result<Vec<Model>, Garbled> {
    let value = json::parse("models", text)?;
    let Some(Value::Array(models)) = value.get("data") else {
        return Err(json::lacking("models", text));
    };
    let models = models.iter();
    Ok(models.filter_map(Model::read).collect())
}

/// The list of models as OpenAI gives it.
#[must_use]
pub fn to_text(models: &[Model]) -> String {
    let data: Vec<_> = models.iter().map(Model::to_value).collect();
    Object::default()
        .with("object", "list")
        .with("data", data)
        .text()
}

impl Model {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: json::filled(value, "id")?,
            created: json::count(value, "created").unwrap_or(0),
            owned_by: json::filled(value, "owned_by"),
            shutdown_date: json::filled(value, "shutdown_date"),
        })
    }

    fn to_value(&self) -> Value {
        Object::default()
            .with("id", self.id.as_str())
            .with("object", "model")
            .with("created", self.created)
            .with("owned_by", self.owned_by.as_deref().unwrap_or_default())
            .with_some("shutdown_date", self.shutdown_date.clone())
            .value()
    }
}

/// Whether a model takes function tools on Chat Completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatTools {
    /// Always.
    Always,
    /// Not together with a reasoning effort other than `none`; leaving the effort out is fine.
    UnlessReasoning,
    /// Only if the request says `reasoning_effort: "none"`.
    OnlyWithoutReasoning,
    /// Never: such a model wants Responses.
    Never,
}

/// How a model of OpenAI wants to be asked. For a name that is not known, such as one of a compatible server, nothing
/// is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// It reasons: no `max_tokens`, no `stop`, and no sampling settings while it does.
    pub reasons: bool,
    /// It takes `reasoning_effort: "none"`.
    pub takes_none: bool,
    /// It takes function tools on Chat Completions.
    pub chat_tools: ChatTools,
}

impl Traits {
    /// The traits by name; a date at its end changes nothing.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let traits = |reasons, takes_none, chat_tools| Self {
            reasons,
            takes_none,
            chat_tools,
        };
        let family = |name: &str| {
            let rest = model.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let any = |names: &[&str]| names.iter().any(|name| family(name));
        if any(&["gpt-6-astra", "gpt-6.1-sol"]) {
            traits(true, false, ChatTools::Never)
        } else if any(&["gpt-6", "gpt-6.1", "gpt-5.6"]) {
            traits(true, true, ChatTools::OnlyWithoutReasoning)
        } else if any(&["gpt-5.4", "gpt-5.5"]) {
            traits(true, true, ChatTools::UnlessReasoning)
        } else if any(&["gpt-5.1", "gpt-5.2", "gpt-5.3"]) {
            traits(true, true, ChatTools::Always)
        } else if any(&["gpt-5", "o1", "o3", "o4"]) {
            traits(true, false, ChatTools::Always)
        } else {
            traits(false, false, ChatTools::Always)
        }
    }

    /// The effort to send for the quickest answer, where the setting is known to be taken.
    #[must_use]
    pub fn quickest(&self) -> Option<Effort> {
        self.takes_none.then_some(Effort::None)
    }
}
