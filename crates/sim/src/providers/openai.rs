//! OpenAI: Chat Completions, Responses, models, speech and transcriptions.

mod audio;
mod chat;
mod form;
mod models;
mod responses;
mod threads;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use axum::routing::{get, post};
use ringback_wire::openai::{self as wire, Refusal, models::Model};
use uuid::Uuid;

use super::Twin;
use super::answer;
use super::place::MODELS;
use super::visit::{Refused, Visit};

pub(super) use threads::Threads;

/// Words a second of a model, unless a knob says otherwise.
const USUAL_RATE: f64 = 80.0;
pub(super) fn routes() -> Router<Arc<Twin>> {
    let path = |path: &str| format!("/v1{path}");
    Router::new()
        .route(&path(wire::CHAT_PATH), post(chat::complete_chat))
        .route(
            &path(wire::RESPONSES_PATH),
            post(responses::create_response),
        )
        .route(&path(wire::SPEECH_PATH), post(audio::create_speech))
        .route(
            &path(wire::TRANSCRIPTIONS_PATH),
            post(audio::create_transcription),
        )
        .route(&path(wire::MODELS_PATH), get(list_models))
}

async fn list_models(State(twin): State<Arc<Twin>>, request: Request) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, MODELS, &parts).await?;
    let model = |(id, shutdown_date): (&str, Option<&str>)| Model {
        id: id.to_owned(),
        created: 1_767_225_600,
        owned_by: Some("openai".to_owned()),
        shutdown_date: shutdown_date.map(str::to_owned),
    };
    let models: Vec<_> = models::LISTED.into_iter().map(model).collect();
    Ok(signed(answer::json(visit, wire::models::to_text(&models))))
}

/// Refuses a model that there is not, or no longer; compatible servers have any.
fn check_model(visit: &Visit, model: &str) -> Result<(), Refused> {
    if visit.any_model || models::is_listed(model) {
        return Ok(());
    }
    Err(refuse(visit, &Refusal::model_not_found(model)))
}

fn refuse(visit: &Visit, refusal: &Refusal) -> Refused {
    visit.refuse_with(refusal.status, refusal.error.to_text())
}

/// With the headers of every answer.
fn signed(mut response: Response) -> Response {
    let request_id = format!("req_{}", Uuid::now_v7().simple());
    let headers = response.headers_mut();
    for (name, value) in [
        (wire::REQUEST_ID, request_id.as_str()),
        ("openai-processing-ms", "1"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
    ] {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// The pause before each word.
fn pause(visit: &Visit) -> Duration {
    Duration::from_secs_f64(1.0 / visit.knobs.token_rate.unwrap_or(USUAL_RATE).max(0.001))
}

/// Unix time in seconds.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
