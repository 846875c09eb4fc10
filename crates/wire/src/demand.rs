//! The strict side: a client's JSON, field by field, and the reason why a provider would not take it.

use serde_json::{Map, Value};

use crate::short_text::short;

/// Why a provider would not take what a client sent. Its text names the field and what is allowed there; values appear
/// only where a closed list or a range decides, never the text to speak and never a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is no JSON.
    #[error("not JSON at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where the line is empty.
        column: usize,
    },
    /// A field is not there, or null.
    #[error("{field} is required")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field has another type.
    #[error("{field} must be {expected}")]
    Shape {
        /// The field.
        field: &'static str,
        /// The type that is demanded.
        expected: &'static str,
    },
    /// A field has a value that is not allowed.
    #[error("{field} must be {allowed}, not {given}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// What came, shortened.
        given: String,
    },
    /// A field that the provider does not know at this place.
    #[error("{field} is not a field of this message")]
    Unknown {
        /// The field, shortened.
        field: String,
    },
    /// A field came twice in a query.
    #[error("{field} is given twice")]
    Doubled {
        /// The field.
        field: String,
    },
    /// A field differs from what the same context or connection began with.
    #[error("{field} differs from the first message of the context")]
    Changed {
        /// The field.
        field: &'static str,
    },
    /// Two fields exclude each other.
    #[error("{first} and {second} exclude each other")]
    Together {
        /// One field.
        first: &'static str,
        /// The other field.
        second: &'static str,
    },
    /// More contexts than one connection may have open.
    #[error("more than {most} contexts are open on this connection")]
    TooManyContexts {
        /// How many may be open.
        most: usize,
    },
}

impl Refusal {
    pub(crate) fn value(field: &'static str, allowed: &'static str, given: &str) -> Self {
        let given = short(given).chars().take(40).collect();
        Self::Value {
            field,
            allowed,
            given,
        }
    }
}

/// The fields of one object, taken out one by one.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let value = serde_json::from_str(text).map_err(|error| Refusal::Json {
            line: error.line(),
            column: error.column(),
        })?;
        Self::of("the message", value)
    }

    pub(crate) fn of(field: &'static str, value: Value) -> Result<Self, Refusal> {
        let Value::Object(map) = value else {
            return Err(Refusal::Shape {
                field,
                expected: "an object",
            });
        };
        Ok(Self(map))
    }

    /// Fields of an inner object under the names by which a refusal shall call them.
    pub(crate) fn renamed<const N: usize>(mut self, names: [(&str, &str); N]) -> Self {
        for (inner, full) in names {
            if let Some(value) = self.0.remove(inner) {
                self.0.insert(full.to_owned(), value);
            }
        }
        self
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.get(field).is_some_and(|value| !value.is_null())
    }

    /// The value, `None` where it is missing or null.
    pub(crate) fn take(&mut self, field: &'static str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    pub(crate) fn required(&mut self, field: &'static str) -> Result<Value, Refusal> {
        self.take(field).ok_or(Refusal::Missing { field })
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<Option<String>, Refusal> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::Shape {
                field,
                expected: "a string",
            }),
        }
    }

    pub(crate) fn required_text(&mut self, field: &'static str) -> Result<String, Refusal> {
        self.text(field)?.ok_or(Refusal::Missing { field })
    }

    /// A string that must not be empty: an identifier.
    pub(crate) fn name(&mut self, field: &'static str) -> Result<Option<String>, Refusal> {
        match self.text(field)? {
            Some(text) if text.is_empty() => Err(Refusal::value(field, "not empty", "\"\"")),
            other => Ok(other),
        }
    }

    pub(crate) fn required_name(&mut self, field: &'static str) -> Result<String, Refusal> {
        self.name(field)?.ok_or(Refusal::Missing { field })
    }

    pub(crate) fn truth(&mut self, field: &'static str) -> Result<Option<bool>, Refusal> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(Refusal::Shape {
                field,
                expected: "true or false",
            }),
        }
    }

    pub(crate) fn whole(
        &mut self,
        field: &'static str,
        range: (u64, u64),
        allowed: &'static str,
    ) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .filter(|number| (range.0..=range.1).contains(number));
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::value(field, allowed, &value.to_string())),
        }
    }

    /// A number in `range`. Single precision, so that what is written is what was read.
    pub(crate) fn number(
        &mut self,
        field: &'static str,
        range: (f32, f32),
        allowed: &'static str,
    ) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        #[allow(clippy::cast_possible_truncation, reason = "a setting has few digits")]
        let number = value.as_f64().map(|number| number as f32);
        match number.filter(|number| (range.0..=range.1).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::value(field, allowed, &value.to_string())),
        }
    }

    /// Refuses what nobody has asked for.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(Refusal::Unknown {
                field: short(&field),
            }),
        }
    }
}

/// The parameters of a query, each at most once.
pub(crate) fn query_fields(query: &str) -> Result<Fields, Refusal> {
    let mut map = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = Value::String(value.into_owned());
        if map.insert(name.clone().into_owned(), value).is_some() {
            return Err(Refusal::Doubled {
                field: short(&name),
            });
        }
    }
    Ok(Fields(map))
}

impl Fields {
    /// A parameter of a query that is a whole number.
    pub(crate) fn query_whole(
        &mut self,
        field: &'static str,
        range: (u64, u64),
        allowed: &'static str,
    ) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let number = text
            .parse()
            .ok()
            .filter(|number| (range.0..=range.1).contains(number));
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::value(field, allowed, &text)),
        }
    }

    /// A parameter of a query that is `true` or `false`.
    pub(crate) fn query_truth(&mut self, field: &'static str) -> Result<Option<bool>, Refusal> {
        match self.text(field)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Refusal::value(field, "true or false", other)),
        }
    }
}
