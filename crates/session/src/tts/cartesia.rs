//! Cartesia: one socket for a call, one context for a reply.
//!
//! A flush after each part makes an end of its speech that is told (`flush_done`), and gives the speech of the next part
//! another `flush_id`. Whether the provider counts a boundary for each part or also one for each text (it does so, some say,
//! when it does not buffer) makes no difference here.

use std::sync::Arc;
use std::time::Duration;

use ringback_call::ReplyId;
use ringback_wire::cartesia::{
    self as wire, ApiError, ApiVersion, Delivery, Input, RawFormat, ServerMessage, Settings,
    Timestamps,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::dialogue::{self, Message, Use, Vendor};
use super::parts::Parts;
use super::stream::{Inlet, Spoken, TimedWord};
use crate::provider::{Access, Blame, Breaker, Failure, Provider, ProviderSocket, Refusal, open};

/// A context that has been quiet for longer is not continued: it expires 1 s after its last audio left the provider.
const CONTINUABLE: Duration = Duration::from_millis(800);
/// How long to leave the provider alone when the plan's contexts are all in use. It names no time; a context counts only
/// while a sentence is made.
const CONCURRENCY_REST: Duration = Duration::from_secs(1);

/// What is asked of Cartesia for one call.
#[derive(Clone, Debug)]
pub(crate) struct Cartesia {
    pub(crate) access: Access,
    /// The date of the API, as `2026-03-01`.
    pub(crate) version: String,
    pub(crate) model: String,
    /// Its id.
    pub(crate) voice: String,
    /// As `en` or `en-US`.
    pub(crate) language: String,
    /// Of the voice's own pace; what the provider does not do is brought to the nearest that it does.
    pub(crate) speed_pct: u16,
}

impl Cartesia {
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
        let mut contexts = self.contexts()?;
        let manner = (Provider::Cartesia, self.speed_pct);
        let mut parts = Parts::new(manner, inlet, breaker, &mut said);
        dialogue::speak(&mut contexts, &mut parts).await
    }

    fn contexts(&self) -> Result<Contexts, Failure> {
        let refused = |what: &str| Failure::refused(Provider::Cartesia, what);
        let version = ApiVersion::parse(&self.version)
            .map_err(|_| refused("has a version that is no date such as 2026-03-01"))?;
        let mut url = self
            .access
            .socket_url(Provider::Cartesia, wire::SOCKET_PATH)?;
        url.query_pairs_mut()
            .append_pair(wire::VERSION_QUERY, version.as_str());
        let mut headers = HeaderMap::new();
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| refused("has a key that is no text"))
        };
        if let Some(key) = &self.access.key {
            headers.insert(
                "authorization",
                header(&format!("{}{}", wire::BEARER, key.expose()))?,
            );
        }
        headers.insert("cartesia-version", header(version.as_str())?);
        Ok(Contexts {
            url,
            headers,
            settings: self.settings(),
            call: uuid::Uuid::now_v7().simple().to_string(),
            begun: 0,
            current: None,
            counts_parts: false,
        })
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new(&self.model, &self.voice, RawFormat::TELEPHONE);
        let language = self.language.split(['-', '_']).next();
        settings.language = language
            .filter(|language| !language.is_empty())
            .map(str::to_lowercase);
        settings.add_timestamps = Some(true);
        settings.use_normalized_timestamps = Some(false);
        settings.max_buffer_delay_ms = Some(0);
        // Only later models know it: it is sent where it says something.
        settings.generation_config = (self.speed_pct != 100).then(|| Delivery {
            speed: Some(f32::from(self.speed_pct.clamp(60, 150)) / 100.0),
            ..Delivery::default()
        });
        settings
    }
}

/// The contexts of a call.
struct Contexts {
    url: Url,
    headers: HeaderMap,
    settings: Settings,
    /// What the ids of its contexts begin with.
    call: String,
    begun: u32,
    /// Messages of any other are dropped.
    current: Option<Context>,
    /// Flushes are known to be counted from 1, one for each part.
    counts_parts: bool,
}

struct Context {
    id: String,
    reply: ReplyId,
    /// Parts sent, and of these, those that ended.
    sent: u32,
    ended: u32,
    /// The flush to which the speech of the first part that has not ended belongs, and the last that is over.
    flush: Option<u64>,
    over: u64,
    /// Samples that came; of these, those of parts that ended.
    samples: u64,
    origin: u64,
    last_audio: Instant,
}

impl Context {
    fn is_continuable(&self, reply: ReplyId) -> bool {
        let quiet = self.sent == self.ended && self.last_audio.elapsed() > CONTINUABLE;
        self.reply == reply && !quiet
    }

    fn part_ends(&mut self, parts: &mut Parts<'_>, flush: Option<u64>) -> Result<(), Failure> {
        parts.ends()?;
        self.ended += 1;
        self.origin = self.samples;
        self.flush = None;
        self.over = flush.map_or(self.over, |flush| flush.max(self.over));
        Ok(())
    }

    /// Something of a flush came: what is of an earlier one has ended.
    fn comes_to(&mut self, flush: Option<u64>, parts: &mut Parts<'_>) -> Result<(), Failure> {
        match (self.flush, flush) {
            (Some(before), Some(now)) if now > before => self.part_ends(parts, Some(before)),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// A boundary was told.
    fn flushed(
        &mut self,
        flush: Option<u64>,
        counts_parts: bool,
        parts: &mut Parts<'_>,
    ) -> Result<(), Failure> {
        if flush.is_some_and(|flush| flush <= self.over) || !parts.are_owed() {
            return Ok(());
        }
        // Without speech it may be the second boundary of the part before.
        if parts.has_begun() || self.ended == 0 || counts_parts {
            return self.part_ends(parts, flush);
        }
        self.over = flush.unwrap_or(self.over);
        Ok(())
    }

    fn failed(&self, error: &ApiError, parts: &Parts<'_>) -> Failure {
        let late = self.ended > 0 && !parts.has_begun();
        if late && matches!(error.status, Some(400 | 404 | 409 | 410)) {
            // It may have expired on the way: another may do.
            return Failure::unreachable(
                Provider::Cartesia,
                format!("does not continue a reply: {}", error.line()),
            );
        }
        failed(error)
    }

    /// Words by their middles: those of the part before may come late, and end in it only by rounding.
    fn timestamps(&self, times: Timestamps, parts: &mut Parts<'_>) {
        let samples = |time: Duration| (time.as_micros() * 8 / 1000) as u64;
        let words = times.words.into_iter().filter_map(|word| {
            let middle = u64::midpoint(samples(word.start), samples(word.end));
            (middle >= self.origin).then(|| TimedWord {
                until: u32::try_from(samples(word.end).saturating_sub(self.origin))
                    .unwrap_or(u32::MAX),
                word: word.word,
            })
        });
        parts.words(words);
    }
}

impl Contexts {
    fn of(&mut self, reply: ReplyId) -> &mut Context {
        let continuable = self
            .current
            .take_if(|context| context.is_continuable(reply));
        let context = continuable.unwrap_or_else(|| {
            self.begun += 1;
            Context {
                id: format!("{}-{}", self.call, self.begun),
                reply,
                sent: 0,
                ended: 0,
                flush: None,
                over: 0,
                samples: 0,
                origin: 0,
                last_audio: Instant::now(),
            }
        });
        self.current.insert(context)
    }

    fn heard(&mut self, message: ServerMessage<'_>, parts: &mut Parts<'_>) -> Result<(), Failure> {
        if let ServerMessage::Error {
            context_id: None,
            error,
        } = &message
        {
            return Err(failed(error));
        }
        let of = message.context_id();
        let Some(context) = self
            .current
            .as_mut()
            .filter(|one| of == Some(one.id.as_str()))
        else {
            return Ok(());
        };
        match message {
            ServerMessage::Chunk(chunk) => {
                context.comes_to(chunk.flush_id, parts)?;
                let mut mulaw = Vec::new();
                chunk.decode_into(&mut mulaw).map_err(garbled)?;
                if context.flush.is_none() && context.ended > 0 {
                    self.counts_parts = chunk.flush_id == Some(u64::from(context.ended) + 1);
                }
                context.flush = chunk.flush_id.or(context.flush);
                context.samples += mulaw.len() as u64;
                context.last_audio = Instant::now();
                parts.audio(&mulaw)
            }
            ServerMessage::Timestamps(times) => {
                if times.flush_id.is_some_and(|flush| flush <= context.over) {
                    return Ok(());
                }
                context.comes_to(times.flush_id, parts)?;
                context.timestamps(times, parts);
                Ok(())
            }
            ServerMessage::FlushDone { flush_id, .. } => {
                context.flushed(flush_id, self.counts_parts, parts)
            }
            ServerMessage::Done { .. } => {
                self.current = None;
                while parts.are_owed() {
                    parts.ends()?;
                }
                Ok(())
            }
            ServerMessage::Error { error, .. } => Err(context.failed(&error, parts)),
            ServerMessage::PhonemeTimestamps(_) | ServerMessage::Other(_) => Ok(()),
        }
    }
}

impl Vendor for Contexts {
    async fn open(&self) -> Result<ProviderSocket, Failure> {
        open(Provider::Cartesia, &self.url, &self.headers, refusal).await
    }

    async fn begin(&mut self, _socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.current = None;
        Ok(())
    }

    async fn speak(
        &mut self,
        socket: &mut ProviderSocket,
        reply: ReplyId,
        text: &str,
    ) -> Result<Use, Failure> {
        let context = self.of(reply);
        context.sent += 1;
        let id = context.id.clone();
        // Without the space the next sentence would be glued to it.
        let text = format!("{text} ");
        let part = self.settings.to_text(Input::part(&id, &text));
        socket.text(part).await?;
        socket
            .text(self.settings.to_text(Input::flush(&id)))
            .await?;
        Ok(Use::GoOn)
    }

    async fn cancel(
        &mut self,
        socket: &mut ProviderSocket,
        reply: ReplyId,
        owed: bool,
    ) -> Result<Use, Failure> {
        if let Some(context) = self.current.take_if(|context| context.reply == reply)
            && owed
        {
            let mut cancel = String::new();
            wire::write_cancel(&mut cancel, &context.id);
            socket.text(cancel).await?;
        }
        Ok(Use::GoOn)
    }

    fn take(&mut self, message: Message<'_>, parts: &mut Parts<'_>) -> Result<Use, Failure> {
        if let Message::Text(text) = message {
            self.heard(wire::parse_server(text).map_err(garbled)?, parts)?;
        }
        Ok(Use::GoOn)
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        closed(code, reason)
    }

    fn is_idle_close(&self, code: Option<u16>, _reason: &str) -> bool {
        code == Some(wire::IDLE_CLOSE_CODE)
    }
}

fn garbled(garbled: ringback_wire::Garbled) -> Failure {
    Failure::misbehaved(Provider::Cartesia, garbled)
}

fn refusal(body: &str) -> Refusal {
    let error = ApiError::from_http(0, body.as_bytes());
    if error.title.is_none() && error.message.is_none() {
        return Refusal::default();
    }
    Refusal {
        words: error.line(),
        code: error.code,
    }
}

fn failed(error: &ApiError) -> Failure {
    let code = error.code.as_deref().unwrap_or_default();
    let line = error.line();
    let blame = Blame::of(error.status, &format!("{code} {line}"));
    if code.contains("quota") || code.contains("credit") || code.ends_with("not_found") {
        return Failure::refused(Provider::Cartesia, format!("refuses: {line}")).blamed(blame);
    }
    if code == wire::CONCURRENCY_LIMITED || error.status == Some(429) {
        return Failure::unreachable(Provider::Cartesia, format!("is asked too much: {line}"))
            .retry_after(Some(CONCURRENCY_REST))
            .blamed(Some(Blame::Rate));
    }
    match error.status {
        Some(status) => Failure::status(Provider::Cartesia, status, &line).blamed(blame),
        None => Failure::misbehaved(Provider::Cartesia, format!("failed: {line}")),
    }
}

fn closed(code: Option<u16>, reason: &str) -> Failure {
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    let what = match code {
        Some(code) => format!("closed its socket with {code} {reason}"),
        None => "ended its socket".to_owned(),
    };
    Failure::unreachable(Provider::Cartesia, what.trim_end())
}
