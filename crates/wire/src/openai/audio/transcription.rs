//! Speech of a file to text: the form.

use super::super::judge::{Refusal, no_such_word};

/// The part that holds the audio. It needs a filename whose extension is one of [`EXTENSIONS`], and a content type.
pub const FILE_FIELD: &str = "file";
/// Bytes a file may have.
pub const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;
/// The formats that are taken, by the extension of the filename.
pub const EXTENSIONS: [&str; 9] = [
    "flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm",
];

const FORMATS: [&str; 6] = [
    "json",
    "text",
    "srt",
    "vtt",
    "verbose_json",
    "diarized_json",
];

/// What to transcribe and how, without the file. What is `None`, empty or false is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TranscriptionRequest {
    /// The model's name; free text.
    pub model: String,
    /// The language as ISO 639-1, for `whisper-1` and its heirs; `gpt-transcribe` ignores it.
    pub language: Option<String>,
    /// The languages, for `gpt-transcribe`.
    pub languages: Vec<String>,
    /// Names and terms to expect, for `gpt-transcribe`.
    pub keywords: Vec<String>,
    /// Style or context.
    pub prompt: Option<String>,
    /// `json` without it.
    pub response_format: Option<String>,
    /// 0 to 1; older models only.
    pub temperature: Option<f64>,
    /// `word`, `segment`: with `verbose_json` only.
    pub timestamp_granularities: Vec<String>,
    /// `logprobs`.
    pub include: Vec<String>,
    /// Whether the answer comes as events; `whisper-1` ignores it.
    pub stream: bool,
    /// How the file is cut; needed by `-diarize` over 30 s.
    pub chunking: Option<Chunking>,
    /// Names of at most 4 speakers, for `-diarize`.
    pub known_speaker_names: Vec<String>,
    /// Their voices as `data:` URLs of 2 to 10 s.
    pub known_speaker_references: Vec<String>,
}

/// How a file is cut before it is transcribed.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunking {
    /// As the server likes.
    Auto,
    /// Where it hears nobody speak.
    ServerVad {
        /// Audio kept before speech, in ms; 300 without it.
        prefix_padding_ms: Option<u64>,
        /// Silence that ends speech, in ms; 200 without it.
        silence_duration_ms: Option<u64>,
        /// 0 to 1; 0.5 without it.
        threshold: Option<f64>,
    },
}

/// The part of the form that holds the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePart<'a> {
    /// Its filename.
    pub filename: &'a str,
    /// Its length.
    pub bytes: usize,
}

impl TranscriptionRequest {
    /// The text parts of the form. Lists are repeated parts named with `[]`.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("model", self.model.clone())];
        let singles = [
            ("language", self.language.clone()),
            ("prompt", self.prompt.clone()),
            ("response_format", self.response_format.clone()),
            (
                "temperature",
                self.temperature.map(|value| value.to_string()),
            ),
            ("stream", self.stream.then(|| "true".to_owned())),
        ];
        fields.extend(
            singles
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let lists = [
            ("languages[]", &self.languages),
            ("keywords[]", &self.keywords),
            ("timestamp_granularities[]", &self.timestamp_granularities),
            ("include[]", &self.include),
            ("known_speaker_names[]", &self.known_speaker_names),
            ("known_speaker_references[]", &self.known_speaker_references),
        ];
        for (name, values) in lists {
            fields.extend(values.iter().map(|value| (name, value.clone())));
        }
        match &self.chunking {
            None => {}
            Some(Chunking::Auto) => fields.push(("chunking_strategy", "auto".to_owned())),
            Some(Chunking::ServerVad {
                prefix_padding_ms,
                silence_duration_ms,
                threshold,
            }) => {
                fields.push(("chunking_strategy[type]", "server_vad".to_owned()));
                let numbers = [
                    (
                        "chunking_strategy[prefix_padding_ms]",
                        prefix_padding_ms.map(|ms| ms.to_string()),
                    ),
                    (
                        "chunking_strategy[silence_duration_ms]",
                        silence_duration_ms.map(|ms| ms.to_string()),
                    ),
                    (
                        "chunking_strategy[threshold]",
                        threshold.map(|share| share.to_string()),
                    ),
                ];
                fields.extend(
                    numbers
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value?))),
                );
            }
        }
        fields
    }
}

/// Judges a form: its text parts in order, and the part with the audio. A part of an unknown name is refused, which is
/// stricter than the reference knows OpenAI to be.
///
/// # Errors
/// [`Refusal`]: the answer of OpenAI.
pub fn parse_transcription<'a>(
    parts: impl IntoIterator<Item = (&'a str, &'a str)>,
    file: Option<FilePart<'_>>,
) -> Result<TranscriptionRequest, Refusal> {
    let mut request = TranscriptionRequest::default();
    for (name, value) in parts {
        request.take(name, value)?;
    }
    let missing = |name: &str| {
        let message = format!("Missing required parameter: '{name}'.");
        Refusal::invalid(message, Some(name), Some("missing_required_parameter"))
    };
    if request.model.is_empty() {
        return Err(missing("model"));
    }
    judge_file(file.ok_or_else(|| missing(FILE_FIELD))?)?;
    request.suits()?;
    Ok(request)
}

fn judge_file(file: FilePart<'_>) -> Result<(), Refusal> {
    if file.bytes > MAX_FILE_BYTES {
        let message = format!(
            "Maximum content size limit ({MAX_FILE_BYTES}) exceeded ({} bytes read)",
            file.bytes
        );
        let mut refusal = Refusal::invalid(message, None, None);
        refusal.status = 413;
        return Err(refusal);
    }
    let extension = file
        .filename
        .rsplit_once('.')
        .map(|(_, extension)| extension);
    let known = extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    });
    if known {
        return Ok(());
    }
    let message = format!(
        "Unsupported file format. Supported formats: {}",
        EXTENSIONS.join(", ")
    );
    Err(Refusal::invalid(
        message,
        Some(FILE_FIELD),
        Some("unsupported_value"),
    ))
}

fn word(name: &str, value: &str, words: &[&str]) -> Result<String, Refusal> {
    if words.contains(&value) {
        Ok(value.to_owned())
    } else {
        Err(no_such_word(name, value, words))
    }
}

fn wrong(name: &str, expected: &str) -> Refusal {
    let message = format!("Invalid type for '{name}': expected {expected}.");
    Refusal::invalid(message, Some(name), Some("invalid_type"))
}

fn share(name: &str, value: &str) -> Result<f64, Refusal> {
    let number = value.parse().ok();
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| wrong(name, "a number from 0 to 1"))
}

impl TranscriptionRequest {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let text = || value.to_owned();
        match name {
            "model" => self.model = text(),
            "language" => self.language = Some(text()),
            "languages[]" => self.languages.push(text()),
            "keywords[]" => self.keywords.push(text()),
            "prompt" => self.prompt = Some(text()),
            "response_format" => self.response_format = Some(word(name, value, &FORMATS)?),
            "temperature" => self.temperature = Some(share(name, value)?),
            "timestamp_granularities[]" => {
                let granularity = word(name, value, &["word", "segment"])?;
                self.timestamp_granularities.push(granularity);
            }
            "include[]" => self.include.push(word(name, value, &["logprobs"])?),
            "stream" => self.stream = word(name, value, &["true", "false"])? == "true",
            "known_speaker_names[]" => self.known_speaker_names.push(text()),
            "known_speaker_references[]" => self.known_speaker_references.push(text()),
            other => return self.take_chunking(other, value),
        }
        Ok(())
    }

    fn take_chunking(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if name == "chunking_strategy" {
            word(name, value, &["auto"])?;
            self.chunking = Some(Chunking::Auto);
            return Ok(());
        }
        let field = name.strip_prefix("chunking_strategy[");
        let field = field.and_then(|field| field.strip_suffix(']'));
        let known = [
            "type",
            "prefix_padding_ms",
            "silence_duration_ms",
            "threshold",
        ];
        let Some(field) = field.filter(|field| known.contains(field)) else {
            let message = format!("Unknown parameter: '{name}'.");
            return Err(Refusal::invalid(
                message,
                Some(name),
                Some("unknown_parameter"),
            ));
        };
        if !matches!(self.chunking, Some(Chunking::ServerVad { .. })) {
            self.chunking = Some(Chunking::ServerVad {
                prefix_padding_ms: None,
                silence_duration_ms: None,
                threshold: None,
            });
        }
        let milliseconds = || value.parse().map_err(|_| wrong(name, "an integer"));
        if let Some(Chunking::ServerVad {
            prefix_padding_ms,
            silence_duration_ms,
            threshold,
        }) = &mut self.chunking
        {
            match field {
                "type" => drop(word(name, value, &["server_vad"])?),
                "prefix_padding_ms" => *prefix_padding_ms = Some(milliseconds()?),
                "silence_duration_ms" => *silence_duration_ms = Some(milliseconds()?),
                _ => *threshold = Some(share(name, value)?),
            }
        }
        Ok(())
    }

    /// What the model of the request takes; of an unknown one everything is.
    fn suits(&self) -> Result<(), Refusal> {
        let format = self.response_format.as_deref().unwrap_or("json");
        let diarizes = self.model.ends_with("-diarize");
        let formats: &[&str] = match self.model.as_str() {
            "whisper-1" => &["json", "text", "srt", "vtt", "verbose_json"],
            "gpt-transcribe" => &["json"],
            _ if diarizes => &["json", "text", "diarized_json"],
            model if model.starts_with("gpt-4o-") => &["json", "text"],
            _ => &FORMATS,
        };
        if !formats.contains(&format) {
            let message = format!(
                "response_format '{format}' is not compatible with model '{}'.",
                self.model
            );
            let code = Some("unsupported_value");
            return Err(Refusal::invalid(message, Some("response_format"), code));
        }
        if !self.timestamp_granularities.is_empty() && format != "verbose_json" {
            let message = "'timestamp_granularities' requires response_format 'verbose_json'.";
            let param = Some("timestamp_granularities");
            return Err(Refusal::invalid(message.to_owned(), param, None));
        }
        if diarizes && self.prompt.is_some() {
            return Err(Refusal::unsupported("prompt", ""));
        }
        if self.known_speaker_names.len() > 4 || self.known_speaker_references.len() > 4 {
            let message = "At most 4 known speakers are allowed.";
            let (param, code) = (Some("known_speaker_names"), Some("array_above_max_length"));
            return Err(Refusal::invalid(message.to_owned(), param, code));
        }
        Ok(())
    }
}
