//! What a foreign message is when it cannot be understood.

/// A message of a foreign party that cannot be understood. It names the place, never the content: messages carry
/// audio, names and tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// The text ends early or breaks the grammar of JSON.
    #[error("not JSON at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where the line is empty.
        column: usize,
    },
    /// JSON, but a field is missing, doubled or of the wrong type.
    #[error(
        "the {kind} message has a missing, doubled or ill-typed field (noticed at line {line}, column {column})"
    )]
    Shape {
        /// Which kind of message was being read.
        kind: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// JSON, but a field is missing, or has no use as it is, without which nothing sensible is left.
    #[error("the {kind} message has no usable {field}")]
    Missing {
        /// Which kind of message was being read.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The audio is not base64 with padding.
    #[error("the payload of {length} characters is not padded base64")]
    Payload {
        /// Length of the payload, in bytes of its text.
        length: usize,
    },
}

impl Garbled {
    pub(crate) fn from_json(kind: &'static str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if error.is_data() {
            Self::Shape { kind, line, column }
        } else {
            Self::Json { line, column }
        }
    }
}
