//! What the log says of a call: never what was said in it, but for [`PIPELINE`].

use ringback_call::{Action, AnsweredBy, At, EndCause, Event, Note, SAMPLES_PER_MS, TurnReport};
use tracing::Level;

use super::Live;

/// The target of log lines that show all that happens in a call, with what is said in it. Off unless somebody asks for it.
pub const PIPELINE: &str = "ringback_pipeline";

impl Live {
    /// Whether anybody wants to see the pipeline.
    pub(super) fn is_shown() -> bool {
        tracing::enabled!(target: PIPELINE, Level::DEBUG)
    }

    /// Shows what happened, what follows, and how full the buffers of audio are afterwards. Time alone is not worth a line.
    pub(super) fn show(&self, at: At, event: &Event, actions: &[Action]) {
        if *event == Event::Wake && actions.is_empty() {
            return;
        }
        let (parts, samples) = self.outbox.held();
        let ms = |samples: u64| samples / SAMPLES_PER_MS;
        tracing::debug!(
            target: PIPELINE,
            at_ms = at.ms(),
            ?event,
            ?actions,
            outbox.parts = parts,
            outbox.ms = ms(samples as u64),
            messages.waiting = self.messages.waiting(),
            ear.ms = ms(self.ear.end()),
            ear.late_ms = ms(self.ear.late()),
            provided.waiting = self.provided.len(),
            "call.pipeline"
        );
    }
}

/// All in ms since the caller's last sound.
pub(super) fn answered(turn: &TurnReport) {
    let since = |at: Option<At>| at.map(|at| at.ms_since(turn.last_sound));
    tracing::info!(
        turn = turn.turn.0,
        words_ms = since(turn.words),
        turn_end_ms = since(Some(turn.ended)),
        text_ms = since(turn.text),
        clause_ms = since(turn.clause),
        speech_ms = since(turn.speech),
        audible_ms = since(turn.audible),
        answered_by = turn.answered_by.map(AnsweredBy::name),
        acknowledged_ms = since(turn.acknowledged),
        "call.turn"
    );
}

pub(super) fn ended(cause: EndCause) {
    tracing::info!(?cause, "call.ended");
}

/// Decisions are logged without content; faults deserve a warning.
pub(super) fn noted(note: &Note) {
    if let Note::Fault(fault) = note {
        tracing::warn!(
            party = ?fault.party,
            kind = ?fault.kind,
            detail = %fault.detail,
            "Error in a call"
        );
    } else {
        tracing::debug!(?note, "call.note");
    }
}
