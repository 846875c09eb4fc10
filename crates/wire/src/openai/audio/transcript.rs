//! What was said in a file.

use serde_json::Value;

use super::super::DONE;
use super::super::errors::ApiError;
use super::super::json::{self, Object};
use super::super::usage::Usage;
use crate::Garbled;

/// A transcript, of the format `json`, `verbose_json` or `diarized_json`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// The languages as codes, from models that tell; empty where they cannot.
    pub languages: Vec<String>,
    /// The language as an English name (`verbose_json`).
    pub language: Option<String>,
    /// Length of the audio in seconds (`verbose_json`, `diarized_json`).
    pub duration_s: Option<f64>,
    /// When each word was said (`verbose_json`, where asked for).
    pub words: Vec<Word>,
    /// When each sentence was said, and how sure that is (`verbose_json`).
    pub segments: Vec<Segment>,
    /// Who said what (`diarized_json`).
    pub speakers: Vec<SpeakerSegment>,
    /// What it cost.
    pub usage: Option<AudioUsage>,
}

/// A word and its time in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// The word.
    pub word: String,
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds.
    pub end_s: f64,
}

/// A stretch of the file as `verbose_json` has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// Its number.
    pub id: u64,
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds.
    pub end_s: f64,
    /// What was said; begins with a space.
    pub text: String,
    /// The mean log probability of its tokens.
    pub avg_logprob: Option<f64>,
    /// How likely nobody spoke: over 0.6 the text is probably made up.
    pub no_speech_prob: Option<f64>,
}

/// A stretch of the file that one person speaks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpeakerSegment {
    /// Its name.
    pub id: String,
    /// Who: `A`, `B`, or a name that was given.
    pub speaker: String,
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds.
    pub end_s: f64,
    /// What was said.
    pub text: String,
}

/// What a transcript cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AudioUsage {
    /// By time, in seconds.
    Seconds(f64),
    /// By tokens.
    Tokens(Usage),
}

/// An event of a transcript that is streamed.
#[derive(Debug, Clone, PartialEq)]
pub enum TranscriptEvent {
    /// More of the text.
    Delta(String),
    /// A stretch of one speaker.
    Segment(SpeakerSegment),
    /// The end, with all of the text.
    Text(Transcript),
    /// The transcript has failed.
    Failed(ApiError),
    /// `[DONE]`, which may follow the end.
    Done,
    /// A kind that is not known here; to be ignored.
    Other(String),
}

/// Reads a JSON answer.
///
/// # Errors
/// [`Garbled`] if it is no JSON object with a `text`.
pub fn parse_transcript(text: &str) -> Result<Transcript, Garbled> {
    let value = json::parse("transcript", text)?;
    Transcript::read(&value).ok_or_else(|| json::lacking("transcript", text))
}

/// Reads the data of one event.
///
/// # Errors
/// [`Garbled`] if it is neither `[DONE]` nor a JSON object of a `type` with its text, nor an error.
pub fn parse_transcript_event(data: &str) -> Result<TranscriptEvent, Garbled> {
    if data.trim_start().starts_with(DONE) {
        return Ok(TranscriptEvent::Done);
    }
    let value = json::parse("transcript event", data)?;
    let kind = json::filled(&value, "type");
    let event = match kind.as_deref() {
        Some("transcript.text.delta") => json::text(&value, "delta").map(TranscriptEvent::Delta),
        Some("transcript.text.segment") => {
            Some(TranscriptEvent::Segment(SpeakerSegment::read(&value)))
        }
        Some("transcript.text.done") => Transcript::read(&value).map(TranscriptEvent::Text),
        Some(kind) if kind != "error" => Some(TranscriptEvent::Other(kind.to_owned())),
        Some(_) | None => ApiError::of(&value).map(TranscriptEvent::Failed),
    };
    event.ok_or_else(|| json::lacking("transcript event", data))
}

impl Transcript {
    fn read(value: &Value) -> Option<Self> {
        let segments = json::items(value, "segments");
        let (speakers, segments): (Vec<_>, Vec<_>) = segments
            .iter()
            .partition(|segment| segment.get("speaker").is_some());
        let languages = json::items(value, "languages").iter();
        Some(Self {
            text: json::text(value, "text")?,
            languages: languages
                .filter_map(|language| json::filled(language, "code"))
                .collect(),
            language: json::filled(value, "language"),
            duration_s: json::float(value, "duration"),
            words: json::items(value, "words").iter().map(Word::read).collect(),
            segments: segments.into_iter().map(Segment::read).collect(),
            speakers: speakers.into_iter().map(SpeakerSegment::read).collect(),
            usage: value.get("usage").and_then(AudioUsage::read),
        })
    }

    /// The answer in the format `json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.plain(Object::default()).text()
    }

    fn plain(&self, object: Object) -> Object {
        let languages = self.languages.iter();
        let languages = languages.map(|code| Object::default().with("code", code.as_str()).value());
        object
            .with("text", self.text.as_str())
            .with_filled("languages", languages.collect())
            .with_some("usage", self.usage.map(AudioUsage::to_value))
    }

    /// The answer in the format `verbose_json`. What only the model's inside could tell is written as 0.
    #[must_use]
    pub fn to_verbose_json(&self) -> String {
        Object::default()
            .with("task", "transcribe")
            .with("language", self.language.as_deref().unwrap_or("english"))
            .with("duration", self.duration_s.unwrap_or(0.0))
            .with("text", self.text.as_str())
            .with_filled("words", self.words.iter().map(Word::to_value).collect())
            .with_filled(
                "segments",
                self.segments.iter().map(Segment::to_value).collect(),
            )
            .with_some("usage", self.usage.map(AudioUsage::to_value))
            .text()
    }

    /// The answer in the format `diarized_json`.
    #[must_use]
    pub fn to_diarized_json(&self) -> String {
        let segments: Vec<_> = self.speakers.iter().map(SpeakerSegment::to_value).collect();
        Object::default()
            .with("task", "transcribe")
            .with("duration", self.duration_s.unwrap_or(0.0))
            .with("text", self.text.as_str())
            .with("segments", segments)
            .with_some("usage", self.usage.map(AudioUsage::to_value))
            .text()
    }
}

impl TranscriptEvent {
    /// The data of the event.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Delta(text) => Object::tagged("transcript.text.delta")
                .with("delta", text.as_str())
                .text(),
            Self::Segment(segment) => segment.to_value().to_string(),
            Self::Text(transcript) => transcript
                .plain(Object::tagged("transcript.text.done"))
                .text(),
            Self::Failed(error) => error.to_text(),
            Self::Done => DONE.to_owned(),
            Self::Other(kind) => Object::tagged(kind).text(),
        }
    }
}

fn seconds(value: &Value, name: &str) -> f64 {
    json::float(value, name).unwrap_or(0.0)
}

impl Word {
    fn read(value: &Value) -> Self {
        Self {
            word: json::text(value, "word").unwrap_or_default(),
            start_s: seconds(value, "start"),
            end_s: seconds(value, "end"),
        }
    }

    fn to_value(&self) -> Value {
        Object::default()
            .with("word", self.word.as_str())
            .with("start", self.start_s)
            .with("end", self.end_s)
            .value()
    }
}

impl Segment {
    fn read(value: &Value) -> Self {
        Self {
            id: json::count(value, "id").unwrap_or(0),
            start_s: seconds(value, "start"),
            end_s: seconds(value, "end"),
            text: json::text(value, "text").unwrap_or_default(),
            avg_logprob: json::float(value, "avg_logprob"),
            no_speech_prob: json::float(value, "no_speech_prob"),
        }
    }

    fn to_value(&self) -> Value {
        Object::default()
            .with("id", self.id)
            .with("seek", 0)
            .with("start", self.start_s)
            .with("end", self.end_s)
            .with("text", self.text.as_str())
            .with("tokens", Vec::<Value>::new())
            .with("temperature", 0.0)
            .with("avg_logprob", self.avg_logprob.unwrap_or(0.0))
            .with("compression_ratio", 0.0)
            .with("no_speech_prob", self.no_speech_prob.unwrap_or(0.0))
            .value()
    }
}

impl SpeakerSegment {
    fn read(value: &Value) -> Self {
        Self {
            id: json::text(value, "id").unwrap_or_default(),
            speaker: json::text(value, "speaker").unwrap_or_default(),
            start_s: seconds(value, "start"),
            end_s: seconds(value, "end"),
            text: json::text(value, "text").unwrap_or_default(),
        }
    }

    fn to_value(&self) -> Value {
        Object::tagged("transcript.text.segment")
            .with("id", self.id.as_str())
            .with("speaker", self.speaker.as_str())
            .with("start", self.start_s)
            .with("end", self.end_s)
            .with("text", self.text.as_str())
            .value()
    }
}

impl AudioUsage {
    fn read(value: &Value) -> Option<Self> {
        match json::float(value, "seconds") {
            Some(seconds) => Some(Self::Seconds(seconds)),
            None => Usage::read(value).map(Self::Tokens),
        }
    }

    fn to_value(self) -> Value {
        match self {
            Self::Seconds(seconds) => Object::tagged("duration").with("seconds", seconds).value(),
            Self::Tokens(usage) => {
                let details = Object::default()
                    .with("text_tokens", 0)
                    .with("audio_tokens", usage.input);
                Object::tagged("tokens")
                    .with("input_tokens", usage.input)
                    .with("output_tokens", usage.output)
                    .with("total_tokens", usage.total())
                    .with("input_token_details", details.value())
                    .value()
            }
        }
    }
}
