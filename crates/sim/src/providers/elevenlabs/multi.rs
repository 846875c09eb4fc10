//! `multi-stream-input`: the socket for many contexts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringback_wire::elevenlabs::{
    ApiError, MultiMessage, OpenContexts, Opening, ServerMessage, parse_multi,
};
use tokio::time::{sleep, timeout};

use super::super::Twin;
use super::super::socket::{Incoming, Socket};
use super::utterance::{Utterance, speak};
use super::{Asked, End, has_key, no_key, timed_out};

pub(super) async fn run(socket: Socket, twin: Arc<Twin>, asked: Asked) {
    let mut line = Line {
        socket,
        twin,
        asked,
        open: OpenContexts::default(),
        texts: BTreeMap::new(),
    };
    let end = loop {
        if let Err(end) = line.turn().await {
            break end;
        }
    };
    end.carry_out(line.socket).await;
}

struct Line {
    socket: Socket,
    twin: Arc<Twin>,
    asked: Asked,
    open: OpenContexts,
    texts: BTreeMap<Option<String>, Utterance>,
}

impl Line {
    /// One message of the client.
    async fn turn(&mut self) -> Result<(), End> {
        let text = match timeout(self.asked.patience(), self.socket.next()).await {
            Ok(Incoming::Text(text)) => text,
            Ok(Incoming::Binary(_)) => "".into(),
            Ok(Incoming::Ping) => return Ok(()),
            Ok(Incoming::Gone) => return Err(End::Broken),
            Err(_) => return Err(End::Refused(None, timed_out())),
        };
        if std::mem::take(&mut self.asked.awaits_key) && !has_key(&self.twin, &text) {
            return Err(End::Refused(None, no_key()));
        }
        let message = parse_multi(&text)?;
        let context = message.context().map(|context| context.map(str::to_owned));
        self.open.admit(&message).map_err(|refusal| {
            End::Refused(context.clone().flatten(), ApiError::refused(&refusal))
        })?;
        self.obey(message).await
    }

    async fn obey(&mut self, message: MultiMessage) -> Result<(), End> {
        let auto = self.asked.query.auto_mode == Some(true);
        let (context_id, now) = match message {
            MultiMessage::Text {
                context_id,
                text,
                flush,
                opening,
            } => {
                let utterance = self
                    .texts
                    .entry(context_id.clone())
                    .or_insert_with(|| Utterance::new(&opening));
                let now = utterance.push(&text, flush || auto);
                (context_id, now)
            }
            MultiMessage::KeepAlive { context_id } => {
                self.text(&context_id);
                return Ok(());
            }
            MultiMessage::Flush { context_id } => {
                let now = self.text(&context_id).rest();
                (context_id, now)
            }
            MultiMessage::CloseContext { context_id } => {
                if self.texts.remove(&context_id).is_some() {
                    self.finish(context_id).await?;
                }
                return Ok(());
            }
            // A socket with open contexts stays: they are to be closed first.
            MultiMessage::CloseSocket if self.open.is_empty() => return Err(End::Done),
            MultiMessage::CloseSocket => return Ok(()),
        };
        let place = (&mut self.socket, &*self.twin, &self.asked);
        speak(place, context_id.as_deref(), &now).await?;
        Ok(())
    }

    fn text(&mut self, context_id: &Option<String>) -> &mut Utterance {
        let begin = || Utterance::new(&Opening::default());
        self.texts.entry(context_id.clone()).or_insert_with(begin)
    }

    async fn finish(&mut self, context_id: Option<String>) -> Result<(), End> {
        sleep(Duration::from_millis(
            self.socket.knobs.late_ms.unwrap_or(0),
        ))
        .await;
        self.open.finished(context_id.as_deref());
        let last = ServerMessage::Final { context_id };
        self.socket.text(last.to_text()).await?;
        Ok(())
    }
}
