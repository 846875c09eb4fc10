//! Deepgram's Aura voices: one socket for a call. A flush after each part is answered behind its speech; a clear stops what is
//! being spoken.
//!
//! A socket takes so many flushes in a time and no more. One that has taken most of them is replaced between two replies,
//! at the latest when it would not take the next.

use std::collections::VecDeque;
use std::sync::Arc;

use ringback_call::ReplyId;
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::speak::{self, Command, Event, Query};
use ringback_wire::deepgram::{API_KEY_SCHEME, AUTHORIZATION, close_id, may_reconnect};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::dialogue::{self, Message, Use, Vendor};
use super::parts::Parts;
use super::stream::{Inlet, Spoken};
use crate::provider::{Access, Breaker, Failure, Provider, ProviderSocket, Refusal, open};

/// So many flushes before a socket is full, it is replaced when nothing is owed.
const MARGIN: usize = 6;

/// What is asked of Deepgram's voices for one call.
#[derive(Clone, Debug)]
pub(crate) struct Aura {
    pub(crate) access: Access,
    /// Model, voice and language in one, as `aura-2-thalia-en`.
    pub(crate) model: String,
    /// Of the voice's own pace; what the provider does not do is brought to the nearest that it does.
    pub(crate) speed_pct: u16,
}

impl Aura {
    /// Speaks until the inlet is closed.
    ///
    /// # Errors
    /// A refusal, or what keeps it from speaking in time. Parts without a `Done` are unfinished then.
    pub(crate) async fn speak(
        &self,
        inlet: Inlet,
        breaker: &Arc<Breaker>,
        mut said: impl FnMut(Spoken) + Send,
    ) -> Result<(), Failure> {
        let mut line = Line {
            url: self.url()?,
            headers: self.headers()?,
            flushes: VecDeque::new(),
            clearing: 0,
        };
        let manner = (Provider::Deepgram, self.speed_pct);
        let mut parts = Parts::new(manner, inlet, breaker, &mut said);
        dialogue::speak(&mut line, &mut parts).await
    }

    fn url(&self) -> Result<Url, Failure> {
        let mut query = Query::telephone(&self.model);
        let speed = f64::from(self.speed_pct.clamp(70, 150)) / 100.0;
        query.speed = (self.speed_pct != 100).then_some(speed);
        let mut url = self.access.socket_url(Provider::Deepgram, speak::PATH)?;
        url.set_query(Some(&query.to_query()));
        Ok(url)
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let value = HeaderValue::from_str(&format!("{API_KEY_SCHEME}{}", key.expose()))
                .map_err(|_| Failure::refused(Provider::Deepgram, "has a key that is no text"))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// The socket of a call.
struct Line {
    url: Url,
    headers: HeaderMap,
    /// When this socket was flushed.
    flushes: VecDeque<Instant>,
    /// Clears that are not answered: what comes before is of what was cleared.
    clearing: u32,
}

impl Line {
    fn recent_flushes(&mut self) -> usize {
        let over = |at: &mut Instant| at.elapsed() > speak::FLUSH_WINDOW;
        while self.flushes.pop_front_if(over).is_some() {}
        self.flushes.len()
    }

    fn event(&mut self, event: Event, parts: &mut Parts<'_>) -> Result<Use, Failure> {
        match event {
            Event::Flushed { .. } if self.clearing == 0 => {
                parts.ends()?;
                let full = self.recent_flushes() + MARGIN > speak::MAX_FLUSHES;
                let replace = full && !parts.are_owed();
                Ok(if replace { Use::Renew } else { Use::GoOn })
            }
            Event::Cleared { .. } => {
                self.clearing = self.clearing.saturating_sub(1);
                Ok(Use::GoOn)
            }
            Event::Warning { code, description } => {
                tracing::warn!(code, description, "Error: deepgram's voice warns");
                let flush = |text: &str| text.to_ascii_lowercase().contains("flush");
                if parts.are_owed() && (flush(&code) || flush(&description)) {
                    let what = "did not take a flush";
                    return Err(Failure::unreachable(Provider::Deepgram, what));
                }
                Ok(Use::GoOn)
            }
            Event::Flushed { .. } | Event::Metadata { .. } | Event::Other(_) => Ok(Use::GoOn),
        }
    }
}

impl Vendor for Line {
    async fn open(&self) -> Result<ProviderSocket, Failure> {
        open(Provider::Deepgram, &self.url, &self.headers, refusal).await
    }

    async fn begin(&mut self, _socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.flushes.clear();
        self.clearing = 0;
        Ok(())
    }

    async fn speak(
        &mut self,
        socket: &mut ProviderSocket,
        _reply: ReplyId,
        text: &str,
    ) -> Result<Use, Failure> {
        if self.recent_flushes() >= speak::MAX_FLUSHES {
            return Ok(Use::Renew);
        }
        for text in pieces(text) {
            let text = format!("{text} ");
            socket.text(Command::Speak { text }.to_text()).await?;
        }
        self.flushes.push_back(Instant::now());
        socket.text(Command::Flush.to_text()).await?;
        Ok(Use::GoOn)
    }

    async fn cancel(
        &mut self,
        socket: &mut ProviderSocket,
        _reply: ReplyId,
        owed: bool,
    ) -> Result<Use, Failure> {
        if owed {
            self.clearing += 1;
            socket.text(Command::Clear.to_text()).await?;
        }
        Ok(Use::GoOn)
    }

    fn take(&mut self, message: Message<'_>, parts: &mut Parts<'_>) -> Result<Use, Failure> {
        match message {
            Message::Binary(mulaw) if self.clearing == 0 => {
                parts.audio(mulaw)?;
                Ok(Use::GoOn)
            }
            Message::Binary(_) => Ok(Use::GoOn),
            Message::Text(text) => {
                let event = speak::parse(text)
                    .map_err(|garbled| Failure::misbehaved(Provider::Deepgram, garbled))?;
                self.event(event, parts)
            }
        }
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        let words: String = reason
            .chars()
            .filter(|c| !c.is_control())
            .take(120)
            .collect();
        let Some(code) = code else {
            return Failure::unreachable(Provider::Deepgram, "ended its socket");
        };
        let what = format!("closed its socket with {code} {words}");
        // Another socket has its own count of characters.
        let full = close_id(reason) == Some(speak::TOO_MANY_CHARACTERS.id);
        if code == 1000 || full || may_reconnect(code) {
            Failure::unreachable(Provider::Deepgram, what.trim_end())
        } else {
            Failure::refused(Provider::Deepgram, what.trim_end())
        }
    }

    fn is_idle_close(&self, code: Option<u16>, reason: &str) -> bool {
        let over = [speak::CLIENT_SILENT.id, speak::TOO_LONG_OPEN.id];
        code == Some(1000) || close_id(reason).is_some_and(|id| over.contains(&id))
    }
}

/// A text in pieces of the length that one message may have, cut between words where there are any.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    // The space behind each counts.
    while let Some((cut, _)) = rest.char_indices().nth(speak::MAX_CHARACTERS - 1) {
        let cut = rest[..cut].rfind(char::is_whitespace).unwrap_or(cut);
        let (piece, after) = rest.split_at(cut);
        pieces.push(piece);
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

fn refusal(body: &str) -> Refusal {
    let error = HttpError::read(body.as_bytes());
    Refusal {
        code: error.code,
        words: error.message,
    }
}
