//! The local voice: a job in the pool for each sentence.

use std::sync::Arc;

use ringback_call::{PartId, ReplyId};
use ringback_speech::voice::{Style, Utterance, VoicePiece, VoicePool};

use super::Lines;
use crate::engines::{Engines, VoiceSeat};
use crate::provided::{Provided, Sender};

/// Speech is handed on in pieces of at least 100 ms, the first at once, in bytes of mu-law.
const PIECE: usize = 800;

pub(crate) struct Local {
    pool: Arc<VoicePool>,
    lines: Arc<Lines>,
    style: Style,
    events: Sender,
    speaking: Vec<(ReplyId, PartId, Utterance)>,
    _seat: VoiceSeat,
}

impl Local {
    pub(crate) fn new(engines: &Engines, seat: VoiceSeat, style: Style, events: Sender) -> Self {
        Self {
            pool: Arc::clone(&engines.voices),
            lines: Arc::clone(&engines.lines),
            style,
            events,
            speaking: Vec::new(),
            _seat: seat,
        }
    }

    /// Speaks a sentence: from the cache, or by the pool.
    pub(crate) fn speak(&mut self, reply: ReplyId, part: PartId, text: &str) {
        if let Some(line) = self.lines.find(text, self.style) {
            self.send(Provided::Line { reply, part, line });
            let piece = VoicePiece::Done;
            self.send(Provided::Voice { reply, part, piece });
            return;
        }
        let sink = gather(self.events.clone(), reply, part);
        let utterance = self.pool.speak(text, self.style, sink);
        self.speaking.push((reply, part, utterance));
    }

    fn send(&self, provided: Provided) {
        // The receiver is the call's own task: it is gone only when the call is.
        let _ = self.events.send(provided);
    }

    /// A sentence was spoken to its end.
    pub(crate) fn done(&mut self, reply: ReplyId, part: PartId) {
        self.speaking
            .retain(|&(of, id, _)| (of, id) != (reply, part));
    }

    /// Stops speaking a reply.
    pub(crate) fn cancel(&mut self, reply: ReplyId) {
        self.speaking.retain(|&(of, ..)| of != reply);
    }
}

/// Gathers the engine's small chunks into pieces.
fn gather(events: Sender, reply: ReplyId, part: PartId) -> Box<dyn FnMut(VoicePiece) + Send> {
    let mut gathered = Vec::new();
    let mut first = true;
    Box::new(move |piece| {
        let send = |piece| {
            let _ = events.send(Provided::Voice { reply, part, piece });
        };
        match piece {
            VoicePiece::Audio(mulaw) => {
                gathered.extend_from_slice(&mulaw);
                if first || gathered.len() >= PIECE {
                    first = false;
                    send(VoicePiece::Audio(std::mem::take(&mut gathered)));
                }
            }
            VoicePiece::Done | VoicePiece::Failed(_) => {
                if !gathered.is_empty() {
                    send(VoicePiece::Audio(std::mem::take(&mut gathered)));
                }
                send(piece);
            }
        }
    })
}
