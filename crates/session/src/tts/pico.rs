//! The local voice: a job in the pool for each sentence.

use std::sync::Arc;

use ringback_call::{PartId, ReplyId};
use ringback_speech::voice::{Style, Utterance, VoicePiece, VoicePool};

use super::stream::Spoken;
use crate::provided::{Provided, Sender};
use crate::provider::Failure;

/// Speech is handed on in pieces of at least 100 ms, the first at once, in bytes of mu-law.
const PIECE: usize = 800;

pub(crate) struct Local {
    pool: Arc<VoicePool>,
    style: Style,
    events: Sender,
    /// Which of the call's voices it is.
    engine: u32,
    speaking: Vec<(ReplyId, PartId, Utterance)>,
}

impl Local {
    pub(crate) fn new(pool: Arc<VoicePool>, style: Style, engine: u32, events: Sender) -> Self {
        Self {
            pool,
            style,
            events,
            engine,
            speaking: Vec::new(),
        }
    }

    pub(crate) fn speak(&mut self, reply: ReplyId, part: PartId, text: &str) {
        let sink = gather(self.events.clone(), self.engine, (reply, part));
        let utterance = self.pool.speak(text, self.style, sink);
        self.speaking.push((reply, part, utterance));
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

/// Who speaks, for the cache of lines.
pub(crate) fn voice_of(style: Style) -> String {
    let Style {
        speed_pct,
        pitch_pct,
        volume_pct,
    } = style;
    format!("pico {speed_pct} {pitch_pct} {volume_pct}")
}

/// Gathers the engine's small chunks into pieces.
fn gather(
    events: Sender,
    engine: u32,
    (reply, part): (ReplyId, PartId),
) -> Box<dyn FnMut(VoicePiece) + Send> {
    let mut gathered = Vec::new();
    let mut first = true;
    Box::new(move |piece| {
        // The receiver is the call's own task: it is gone only when the call is.
        let send = |spoken| {
            let _ = events.send(Provided::Spoken { engine, spoken });
        };
        let speech = |gathered: &mut Vec<u8>| Spoken::Audio {
            reply,
            part,
            mulaw: std::mem::take(gathered),
        };
        if let VoicePiece::Audio(mulaw) = piece {
            gathered.extend_from_slice(&mulaw);
            if first || gathered.len() >= PIECE {
                first = false;
                send(speech(&mut gathered));
            }
            return;
        }
        if !gathered.is_empty() {
            send(speech(&mut gathered));
        }
        match piece {
            VoicePiece::Audio(_) => {}
            VoicePiece::Done => send(Spoken::Done { reply, part }),
            VoicePiece::Failed(why) => {
                let failure = Failure::gone(format!("pico {why}"));
                let _ = events.send(Provided::Mute { engine, failure });
            }
        }
    })
}
