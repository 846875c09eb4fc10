//! The Silero v6 voice activity model for 8 kHz.
//!
//! The forward pass is our own: a few matrix products over weights laid out for vector instructions, without a runtime,
//! a thread or an allocation. Its inputs and weights are those of the model that `models/silero/README.md` names.
//!
//! What belongs to a call is a [`VadState`], a plain value of about 4 KB; the weights are shared. [`VadModel::step`] takes the
//! windows of many calls at once, because four calls then pass over the weights together.

mod dense;
mod network;
mod weights;

use std::sync::LazyLock;

use network::Network;

/// Samples the model takes at a time: 32 ms at 8000 Hz.
pub const WINDOW_SAMPLES: usize = 256;

/// Samples in front of a window that the model sees with it.
const CONTEXT: usize = 32;

/// Windows whose features are remembered, to stand for those left out.
const REMEMBERED: usize = 6;

/// Cells of the LSTM, and features of a window.
const CELLS: usize = 128;

/// All that the model remembers of one call. Plain data: a copy goes on exactly as the original would.
#[derive(Clone, Debug, PartialEq)]
pub struct VadState {
    context: [f32; CONTEXT],
    hidden: [f32; CELLS],
    cell: [f32; CELLS],
    /// Features of the last windows, newest first, and how many there are.
    remembered: [[f32; CELLS]; REMEMBERED],
    known: usize,
    skipped: u64,
    /// Probability of speech in the last window, 0.0 to 1.0; 0.0 before the first.
    pub probability: f32,
}

impl Default for VadState {
    fn default() -> Self {
        Self::new()
    }
}

impl VadState {
    /// The state before a call's first window.
    #[must_use]
    pub fn new() -> Self {
        Self {
            context: [0.0; CONTEXT],
            hidden: [0.0; CELLS],
            cell: [0.0; CELLS],
            remembered: [[0.0; CELLS]; REMEMBERED],
            known: 0,
            skipped: 0,
            probability: 0.0,
        }
    }

    /// Prepares for a next window that does not follow the last one: `windows` were left out between them, and
    /// `context` holds the 32 samples (-1.0 to 1.0) in front of it.
    ///
    /// The windows left out are taken to sound like those around them, as silence and steady noise do. The next
    /// [`VadModel::step`] lets the memory run through them first, at a quarter of the cost of computing them, but
    /// through 48 (1.5 s) at most: over longer silences the model grows slow to hear a voice, and comes back later by
    /// as much as a quarter of a second.
    pub fn skip(&mut self, windows: u64, context: &[f32; CONTEXT]) {
        self.skipped = windows;
        self.context = *context;
    }
}

/// The model: weights in the order in which they are read.
pub struct VadModel {
    network: Network,
}

impl std::fmt::Debug for VadModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VadModel(Silero v6, 8 kHz)")
    }
}

impl VadModel {
    /// The model inside this program, unpacked at the first use (under a millisecond, about 0.9 MB).
    #[must_use]
    pub fn embedded() -> &'static Self {
        static MODEL: LazyLock<VadModel> = LazyLock::new(|| VadModel {
            network: Network::embedded(),
        });
        &MODEL
    }

    /// Computes one window for each call given and writes `state.probability`.
    ///
    /// Samples are linear, scaled to -1.0..1.0 (`i16` / 32768). A call's windows come one by one in order; the windows of
    /// different calls go into one batch. The result for a call does not depend, to the last bit, on which other calls
    /// share its batch.
    pub fn step(&self, batch: &mut [(&mut VadState, &[f32; WINDOW_SAMPLES])]) {
        for calls in batch.chunks_mut(network::CALLS) {
            self.network.run(calls);
        }
    }
}
