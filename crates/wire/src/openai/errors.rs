//! Errors: what a server said, whatever the shape, and whose fault it is.

use serde_json::Value;

use super::json::{self, Object};

/// Characters of a foreign message that are kept.
pub const MAX_MESSAGE_CHARACTERS: usize = 200;

/// What a server says about a failure, of an HTTP answer or within a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// One line, at most [`MAX_MESSAGE_CHARACTERS`] of it, without control characters and keys when it was read.
    pub message: String,
    /// `type`, such as `invalid_request_error`.
    pub kind: Option<String>,
    /// `code`, such as `rate_limit_exceeded`. vLLM and llama.cpp repeat the HTTP status here, as a number.
    pub code: Option<String>,
    /// `param`: the field that is to blame.
    pub param: Option<String>,
}

impl ApiError {
    /// Reads the body of a failed answer. It never fails: OpenAI's object, an `error` that is a string, older
    /// top-level fields, `detail` of FastAPI, an array around it, HTML, plain text, nothing.
    #[must_use]
    pub fn read(body: &str) -> Self {
        serde_json::from_str::<Value>(body)
            .ok()
            .and_then(|value| Self::of(&value))
            .unwrap_or_else(|| Self {
                message: clean(&without_tags(body)),
                ..Self::default()
            })
    }

    /// The error within a message, or the message that is one.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let value = value
            .as_array()
            .and_then(|all| all.first())
            .unwrap_or(value);
        match value.get("error") {
            Some(Value::String(message)) => Some(Self::told(value, message)),
            Some(error @ Value::Object(_)) => Some(Self::fields(error)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => {
                let message = json::text(value, "message").or_else(|| detail(value))?;
                Some(Self::told(value, &message))
            }
        }
    }

    /// The fields of an error object, the message of which may be missing.
    pub(super) fn fields(value: &Value) -> Self {
        let message = json::text(value, "message")
            .or_else(|| json::text(value, "code"))
            .or_else(|| json::text(value, "type"));
        Self::told(value, message.as_deref().unwrap_or_default())
    }

    fn told(value: &Value, message: &str) -> Self {
        let short = |name| json::filled(value, name).map(|text| clean(&text));
        Self {
            message: clean(message),
            kind: short("type"),
            code: short("code"),
            param: short("param"),
        }
    }

    /// An error of type `invalid_request_error`, as the simulator answers.
    #[must_use]
    pub fn invalid(message: impl Into<String>, param: Option<&str>, code: Option<&str>) -> Self {
        Self {
            message: message.into(),
            kind: Some("invalid_request_error".to_owned()),
            code: code.map(str::to_owned),
            param: param.map(str::to_owned),
        }
    }

    /// The body of OpenAI: all four fields, null where there is nothing.
    #[must_use]
    pub fn to_text(&self) -> String {
        Object::default().with("error", self.to_value()).text()
    }

    pub(super) fn to_value(&self) -> Value {
        Object::default()
            .with("message", self.message.as_str())
            .with("type", self.kind.clone())
            .with("param", self.param.clone())
            .with("code", self.code.clone())
            .value()
    }

    /// What it means. `status` is the one of the HTTP answer, `None` for an error within a stream.
    #[must_use]
    pub fn fault(&self, status: Option<u16>) -> Fault {
        for word in [&self.code, &self.kind].into_iter().flatten() {
            if let Some(fault) = Fault::of_word(word) {
                return fault;
            }
        }
        let code = self.code.as_deref().and_then(|code| code.parse().ok());
        match status.filter(|status| *status >= 400).or(code) {
            Some(status) => Fault::of_status(status),
            None if self.kind.as_deref() == Some("invalid_request_error") => Fault::Request,
            None => Fault::Server,
        }
    }
}

/// Whose fault a failure is, and so what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The request: 400, 422, and every other 4xx that is not below. The same request fails again.
    Request,
    /// The request, because it is too long for the model or the server: 413, `context_length_exceeded`.
    TooLong,
    /// The key: 401, `invalid_api_key`. For the operator.
    Key,
    /// Region or permission: 403. For the operator.
    Forbidden,
    /// The model or the path does not exist: 404, `model_not_found`. For the operator.
    NotFound,
    /// The account has no money left: `insufficient_quota`. For the operator; waiting does not help.
    Quota,
    /// Too many requests at the moment: 429, 498 of Groq.
    Busy,
    /// Timeout or conflict: 408, 409.
    Passing,
    /// The server: 5xx.
    Server,
}

impl Fault {
    /// True if the same request may well succeed a little later.
    #[must_use]
    pub fn worth_a_retry(self) -> bool {
        match self {
            Self::Busy | Self::Passing | Self::Server => true,
            Self::Request
            | Self::TooLong
            | Self::Key
            | Self::Forbidden
            | Self::NotFound
            | Self::Quota => false,
        }
    }

    /// True if no request will succeed until somebody changes the configuration or pays.
    #[must_use]
    pub fn needs_the_operator(self) -> bool {
        match self {
            Self::Key | Self::Forbidden | Self::NotFound | Self::Quota => true,
            Self::Request | Self::TooLong | Self::Busy | Self::Passing | Self::Server => false,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "insufficient_quota" => Self::Quota,
            "rate_limit_exceeded" | "capacity_exceeded" => Self::Busy,
            "invalid_api_key" | "authentication_error" => Self::Key,
            "model_not_found" | "not_found_error" => Self::NotFound,
            "context_length_exceeded" => Self::TooLong,
            "server_error" => Self::Server,
            _ => return None,
        })
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Key,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 | 409 => Self::Passing,
            413 => Self::TooLong,
            429 | 498 => Self::Busy,
            400..=499 => Self::Request,
            _ => Self::Server,
        }
    }
}

fn detail(value: &Value) -> Option<String> {
    let first = || json::items(value, "detail").first();
    json::text(value, "detail").or_else(|| first().and_then(|first| json::text(first, "msg")))
}

fn without_tags(body: &str) -> String {
    let mut text = String::new();
    let mut within = false;
    for letter in body.chars().take(8 * MAX_MESSAGE_CHARACTERS) {
        match letter {
            '<' => within = true,
            '>' if within => {
                within = false;
                text.push(' ');
            }
            _ if within => {}
            _ => text.push(letter),
        }
    }
    text
}

/// One short line: a key that a server repeats loses all but its beginning.
fn clean(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        match word.find("sk-") {
            Some(start) if word.len() > start + 11 => {
                line.push_str(&word[..start]);
                line.push_str("sk-…");
            }
            Some(_) | None => line.push_str(word),
        }
    }
    line.chars().take(MAX_MESSAGE_CHARACTERS).collect()
}
