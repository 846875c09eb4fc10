//! The trace of a call: JSON lines. The first holds the version and what was resolved for the call, each further one an event with
//! the time given to the core and the actions that it caused, in handled order. `docs/trace.md` describes it for users.

use ringback_call::{Action, At, CallSpec, Event};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the trace that this program writes and reads.
pub const TRACE_VERSION: u32 = 1;

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceHead {
    /// [`TRACE_VERSION`].
    pub ringback_trace: u32,
    /// The program that wrote it.
    pub program: String,
    /// Our id of the call; nil in a trace that was written before it was kept.
    #[serde(default)]
    pub call_id: Uuid,
    /// What was resolved for the call.
    pub spec: CallSpec,
}

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// Microseconds since the call was made.
    pub t: At,
    /// The event.
    pub e: Event,
    /// The actions that it caused; left out when there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub a: Vec<Action>,
}

#[derive(Serialize)]
struct Borrowed<'a> {
    t: At,
    e: &'a Event,
    #[serde(skip_serializing_if = "<[Action]>::is_empty")]
    a: &'a [Action],
}

pub(super) fn head(call_id: Uuid, spec: &CallSpec) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4096);
    line(
        &mut bytes,
        &TraceHead {
            ringback_trace: TRACE_VERSION,
            program: format!("ringback {}", env!("CARGO_PKG_VERSION")),
            call_id,
            spec: spec.clone(),
        },
    );
    bytes
}

pub(super) fn record(bytes: &mut Vec<u8>, at: At, event: &Event, actions: &[Action]) {
    let record = Borrowed {
        t: at,
        e: event,
        a: actions,
    };
    line(bytes, &record);
}

fn line(bytes: &mut Vec<u8>, record: &impl Serialize) {
    let start = bytes.len();
    if let Err(error) = serde_json::to_writer(&mut *bytes, record) {
        bytes.truncate(start);
        tracing::error!(%error, "a trace record could not be written");
        return;
    }
    bytes.push(b'\n');
}
