//! What all inputs of a context repeat: model, voice, format of the audio, manner.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::{ApiVersion, Refusal};
use crate::demand::Fields;

const SAMPLE_RATES: [u64; 6] = [8000, 16000, 22050, 24000, 44100, 48000];
const ALLOWED_RATES: &str = "8000, 16000, 22050, 24000, 44100 or 48000";

/// What a context is spoken with. Fields that are `None` are left out of the message.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Settings {
    /// Such as `sonic-3.5`; an open list.
    pub model_id: String,
    /// The id of a voice.
    #[serde(serialize_with = "by_id")]
    pub voice: String,
    /// The audio that is wanted.
    pub output_format: RawFormat,
    /// An ISO code such as `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Asks for `timestamps` messages, one entry a word. `None` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_timestamps: Option<bool>,
    /// Asks for `phoneme_timestamps` messages. `None` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_phoneme_timestamps: Option<bool>,
    /// False gives the words of timestamps as they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_normalized_timestamps: Option<bool>,
    /// How long text is held back for more to come, 0 to 5000 ms. 0 speaks every input at once; the default has
    /// changed from 0 to 3000, so it is always to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_buffer_delay_ms: Option<u64>,
    /// The manner of sonic-3 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_config: Option<Delivery>,
    /// The pace of older models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Pace>,
    /// A dictionary of pronunciations, from sonic-3 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pronunciation_dict_id: Option<String>,
}

impl Settings {
    /// A voice and nothing optional, but text spoken at once.
    #[must_use]
    pub fn new(model_id: &str, voice: &str, output_format: RawFormat) -> Self {
        Self {
            model_id: model_id.to_owned(),
            voice: voice.to_owned(),
            output_format,
            language: None,
            add_timestamps: None,
            add_phoneme_timestamps: None,
            use_normalized_timestamps: None,
            max_buffer_delay_ms: Some(0),
            generation_config: None,
            speed: None,
            pronunciation_dict_id: None,
        }
    }

    /// Takes the settings out of a message; what is left there is the message's own.
    pub(super) fn of(fields: &mut Fields, version: &ApiVersion) -> Result<Self, Refusal> {
        Ok(Self {
            model_id: fields.required_name("model_id")?,
            voice: voice_of(fields, version)?,
            output_format: RawFormat::of(format_fields(fields)?)?,
            language: fields.name("language")?,
            add_timestamps: fields.truth("add_timestamps")?,
            add_phoneme_timestamps: fields.truth("add_phoneme_timestamps")?,
            use_normalized_timestamps: fields.truth("use_normalized_timestamps")?,
            max_buffer_delay_ms: fields.whole(
                "max_buffer_delay_ms",
                (0, super::MAX_BUFFER_DELAY_MS),
                "0 to 5000",
            )?,
            generation_config: Delivery::of(fields)?,
            speed: Pace::of(fields)?,
            pronunciation_dict_id: fields.name("pronunciation_dict_id")?,
        })
    }

    /// Refuses what differs from the settings a context began with.
    ///
    /// # Errors
    /// [`Refusal::Changed`] with the first field that differs.
    pub fn must_repeat(&self, first: &Self) -> Result<(), Refusal> {
        let fields = [
            ("model_id", self.model_id == first.model_id),
            ("voice", self.voice == first.voice),
            ("output_format", self.output_format == first.output_format),
            ("language", self.language == first.language),
            (
                "add_timestamps",
                self.add_timestamps == first.add_timestamps,
            ),
            (
                "add_phoneme_timestamps",
                self.add_phoneme_timestamps == first.add_phoneme_timestamps,
            ),
            (
                "use_normalized_timestamps",
                self.use_normalized_timestamps == first.use_normalized_timestamps,
            ),
            (
                "max_buffer_delay_ms",
                self.max_buffer_delay_ms == first.max_buffer_delay_ms,
            ),
            (
                "generation_config",
                self.generation_config == first.generation_config,
            ),
            ("speed", self.speed == first.speed),
            (
                "pronunciation_dict_id",
                self.pronunciation_dict_id == first.pronunciation_dict_id,
            ),
        ];
        match fields.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(Refusal::Changed { field }),
        }
    }
}

/// Headerless audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFormat {
    /// How a sample is written.
    pub encoding: Encoding,
    /// Samples per second: 8000, 16000, 22050, 24000, 44100 or 48000.
    pub sample_rate: u32,
}

impl RawFormat {
    /// What a telephone hears: mu-law at 8000 Hz, one byte a sample.
    pub const TELEPHONE: Self = Self {
        encoding: Encoding::Mulaw,
        sample_rate: 8000,
    };

    fn of(mut format: Fields) -> Result<Self, Refusal> {
        let container = format.required_text("output_format.container")?;
        if container != "raw" {
            return Err(Refusal::value("output_format.container", "raw", &container));
        }
        Self::after_container(format)
    }

    /// The rest of a format whose container is known.
    pub(super) fn after_container(mut format: Fields) -> Result<Self, Refusal> {
        let encoding = format.required_text("output_format.encoding")?;
        let known = Encoding::ALL
            .into_iter()
            .find(|known| known.name() == encoding);
        let Some(encoding) = known else {
            let allowed = "pcm_mulaw, pcm_alaw, pcm_s16le or pcm_f32le";
            return Err(Refusal::value("output_format.encoding", allowed, &encoding));
        };
        let sample_rate = sample_rate_of(&mut format)?;
        format.finish()?;
        Ok(Self {
            encoding,
            sample_rate,
        })
    }
}

impl Serialize for RawFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("RawFormat", 3)?;
        object.serialize_field("container", "raw")?;
        object.serialize_field("encoding", self.encoding.name())?;
        object.serialize_field("sample_rate", &self.sample_rate)?;
        object.end()
    }
}

/// How a sample of headerless audio is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `pcm_mulaw`: G.711 mu-law, one byte.
    Mulaw,
    /// `pcm_alaw`: G.711 A-law, one byte.
    Alaw,
    /// `pcm_s16le`: two bytes, signed, low byte first.
    S16le,
    /// `pcm_f32le`: four bytes, IEEE float, low byte first.
    F32le,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 4] = [Self::Mulaw, Self::Alaw, Self::S16le, Self::F32le];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mulaw => "pcm_mulaw",
            Self::Alaw => "pcm_alaw",
            Self::S16le => "pcm_s16le",
            Self::F32le => "pcm_f32le",
        }
    }

    /// Bytes of one sample.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Mulaw | Self::Alaw => 1,
            Self::S16le => 2,
            Self::F32le => 4,
        }
    }
}

/// How a text is delivered, from sonic-3 on.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Delivery {
    /// 0.6 to 1.5; 1 is the voice's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
    /// 0.5 to 2; 1 is the voice's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<f32>,
    /// A word such as `calm`; about sixty are known, the list is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emotion: Option<String>,
}

impl Delivery {
    pub(super) fn of(fields: &mut Fields) -> Result<Option<Self>, Refusal> {
        let Some(value) = fields.take("generation_config") else {
            return Ok(None);
        };
        let mut config = Fields::of("generation_config", value)?;
        let delivery = Self {
            speed: config.number("speed", (0.6, 1.5), "0.6 to 1.5")?,
            volume: config.number("volume", (0.5, 2.0), "0.5 to 2.0")?,
            emotion: config.name("emotion")?,
        };
        config.finish()?;
        Ok(Some(delivery))
    }
}

/// The pace of older models, an experimental control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the provider's words, each in its name")]
pub enum Pace {
    Slow,
    Normal,
    Fast,
}

impl Pace {
    pub(super) fn of(fields: &mut Fields) -> Result<Option<Self>, Refusal> {
        match fields.text("speed")?.as_deref() {
            None => Ok(None),
            Some("slow") => Ok(Some(Self::Slow)),
            Some("normal") => Ok(Some(Self::Normal)),
            Some("fast") => Ok(Some(Self::Fast)),
            Some(other) => Err(Refusal::value("speed", "slow, normal or fast", other)),
        }
    }
}

/// The format's fields under their full names, so that a refusal names them so.
pub(super) fn format_fields(fields: &mut Fields) -> Result<Fields, Refusal> {
    let format = Fields::of("output_format", fields.required("output_format")?)?;
    Ok(format.renamed([
        ("container", "output_format.container"),
        ("encoding", "output_format.encoding"),
        ("sample_rate", "output_format.sample_rate"),
        ("bit_rate", "output_format.bit_rate"),
    ]))
}

pub(super) fn sample_rate_of(format: &mut Fields) -> Result<u32, Refusal> {
    let field = "output_format.sample_rate";
    let value = format.required(field)?;
    let rate = value.as_u64().filter(|rate| SAMPLE_RATES.contains(rate));
    rate.and_then(|rate| u32::try_from(rate).ok())
        .ok_or_else(|| Refusal::value(field, ALLOWED_RATES, &value.to_string()))
}

/// The voice by its id; what else an object carries is ignored, as the provider reserves the right to add to it.
pub(super) fn voice_of(fields: &mut Fields, version: &ApiVersion) -> Result<String, Refusal> {
    let value = fields.required("voice")?;
    if let Value::String(id) = &value {
        let bare = version.has_bare_voices() && !id.is_empty();
        return bare.then(|| id.clone()).ok_or(Refusal::Shape {
            field: "voice",
            expected: "an object with mode and id",
        });
    }
    let mut voice =
        Fields::of("voice", value)?.renamed([("mode", "voice.mode"), ("id", "voice.id")]);
    match voice.text("voice.mode")?.as_deref() {
        Some("id") => {}
        None if version.has_bare_voices() => {}
        None => {
            return Err(Refusal::Missing {
                field: "voice.mode",
            });
        }
        Some(other) => return Err(Refusal::value("voice.mode", "id", other)),
    }
    voice.required_name("voice.id")
}

pub(super) fn by_id<S: Serializer>(id: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Voice", 2)?;
    object.serialize_field("mode", "id")?;
    object.serialize_field("id", id)?;
    object.end()
}
