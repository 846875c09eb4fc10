//! Cartesia over HTTP: audio, events, the list of voices.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use ringback_wire::cartesia::{
    self as wire, ServerMessage, SpeechFormat, TimedWord, Timestamps, Voice, VoiceLocale,
    VoicesQuery,
};

use super::super::answer::{self, Piece};
use super::super::place::{CARTESIA_BYTES, CARTESIA_SSE, CARTESIA_VOICES};
use super::super::visit::{Refused, Visit};
use super::super::{Twin, wav};
use super::{check, check_voice, format};

pub(super) async fn speak_bytes(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, text) = Visit::with_body(&twin, CARTESIA_BYTES, request).await?;
    let body = wire::parse_bytes(&text, &visit.version()?).map_err(|refusal| visit.bad(refusal))?;
    check_voice(&body.model_id, &body.voice).map_err(|fault| visit.refuse(&fault))?;
    let (raw, in_wav) = match body.output_format {
        SpeechFormat::Raw(raw) => (raw, false),
        SpeechFormat::Wav(raw) => (raw, true),
        SpeechFormat::Mp3(_) => {
            return Err(visit.bad("the simulator writes no MP3: ask for raw or wav"));
        }
    };
    let format = format(raw);
    let spoken = twin.voice.speak(&body.transcript).await;
    let mut audio = format
        .encode(&spoken.samples)
        .map_err(|error| visit.bad(error))?;
    if visit.knobs.silence {
        audio = format.silence(audio.len());
    }
    let kind = if in_wav {
        audio = wav::file(format, &spoken.samples).map_err(|error| visit.bad(error))?;
        "audio/wav"
    } else {
        "application/octet-stream"
    };
    Ok(answer::stream(visit, kind, answer::cut(&audio, 4099)))
}

pub(super) async fn speak_events(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, text) = Visit::with_body(&twin, CARTESIA_SSE, request).await?;
    let body = wire::parse_sse(&text, &visit.version()?).map_err(|refusal| visit.bad(refusal))?;
    check(&body.settings).map_err(|fault| visit.refuse(&fault))?;
    let format = format(body.settings.output_format);
    let spoken = twin.voice.speak(&body.transcript).await;
    let mut audio = format
        .encode(&spoken.samples)
        .map_err(|error| visit.bad(error))?;
    if visit.knobs.silence {
        audio = format.silence(audio.len());
    }
    let context_id = body.context_id;
    let mut event = String::new();
    let mut pieces = Vec::new();
    let mut push = |message: &ServerMessage<'_>| {
        wire::write_sse(&mut event, message);
        pieces.push(Piece::now(event.as_bytes()));
    };
    if body.settings.add_timestamps == Some(true) {
        let at = |sample: usize| std::time::Duration::from_micros(sample as u64 * 125);
        let words = spoken.words.iter();
        let words = words
            .map(|word| TimedWord {
                word: word.word.clone(),
                start: at(word.start),
                end: at(word.end),
            })
            .collect();
        push(&ServerMessage::Timestamps(Timestamps {
            context_id: context_id.clone(),
            flush_id: None,
            words,
        }));
    }
    for piece in audio.chunks(4096) {
        let mut chunk = String::new();
        wire::write_chunk(
            &mut chunk,
            context_id.as_deref(),
            piece,
            (std::time::Duration::ZERO, None),
        );
        if let Ok(message) = wire::parse_server(&chunk) {
            push(&message);
        }
    }
    push(&ServerMessage::Done { context_id });
    Ok(answer::stream(visit, "text/event-stream", pieces))
}

pub(super) async fn list_voices(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, CARTESIA_VOICES, &parts).await?;
    visit.version()?;
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .filter(|(name, _)| name != wire::API_KEY_QUERY && name != wire::VERSION_QUERY),
        )
        .finish();
    let query = VoicesQuery::parse(&query).map_err(|refusal| visit.bad(refusal))?;
    let voice = pico();
    let found = query
        .q
        .is_none_or(|wanted| voice.name.to_lowercase().contains(&wanted.to_lowercase()));
    let shown = found && query.starting_after.is_none();
    let page = if shown { vec![voice] } else { Vec::new() };
    Ok(answer::json(visit, wire::write_voices(&page)))
}

/// The one voice there is.
fn pico() -> Voice {
    Voice {
        id: super::super::VOICE_ID.to_owned(),
        name: "Pico".to_owned(),
        tagline: "The simulator's voice".to_owned(),
        description: "SVOX Pico, American English.".to_owned(),
        access: "public".to_owned(),
        visibility: "all".to_owned(),
        is_owner: false,
        language: "en".to_owned(),
        locales: vec![VoiceLocale {
            locale: "en-US".to_owned(),
            is_native: true,
        }],
        gender: Some("feminine".to_owned()),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

pub(super) async fn show_version() -> Response {
    axum::Json(serde_json::json!({"ok": true, "version": "simulator"})).into_response()
}
