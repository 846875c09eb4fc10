//! Speech over HTTP, streamed: audio, or lines with times.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::response::Response;
use ringback_wire::elevenlabs::{Endpoint, StreamQuery, TRACE_ID_HEADER, TimedChunk, parse_body};
use uuid::Uuid;

use super::super::Twin;
use super::super::answer::{self, Piece};
use super::super::sound::Format;
use super::super::visit::{Refused, Visit};
use super::super::voice::{Spoken, sentences};
use super::utterance::characters;
use super::{REQUESTS, check_voice, format};

/// Bytes of a piece of audio.
const PIECE: usize = 4003;

/// Lets a request in: its text and format.
async fn admit(
    twin: &Twin,
    endpoint: Endpoint,
    (voice, request): (&str, Request),
) -> Result<(Visit, String, Format), Refused> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (visit, body) = Visit::with_body(twin, REQUESTS, request).await?;
    let query = StreamQuery::parse(&query, endpoint).map_err(|refusal| visit.bad(refusal))?;
    check_voice(&visit, voice)?;
    let body = parse_body(&body).map_err(|refusal| visit.bad(refusal))?;
    let format = format(&query).map_err(|why| visit.bad(why))?;
    Ok((visit, body.text, format))
}

async fn say(twin: &Twin, visit: &Visit, (sentence, format): (&str, Format)) -> (Spoken, Vec<u8>) {
    let spoken = twin.voice.speak(sentence).await;
    let mut audio = format.encode(&spoken.samples).unwrap_or_default();
    if visit.knobs.silence {
        audio = format.silence(audio.len());
    }
    (spoken, audio)
}

fn traced(mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(&Uuid::now_v7().simple().to_string()) {
        response.headers_mut().insert(TRACE_ID_HEADER, value);
    }
    response
}

pub(super) async fn stream_speech(
    State(twin): State<Arc<Twin>>,
    Path(voice): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, text, format) = admit(&twin, Endpoint::Stream, (&voice, request)).await?;
    let (_, audio) = say(&twin, &visit, (&text, format)).await;
    Ok(traced(answer::stream(
        visit,
        "application/octet-stream",
        answer::cut(&audio, PIECE),
    )))
}

pub(super) async fn stream_timed_speech(
    State(twin): State<Arc<Twin>>,
    Path(voice): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, text, format) =
        admit(&twin, Endpoint::StreamWithTimestamps, (&voice, request)).await?;
    let mut begun = 0;
    let mut pieces = Vec::new();
    for sentence in sentences(&text) {
        let (spoken, audio) = say(&twin, &visit, (sentence, format)).await;
        let times = characters(sentence, &spoken).into_iter().map(|one| {
            let start = Duration::from_millis(begun + one.start_ms);
            (
                one.character,
                start,
                start + Duration::from_millis(one.duration_ms),
            )
        });
        let times: Vec<_> = times.collect();
        begun += spoken.samples.len() as u64 / 8;
        pieces.push(Piece::now(TimedChunk::line(&audio, &times) + "\n"));
    }
    Ok(traced(answer::stream(visit, "application/json", pieces)))
}
