//! JSON as it was written: fields in order, doubled ones kept, so that each can be asked for and the rest named.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Refusal;

pub(super) enum Node<'a> {
    Text(Cow<'a, str>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    Other,
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
        let mut fields = Vec::with_capacity(4);
        while let Some(Node::Text(key)) = map.next_key()? {
            fields.push((key, map.next_value()?));
        }
        Ok(Node::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node<'de>, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }
}

/// The fields of an object, taken out one by one.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Fields<'a> {
    pub(super) fn of(field: &'static str, node: Node<'a>) -> Result<Self, Refusal> {
        match node {
            Node::Object(fields) => Ok(Self(fields)),
            Node::Text(_) | Node::Other => Err(Refusal::WrongShape {
                field,
                expected: "an object",
            }),
        }
    }

    fn take(&mut self, event: &'static str, field: &'static str) -> Result<Node<'a>, Refusal> {
        match self.0.iter().position(|(name, _)| name == field) {
            Some(index) => Ok(self.0.swap_remove(index).1),
            None => Err(Refusal::Missing { event, field }),
        }
    }

    pub(super) fn text(
        &mut self,
        event: &'static str,
        field: &'static str,
    ) -> Result<Cow<'a, str>, Refusal> {
        match self.take(event, field)? {
            Node::Text(text) => Ok(text),
            Node::Object(_) | Node::Other => Err(Refusal::WrongShape {
                field,
                expected: "a string",
            }),
        }
    }

    /// The stream and the object named like the event, of a message that has nothing else.
    pub(super) fn with_body(
        mut self,
        event: &'static str,
    ) -> Result<(Cow<'a, str>, Self), Refusal> {
        let stream_sid = self.text(event, "streamSid")?;
        let body = Self::of(event, self.take(event, event)?)?;
        self.finish(event)?;
        Ok((stream_sid, body))
    }

    pub(super) fn finish(self, event: &'static str) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(Refusal::Unexpected {
                event,
                field: field.into_owned(),
            }),
        }
    }
}
