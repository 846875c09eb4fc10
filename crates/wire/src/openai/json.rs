//! JSON objects: read as if every field might be missing or odd, written without what is not set.

use serde_json::{Map, Number, Value};

use crate::Garbled;

/// An object under construction.
#[derive(Default)]
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn tagged(kind: &str) -> Self {
        Self::default().with("type", kind)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A number that JSON cannot hold is left out, like one that is not set.
    pub(super) fn with_float(self, name: &str, value: Option<f64>) -> Self {
        self.with_some(name, value.and_then(Number::from_f64))
    }

    pub(super) fn with_filled(self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() {
            self
        } else {
            self.with(name, values)
        }
    }

    pub(super) fn with_all(mut self, fields: &Map<String, Value>) -> Self {
        let fields = fields.iter();
        self.0
            .extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    pub(super) fn value(self) -> Value {
        Value::Object(self.0)
    }

    pub(super) fn text(self) -> String {
        self.value().to_string()
    }
}

pub(super) fn parse(kind: &'static str, text: &str) -> Result<Value, Garbled> {
    serde_json::from_str::<Map<String, Value>>(text)
        .map(Value::Object)
        .map_err(|error| Garbled::from_json(kind, &error))
}

/// JSON that lacks what its kind cannot do without.
pub(super) fn lacking(kind: &'static str, text: &str) -> Garbled {
    Garbled::Shape {
        kind,
        line: text.lines().count().max(1),
        column: text.lines().last().map_or(0, str::len),
    }
}

/// A string, or a number as one.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A string that is not empty.
pub(super) fn filled(value: &Value, name: &str) -> Option<String> {
    text(value, name).filter(|text| !text.is_empty())
}

/// A string as it is, anything else that is not null as its JSON.
pub(super) fn json_text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(other.to_string())
        }
    }
}

pub(super) fn count(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

pub(super) fn float(value: &Value, name: &str) -> Option<f64> {
    value.get(name)?.as_f64()
}

pub(super) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// An object, unless it is missing or null.
pub(super) fn object<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| value.is_object())
}
