//! Text to speech.

use base64_simd::STANDARD;
use serde_json::{Map, Value};

use super::super::errors::ApiError;
use super::super::json::{self, Object};
use super::super::judge::{Fields, Refusal};
use super::super::usage::Usage;
use crate::Garbled;

/// Characters a request may have spoken.
pub const MAX_INPUT_CHARACTERS: usize = 4096;
/// Samples per second of the format `pcm`.
pub const PCM_RATE_HZ: u32 = 24_000;

const FORMATS: [&str; 6] = ["mp3", "opus", "aac", "flac", "wav", "pcm"];

/// What to say and how. What is `None` is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpeechRequest {
    /// The model's name; free text.
    pub model: String,
    /// What to say, at most [`MAX_INPUT_CHARACTERS`].
    pub input: String,
    /// Who says it.
    pub voice: Voice,
    /// How to say it; of no effect with `tts-1` and `tts-1-hd`.
    pub instructions: Option<String>,
    /// `mp3` without it; `pcm` for the telephone. Groq knows `mulaw`, too.
    pub response_format: Option<String>,
    /// 0.25 to 4, 1 without it.
    pub speed: Option<f64>,
    /// `audio` without it, or `sse`.
    pub stream_format: Option<String>,
    /// Fields of other vendors, such as `sample_rate`. They replace a field of the same name.
    pub extra: Map<String, Value>,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voice {
    /// A voice by its name.
    Name(String),
    /// A voice of one's own, by its id.
    Id(String),
}

impl Default for Voice {
    /// The voice that the reference names first.
    fn default() -> Self {
        Self::Name("alloy".to_owned())
    }
}

impl SpeechRequest {
    /// The body.
    #[must_use]
    pub fn to_text(&self) -> String {
        let voice = match &self.voice {
            Voice::Name(name) => name.as_str().into(),
            Voice::Id(id) => Object::default().with("id", id.as_str()).value(),
        };
        Object::default()
            .with("model", self.model.as_str())
            .with("input", self.input.as_str())
            .with("voice", voice)
            .with_some("instructions", self.instructions.clone())
            .with_some("response_format", self.response_format.clone())
            .with_float("speed", self.speed)
            .with_some("stream_format", self.stream_format.clone())
            .with_all(&self.extra)
            .text()
    }
}

/// Reads the body of a request as strictly as OpenAI does. Whether model and voice exist is not asked.
///
/// # Errors
/// [`Refusal`]: the answer of OpenAI.
pub fn parse_speech_request(text: &str) -> Result<SpeechRequest, Refusal> {
    let mut fields = Fields::body(text)?;
    let model = fields.required_text("model")?;
    let input = fields.short_text("input", MAX_INPUT_CHARACTERS)?;
    let voice = fields.required("voice")?;
    let voice = if let Value::String(name) = voice {
        Voice::Name(name)
    } else {
        let mut object = Fields::of("voice".to_owned(), voice)?;
        let id = object.required_text("id")?;
        object.finish()?;
        Voice::Id(id)
    };
    let request = SpeechRequest {
        input: input.ok_or_else(|| fields.missing("input"))?,
        voice,
        instructions: fields.text("instructions")?,
        response_format: fields.word("response_format", &FORMATS)?,
        speed: fields.float("speed", 0.25, 4.0)?,
        stream_format: fields.word("stream_format", &["audio", "sse"])?,
        extra: Map::new(),
        model,
    };
    fields.finish()?;
    if request.stream_format.as_deref() == Some("sse") && request.model.starts_with("tts-1") {
        let message = "'stream_format' does not support 'sse' with this model.";
        return Err(Refusal::unsupported_value("stream_format", message));
    }
    Ok(request)
}

/// An event of speech that is streamed as `sse`.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeechEvent {
    /// Audio, still base64; see [`SpeechEvent::decode_into`].
    Audio(String),
    /// The end, with the tokens.
    Done(Usage),
    /// The speech has failed.
    Failed(ApiError),
    /// A kind that is not known here; to be ignored.
    Other(String),
}

/// Reads the data of one event of speech.
///
/// # Errors
/// [`Garbled`] if it is no JSON object, or has neither a `type` nor an `error`.
pub fn parse_speech_event(data: &str) -> Result<SpeechEvent, Garbled> {
    let value = json::parse("speech event", data)?;
    let kind = json::filled(&value, "type");
    match kind.as_deref() {
        Some("speech.audio.delta") => json::text(&value, "audio")
            .map(SpeechEvent::Audio)
            .ok_or_else(|| json::lacking("speech event", data)),
        Some("speech.audio.done") => {
            let usage = value.get("usage").and_then(Usage::read);
            Ok(SpeechEvent::Done(usage.unwrap_or_default()))
        }
        Some(kind) if kind != "error" => Ok(SpeechEvent::Other(kind.to_owned())),
        Some(_) | None => ApiError::of(&value)
            .map(SpeechEvent::Failed)
            .ok_or_else(|| json::lacking("speech event", data)),
    }
}

impl SpeechEvent {
    /// An event with these bytes of audio.
    #[must_use]
    pub fn audio(bytes: &[u8]) -> Self {
        Self::Audio(STANDARD.encode_to_string(bytes))
    }

    /// Appends the bytes of an audio event to `out`; nothing for the other kinds.
    ///
    /// # Errors
    /// [`Garbled::Payload`] if the audio is not padded base64; `out` is then as before.
    pub fn decode_into(&self, out: &mut Vec<u8>) -> Result<(), Garbled> {
        match self {
            Self::Audio(text) => STANDARD
                .decode_append(text.as_bytes(), out)
                .map(|_| ())
                .map_err(|_| Garbled::Payload { length: text.len() }),
            Self::Done(_) | Self::Failed(_) | Self::Other(_) => Ok(()),
        }
    }

    /// The data of the event.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Audio(text) => Object::tagged("speech.audio.delta").with("audio", text.as_str()),
            Self::Done(usage) => {
                let usage = Object::default()
                    .with("input_tokens", usage.input)
                    .with("output_tokens", usage.output)
                    .with("total_tokens", usage.total());
                Object::tagged("speech.audio.done").with("usage", usage.value())
            }
            Self::Failed(error) => return error.to_text(),
            Self::Other(kind) => Object::tagged(kind),
        }
        .text()
    }
}
