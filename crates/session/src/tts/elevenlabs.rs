//! ElevenLabs: one socket (`stream-input`) for a reply.
//!
//! Nothing there tells the end of a part but the end of the stream. So one part is spoken after the other, and a part is over
//! when the characters that come with the speech have covered its text. Where they do not, because none come or they
//! are not those of the text, the stream is ended as soon as the speech pauses: its end is told.

use std::sync::Arc;
use std::time::Duration;

use ringback_call::ReplyId;
use ringback_wire::elevenlabs::{
    self as wire, ApiError, Audio, Endpoint, Opening, ServerMessage, SingleMessage, StreamQuery,
    TimedChar, VoiceSettings,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::dialogue::{self, Message, Use, Vendor};
use super::parts::Parts;
use super::stream::{Inlet, Spoken, TimedWord};
use crate::provider::{Access, Blame, Breaker, Failure, Provider, ProviderSocket, Refusal, open};

/// Speech that pauses for so long without having covered its text: the stream is asked for its end.
const QUIET: Duration = Duration::from_millis(300);
/// Characters that end so long after the speech does were told ahead of it, in samples: 500 ms.
const AHEAD: u64 = 4000;
/// A socket that served a reply and owes nothing is replaced after this time, so that the next reply finds an open one.
const SPARE: Duration = Duration::from_secs(1);
/// An open socket that waits for its reply is kept open by a message.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long to leave the provider alone when all that the plan allows at once is in use. It names no time.
const CONCURRENCY_REST: Duration = Duration::from_secs(1);

/// What is asked of ElevenLabs for one call.
#[derive(Clone, Debug)]
pub(crate) struct ElevenLabs {
    pub(crate) access: Access,
    /// As `eleven_flash_v2_5`.
    pub(crate) model: String,
    /// Its id.
    pub(crate) voice: String,
    /// As `en` or `en-US`; the models of version 2.5 are told it, others find it in the text.
    pub(crate) language: String,
    /// Of the voice's own pace; what the provider does not do is brought to the nearest that it does.
    pub(crate) speed_pct: u16,
}

impl ElevenLabs {
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
        let mut streams = Streams {
            url: self.url()?,
            headers: self.headers()?,
            opening: self.opening(),
            reply: None,
            part: None,
            ended: false,
            active: Instant::now(),
        };
        let manner = (Provider::ElevenLabs, self.speed_pct);
        let mut parts = Parts::new(manner, inlet, breaker, &mut said);
        dialogue::speak(&mut streams, &mut parts).await
    }

    fn url(&self) -> Result<Url, Failure> {
        let path = Endpoint::StreamInput.path(&self.voice);
        let mut url = self.access.socket_url(Provider::ElevenLabs, &path)?;
        let language = self.language.split(['-', '_']).next();
        let query = StreamQuery {
            model_id: Some(self.model.clone()),
            output_format: Some("ulaw_8000".to_owned()),
            language_code: language
                .filter(|language| !language.is_empty() && self.model.ends_with("v2_5"))
                .map(str::to_lowercase),
            inactivity_timeout_s: Some(wire::MAX_INACTIVITY_TIMEOUT_S),
            auto_mode: Some(true),
            sync_alignment: Some(true),
            ..StreamQuery::default()
        };
        url.set_query(Some(&query.to_query()));
        Ok(url)
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let value = HeaderValue::from_str(key.expose())
                .map_err(|_| Failure::refused(Provider::ElevenLabs, "has a key that is no text"))?;
            headers.insert(wire::API_KEY_HEADER, value);
        }
        Ok(headers)
    }

    fn opening(&self) -> Opening {
        let speed = f32::from(self.speed_pct.clamp(70, 120)) / 100.0;
        Opening {
            voice_settings: (self.speed_pct != 100).then(|| VoiceSettings {
                speed: Some(speed),
                ..VoiceSettings::default()
            }),
            chunk_length_schedule: None,
        }
    }
}

/// The socket of a call's reply, and the next.
struct Streams {
    url: Url,
    headers: HeaderMap,
    opening: Opening,
    /// Whose the socket is.
    reply: Option<ReplyId>,
    part: Option<Awaited>,
    /// The stream was asked for its end.
    ended: bool,
    /// When something was last sent or heard.
    active: Instant,
}

/// A part that was sent: how far its speech has come.
struct Awaited {
    /// What of it is seen in alignments: no spaces.
    text: Vec<char>,
    covered: usize,
    /// Samples that came.
    samples: u64,
    /// The beginning of a word whose end has not come.
    word: String,
    word_until: u32,
}

impl Awaited {
    fn of(text: &str) -> Self {
        Self {
            text: text.chars().filter(|c| !c.is_whitespace()).collect(),
            covered: 0,
            samples: 0,
            word: String::new(),
            word_until: 0,
        }
    }

    /// Takes the characters of a piece of speech that begins at `start`, in samples. Pieces may overlap in their characters.
    fn aligned(&mut self, chars: &[TimedChar], start: u64) -> Vec<TimedWord> {
        let shown = |one: &TimedChar| one.character.chars().find(|c| !c.is_whitespace());
        let piece: Vec<char> = chars.iter().filter_map(shown).collect();
        let place = (0..=self.covered)
            .rev()
            .find(|&at| self.text[at..].starts_with(&piece));
        let known = place.map_or(0, |at| (self.covered - at).min(piece.len()));
        if let Some(at) = place {
            self.covered = self.covered.max(at + piece.len());
        }
        let mut seen = 0;
        let mut words = Vec::new();
        for one in chars {
            match shown(one) {
                None => words.extend(self.word_ends()),
                Some(character) => {
                    seen += 1;
                    if seen > known {
                        let end = start + (one.start_ms + one.duration_ms) * 8;
                        self.word.push(character);
                        self.word_until = u32::try_from(end).unwrap_or(u32::MAX);
                    }
                }
            }
        }
        if self.is_covered() {
            words.extend(self.word_ends());
        }
        words
    }

    fn word_ends(&mut self) -> Option<TimedWord> {
        let word = std::mem::take(&mut self.word);
        (!word.is_empty()).then_some(TimedWord {
            word,
            until: self.word_until,
        })
    }

    fn is_covered(&self) -> bool {
        self.covered == self.text.len()
    }

    /// Whether its characters were told long before their speech.
    fn is_ahead(&self) -> bool {
        u64::from(self.word_until) > self.samples + AHEAD
    }
}

impl Streams {
    fn audio(&mut self, audio: &Audio<'_>, parts: &mut Parts<'_>) -> Result<(), Failure> {
        let mut mulaw = Vec::new();
        audio
            .decode_into(&mut mulaw)
            .map_err(|garbled| Failure::misbehaved(Provider::ElevenLabs, garbled))?;
        let Some(part) = &mut self.part else {
            return Ok(());
        };
        parts.audio(&mulaw)?;
        let start = part.samples;
        part.samples += mulaw.len() as u64;
        if let Some(chars) = &audio.alignment {
            let words = part.aligned(chars, start);
            parts.words(words.into_iter());
        }
        if part.is_covered() && !part.is_ahead() && !audio.is_final {
            self.part_ends(parts)?;
        }
        Ok(())
    }

    fn part_ends(&mut self, parts: &mut Parts<'_>) -> Result<(), Failure> {
        if let Some(mut part) = self.part.take() {
            parts.words(part.word_ends().into_iter());
            parts.ends()?;
        }
        Ok(())
    }
}

impl Vendor for Streams {
    async fn open(&self) -> Result<ProviderSocket, Failure> {
        open(Provider::ElevenLabs, &self.url, &self.headers, refusal).await
    }

    async fn begin(&mut self, socket: &mut ProviderSocket) -> Result<(), Failure> {
        self.reply = None;
        self.part = None;
        self.ended = false;
        self.active = Instant::now();
        socket.text(self.opening.to_text()).await
    }

    fn is_ready(&self) -> bool {
        self.part.is_none() && !self.ended
    }

    async fn speak(
        &mut self,
        socket: &mut ProviderSocket,
        reply: ReplyId,
        text: &str,
    ) -> Result<Use, Failure> {
        if self.reply.is_some_and(|of| of != reply) {
            return Ok(Use::Renew);
        }
        self.reply = Some(reply);
        self.part = Some(Awaited::of(text));
        self.active = Instant::now();
        let message = SingleMessage::Text {
            text: format!("{text} "),
            flush: true,
            try_trigger_generation: false,
        };
        socket.text(message.to_text()).await?;
        Ok(Use::GoOn)
    }

    /// A stream cannot be told to stop: it is left.
    async fn cancel(
        &mut self,
        _socket: &mut ProviderSocket,
        reply: ReplyId,
        owed: bool,
    ) -> Result<Use, Failure> {
        let leave = owed && self.reply == Some(reply);
        Ok(if leave { Use::Renew } else { Use::GoOn })
    }

    fn take(&mut self, message: Message<'_>, parts: &mut Parts<'_>) -> Result<Use, Failure> {
        let Message::Text(text) = message else {
            return Ok(Use::GoOn);
        };
        let message = wire::parse_server(text)
            .map_err(|garbled| Failure::misbehaved(Provider::ElevenLabs, garbled))?;
        match message {
            ServerMessage::Audio(audio) => {
                self.active = Instant::now();
                self.audio(&audio, parts)?;
                if audio.is_final {
                    self.part_ends(parts)?;
                    return Ok(Use::Renew);
                }
                Ok(Use::GoOn)
            }
            ServerMessage::Final { .. } => {
                self.part_ends(parts)?;
                Ok(Use::Renew)
            }
            ServerMessage::Error { error, .. } => {
                let code = error.code.as_deref().unwrap_or_default();
                if code.contains("timeout") && !parts.are_owed() {
                    return Ok(Use::Renew);
                }
                Err(failed(&error))
            }
            ServerMessage::Other => Ok(Use::GoOn),
        }
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        let error = ApiError {
            close_code: code,
            message: Some(
                reason
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(120)
                    .collect(),
            ),
            ..ApiError::default()
        };
        match code {
            Some(wire::VIOLATION_CLOSE_CODE) => failed(&error),
            Some(code) => {
                let what = format!("closed its socket with {code} {}", error.line());
                Failure::unreachable(Provider::ElevenLabs, what.trim_end())
            }
            None => Failure::unreachable(Provider::ElevenLabs, "ended its socket"),
        }
    }

    fn is_idle_close(&self, code: Option<u16>, reason: &str) -> bool {
        code == Some(1000) || reason.contains("timeout")
    }

    fn due(&self) -> Option<Instant> {
        let wait = match &self.part {
            Some(_) if self.ended => return None,
            Some(part) if part.samples == 0 => return None,
            Some(_) => QUIET,
            None if self.reply.is_some() => SPARE,
            None => KEEP_ALIVE,
        };
        Some(self.active + wait)
    }

    async fn wake(&mut self, socket: &mut ProviderSocket) -> Result<Use, Failure> {
        self.active = Instant::now();
        if self.part.is_some() {
            self.ended = true;
            socket.text(SingleMessage::End.to_text()).await?;
        } else if self.reply.is_some() {
            return Ok(Use::Renew);
        } else {
            let flush = false;
            socket
                .text(SingleMessage::KeepAlive { flush }.to_text())
                .await?;
        }
        Ok(Use::GoOn)
    }
}

fn refusal(body: &str) -> Refusal {
    let error = ApiError::from_http(0, body.as_bytes());
    if error.code.is_none() && error.message.is_none() {
        return Refusal::default();
    }
    Refusal {
        words: error.line(),
        code: error.code,
    }
}

/// Its errors name no status. What is about how much is asked at once passes; what the client did, and what it may not
/// do, will be refused again.
fn failed(error: &ApiError) -> Failure {
    let code = error.code.as_deref().unwrap_or_default();
    let line = error.line();
    if code.contains("concurrent") || code.contains("busy") || code.contains("rate_limit") {
        return Failure::unreachable(Provider::ElevenLabs, format!("is asked too much: {line}"))
            .retry_after(Some(CONCURRENCY_REST))
            .blamed(Some(Blame::Rate));
    }
    if code.contains("internal") || code.contains("timeout") {
        return Failure::misbehaved(Provider::ElevenLabs, format!("failed: {line}"));
    }
    if error.close_code.is_none() || error.close_code == Some(wire::VIOLATION_CLOSE_CODE) {
        let blame = Blame::of(None, &line);
        return Failure::refused(Provider::ElevenLabs, format!("refuses: {line}")).blamed(blame);
    }
    Failure::misbehaved(Provider::ElevenLabs, format!("failed: {line}"))
}
