//! JSON of any shape, borrowed where it can be, for readers that take what is there and do without the rest.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::Garbled;

#[derive(Debug)]
pub(super) enum Node<'a> {
    Null,
    Flag(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// In order, doubled fields kept.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// A message of Deepgram and its `type`.
    pub(super) fn message(text: &'a str) -> Result<(String, Self), Garbled> {
        let node = Self::read(text).map_err(|error| Garbled::from_json("Deepgram", &error))?;
        match node.get("type").text() {
            Some(kind) => Ok((kind.to_owned(), node)),
            None => Err(Garbled::Missing {
                kind: "Deepgram",
                field: "type",
            }),
        }
    }

    /// The field, null where there is none.
    pub(super) fn get(&self, name: &str) -> &Self {
        match self {
            Self::Object(fields) => fields
                .iter()
                .find(|(other, _)| other == name)
                .map_or(&Self::Null, |(_, node)| node),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => {
                &Self::Null
            }
        }
    }

    /// The field, if it is there and not null.
    pub(super) fn present(&self, name: &str) -> Option<&Self> {
        Some(self.get(name)).filter(|node| !matches!(node, Self::Null))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The text of a field, empty where there is none.
    pub(super) fn owned(&self, name: &str) -> String {
        self.get(name).text().unwrap_or_default().to_owned()
    }

    /// The text of a field that may be missing.
    pub(super) fn maybe(&self, name: &str) -> Option<String> {
        self.get(name).text().map(str::to_owned)
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => &[],
        }
    }

    /// The strings of a list; a string alone is a list of one.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone().into_owned()],
            Self::List(items) => items
                .iter()
                .filter_map(|item| item.text().map(str::to_owned))
                .collect(),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Object(_) => Vec::new(),
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(text) => text.parse().ok(),
            Self::Null | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// A counter, or a string of one.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            Self::Text(text) => text.parse().ok(),
            Self::Null | Self::Flag(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(super) fn count_u32(&self) -> Option<u32> {
        self.count().and_then(|count| count.try_into().ok())
    }

    /// A number, or a string of one, to six decimal places: what is written and read again is then the same.
    pub(super) fn float(&self) -> Option<f64> {
        let value = match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(text) => text.parse().ok(),
            Self::Null | Self::Flag(_) | Self::List(_) | Self::Object(_) => None,
        };
        value
            .filter(|value| value.abs() <= 1e9)
            .map(|value| (value * 1e6).round() / 1e6)
    }

    /// Seconds that are not negative.
    pub(super) fn seconds(&self) -> Option<Duration> {
        let seconds = self.float().filter(|seconds| *seconds >= 0.0)?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 1e15 and not negative"
        )]
        Some(Duration::from_micros((seconds * 1e6).round() as u64))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(Node::Text(key)) = map.next_key()? {
            fields.push((key, map.next_value()?));
        }
        Ok(Node::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node<'de>, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }
}

/// JSON text of a message of ours, whose parts can always be written.
pub(super) fn write(message: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(message);
    debug_assert!(text.is_ok(), "texts, numbers and lists of them");
    text.unwrap_or_default()
}

/// JSON text of a message that is nothing but its `type`.
pub(super) fn write_kind(kind: &str) -> String {
    #[derive(serde::Serialize)]
    struct Kind<'a> {
        r#type: &'a str,
    }
    write(&Kind { r#type: kind })
}
