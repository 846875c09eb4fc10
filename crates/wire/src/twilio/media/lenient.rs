//! Fields that Twilio sends as one type today and another tomorrow.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A string that is borrowed where it can be. (`Option<Cow<str>>` by itself is always copied by serde.)
#[derive(serde::Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A counter: a number, or a string of one; `None` for anything else.
#[derive(Default)]
pub(super) struct Counter(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CounterVisitor)
    }
}

struct CounterVisitor;

impl<'de> Visitor<'de> for CounterVisitor {
    type Value = Counter;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a counter")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Counter, E> {
        Ok(Counter(Some(value)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Counter, E> {
        Ok(Counter(text.parse().ok()))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Counter, E> {
        Ok(Counter(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Counter, E> {
        Ok(Counter(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Counter, E> {
        Ok(Counter(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Counter, E> {
        Ok(Counter(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Counter, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Counter(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counter, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Counter(None))
    }
}

/// The custom parameters: an object of strings. Other values are kept as their JSON text, null as the empty string.
#[derive(Default)]
pub(super) struct Parameters(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values =
            Option::<BTreeMap<String, Value>>::deserialize(deserializer)?.unwrap_or_default();
        let text = |value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        Ok(Self(
            values
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
        ))
    }
}
