//! A second listener behind a pause.

use super::SPEECH_OVER;
use crate::vad::VadState;

/// Windows behind a pause for which it listens: 0.5 s.
const LISTENS_WINDOWS: u32 = 16;

/// The model with an empty memory, asked where the one that remembers the pause hears nothing: a memory full of silence is deaf
/// to a word that begins with a breath ("hello").
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    pub(super) state: VadState,
    left: u32,
    due: bool,
}

impl Fresh {
    pub(super) fn new() -> Self {
        Self {
            state: VadState::new(),
            left: 0,
            due: false,
        }
    }

    /// The next window lies behind a pause.
    pub(super) fn begin(&mut self) {
        *self = Self {
            left: LISTENS_WINDOWS,
            ..Self::new()
        };
    }

    /// Its turn to hear the window?
    pub(super) fn due(&self) -> bool {
        self.due
    }

    /// The memory of the call has heard the window with this probability. True if it is now the second listener's turn.
    pub(super) fn ask(&mut self, probability: f32) -> bool {
        if probability > SPEECH_OVER {
            self.stop();
        }
        self.due = self.left > 0;
        self.due
    }

    /// With what probability it has heard the window, if it was its turn.
    pub(super) fn take(&mut self) -> Option<f32> {
        self.due.then(|| {
            self.due = false;
            self.left -= 1;
            self.state.probability
        })
    }

    pub(super) fn stop(&mut self) {
        self.left = 0;
        self.due = false;
    }
}
