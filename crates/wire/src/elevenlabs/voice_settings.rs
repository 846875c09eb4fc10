//! What only the first message of a stream or context may say.

use serde_json::Value;

use super::Refusal;
use crate::demand::Fields;

/// How a voice speaks. Settings that are `None` are the voice's own.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct VoiceSettings {
    /// 0 to 1: low is lively, high is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f32>,
    /// 0 to 1: how near to the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity_boost: Option<f32>,
    /// 0 to 1: how much of the original's style; costs time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<f32>,
    /// Nearer to the original still; costs time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_speaker_boost: Option<bool>,
    /// 0.7 to 1.2; 1 is the voice's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
}

impl VoiceSettings {
    pub(super) fn of(fields: &mut Fields) -> Result<Option<Self>, Refusal> {
        let Some(value) = fields.take("voice_settings") else {
            return Ok(None);
        };
        let mut inner = Fields::of("voice_settings", value)?;
        let any = (f32::MIN, f32::MAX);
        let settings = Self {
            stability: inner.number("stability", any, "a number")?,
            similarity_boost: inner.number("similarity_boost", any, "a number")?,
            style: inner.number("style", any, "a number")?,
            use_speaker_boost: inner.truth("use_speaker_boost")?,
            speed: inner.number("speed", (0.7, 1.2), "0.7 to 1.2")?,
        };
        inner.finish()?;
        Ok(Some(settings))
    }
}

/// What the first message of a stream or context sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opening {
    /// How the voice speaks.
    pub voice_settings: Option<VoiceSettings>,
    /// How many characters must have come before each piece is spoken, 50 to 500 each; the last one stays. `None` is
    /// [`super::CHUNK_LENGTH_SCHEDULE`].
    pub chunk_length_schedule: Option<Vec<u64>>,
}

impl Opening {
    /// Takes the settings out of a message. A key in it is passed over, never read.
    pub(super) fn of(fields: &mut Fields) -> Result<Self, Refusal> {
        for secret in ["xi-api-key", "xi_api_key", "authorization"] {
            drop(fields.take(secret));
        }
        Ok(Self {
            voice_settings: VoiceSettings::of(fields)?,
            chunk_length_schedule: schedule(fields, "generation_config")?,
        })
    }

    /// True if nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(serde::Serialize)]
pub(super) struct WireOpening<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_settings: Option<&'a VoiceSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<WireSchedule<'a>>,
}

#[derive(serde::Serialize)]
struct WireSchedule<'a> {
    chunk_length_schedule: &'a [u64],
}

impl<'a> WireOpening<'a> {
    pub(super) fn of(opening: &'a Opening) -> Self {
        let schedule = opening.chunk_length_schedule.as_deref();
        Self {
            voice_settings: opening.voice_settings.as_ref(),
            generation_config: schedule.map(|chunk_length_schedule| WireSchedule {
                chunk_length_schedule,
            }),
        }
    }
}

pub(super) fn schedule(
    fields: &mut Fields,
    name: &'static str,
) -> Result<Option<Vec<u64>>, Refusal> {
    const FIELD: &str = "chunk_length_schedule";
    let Some(value) = fields.take(name) else {
        return Ok(None);
    };
    let mut config = Fields::of(name, value)?;
    let schedule = config.take(FIELD);
    config.finish()?;
    let Some(schedule) = schedule else {
        return Ok(None);
    };
    let Value::Array(items) = schedule else {
        return Err(Refusal::Shape {
            field: FIELD,
            expected: "a list of numbers",
        });
    };
    let item = |item: &Value| {
        let number = item.as_u64().filter(|number| (50..=500).contains(number));
        number.ok_or_else(|| Refusal::value(FIELD, "numbers of 50 to 500", &item.to_string()))
    };
    items.iter().map(item).collect::<Result<_, _>>().map(Some)
}
