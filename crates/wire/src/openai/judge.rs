//! The strict reader of requests: every field is asked for once, what is left over is refused, and each refusal is the
//! answer OpenAI gives, as threads of its users quote it.

use serde_json::{Map, Value};

use super::errors::ApiError;

/// Why OpenAI would not take a request: status and body of its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {error}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub error: ApiError,
}

impl Refusal {
    pub(super) fn invalid(message: String, param: Option<&str>, code: Option<&str>) -> Self {
        Self {
            status: 400,
            error: ApiError::invalid(message, param, code),
        }
    }

    pub(super) fn unsupported(param: &str, instead: &str) -> Self {
        let message =
            format!("Unsupported parameter: '{param}' is not supported with this model.{instead}");
        Self::invalid(message, Some(param), Some("unsupported_parameter"))
    }

    pub(super) fn unsupported_value(param: &str, message: &str) -> Self {
        let message = format!("Unsupported value: {message}");
        Self::invalid(message, Some(param), Some("unsupported_value"))
    }

    /// 401: the key is wrong.
    #[must_use]
    pub fn key() -> Self {
        let error = ApiError::invalid("Incorrect API key provided.", None, Some("invalid_api_key"));
        Self { status: 401, error }
    }

    /// 404: there is no such model.
    #[must_use]
    pub fn model_not_found(model: &str) -> Self {
        let message =
            format!("The model `{model}` does not exist or you do not have access to it.");
        Self {
            status: 404,
            error: ApiError::invalid(message, None, Some("model_not_found")),
        }
    }

    /// 429 that goes away by itself.
    #[must_use]
    pub fn rate_limit() -> Self {
        let message = "Rate limit reached. Please try again later.";
        Self::told(429, message, "requests", Some("rate_limit_exceeded"))
    }

    /// 429 that does not go away by itself.
    #[must_use]
    pub fn quota() -> Self {
        let message =
            "You exceeded your current quota, please check your plan and billing details.";
        Self::told(
            429,
            message,
            "insufficient_quota",
            Some("insufficient_quota"),
        )
    }

    /// A failure of the server, with a status from 500.
    #[must_use]
    pub fn server(status: u16) -> Self {
        let message = "The server had an error while processing your request. Sorry about that!";
        Self::told(status, message, "server_error", None)
    }

    fn told(status: u16, message: &str, kind: &str, code: Option<&str>) -> Self {
        let error = ApiError {
            message: message.to_owned(),
            kind: Some(kind.to_owned()),
            code: code.map(str::to_owned),
            param: None,
        };
        Self { status, error }
    }
}

/// The fields of an object, taken out one by one.
pub(super) struct Fields {
    path: String,
    left: Map<String, Value>,
    seen: Map<String, Value>,
}

impl Fields {
    /// The body of a request.
    pub(super) fn body(text: &str) -> Result<Self, Refusal> {
        match serde_json::from_str(text) {
            Ok(Value::Object(left)) => Ok(Self::at(String::new(), left)),
            Ok(_) | Err(_) => Err(Refusal::invalid(
                "We could not parse the JSON body of your request. The API expects a JSON object."
                    .to_owned(),
                None,
                None,
            )),
        }
    }

    fn at(path: String, left: Map<String, Value>) -> Self {
        let seen = Map::new();
        Self { path, left, seen }
    }

    pub(super) fn of(path: String, value: Value) -> Result<Self, Refusal> {
        if let Value::Object(left) = value {
            Ok(Self::at(path, left))
        } else {
            Err(wrong_type(&path, "an object", &value))
        }
    }

    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.left.keys().cloned().collect()
    }

    /// What was taken out so far, as it was.
    pub(super) fn seen(self) -> Map<String, Value> {
        self.seen
    }

    /// Fields that may be null, which then means that they are not set.
    pub(super) fn nullable(&mut self, names: &[&str]) {
        for name in names {
            if self.left.get(*name).is_some_and(Value::is_null) {
                self.left.remove(*name);
            }
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.left.remove(name)?;
        self.seen.insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// Fields that are taken as they are.
    pub(super) fn unjudged(&mut self, names: &[&str]) -> Map<String, Value> {
        let names = names.iter();
        let taken = names.filter_map(|name| Some(((*name).to_owned(), self.take(name)?)));
        taken.collect()
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Value, Refusal> {
        self.take(name).ok_or_else(|| self.missing(name))
    }

    pub(super) fn missing(&self, name: &str) -> Refusal {
        let path = self.path(name);
        let message = format!("Missing required parameter: '{path}'.");
        Refusal::invalid(message, Some(&path), Some("missing_required_parameter"))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(&self.path(name), "a string", &other)),
        }
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?;
        text.ok_or_else(|| self.missing(name))
    }

    pub(super) fn short_text(
        &mut self,
        name: &str,
        limit: usize,
    ) -> Result<Option<String>, Refusal> {
        let text = self.text(name)?;
        match text.as_ref().map(|text| text.chars().count()) {
            Some(length) if length > limit => Err(self.too_long(name, length, limit)),
            Some(_) | None => Ok(text),
        }
    }

    pub(super) fn word(&mut self, name: &str, words: &[&str]) -> Result<Option<String>, Refusal> {
        match self.text(name)? {
            Some(word) if !words.contains(&word.as_str()) => {
                Err(no_such_word(&self.path(name), &word, words))
            }
            word => Ok(word),
        }
    }

    pub(super) fn required_word(&mut self, name: &str, words: &[&str]) -> Result<String, Refusal> {
        let word = self.word(name, words)?;
        word.ok_or_else(|| self.missing(name))
    }

    pub(super) fn named<T: Copy>(
        &mut self,
        name: &str,
        names: &[(&'static str, T)],
    ) -> Result<Option<T>, Refusal> {
        let words: Vec<_> = names.iter().map(|(word, _)| *word).collect();
        let word = self.word(name, &words)?;
        let found = word.and_then(|word| names.iter().find(|(other, _)| *other == word));
        Ok(found.map(|(_, value)| *value))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&self.path(name), "a boolean", &other)),
        }
    }

    pub(super) fn float(
        &mut self,
        name: &str,
        low: f64,
        high: f64,
    ) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let path = self.path(name);
        let number = value
            .as_f64()
            .ok_or_else(|| wrong_type(&path, "a decimal", &value))?;
        if number < low || number > high {
            return Err(out_of_range(
                &path,
                "decimal",
                number < low,
                &low,
                &high,
                &number,
            ));
        }
        Ok(Some(number))
    }

    pub(super) fn integer(
        &mut self,
        name: &str,
        low: i64,
        high: i64,
    ) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let path = self.path(name);
        let number = value
            .as_i64()
            .ok_or_else(|| wrong_type(&path, "an integer", &value))?;
        if number < low || number > high {
            return Err(out_of_range(
                &path,
                "integer",
                number < low,
                &low,
                &high,
                &number,
            ));
        }
        Ok(Some(number))
    }

    pub(super) fn count(
        &mut self,
        name: &str,
        low: i64,
        high: i64,
    ) -> Result<Option<u64>, Refusal> {
        let number = self.integer(name, low.max(0), high)?;
        Ok(number.and_then(|number| u64::try_from(number).ok()))
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => Self::of(self.path(name), value).map(Some),
        }
    }

    pub(super) fn map(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        Ok(self.object(name)?.map(|fields| fields.left))
    }

    /// The elements of an array with their paths.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<(String, Value)>>, Refusal> {
        let path = self.path(name);
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(numbered(&path, values))),
            Some(other) => Err(wrong_type(&path, "an array", &other)),
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let listed = self.list(name)?.unwrap_or_default().into_iter();
        listed
            .map(|(path, value)| {
                let text = value.as_str().map(str::to_owned);
                text.ok_or_else(|| wrong_type(&path, "a string", &value))
            })
            .collect()
    }

    pub(super) fn too_many(&self, count: usize, limit: usize) -> Refusal {
        let path = &self.path;
        let message = format!(
            "Invalid '{path}': too many properties. Expected an object with at most {limit} properties, but got an object with {count} properties instead."
        );
        Refusal::invalid(message, Some(path), Some("object_above_max_properties"))
    }

    pub(super) fn too_long(&self, name: &str, length: usize, limit: usize) -> Refusal {
        let path = self.path(name);
        let message = format!(
            "Invalid '{path}': string too long. Expected a string with maximum length {limit}, but got a string with length {length} instead."
        );
        Refusal::invalid(message, Some(&path), Some("string_above_max_length"))
    }

    /// # Errors
    /// [`Refusal`] if a field is left: OpenAI knows none of that name.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => {
                let path = self.path(name);
                let message = format!("Unknown parameter: '{path}'.");
                Err(Refusal::invalid(
                    message,
                    Some(&path),
                    Some("unknown_parameter"),
                ))
            }
        }
    }
}

pub(super) fn numbered(path: &str, values: Vec<Value>) -> Vec<(String, Value)> {
    let values = values.into_iter().enumerate();
    values
        .map(|(index, value)| (format!("{path}[{index}]"), value))
        .collect()
}

pub(super) fn wrong_type(path: &str, expected: &str, got: &Value) -> Refusal {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{path}': expected {expected}, but got {got} instead.");
    Refusal::invalid(message, Some(path), Some("invalid_type"))
}

pub(super) fn no_such_word(path: &str, word: &str, words: &[&str]) -> Refusal {
    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let words = words.join(", ");
    let message = format!("Invalid value: '{word}'. Supported values are: {words}.");
    Refusal::invalid(message, Some(path), Some("invalid_value"))
}

fn out_of_range<T: std::fmt::Display>(
    path: &str,
    kind: &str,
    below: bool,
    low: &T,
    high: &T,
    got: &T,
) -> Refusal {
    let (side, code, sign, bound) = if below {
        ("below minimum", "below_min_value", ">=", low)
    } else {
        ("above maximum", "above_max_value", "<=", high)
    };
    let message = format!(
        "Invalid '{path}': {kind} {side} value. Expected a value {sign} {bound}, but got {got} instead."
    );
    Refusal::invalid(message, Some(path), Some(&format!("{kind}_{code}")))
}
