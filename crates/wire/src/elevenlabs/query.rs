//! The query of the endpoints: model, format of the audio, and how it is made.

use url::form_urlencoded;

use super::{Endpoint, MAX_INACTIVITY_TIMEOUT_S, Refusal};
use crate::demand::{Fields, query_fields};

/// Every `output_format`. `ulaw_8000` is what a telephone hears.
pub const OUTPUT_FORMATS: [&str; 21] = [
    "mp3_22050_32",
    "mp3_24000_48",
    "mp3_44100_32",
    "mp3_44100_64",
    "mp3_44100_96",
    "mp3_44100_128",
    "mp3_44100_192",
    "pcm_8000",
    "pcm_16000",
    "pcm_22050",
    "pcm_24000",
    "pcm_32000",
    "pcm_44100",
    "pcm_48000",
    "ulaw_8000",
    "alaw_8000",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
];

/// The query. Parameters that are `None` are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamQuery {
    /// Such as `eleven_flash_v2_5`; an open list. Sockets only: over HTTP the body names it.
    pub model_id: Option<String>,
    /// One of [`OUTPUT_FORMATS`].
    pub output_format: Option<String>,
    /// An ISO 639-1 code. Sockets only: over HTTP the body names it.
    pub language_code: Option<String>,
    /// After how long without a message the socket is closed, at most 180 s; `None` is 20.
    pub inactivity_timeout_s: Option<u64>,
    /// True speaks every text at once: send whole sentences. Sockets only; `None` is false.
    pub auto_mode: Option<bool>,
    /// True asks for the times of characters. Sockets only.
    pub sync_alignment: Option<bool>,
    /// True reads tags in the text. Sockets only.
    pub enable_ssml_parsing: Option<bool>,
    /// False keeps the text out of the provider's history; `None` is true.
    pub enable_logging: Option<bool>,
    /// Whether numbers and the like are made words. Sockets only: over HTTP the body says it.
    pub apply_text_normalization: Option<Normalization>,
    /// The same seed tends to the same audio. Sockets only: over HTTP the body names it.
    pub seed: Option<u64>,
}

/// Whether numbers and the like are made words before they are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the provider's words, each in its name")]
pub enum Normalization {
    Auto,
    On,
    Off,
}

impl Normalization {
    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }

    pub(super) fn of(fields: &mut Fields) -> Result<Option<Self>, Refusal> {
        let field = "apply_text_normalization";
        match fields.text(field)?.as_deref() {
            None => Ok(None),
            Some("auto") => Ok(Some(Self::Auto)),
            Some("on") => Ok(Some(Self::On)),
            Some("off") => Ok(Some(Self::Off)),
            Some(other) => Err(Refusal::value(field, "auto, on or off", other)),
        }
    }
}

impl StreamQuery {
    /// The query, without its question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        let truth = |truth: Option<bool>| truth.map(|truth| truth.to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let normalization = self.apply_text_normalization;
        let pairs = [
            ("model_id", self.model_id.clone()),
            ("output_format", self.output_format.clone()),
            ("language_code", self.language_code.clone()),
            ("inactivity_timeout", number(self.inactivity_timeout_s)),
            ("auto_mode", truth(self.auto_mode)),
            ("sync_alignment", truth(self.sync_alignment)),
            ("enable_ssml_parsing", truth(self.enable_ssml_parsing)),
            ("enable_logging", truth(self.enable_logging)),
            (
                "apply_text_normalization",
                normalization.map(|word| word.name().to_owned()),
            ),
            ("seed", number(self.seed)),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        query.finish()
    }

    /// Reads the query of an endpoint as strictly as the provider does. A browser's `token` on a
    /// socket and the old `optimize_streaming_latency` are passed over.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn parse(query: &str, endpoint: Endpoint) -> Result<Self, Refusal> {
        let mut fields = query_fields(query)?;
        drop(fields.take("optimize_streaming_latency"));
        let mut parsed = Self {
            output_format: output_format(&mut fields)?,
            enable_logging: fields.query_truth("enable_logging")?,
            ..Self::default()
        };
        if endpoint.is_socket() {
            drop(fields.take(super::TOKEN_QUERY));
            parsed.of_socket(&mut fields)?;
        }
        fields.finish()?;
        Ok(parsed)
    }

    fn of_socket(&mut self, fields: &mut Fields) -> Result<(), Refusal> {
        self.model_id = fields.name("model_id")?;
        if self.model_id.as_deref() == Some("eleven_v3") {
            return Err(Refusal::value(
                "model_id",
                "a model that has a socket",
                "eleven_v3",
            ));
        }
        self.language_code = fields.name("language_code")?;
        let range = (0, MAX_INACTIVITY_TIMEOUT_S);
        self.inactivity_timeout_s = fields.query_whole("inactivity_timeout", range, "0 to 180")?;
        self.auto_mode = fields.query_truth("auto_mode")?;
        self.sync_alignment = fields.query_truth("sync_alignment")?;
        self.enable_ssml_parsing = fields.query_truth("enable_ssml_parsing")?;
        self.apply_text_normalization = Normalization::of(fields)?;
        self.seed = fields.query_whole("seed", (0, u64::from(u32::MAX)), "0 to 4294967295")?;
        Ok(())
    }
}

fn output_format(fields: &mut Fields) -> Result<Option<String>, Refusal> {
    let field = "output_format";
    match fields.text(field)? {
        Some(other) if !OUTPUT_FORMATS.contains(&other.as_str()) => Err(Refusal::value(
            field,
            "one of the documented formats, such as ulaw_8000",
            &other,
        )),
        known => Ok(known),
    }
}
