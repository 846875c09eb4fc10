//! `stream-input`: the socket for one text.

use std::sync::Arc;
use std::time::Duration;

use ringback_wire::elevenlabs::{ServerMessage, SingleMessage, parse_opening, parse_single};
use tokio::time::{sleep, timeout};

use super::super::Twin;
use super::super::socket::{Incoming, Socket};
use super::utterance::{Utterance, speak};
use super::{Asked, End, has_key, no_key, timed_out};

pub(super) async fn run(mut socket: Socket, twin: Arc<Twin>, asked: Asked) {
    let end = match talk(&mut socket, &twin, &asked).await {
        Ok(()) => End::Done,
        Err(end) => end,
    };
    end.carry_out(socket).await;
}

async fn next(socket: &mut Socket, asked: &Asked) -> Result<String, End> {
    loop {
        match timeout(asked.patience(), socket.next()).await {
            Ok(Incoming::Text(text)) => return Ok(text.to_string()),
            Ok(Incoming::Binary(_)) => return Ok(String::new()),
            Ok(Incoming::Ping) => {}
            Ok(Incoming::Gone) => return Err(End::Broken),
            Err(_) => return Err(End::Refused(None, timed_out())),
        }
    }
}

async fn talk(socket: &mut Socket, twin: &Twin, asked: &Asked) -> Result<(), End> {
    let first = next(socket, asked).await?;
    if asked.awaits_key && !has_key(twin, &first) {
        return Err(End::Refused(None, no_key()));
    }
    let opening = parse_opening(&first)?;
    let mut utterance = Utterance::new(&opening);
    let auto = asked.query.auto_mode == Some(true);
    loop {
        let message = next(socket, asked).await?;
        let (now, is_end) = match parse_single(&message, &opening)? {
            SingleMessage::Text { text, flush, .. } => {
                (utterance.push(&text, flush || auto), false)
            }
            SingleMessage::KeepAlive { flush: true } => (utterance.rest(), false),
            SingleMessage::KeepAlive { flush: false } => continue,
            SingleMessage::End => (utterance.rest(), true),
        };
        speak((socket, twin, asked), None, &now).await?;
        if is_end {
            sleep(Duration::from_millis(socket.knobs.late_ms.unwrap_or(0))).await;
            let last = ServerMessage::Final { context_id: None };
            socket.text(last.to_text()).await?;
            return Ok(());
        }
    }
}
