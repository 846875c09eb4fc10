//! What the log says of a call.

use ringback_call::{At, EndCause, Note, TurnReport};

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
