//! One telephone call as one value.
//!
//! [`Call`] is a plain struct that never awaits and never sees a sample. The contract:
//!
//! 1. Hand in one event with [`Call::handle`], with the time `at` since the call was made. `at` never decreases.
//!    `handle` first fires every timer that is due by `at`, in the order of time and reason, then takes the event.
//! 2. Drain [`Call::poll_action`] until it answers `None`, and carry each action out.
//! 3. Read [`Call::deadline`], and hand in [`Event::Wake`] at that time at the latest.
//!
//! Evidence counts in audio ([`Ear`]), waiting counts in time ([`At`]). There is no clock, randomness, IO, vendor or float
//! in here: the same events give the same actions on any machine and any later day, which is what a replay relies on.

mod action;
mod at;
mod call;
mod callee;
mod caller;
mod dialog;
mod event;
mod floor;
mod ledger;
mod mode;
mod orders;
mod owed;
mod patience;
mod report;
mod settle;
mod snapshot;
mod spec;
mod speculation;
mod timers;
mod tool_line;
mod tools;
mod turn;
mod usage;
mod watch;

pub use action::{Action, Cause, DropCause, EndCause, Note, ToolState, TurnEnd, YieldCause};
pub use at::{At, Ear, SAMPLES_PER_MS};
pub use call::Call;
pub use callee::{Callee, CalleeSpec, Policy, Sign, Verdict, Why};
pub use dialog::{Line, Speaker};
pub use event::{
    Edge, Event, Expect, Fault, FaultKind, Firmness, Form, Intent, Mark, PartId, Party, Piece,
    ReplyId, Scope, ToolCall, TurnHint, TurnId, UnknownMark, Words,
};
pub use mode::sentences;
pub use orders::{Order, Unfit};
pub use report::{AnsweredBy, Report, Sounds, TurnReport, Unclear};
pub use snapshot::Snapshot;
pub use spec::{CallSpec, Direction, Lines, Protection, ToolSpec, TurnSettings};
pub use timers::Reason;
pub use tool_line::{Outcome, ToolLine, ToolResult};
pub use usage::{TurnUsage, Usage};
