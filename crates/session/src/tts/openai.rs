//! The speech route of OpenAI's language (`/audio/speech`), for the servers that speak it: a request for each part, one after
//! the other, whose answer is linear audio that is spoken as it comes.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Request, Response};
use ringback_audio::g711;
use ringback_audio::resample::Resampler;
use ringback_speech::language::primary;
use serde::{Deserialize, Serialize};
use url::Url;

use super::dialogue::Trouble;
use super::parts::{Owed, Parts};
use super::stream::{Inlet, Spoken};
use crate::language::language_name;
use crate::provider::{Access, Blame, Breaker, Failure, Provider, refusal_body, unsent};

const PATH: &str = "/audio/speech";
/// The rate of the audio that is called `pcm` there, in Hz.
const PCM_HZ: u32 = 24_000;
/// How files begin which are not the bare audio that was asked for: WAV, Ogg, FLAC, MP3 with tags.
const FILES: [&[u8]; 4] = [b"RIFF", b"OggS", b"fLaC", b"ID3"];

/// What is asked of such a server for one call.
#[derive(Clone, Debug)]
pub(crate) struct OpenAi {
    /// Its connections are shared between calls.
    pub(crate) client: Client,
    pub(crate) access: Access,
    pub(crate) model: String,
    pub(crate) voice: String,
    /// As `en-US`.
    pub(crate) language: String,
    /// Of the voice's own pace.
    pub(crate) speed_pct: u16,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
}

impl OpenAi {
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
        let (url, headers) = (self.url()?, self.headers()?);
        let manner = (Provider::OpenAi, self.speed_pct);
        let mut parts = Parts::new(manner, inlet, breaker, &mut said);
        let mut trouble = Trouble::default();
        while parts.wanted().await {
            let Some((_, text)) = parts.unsent() else {
                return Err(Failure::misbehaved(
                    Provider::OpenAi,
                    "has nothing to speak",
                ));
            };
            let request = self.request((&url, &headers), &text)?;
            let failure = match self.utter(request, &mut parts).await {
                Ok(Owed::Worked(()) | Owed::Cancelled) => {
                    trouble = Trouble::default();
                    continue;
                }
                Ok(Owed::Unwanted) => return Ok(()),
                Err(failure) => failure,
            };
            parts.broke_off();
            if trouble.pause(failure, &mut parts).await?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn url(&self) -> Result<Url, Failure> {
        self.access.http_url(Provider::OpenAi, PATH)
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.access.key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
                .map_err(|_| Failure::refused(Provider::OpenAi, "has a key that is no text"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// In which language the text is, where it is not the one that the voices speak best. The first models take no instructions.
    fn instructions(&self) -> Option<String> {
        let language = self.language.as_str();
        let wanted = !matches!(primary(language), "en" | "") && !self.model.starts_with("tts-1");
        wanted.then(|| {
            format!(
                "Speak {} as a native speaker does.",
                language_name(language)
            )
        })
    }

    fn request(&self, (url, headers): (&Url, &HeaderMap), text: &str) -> Result<Request, Failure> {
        let speed = f32::from(self.speed_pct.clamp(25, 400)) / 100.0;
        let asked = Asked {
            model: &self.model,
            input: text,
            voice: &self.voice,
            response_format: "pcm",
            instructions: self.instructions(),
            speed: (self.speed_pct != 100).then_some(speed),
        };
        let body = serde_json::to_vec(&asked)
            .map_err(|_| Failure::refused(Provider::OpenAi, "cannot be asked this text"))?;
        let mut request = Request::new(reqwest::Method::POST, url.clone());
        *request.headers_mut() = headers.clone();
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    /// Speaks one part. What is cancelled is dropped, and with it the request.
    async fn utter(&self, request: Request, parts: &mut Parts<'_>) -> Result<Owed<()>, Failure> {
        let mut response = match parts.while_owed(self.client.execute(request)).await? {
            Owed::Worked(answered) => answered.map_err(|error| unsent(Provider::OpenAi, &error))?,
            Owed::Cancelled => return Ok(Owed::Cancelled),
            Owed::Unwanted => return Ok(Owed::Unwanted),
        };
        if !response.status().is_success() {
            return Ok(match parts.while_owed(refused(&mut response)).await? {
                Owed::Worked(failure) => return Err(failure),
                Owed::Cancelled => Owed::Cancelled,
                Owed::Unwanted => Owed::Unwanted,
            });
        }
        must_be_audio(response.headers())?;
        let mut pcm = Pcm::new()?;
        loop {
            let chunk = match parts.while_owed(response.chunk()).await? {
                Owed::Worked(chunk) => chunk.map_err(|error| unsent(Provider::OpenAi, &error))?,
                Owed::Cancelled => return Ok(Owed::Cancelled),
                Owed::Unwanted => return Ok(Owed::Unwanted),
            };
            match chunk {
                Some(bytes) => parts.audio(&pcm.take(&bytes)?)?,
                None => {
                    parts.audio(&pcm.finish())?;
                    parts.ends()?;
                    return Ok(Owed::Worked(()));
                }
            }
        }
    }
}

/// Linear audio on its way to the telephone's.
struct Pcm {
    resampler: Resampler,
    /// Bytes of which no use was made: the first few, and the first half of a sample.
    bytes: Vec<u8>,
    begun: bool,
}

impl Pcm {
    fn new() -> Result<Self, Failure> {
        let resampler = Resampler::new(PCM_HZ, ringback_audio::RATE_HZ)
            .map_err(|error| Failure::misbehaved(Provider::OpenAi, error))?;
        Ok(Self {
            resampler,
            bytes: Vec::new(),
            begun: false,
        })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        self.bytes.extend_from_slice(bytes);
        if !self.begun {
            if self.bytes.len() < 4 {
                return Ok(Vec::new());
            }
            if FILES.iter().any(|file| self.bytes.starts_with(file)) {
                let what = "answers with a file: its server does not know bare audio (pcm)";
                return Err(Failure::refused(Provider::OpenAi, what));
            }
            self.begun = true;
        }
        let whole = self.bytes.len() / 2 * 2;
        let samples: Vec<i16> = self.bytes[..whole]
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        self.bytes.drain(..whole);
        let mut linear = Vec::new();
        self.resampler.process(&samples, &mut linear);
        Ok(mulaw(&linear))
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut linear = Vec::new();
        self.resampler.finish(&mut linear);
        mulaw(&linear)
    }
}

fn mulaw(linear: &[i16]) -> Vec<u8> {
    let mut mulaw = Vec::with_capacity(linear.len());
    g711::encode_into(linear, &mut mulaw);
    mulaw
}

/// Servers name many types for audio, and some name none.
fn must_be_audio(headers: &HeaderMap) -> Result<(), Failure> {
    let named = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let named = String::from_utf8_lossy(named.unwrap_or_default()).to_ascii_lowercase();
    let is_text = named.starts_with("text/") || named.contains("json") || named.contains("html");
    if is_text {
        let what = "answers with text in the place of audio";
        return Err(Failure::misbehaved(Provider::OpenAi, what));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<serde_json::Value>,
}

async fn refused(response: &mut Response) -> Failure {
    let status = response.status().as_u16();
    let after = retry_after(response.headers());
    let body = refusal_body(response).await;
    let error = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
    let (message, code) = match error {
        Ok(error) => (error.message.unwrap_or_default(), error.code),
        Err(_) => (String::new(), None),
    };
    let words: String = message
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let code = code.as_ref().and_then(serde_json::Value::as_str);
    let blame = Blame::of(
        Some(status),
        &format!("{} {words}", code.unwrap_or_default()),
    );
    if code == Some("insufficient_quota") {
        let what = format!("answered {status}: {words}");
        return Failure::refused(Provider::OpenAi, what).blamed(blame);
    }
    Failure::status(Provider::OpenAi, status, &words)
        .retry_after(after)
        .blamed(blame)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}
