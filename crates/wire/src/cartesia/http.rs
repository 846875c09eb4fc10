//! Synthesis over HTTP: one request with the whole text, answered by audio ([`super::BYTES_PATH`]) or by events
//! ([`super::SSE_PATH`]).

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::server::ServerMessage;
use super::settings::{
    Delivery, Pace, RawFormat, Settings, by_id, format_fields, sample_rate_of, voice_of,
};
use super::{ApiVersion, Refusal};
use crate::demand::Fields;

const BIT_RATES: [u64; 5] = [32_000, 64_000, 96_000, 128_000, 192_000];

/// What both requests have and the socket has not. Fields that are `None` are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Extras {
    /// A language or locale such as `en-GB`, instead of `language`, never beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `auto`, `off`, or the locale by which numbers and the like are made words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization: Option<String>,
}

impl Extras {
    fn of(fields: &mut Fields, language: Option<&String>) -> Result<Self, Refusal> {
        let extras = Self {
            locale: fields.name("locale")?,
            normalization: fields.name("normalization")?,
        };
        if language.is_some() && extras.locale.is_some() {
            return Err(Refusal::Together {
                first: "language",
                second: "locale",
            });
        }
        Ok(extras)
    }
}

/// The request whose answer is audio. Fields that are `None` are left out.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BytesBody {
    /// Such as `sonic-3.5`.
    pub model_id: String,
    /// The text.
    pub transcript: String,
    /// The id of a voice.
    #[serde(serialize_with = "by_id")]
    pub voice: String,
    /// The audio that is wanted.
    pub output_format: SpeechFormat,
    /// An ISO code such as `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the socket has not.
    #[serde(flatten)]
    pub extras: Extras,
    /// The manner of sonic-3 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_config: Option<Delivery>,
    /// The pace of older models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Pace>,
    /// A dictionary of pronunciations, from sonic-3 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pronunciation_dict_id: Option<String>,
    /// Stores the audio with the provider; the answer then has [`super::FILE_ID_HEADER`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save: Option<bool>,
}

impl BytesBody {
    /// The body as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads the body of a request for audio as strictly as the provider does.
///
/// # Errors
/// [`Refusal`]
pub fn parse_bytes(text: &str, version: &ApiVersion) -> Result<BytesBody, Refusal> {
    let mut fields = Fields::parse(text)?;
    let language = fields.name("language")?;
    let body = BytesBody {
        model_id: fields.required_name("model_id")?,
        transcript: fields.required_text("transcript")?,
        voice: voice_of(&mut fields, version)?,
        output_format: SpeechFormat::of(format_fields(&mut fields)?)?,
        extras: Extras::of(&mut fields, language.as_ref())?,
        language,
        generation_config: Delivery::of(&mut fields)?,
        speed: Pace::of(&mut fields)?,
        pronunciation_dict_id: fields.name("pronunciation_dict_id")?,
        save: fields.truth("save")?,
    };
    fields.finish()?;
    Ok(body)
}

/// The request whose answer is a stream of events. Fields that are `None` are left out.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SseBody {
    /// As on the socket, but `max_buffer_delay_ms` is not sent.
    #[serde(flatten)]
    pub settings: Settings,
    /// The text.
    pub transcript: String,
    /// Named again in every event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// What the socket has not.
    #[serde(flatten)]
    pub extras: Extras,
}

impl SseBody {
    /// The body as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut body = self.clone();
        body.settings.max_buffer_delay_ms = None;
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// Reads the body of a request for events as strictly as the provider does.
///
/// # Errors
/// [`Refusal`]
pub fn parse_sse(text: &str, version: &ApiVersion) -> Result<SseBody, Refusal> {
    let mut fields = Fields::parse(text)?;
    if fields.has("max_buffer_delay_ms") {
        return Err(Refusal::Unknown {
            field: "max_buffer_delay_ms".to_owned(),
        });
    }
    let settings = Settings::of(&mut fields, version)?;
    let body = SseBody {
        transcript: fields.required_text("transcript")?,
        context_id: fields.name("context_id")?,
        extras: Extras::of(&mut fields, settings.language.as_ref())?,
        settings,
    };
    fields.finish()?;
    Ok(body)
}

/// Writes one event of the answer into `out`, whose old content is discarded.
pub fn write_sse(out: &mut String, message: &ServerMessage<'_>) {
    out.clear();
    out.push_str("data: ");
    out.push_str(&message.to_text());
    out.push_str("\n\n");
}

/// The audio of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechFormat {
    /// Headerless.
    Raw(RawFormat),
    /// With a WAV header.
    Wav(RawFormat),
    /// MP3.
    Mp3(Mp3),
}

/// The rates of an MP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mp3 {
    /// Samples per second, of the same list as headerless audio.
    pub sample_rate: u32,
    /// Bits per second: 32000, 64000, 96000, 128000 or 192000.
    pub bit_rate: u32,
}

impl SpeechFormat {
    fn of(mut format: Fields) -> Result<Self, Refusal> {
        let container = format.required_text("output_format.container")?;
        match container.as_str() {
            "raw" => RawFormat::after_container(format).map(Self::Raw),
            "wav" => RawFormat::after_container(format).map(Self::Wav),
            "mp3" => Mp3::of(format).map(Self::Mp3),
            other => Err(Refusal::value(
                "output_format.container",
                "raw, wav or mp3",
                other,
            )),
        }
    }
}

impl Mp3 {
    fn of(mut format: Fields) -> Result<Self, Refusal> {
        let sample_rate = sample_rate_of(&mut format)?;
        let field = "output_format.bit_rate";
        let value = format.required(field)?;
        let known = value.as_u64().filter(|rate| BIT_RATES.contains(rate));
        let allowed = "32000, 64000, 96000, 128000 or 192000";
        let bit_rate = known
            .and_then(|rate| u32::try_from(rate).ok())
            .ok_or_else(|| Refusal::value(field, allowed, &value.to_string()))?;
        format.finish()?;
        Ok(Self {
            sample_rate,
            bit_rate,
        })
    }
}

impl Serialize for SpeechFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SpeechFormat", 3)?;
        match self {
            Self::Raw(format) | Self::Wav(format) => {
                let container = if matches!(self, Self::Raw(_)) {
                    "raw"
                } else {
                    "wav"
                };
                object.serialize_field("container", container)?;
                object.serialize_field("encoding", format.encoding.name())?;
                object.serialize_field("sample_rate", &format.sample_rate)?;
            }
            Self::Mp3(format) => {
                object.serialize_field("container", "mp3")?;
                object.serialize_field("sample_rate", &format.sample_rate)?;
                object.serialize_field("bit_rate", &format.bit_rate)?;
            }
        }
        object.end()
    }
}
