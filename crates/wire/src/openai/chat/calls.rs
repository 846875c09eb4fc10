//! Tool calls, put together from pieces of servers that disagree on how to number them.

use serde_json::Value;

use super::message::ToolCall;
use super::stream::ToolCallDelta;

/// Calls one answer may make.
pub const MAX_CALLS: usize = 128;
/// Bytes the arguments of one answer may have together.
pub const MAX_ARGUMENT_BYTES: usize = 1024 * 1024;

/// The calls of one answer while it streams.
///
/// A piece belongs to the last call with its index. The same index with another id is another call, for servers that
/// give every call the index 0. Without an index the order of arrival counts: a new id is a new call, and so is a name
/// after arguments that are complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCalls {
    calls: Vec<Gathered>,
    bytes: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gathered {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: String,
}

/// An answer calls without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer has more than {MAX_CALLS} tool calls or {MAX_ARGUMENT_BYTES} bytes of arguments"
)]
pub struct TooManyCalls;

impl ToolCalls {
    /// True if nothing was called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`TooManyCalls`]; the calls before it stay as they are.
    pub fn push(&mut self, delta: &ToolCallDelta) -> Result<(), TooManyCalls> {
        let arguments = delta.arguments.as_deref().unwrap_or_default();
        let at = self.place(delta);
        if self.bytes + arguments.len() > MAX_ARGUMENT_BYTES
            || (at.is_none() && self.calls.len() == MAX_CALLS)
        {
            return Err(TooManyCalls);
        }
        self.bytes += arguments.len();
        let call = match at {
            Some(at) => &mut self.calls[at],
            None => {
                self.calls.push(Gathered {
                    index: delta.index,
                    ..Gathered::default()
                });
                let last = self.calls.len() - 1;
                &mut self.calls[last]
            }
        };
        call.id = call.id.take().or_else(|| delta.id.clone());
        call.name = call.name.take().or_else(|| delta.name.clone());
        call.arguments.push_str(arguments);
        Ok(())
    }

    /// Which call a piece belongs to; `None` if it begins one.
    fn place(&self, delta: &ToolCallDelta) -> Option<usize> {
        let at = match (delta.index, &delta.id) {
            (Some(_), _) => self
                .calls
                .iter()
                .rposition(|call| call.index == delta.index),
            (None, Some(id)) => {
                let known = |call: &Gathered| call.id.as_ref() == Some(id);
                self.calls.iter().rposition(known)
            }
            (None, None) => self.calls.len().checked_sub(1),
        }?;
        let call = &self.calls[at];
        let other_id = matches!((&call.id, &delta.id), (Some(old), Some(new)) if old != new);
        let same_id = call.id.is_some() && call.id == delta.id;
        let more = delta
            .arguments
            .as_deref()
            .is_some_and(|more| !more.is_empty());
        let other_name = matches!((&call.name, &delta.name), (Some(old), Some(new)) if old != new);
        let another = delta.name.is_some()
            && call.name.is_some()
            && (more || other_name)
            && is_object(&call.arguments);
        if other_id || (!same_id && another) {
            None
        } else {
            Some(at)
        }
    }

    /// The calls, in order of arrival. A call without an id gets `made_up` and its number as one: choose what differs
    /// from turn to turn. Empty arguments become `{}`; a call without a name is kept, for the model to be told.
    #[must_use]
    pub fn finish(self, made_up: &str) -> Vec<ToolCall> {
        let calls = self.calls.into_iter().enumerate();
        calls
            .map(|(number, call)| ToolCall {
                id: call.id.unwrap_or_else(|| format!("{made_up}{number}")),
                name: call.name.unwrap_or_default(),
                arguments: if call.arguments.trim().is_empty() {
                    "{}".to_owned()
                } else {
                    call.arguments
                },
            })
            .collect()
    }
}

fn is_object(arguments: &str) -> bool {
    matches!(serde_json::from_str(arguments), Ok(Value::Object(_)))
}
