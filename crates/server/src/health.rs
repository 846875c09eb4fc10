//! Whether the server is well: for load balancers and people.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use ringback_session::provider::Provider;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::scenarios::Unfit;

/// The state of a part. A part that nobody set up is not ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// It works.
    Connected,
    /// It is not set up, or on one side only: Twilio counts when its first signed request has come.
    Unconfigured,
    /// It is there, but busy, slow, or left alone by calls for a while because it failed them.
    Degraded,
    /// It is set up and does not work.
    Down,
}

/// How the parts are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"database": "connected", "twilio": "connected", "openai": "connected", "deepgram": "unconfigured", "cartesia": "unconfigured", "elevenlabs": "unconfigured", "recognizer": "connected", "voice": "connected"}))]
struct Services {
    database: Service,
    twilio: Service,
    openai: Service,
    deepgram: Service,
    cartesia: Service,
    elevenlabs: Service,
    recognizer: Service,
    voice: Service,
}

impl Services {
    fn are_well(&self) -> bool {
        let all = [
            self.openai,
            self.deepgram,
            self.cartesia,
            self.elevenlabs,
            self.recognizer,
            self.voice,
        ];
        let is_well =
            |service: Service| matches!(service, Service::Connected | Service::Unconfigured);
        all.into_iter().all(is_well)
    }
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "healthy", "timestamp": "2026-11-20T09:15:02.123456Z", "version": "0.1.0",
    "services": {
        "database": "connected", "twilio": "connected", "openai": "connected", "deepgram": "unconfigured", "cartesia": "unconfigured",
        "elevenlabs": "unconfigured", "recognizer": "connected", "voice": "connected",
    },
}))]
struct Health {
    /// `healthy`, `degraded` or `unhealthy`.
    status: &'static str,
    /// The present, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The program's.
    version: &'static str,
    services: Services,
}

/// Whether something is so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ready"}))]
struct State {
    /// One word.
    status: &'static str,
    /// What it means, where all is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// Show how the server and its providers are.
///
/// `healthy` (also when parts are not set up), `degraded` when a part that was set up does not work as it should, or 503 `unhealthy` when
/// the database is gone; calls are answered all the same. Providers are asked for things that cost nothing, and seldom.
#[utoipa::path(get, path = "/health", tag = "Operation", responses(
    (status = 200, description = "It is healthy or degraded.", body = Health),
    (status = 503, description = "It is unhealthy.", body = Health),
))]
pub async fn show_health(Extract(app): Extract<App>) -> Response {
    let services = services(&app).await;
    let (code, status) = match services.database {
        Service::Down => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        Service::Connected | Service::Unconfigured if services.are_well() => {
            (StatusCode::OK, "healthy")
        }
        Service::Connected | Service::Unconfigured | Service::Degraded => {
            (StatusCode::OK, "degraded")
        }
    };
    let body = Health {
        status,
        timestamp: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION"),
        services,
    };
    (code, Json(body)).into_response()
}

async fn services(app: &App) -> Services {
    let providers = app.switchboard.providers().await;
    let provider = |wanted: Provider| {
        let mut found = providers.iter().filter(|(provider, _)| *provider == wanted);
        found
            .next()
            .map_or(Service::Unconfigured, |(_, service)| *service)
    };
    let engines = app.switchboard.engines();
    let engine = |role: &str| {
        engines
            .iter()
            .any(|engine| engine.role == role && engine.usable)
    };
    Services {
        database: database(app).await,
        twilio: match &app.signatures {
            Some(signatures) if signatures.seen() => Service::Connected,
            Some(_) | None => Service::Unconfigured,
        },
        openai: provider(Provider::OpenAi),
        deepgram: provider(Provider::Deepgram),
        cartesia: provider(Provider::Cartesia),
        elevenlabs: provider(Provider::ElevenLabs),
        recognizer: match (engine("stt"), app.config.engines.wants_ears()) {
            (true, _) => Service::Connected,
            (false, true) => Service::Down,
            (false, false) => Service::Unconfigured,
        },
        voice: if engine("tts") {
            Service::Connected
        } else {
            Service::Down
        },
    }
}

/// Rows that were lost, or wait on the disk, are no failure that a caller hears, but one to look at; so is a scenario that cannot be used as it was
/// kept, of which callers hear.
async fn database(app: &App) -> Service {
    let state = app.rows.state().unwrap_or_default();
    match app.rows.answers().await {
        None => Service::Unconfigured,
        Some(false) => Service::Down,
        Some(true) if state.down || state.dropped > 0 || !app.scenarios.are_well() => {
            Service::Degraded
        }
        Some(true) => Service::Connected,
    }
}

/// Say that the process answers.
#[utoipa::path(get, path = "/live", tag = "Operation", responses(
    (status = 200, description = "It does.", body = State, example = json!({"status": "live"})),
))]
pub async fn show_live() -> Response {
    Json(state("live", None)).into_response()
}

/// Say whether new calls are taken.
#[utoipa::path(get, path = "/ready", tag = "Operation", responses(
    (status = 200, description = "They are.", body = State),
    (status = 503, description = "The server stops, has no voice to answer with, or waits for the database to tell it DEFAULT_SCENARIO.", body = State,
        example = json!({"status": "draining", "detail": "the server stops and takes no new calls"})),
))]
pub async fn show_ready(Extract(app): Extract<App>) -> Response {
    let not_ready = |status, detail| {
        let body = Json(state(status, Some(detail)));
        (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
    };
    if app.lifecycle.draining.is_cancelled() {
        return not_ready("draining", "the server stops and takes no new calls");
    }
    let mut engines = app.switchboard.engines().into_iter();
    if !engines.any(|engine| engine.role == "tts" && engine.usable) {
        return not_ready("not ready", "no voice can be used: see ringback check");
    }
    let default = app.scenarios.look_up(&app.config.calls.default_scenario);
    if matches!(default, Err(Unfit::Unread)) {
        let what =
            "DEFAULT_SCENARIO is not known here, and the database has not answered since the start";
        return not_ready("not ready", what);
    }
    Json(state("ready", None)).into_response()
}

fn state(status: &'static str, detail: Option<&'static str>) -> State {
    State { status, detail }
}
