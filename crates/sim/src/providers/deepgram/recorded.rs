//! `/v1/listen`: a recording that is posted.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use ringback_audio::wav::{self, Wav};
use ringback_wire::deepgram::listen::{
    Alternative, Channel, ModelInfo, Query, Transcript, Word, parse_query,
};

use super::super::place::RECORDED;
use super::super::recording::{self, Heard};
use super::super::refusal::Fault;
use super::super::sound::Intake;
use super::super::visit::{Refused, Visit, text};
use super::super::{Twin, VOICE_ID, answer};
use super::listen::check_model;
use super::{format, no_ear, request_id, with_request_id};

/// The largest recording that the simulator takes, in bytes: far less than Deepgram does.
const MOST: usize = 256 << 20;

pub(super) async fn hear_recording(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, head, body) = Visit::admit_sender(&twin, RECORDED, request).await?;
    let query = parse_query(head.uri.query().unwrap_or_default()).map_err(|why| visit.bad(why))?;
    check_model(&visit, &query.model)?;
    if query.interim_results || query.vad_events || query.endpointing.is_some() {
        return Err(visit.bad("a recording has neither interim results nor events"));
    }
    let kind = text(&head.headers, "content-type").unwrap_or_default();
    if kind.starts_with("application/json") {
        return Err(visit.bad("the simulator fetches no audio: send it"));
    }
    if !kind.starts_with("audio/") && !kind.starts_with("application/octet-stream") {
        return Err(corrupt(&visit));
    }
    let bytes = to_bytes(body, MOST).await;
    let bytes = bytes.map_err(|error| visit.bad(error))?;
    visit.entry.heard(bytes.len());
    let wav = decoded(&visit, &query, &bytes)?;
    let heard = recording::hear(&twin, &wav).await;
    let mut heard = heard.map_err(|why| visit.refuse(&no_ear(why)))?;
    if visit.knobs.silence {
        heard.text.clear();
        heard.words.clear();
    }
    let request_id = request_id();
    let transcript = transcript(&query, heard, wav.channels, &request_id);
    let response = answer::json(visit, transcript.to_text());
    Ok(with_request_id(response, &request_id))
}

fn corrupt(visit: &Visit) -> Refused {
    let why = "Bad Request: failed to process audio: corrupt or unsupported data";
    visit.refuse(&Fault::new(400, "Bad Request", why))
}

/// The audio: raw as the query says, else a WAV file.
fn decoded(visit: &Visit, query: &Query, bytes: &[u8]) -> Result<Wav, Refused> {
    if query.encoding.is_none() {
        let wav = wav::read(&mut Cursor::new(bytes)).map_err(|_| corrupt(visit))?;
        return if wav.samples.is_empty() {
            Err(corrupt(visit))
        } else {
            Ok(wav)
        };
    }
    let raw = format(query.encoding, query.sample_rate).map_err(|fault| visit.refuse(&fault))?;
    let channels = query.channels.unwrap_or(1) as usize;
    let mut intake = Intake::new(raw, channels).map_err(|error| visit.bad(error))?;
    let mut samples = Vec::new();
    intake.take(bytes, &mut samples);
    if samples.is_empty() {
        return Err(corrupt(visit));
    }
    Ok(Wav {
        rate_hz: ringback_audio::RATE_HZ,
        channels: 1,
        samples,
    })
}

fn transcript(query: &Query, heard: Heard, channels: u16, request_id: &str) -> Transcript {
    let formatted = query.formatting.punctuate || query.formatting.smart_format;
    let seconds = |seconds: f64| Duration::from_millis((seconds * 1000.0).round() as u64);
    let bare = |word: &str| -> String {
        let kept = word.chars().filter(|c| c.is_alphanumeric() || *c == '\'');
        kept.collect::<String>().to_lowercase()
    };
    let words = heard.words.iter().map(|word| Word {
        word: bare(&word.word),
        start: seconds(word.start_s),
        end: seconds(word.end_s),
        confidence: heard.confidence,
        punctuated_word: formatted.then(|| word.word.clone()),
        ..Word::default()
    });
    let words: Vec<_> = words.collect();
    let plain: Vec<_> = words.iter().map(|word| word.word.as_str()).collect();
    let transcript = if formatted {
        heard.text
    } else {
        plain.join(" ")
    };
    let detects = ("detect_language".to_owned(), "true".to_owned());
    let model = ModelInfo {
        name: format!("general-{}", query.model),
        version: "2026-01-15.0".to_owned(),
        arch: query.model.clone(),
    };
    Transcript {
        request_id: request_id.to_owned(),
        sha256: String::new(),
        created: "2026-01-01T00:00:00.000Z".to_owned(),
        duration: seconds(heard.duration_s),
        channels: channels.into(),
        models: vec![(VOICE_ID.to_owned(), model)],
        results: vec![Channel {
            alternatives: vec![Alternative {
                transcript,
                confidence: heard.confidence,
                languages: Vec::new(),
                words,
            }],
            detected_language: query.further.contains(&detects).then(|| "en".to_owned()),
        }],
    }
}
