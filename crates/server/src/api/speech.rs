//! Speech outside of calls: recordings to text, texts to speech.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use ringback_audio::{RATE_HZ, g711};
use ringback_call::{Fault, Party};
use ringback_session::aloud::{Aloud, Unread};
use ringback_session::recorded::{Hearer, Transcript, Unheard, Word};
use ringback_session::used::Used;
use ringback_session::{Engines, RecordingWish, language_tag};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::accounts::User;
use crate::answers::Detail;
use crate::app::{App, Server};
use crate::body::JsonBody;
use crate::config::LOCAL_TTS;
use crate::desk::conversations::Full;
use crate::desk::uploads::Place;
use crate::metrics::Speech;
use crate::openapi::Problem;
use crate::refusal::Refusal;
use crate::upload::{self, Uploaded, Wanted};

/// The largest recording, in bytes: an hour of a telephone call in two channels is 115 MB.
pub const MAX_RECORDING: usize = 128 << 20;
/// The largest file that OpenAI takes, in bytes: 25 MB.
pub const MAX_WHISPER: usize = 25 << 20;
/// The longest text that is read aloud, in characters.
const LONGEST_TEXT: usize = 4096;
/// A place for a file may be free after so many seconds.
const FULL_FOR: u64 = 10;
/// The language of a text that says none.
const ENGLISH: &str = "en-US";
/// The longest language tag, in bytes.
const LONGEST_TAG: usize = 35;

/// A recording, and by whom it is to be heard.
#[derive(ToSchema)]
#[schema(as = RecordingForm, example = json!({"file": "(WAV, mu-law, FLAC, MP3, MP4, Ogg or WebM)", "provider": "deepgram", "language": "en"}))]
#[expect(dead_code, reason = "it is the shape of a form, for the document")]
struct RecordingForm {
    /// At most 128 MB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `deepgram`, `openai` or `local`; without it the first of `STT`, or by the keys there are.
    #[schema(pattern = "^(deepgram|openai|local|pocketsphinx)$")]
    provider: Option<String>,
    /// As `en` or `pt-BR`; without it the provider finds out.
    #[schema(pattern = "^[A-Za-z]{2,3}(-[0-9A-Za-z]{1,8})*$", max_length = 35)]
    language: Option<String>,
}

/// A recording alone.
#[derive(ToSchema)]
#[schema(as = FileForm, example = json!({"file": "(WAV, FLAC, MP3, MP4, Ogg or WebM)"}))]
#[expect(dead_code, reason = "as RecordingForm")]
struct FileForm {
    /// At most 25 MB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What was said.
#[derive(ToSchema)]
#[schema(as = Transcription, example = json!({
    "text": "Yes, please.", "language": "en", "duration": 1.72, "words": [{"word": "Yes,", "start": 0.46, "end": 0.77, "confidence": 0.98}],
}))]
#[expect(dead_code, reason = "as RecordingForm")]
struct Transcription {
    text: String,
    /// Null where nobody knows.
    language: Option<String>,
    /// In seconds; null where nobody knows.
    duration: Option<f64>,
    /// None where the provider does not tell.
    words: Vec<TimedWord>,
}

/// A word and when it was said.
#[derive(ToSchema)]
#[schema(example = json!({"word": "please", "start": 0.52, "end": 0.94, "confidence": 0.98}))]
#[expect(dead_code, reason = "as RecordingForm")]
struct TimedWord {
    word: String,
    /// In seconds.
    start: f64,
    /// In seconds.
    end: f64,
    /// 0 to 1; null where the provider does not tell.
    confidence: Option<f64>,
}

/// What OpenAI heard.
#[derive(ToSchema)]
#[schema(as = WhisperTranscription, example = json!({"status": "success", "transcription": "Yes, please."}))]
#[expect(dead_code, reason = "as RecordingForm")]
struct WhisperTranscription {
    /// `success`.
    status: String,
    transcription: String,
}

/// Have a recording heard.
///
/// Its format, size and length are checked before a provider is asked. Four files of one user are taken at once (429 beyond).
///
/// # Errors
/// 413, 415, 429, 422 for a file that does not do, 502 where the provider fails, 503 where it has no key.
#[utoipa::path(post, path = "/speech-to-text", tag = "Conversations and speech",
    request_body(content = RecordingForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What was said.", body = Transcription),
        (status = 502, description = "The provider failed.", body = Problem, example = json!({"detail": "deepgram answered 402"})),
        (status = 503, description = "The provider has no key, or what is needed here is in use.", body = Problem, example = json!({"detail": "DEEPGRAM_API_KEY is not set"})),
    ))]
pub async fn hear_recording(
    State(app): State<App>,
    user: User,
    request: Request,
) -> Result<Response, Refusal> {
    let engines = engines(&app)?;
    let wanted = Wanted {
        folder: &app.config.data_dir,
        most: MAX_RECORDING,
        texts: &["provider", "language"],
    };
    let _place = place(&app, &user)?;
    let uploaded = upload::read(request, wanted).await?;
    let wish = wish(&app, &uploaded)?;
    let heard = transcribe(&app, &engines, uploaded, &wish, Speech::Hear).await?;
    Ok(Json(told(heard)).into_response())
}

/// Have a recording heard by OpenAI, or a compatible server.
///
/// Four files of one user are taken at once (429 beyond).
///
/// # Errors
/// 413, 415, 429, 422 for a file that does not do, 502 where the provider fails, 503 where it has no key.
#[utoipa::path(post, path = "/whisper/transcribe", tag = "Conversations and speech",
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What was said.", body = WhisperTranscription),
        (status = 502, description = "The provider failed.", body = Problem, example = json!({"detail": "openai answered 500"})),
        (status = 503, description = "There is no key, or what is needed here is in use.", body = Problem, example = json!({"detail": "OPENAI_API_KEY is not set"})),
    ))]
pub async fn transcribe_file(
    State(app): State<App>,
    user: User,
    request: Request,
) -> Result<Response, Refusal> {
    let engines = engines(&app)?;
    let can = engines.may_hear(Hearer::OpenAi);
    can.map_err(|why| unheard(&why))?;
    let wanted = Wanted {
        folder: &app.config.data_dir,
        most: MAX_WHISPER,
        texts: &[],
    };
    let _place = place(&app, &user)?;
    let uploaded = upload::read(request, wanted).await?;
    let wish = RecordingWish {
        hearer: Hearer::OpenAi,
        language: None,
        model: app.config.engines.transcribe_model.clone(),
    };
    let heard = transcribe(&app, &engines, uploaded, &wish, Speech::Whisper).await?;
    let told = json!({"status": "success", "transcription": heard.text});
    Ok(Json(told).into_response())
}

fn engines(app: &Server) -> Result<Arc<Engines>, Detail> {
    let engines = app.switchboard.speech();
    engines.ok_or_else(|| absent("this server has no engines of speech"))
}

fn absent(what: impl Into<String>) -> Detail {
    Detail::new(StatusCode::SERVICE_UNAVAILABLE, what)
}

/// A place for a file on disk, until it was heard.
fn place<'a>(app: &'a Server, user: &User) -> Result<Place<'a>, Refusal> {
    app.desk.uploads.take(&user.id).map_err(|full| {
        let (status, what) = match full {
            Full::OfOne => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many of your files are being heard: wait for one of them",
            ),
            Full::OfAll => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many files are being heard: try again later",
            ),
        };
        Refusal::Later(Detail::new(status, what), FULL_FOR)
    })
}

fn wish(app: &Server, uploaded: &Uploaded) -> Result<RecordingWish, Refusal> {
    let text = |name: &str| uploaded.texts.get(name).filter(|text| !text.is_empty());
    let hearer = match text("provider") {
        None => usual(app),
        Some(name) => Hearer::of_name(name)
            .ok_or_else(|| Refusal::field("provider", "name deepgram, openai or local"))?,
    };
    let language = text("language").map(|text| tag(text)).transpose()?;
    Ok(RecordingWish {
        hearer,
        language,
        model: app.config.engines.transcribe_model.clone(),
    })
}

/// The tag of a language.
fn tag(text: &str) -> Result<String, Refusal> {
    let tag = language_tag(text).filter(|tag| tag.len() <= LONGEST_TAG);
    let why = "this is no language: write its tag, such as en or pt-BR";
    tag.ok_or_else(|| Refusal::field("language", why))
}

/// Who hears where nobody is named: the first of `STT`, or by the keys there are, or this machine.
fn usual(app: &Server) -> Hearer {
    let engines = &app.config.engines;
    let named = engines.stt.names.first().filter(|_| engines.stt.named);
    let named = named.and_then(|name| Hearer::of_name(name));
    named.unwrap_or(if engines.accounts.deepgram.is_some() {
        Hearer::Deepgram
    } else if engines.accounts.openai.is_some() {
        Hearer::OpenAi
    } else {
        Hearer::Local
    })
}

async fn transcribe(
    app: &Server,
    engines: &Engines,
    uploaded: Uploaded,
    wish: &RecordingWish,
    speech: Speech,
) -> Result<Transcript, Refusal> {
    let folder = app.config.data_dir.clone();
    let blank = move || upload::nameless(&folder);
    let heard = engines.hear_recording(uploaded.recording, wish, blank);
    let heard = heard.await;
    match &heard {
        Ok(transcript) => {
            app.metrics.speech(speech, true);
            let used = transcript.used.clone().map(Used::of);
            count(app, &used.unwrap_or_default());
        }
        Err(Unheard::Failed { kind, detail }) => {
            app.metrics.speech(speech, false);
            let (party, kind, detail) = (Party::Stt, *kind, detail.clone());
            count(
                app,
                &Used::failed(Fault {
                    party,
                    kind,
                    detail,
                }),
            );
        }
        // Nobody was asked.
        Err(
            Unheard::NoKey(_)
            | Unheard::Format(_)
            | Unheard::Broken(_)
            | Unheard::TooMuch(_)
            | Unheard::Language(_)
            | Unheard::Absent(_),
        ) => {}
    }
    heard.map_err(|why| unheard(&why))
}

fn count(app: &Server, used: &Used) {
    app.metrics.used(used, &app.config.engines.prices);
}

fn told(heard: Transcript) -> Value {
    let word = |word: &Word| {
        json!({
            "word": word.word,
            "start": word.start_s,
            "end": word.end_s,
            "confidence": word.confidence,
        })
    };
    json!({
        "text": heard.text,
        "language": heard.language,
        "duration": heard.duration_s,
        "words": heard.words.iter().map(word).collect::<Vec<_>>(),
    })
}

fn unheard(why: &Unheard) -> Refusal {
    let status = match why {
        Unheard::Broken(what) => return Refusal::field("file", what),
        Unheard::Language(what) => return Refusal::field("language", what),
        Unheard::Format(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Unheard::TooMuch(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Unheard::NoKey(_) | Unheard::Absent(_) => StatusCode::SERVICE_UNAVAILABLE,
        Unheard::Failed { detail, .. } => {
            tracing::warn!(what = %detail, "Error of a provider that was to hear a recording");
            StatusCode::BAD_GATEWAY
        }
    };
    Detail::new(status, why.to_string()).into()
}

/// What is to be read aloud.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpeechRequest, example = json!({"text": "Your table is booked.", "format": "wav"}))]
pub struct Text {
    /// At most 4096 characters.
    #[schema(min_length = 1, max_length = 4096)]
    text: String,
    /// A provider's name for a voice, or `pico`: it speaks first.
    voice: Option<String>,
    /// As `de` or `pt-BR`; English without it. The local voice speaks English only.
    #[schema(pattern = "^[A-Za-z]{2,3}(-[0-9A-Za-z]{1,8})*$", max_length = 35)]
    language: Option<String>,
    #[serde(default)]
    format: Format,
}

/// In which form speech is given: always 8000 Hz, one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SpeechFormat)]
pub enum Format {
    /// WAV of 16 bits, whose header does not know its length.
    #[default]
    Wav,
    /// Bare mu-law.
    Mulaw,
    /// Bare 16 bits, low byte first.
    Pcm,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mulaw => "audio/basic",
            Self::Pcm => "audio/pcm;rate=8000",
        }
    }

    fn head(self) -> Vec<u8> {
        if self != Self::Wav {
            return Vec::new();
        }
        let mut head = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        head.extend(RATE_HZ.to_le_bytes());
        head.extend((RATE_HZ * 2).to_le_bytes());
        head.extend(b"\x02\0\x10\0data\xFF\xFF\xFF\xFF");
        head
    }

    fn bytes(self, mulaw: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Mulaw => mulaw,
            Self::Wav | Self::Pcm => {
                let samples = mulaw.into_iter().map(g711::decode);
                samples.flat_map(i16::to_le_bytes).collect()
            }
        }
    }
}

/// Read a text aloud.
///
/// The speech is sent as it is spoken, by the voices of `TTS` in their order that know the language: one channel of 8000 Hz. A voice has
/// four times as long as in a call: 6 s to begin, 8 s for a pause. Where none is left that goes on, the answer breaks off.
///
/// # Errors
/// 422 also for a text that the voice cannot say, 502 where no voice speaks, 503 where the one that is named has no key.
#[utoipa::path(post, path = "/text-to-speech", tag = "Conversations and speech",
    request_body(content = Text),
    responses(
        (status = 200, description = "The speech.", content(
            (String = "audio/wav", example = "(WAV of 16 bits)"),
            (String = "audio/basic", example = "(mu-law)"),
            (String = "audio/pcm", example = "(16 bits, low byte first)"),
        )),
        (status = 502, description = "No voice speaks.", body = Problem, example = json!({"detail": "cartesia answered 500"})),
        (status = 503, description = "The voice's provider has no key, or all voices are in use.", body = Problem, example = json!({"detail": "OPENAI_API_KEY is not set"})),
    ))]
pub async fn speak_text(
    State(app): State<App>,
    JsonBody(wanted): JsonBody<Text>,
) -> Result<Response, Refusal> {
    let engines = engines(&app)?;
    let text = wanted.text.trim();
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::field("text", "there is nothing to say in it"));
    }
    if text.chars().count() > LONGEST_TEXT {
        let what = format!("it has more than {LONGEST_TEXT} characters");
        return Err(Refusal::field("text", what));
    }
    let voice = wanted.voice.as_deref().filter(|voice| !voice.is_empty());
    let language = tag(wanted.language.as_deref().unwrap_or(ENGLISH))?;
    let aloud = engines.read_aloud(text, &language, voice);
    let aloud = aloud.map_err(|why| match why {
        Unread::NoVoice => Refusal::field("voice", why.to_string()),
        Unread::Language(what) => Refusal::field("language", what),
        Unread::NoKey(_) | Unread::Busy => absent(why.to_string()).into(),
    })?;
    let mut reading = Reading { app, aloud };
    // Until something is heard it can still be said that nothing is.
    let failed = match reading.aloud.next().await {
        Some(Ok(first)) => {
            reading.app.metrics.speech(Speech::Speak, true);
            return Ok(sounding(reading, first, wanted.format));
        }
        Some(Err(why)) if !unsayable(text, reading.aloud.voice()) => why,
        Some(Err(_)) | None => {
            let what = format!(
                "{} finds nothing in it that it can say: write words of its language",
                reading.aloud.voice()
            );
            return Err(Refusal::field("text", what));
        }
    };
    reading.app.metrics.speech(Speech::Speak, false);
    Err(Detail::new(StatusCode::BAD_GATEWAY, failed).into())
}

/// A text that is being read. When that is over, or its reader leaves, what was used is counted.
struct Reading {
    app: App,
    aloud: Aloud,
}

impl Drop for Reading {
    fn drop(&mut self) {
        count(&self.app, &self.aloud.take_used());
    }
}

/// Whether the voice of this machine knows none of the letters of a text: those it knows are Latin.
fn unsayable(text: &str, voice: &str) -> bool {
    voice == LOCAL_TTS && !text.chars().any(|letter| letter.is_ascii_alphanumeric())
}

/// The answer, spoken on as it is read. When its reader leaves, the voice stops.
fn sounding(reading: Reading, first: Vec<u8>, format: Format) -> Response {
    let begun = [format.head(), format.bytes(first)].concat();
    let first = stream::iter([Ok(Bytes::from(begun))]);
    let rest = stream::unfold(Some(reading), move |reading| async move {
        let mut reading = reading?;
        match reading.aloud.next().await? {
            Ok(mulaw) => Some((Ok(Bytes::from(format.bytes(mulaw))), Some(reading))),
            Err(why) => Some((Err(std::io::Error::other(why)), None)),
        }
    });
    let kind = [(header::CONTENT_TYPE, format.content_type())];
    (kind, Body::from_stream(first.chain(rest))).into_response()
}
