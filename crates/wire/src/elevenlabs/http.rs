//! Synthesis over HTTP: the body of a request, and the lines of an answer with times.

use std::borrow::Cow;
use std::time::Duration;

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Normalization, Refusal, VoiceSettings};
use crate::Garbled;
use crate::demand::Fields;
use crate::loose::{Loose, sane_time};
use crate::twilio::media::push_base64;

/// Documented fields of a body that nothing here uses.
const PASSED_OVER: [&str; 6] = [
    "pronunciation_dictionary_locators",
    "previous_request_ids",
    "next_request_ids",
    "use_pvc_as_ivc",
    "apply_language_text_normalization",
    "audio_effects",
];

/// The body of a request. Fields that are `None` are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SpeechBody {
    /// The text.
    pub text: String,
    /// Such as `eleven_flash_v2_5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// An ISO 639-1 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
    /// How the voice speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_settings: Option<VoiceSettings>,
    /// The same seed tends to the same audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What was said before, for the melody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_text: Option<String>,
    /// What will be said after, for the melody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_text: Option<String>,
    /// Whether numbers and the like are made words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_text_normalization: Option<Normalization>,
}

impl SpeechBody {
    /// The body as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads a body as strictly as the provider does; documented fields that nothing here uses are passed over.
///
/// # Errors
/// [`Refusal`]
pub fn parse_body(text: &str) -> Result<SpeechBody, Refusal> {
    let mut fields = Fields::parse(text)?;
    for field in PASSED_OVER {
        drop(fields.take(field));
    }
    let body = SpeechBody {
        text: fields.required_text("text")?,
        model_id: fields.name("model_id")?,
        language_code: fields.name("language_code")?,
        voice_settings: VoiceSettings::of(&mut fields)?,
        seed: fields.whole("seed", (0, u64::from(u32::MAX)), "0 to 4294967295")?,
        previous_text: fields.text("previous_text")?,
        next_text: fields.text("next_text")?,
        apply_text_normalization: Normalization::of(&mut fields)?,
    };
    fields.finish()?;
    Ok(body)
}

/// One line of an answer with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedChunk<'a> {
    /// Base64 of the audio, still encoded.
    pub audio: Cow<'a, str>,
    /// Characters of the text with their beginnings and ends, from the beginning of the whole audio.
    pub alignment: Vec<(String, Duration, Duration)>,
}

impl TimedChunk<'_> {
    /// Appends the audio to `out`; allocates only where its capacity is too small.
    ///
    /// # Errors
    /// [`Garbled::Payload`] if it is not padded base64; `out` is then as before.
    pub fn decode_into(&self, out: &mut Vec<u8>) -> Result<(), Garbled> {
        STANDARD
            .decode_append(self.audio.as_bytes(), out)
            .map(drop)
            .map_err(|_| Garbled::Payload {
                length: self.audio.len(),
            })
    }

    /// A line with the bytes of `audio`, without its line end; the times are also those of the text in words.
    #[must_use]
    pub fn line(audio: &[u8], alignment: &[(String, Duration, Duration)]) -> String {
        let mut out = r#"{"audio_base64":""#.to_owned();
        push_base64(&mut out, audio);
        let times = |time: fn(&(String, Duration, Duration)) -> Duration| -> Vec<f64> {
            alignment
                .iter()
                .map(|row| time(row).as_secs_f64())
                .collect()
        };
        let characters: Vec<_> = alignment
            .iter()
            .map(|(character, _, _)| character)
            .collect();
        let json = serde_json::json!({
            "characters": characters,
            "character_start_times_seconds": times(|row| row.1),
            "character_end_times_seconds": times(|row| row.2),
        });
        out.push_str(&format!(
            r#"","alignment":{json},"normalized_alignment":{json}}}"#
        ));
        out
    }
}

/// Reads one line of an answer with times. Times that are no times are zero.
///
/// # Errors
/// [`Garbled`] if it is no JSON object with audio.
pub fn parse_timed_chunk(line: &str) -> Result<TimedChunk<'_>, Garbled> {
    let wire: WireChunk<'_> =
        serde_json::from_str(line).map_err(|error| Garbled::from_json("speech", &error))?;
    let missing = Garbled::Shape {
        kind: "speech",
        line: 1,
        column: line.len(),
    };
    let audio = wire.audio_base64.text().ok_or(missing)?;
    let rows = wire.alignment.map(WireTimes::rows).unwrap_or_default();
    Ok(TimedChunk {
        audio,
        alignment: rows,
    })
}

#[derive(Deserialize)]
struct WireChunk<'a> {
    #[serde(borrow, default)]
    audio_base64: Loose<'a>,
    #[serde(borrow)]
    alignment: Option<WireTimes<'a>>,
}

#[derive(Deserialize)]
struct WireTimes<'a> {
    #[serde(default)]
    characters: Vec<String>,
    #[serde(borrow, default)]
    character_start_times_seconds: Vec<Loose<'a>>,
    #[serde(borrow, default)]
    character_end_times_seconds: Vec<Loose<'a>>,
}

impl WireTimes<'_> {
    fn rows(self) -> Vec<(String, Duration, Duration)> {
        let starts = self.character_start_times_seconds.into_iter();
        let times = starts.zip(self.character_end_times_seconds);
        let rows = self.characters.into_iter().zip(times);
        let time = |value: &Loose<'_>| sane_time(value.number().unwrap_or(0.0));
        rows.map(|(character, (start, end))| (character, time(&start), time(&end)))
            .collect()
    }
}
