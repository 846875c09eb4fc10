//! Why Deepgram would not take a client's text frame.

use super::node::Node;

/// Why a text frame of a client is refused. It names the place, never a value.
///
/// What follows depends on the endpoint: [`super::listen`] answers an `Error` of variant `SchemaError` and goes on,
/// [`super::flux`] answers an `Error` with the code `UNPARSABLE_CLIENT_MESSAGE` and ends, [`super::speak`] closes.
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
    /// The kind of message does not exist on this endpoint.
    #[error("unknown message type {0:?}")]
    UnknownType(String),
    /// A field that must be there is not.
    #[error("{kind} without the field {field:?}")]
    Missing {
        /// The kind of message.
        kind: &'static str,
        /// The field that is missing.
        field: &'static str,
    },
    /// A field that must not be there is, or is there twice. (That Deepgram refuses what it does not know is our reading:
    /// a typing error in a field's name would otherwise pass unseen.)
    #[error("{kind} with the unexpected field {field:?}")]
    Unexpected {
        /// The kind of message.
        kind: &'static str,
        /// The field that is too much.
        field: String,
    },
    /// A field, or the message, has the wrong type or lies outside its bounds.
    #[error("{field} must be {expected}")]
    WrongShape {
        /// What is wrong.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The text to speak is too long.
    #[error("the text has {characters} characters, at most {most} are taken")]
    TooLong {
        /// Its length.
        characters: usize,
        /// The most that is taken.
        most: usize,
    },
}

/// The fields of a client's message, taken out one by one; doubled and unknown ones are left over.
pub(super) struct Fields<'a> {
    kind: &'static str,
    left: Vec<(std::borrow::Cow<'a, str>, Node<'a>)>,
}

impl<'a> Fields<'a> {
    /// The fields of a whole message.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let node = Node::read(text).map_err(|error| Refusal::Json {
            line: error.line(),
            column: error.column(),
        })?;
        Self::of("the message", node)
    }

    fn of(kind: &'static str, node: Node<'a>) -> Result<Self, Refusal> {
        match node {
            Node::Object(left) => Ok(Self { kind, left }),
            Node::Null | Node::Flag(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(Refusal::WrongShape {
                    field: kind,
                    expected: "an object",
                })
            }
        }
    }

    /// The message's `type` is one of `kinds`, from which it is named from now on.
    pub(super) fn kind<const N: usize>(
        &mut self,
        kinds: [&'static str; N],
    ) -> Result<&'static str, Refusal> {
        let word = self.required_text("type")?;
        let known = kinds.into_iter().find(|kind| *kind == word);
        self.kind = known.ok_or_else(|| Refusal::UnknownType(word.chars().take(40).collect()))?;
        Ok(self.kind)
    }

    /// A field that may be missing or null.
    fn take(&mut self, field: &str) -> Option<Node<'a>> {
        let index = self.left.iter().position(|(name, _)| name == field)?;
        match self.left.remove(index).1 {
            Node::Null => None,
            node @ (Node::Flag(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::List(_)
            | Node::Object(_)) => Some(node),
        }
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<Option<String>, Refusal> {
        self.as_shape(field, "a string", |node| match node {
            Node::Text(text) => Some(text.into_owned()),
            Node::Null | Node::Flag(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => None,
        })
    }

    pub(super) fn required_text(&mut self, field: &'static str) -> Result<String, Refusal> {
        let kind = self.kind;
        self.text(field)?.ok_or(Refusal::Missing { kind, field })
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<Option<bool>, Refusal> {
        self.as_shape(field, "true or false", |node| match node {
            Node::Flag(flag) => Some(flag),
            Node::Null | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => None,
        })
    }

    pub(super) fn count(&mut self, field: &'static str) -> Result<Option<u32>, Refusal> {
        self.as_shape(
            field,
            "a whole number that is not negative",
            |node| match node {
                Node::Number(number) => number.as_u64().and_then(|count| count.try_into().ok()),
                Node::Null | Node::Flag(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                    None
                }
            },
        )
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<Option<f64>, Refusal> {
        self.as_shape(field, "a number", |node| match node {
            Node::Number(_) => node.float(),
            Node::Null | Node::Flag(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => None,
        })
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>, Refusal> {
        self.as_shape(field, "a list of strings", |node| match node {
            Node::List(items) => items
                .into_iter()
                .map(|item| item.text().map(str::to_owned))
                .collect(),
            Node::Null | Node::Flag(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => None,
        })
    }

    /// A list of strings, or one string.
    pub(super) fn one_or_more_texts(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Vec<String>>, Refusal> {
        match self.left.iter().find(|(name, _)| name == field) {
            Some((_, Node::Text(_))) => Ok(self.text(field)?.map(|text| vec![text])),
            Some(_) | None => self.texts(field),
        }
    }

    /// An object of booleans, in order.
    pub(super) fn flags(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Vec<(String, bool)>>, Refusal> {
        self.as_shape(field, "an object of booleans", |node| match node {
            Node::Object(fields) => fields
                .into_iter()
                .map(|(name, node)| match node {
                    Node::Flag(flag) => Some((name.into_owned(), flag)),
                    Node::Null
                    | Node::Number(_)
                    | Node::Text(_)
                    | Node::List(_)
                    | Node::Object(_) => None,
                })
                .collect(),
            Node::Null | Node::Flag(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => None,
        })
    }

    /// The fields of an object inside.
    pub(super) fn object(&mut self, field: &'static str) -> Result<Option<Self>, Refusal> {
        self.take(field)
            .map(|node| Self::of(field, node))
            .transpose()
    }

    fn as_shape<T>(
        &mut self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(Node<'a>) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        self.take(field)
            .map(|node| read(node).ok_or(Refusal::WrongShape { field, expected }))
            .transpose()
    }

    /// Nothing is left over.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.left.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(Refusal::Unexpected {
                kind: self.kind,
                field: field.chars().take(40).collect(),
            }),
        }
    }
}
