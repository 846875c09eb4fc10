//! What remains of a call: the recording and the trace while it runs, the transcript when it is over.
//!
//! The timeline of a recording is the ear: every instant of the call stands at a fixed offset. The agent's side is placed by
//! the model of the ledger; after a clear the span that was not heard is overwritten with silence.

mod agent;
mod figures;
mod files;
mod trace;
mod writer;

use std::sync::Arc;

use ringback_audio::g711;
use ringback_audio::ring::EarRing;
use ringback_call::{Action, At, CallSpec, Event};
use tokio::sync::oneshot;
use uuid::Uuid;

use agent::AgentTrack;
pub(crate) use figures::{line, tool, turn};
pub(crate) use files::pretty;
pub use files::{Meta, Place, Stem, file_of_call, transcript};
pub use trace::{TRACE_VERSION, TraceHead, TraceRecord};
pub(crate) use writer::write_whole;
pub use writer::{Begin, Writer};
use writer::{Block, Patch};

/// How the name of a trace ends, after the stem.
pub const TRACE_ENDING: &str = ".trace.jsonl";
/// How the name of a transcript ends, after the stem.
pub const TRANSCRIPT_ENDING: &str = ".transcript.json";
/// Blocks are written every 500 ms of audio, in samples.
const BLOCK: u64 = 4000;

/// The recording of one call, in its task: it gathers, the writer's thread writes.
pub(crate) struct Recorder {
    writer: Arc<Writer>,
    file: u64,
    written: u64,
    agent: AgentTrack,
    patch: Option<Patch>,
    trace: Vec<u8>,
    failed: bool,
}

impl Recorder {
    pub(crate) fn new(writer: Arc<Writer>, call_id: Uuid, begin: Begin, spec: &CallSpec) -> Self {
        let file = writer.begin(begin);
        Self {
            writer,
            file,
            written: 0,
            agent: AgentTrack::default(),
            patch: None,
            trace: trace::head(call_id, spec),
            failed: false,
        }
    }

    /// Nothing more is written: the disk is full, or the writer is. So nothing more is gathered either.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
        self.agent = AgentTrack::default();
        self.patch = None;
        self.trace = Vec::new();
    }

    /// What the caller hears of the agent from `starts` on.
    pub(crate) fn agent(&mut self, ear: u64, now: At, starts: At, mulaw: &[u8]) {
        if !self.failed {
            self.agent.place(ear, now, starts, mulaw);
        }
    }

    /// From `cut` on nothing of what was sent is heard.
    pub(crate) fn cut(&mut self, cut: At, ring: &EarRing) {
        if self.failed {
            return;
        }
        let from = self.agent.cut(cut);
        if from >= self.written {
            return;
        }
        let mut caller = Vec::new();
        let from = ring.read(from, self.written, &mut caller);
        self.patch = Some(Patch { from, caller });
        self.flush(ring, self.written);
    }

    /// Notes an event and what it caused.
    pub(crate) fn event(&mut self, at: At, event: &Event, actions: &[Action]) {
        if !self.failed {
            trace::record(&mut self.trace, at, event, actions);
        }
    }

    /// Writes when half a second has come together.
    pub(crate) fn turn_over(&mut self, ring: &EarRing) -> bool {
        ring.end() < self.written + BLOCK || self.flush(ring, ring.end())
    }

    /// Gives the writer all there is up to `upto`. False if it cannot take it.
    fn flush(&mut self, ring: &EarRing, upto: u64) -> bool {
        if self.failed {
            return true;
        }
        let length = usize::try_from(upto.saturating_sub(self.written)).unwrap_or(0);
        let lost = usize::try_from(ring.start().saturating_sub(self.written)).unwrap_or(0);
        let mut caller = Vec::with_capacity(length);
        caller.resize(lost.min(length), g711::SILENCE);
        ring.read(self.written, upto, &mut caller);
        let agent = self.agent.take(self.written, caller.len());
        self.written = upto.max(self.written);
        let block = Block {
            caller,
            agent,
            patch: self.patch.take(),
            trace: std::mem::take(&mut self.trace),
        };
        let taken = self.writer.block(self.file, block);
        if !taken {
            self.fail();
        }
        taken
    }

    /// The call is over: the rest is written, with the files beside it. Resolves when they are on the disk.
    pub(crate) fn end(
        mut self,
        ring: &EarRing,
        beside: Vec<(&'static str, Vec<u8>)>,
    ) -> oneshot::Receiver<Vec<std::path::PathBuf>> {
        self.flush(ring, ring.end());
        self.writer.end(self.file, beside)
    }
}
