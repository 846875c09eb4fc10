//! ElevenLabs: the socket for one text, the socket for many contexts, the requests.

mod http;
mod multi;
mod single;
mod utterance;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use ringback_wire::elevenlabs::{
    ApiError, Endpoint, INACTIVITY_TIMEOUT_S, Refusal, ServerMessage, StreamQuery, USER_PATH,
    VIOLATION_CLOSE_CODE,
};
use serde_json::Value;

use super::Twin;
use super::place::{ELEVENLABS_USER, MULTI_STREAM_INPUT, Place, Provider, STREAM, STREAM_INPUT};
use super::refusal::Fault;
use super::socket::{self, Broken, Socket, Upgrade};
use super::sound::{Coding, Format};
use super::visit::{Refused, Visit, text};

pub(super) fn routes() -> Router<Arc<Twin>> {
    let path = |rest: &str| format!("/v1/text-to-speech/{{voice}}/{rest}");
    Router::new()
        .route(&path("stream-input"), get(open_single))
        .route(&path("multi-stream-input"), get(open_multi))
        .route(&path("stream"), post(http::stream_speech))
        .route(
            &path("stream/with-timestamps"),
            post(http::stream_timed_speech),
        )
        .route(USER_PATH, get(show_user))
}

async fn show_user(State(twin): State<Arc<Twin>>, request: Request) -> Result<Response, Refused> {
    Visit::admit_key(&twin, ELEVENLABS_USER, request).await
}

/// What a socket was asked for.
struct Asked {
    format: Format,
    query: StreamQuery,
    /// The key has not come yet: it is in the first message.
    awaits_key: bool,
}

impl Asked {
    fn patience(&self) -> Duration {
        Duration::from_secs(
            self.query
                .inactivity_timeout_s
                .unwrap_or(INACTIVITY_TIMEOUT_S),
        )
    }
}

async fn admit(
    twin: &Twin,
    place: Place,
    endpoint: Endpoint,
    (parts, voice): (&Parts, &str),
) -> Result<(Visit, Asked), Refused> {
    let visit = Visit::admit(twin, place, parts).await?;
    let text_of_query = parts.uri.query().unwrap_or_default();
    let query =
        StreamQuery::parse(text_of_query, endpoint).map_err(|refusal| visit.bad(refusal))?;
    check_voice(&visit, voice)?;
    let format = format(&query).map_err(|why| visit.bad(why))?;
    let awaits_key =
        text(&parts.headers, "xi-api-key").is_none() && !text_of_query.contains("token=");
    Ok((
        visit,
        Asked {
            format,
            query,
            awaits_key,
        },
    ))
}

/// A voice is named by 20 letters and digits; here also `pico`.
fn check_voice(visit: &Visit, voice: &str) -> Result<(), Refused> {
    let has_form = voice.len() == 20 && voice.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if has_form || voice == "pico" {
        return Ok(());
    }
    let why = format!("A voice with voice_id '{voice}' was not found.");
    Err(visit.refuse(&Fault::new(404, "voice_not_found", why)))
}

fn format(query: &StreamQuery) -> Result<Format, &'static str> {
    let why = "the simulator speaks pcm, ulaw and alaw only: name an output_format";
    let name = query.output_format.as_deref().ok_or(why)?;
    let (coding, rate) = name.split_once('_').ok_or(why)?;
    let coding = match coding {
        "pcm" => Coding::Pcm16,
        "ulaw" => Coding::Mulaw,
        "alaw" => Coding::Alaw,
        _ => return Err(why),
    };
    Ok(Format {
        coding,
        rate: rate.parse().map_err(|_| why)?,
    })
}

async fn open_single(
    State(twin): State<Arc<Twin>>,
    Path(voice): Path<String>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let (visit, asked) =
        admit(&twin, STREAM_INPUT, Endpoint::StreamInput, (&parts, &voice)).await?;
    socket::open(visit, upgrade, async move |socket| {
        single::run(socket, twin, asked).await
    })
}

async fn open_multi(
    State(twin): State<Arc<Twin>>,
    Path(voice): Path<String>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let (visit, asked) = admit(
        &twin,
        MULTI_STREAM_INPUT,
        Endpoint::MultiStreamInput,
        (&parts, &voice),
    )
    .await?;
    socket::open(visit, upgrade, async move |socket| {
        multi::run(socket, twin, asked).await
    })
}

/// Whether a first message brings the key that did not come before.
fn has_key(twin: &Twin, message: &str) -> bool {
    let message: Value = serde_json::from_str(message).unwrap_or_default();
    let key = ["xi-api-key", "xi_api_key"]
        .iter()
        .find_map(|name| message[*name].as_str());
    twin.accepts(Provider::ElevenLabs, key)
}

/// Says why, and closes.
async fn complain(mut socket: Socket, context_id: Option<String>, error: ApiError) {
    let message = ServerMessage::Error { context_id, error };
    if let Ok(()) = socket.text(message.to_text()).await {
        socket
            .refuse(VIOLATION_CLOSE_CODE, "the last message says why")
            .await;
    }
}

fn no_key() -> ApiError {
    ApiError {
        close_code: Some(VIOLATION_CLOSE_CODE),
        code: Some("invalid_api_key".to_owned()),
        message: Some("Invalid API key".to_owned()),
        ..ApiError::default()
    }
}

fn timed_out() -> ApiError {
    ApiError {
        close_code: Some(VIOLATION_CLOSE_CODE),
        code: Some("input_timeout_exceeded".to_owned()),
        message: Some("Have not received a new text input within the timeout.".to_owned()),
        ..ApiError::default()
    }
}

/// Why a socket ends.
enum End {
    Broken,
    Done,
    Refused(Option<String>, ApiError),
}

impl From<Broken> for End {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(None, ApiError::refused(&refusal))
    }
}

impl End {
    async fn carry_out(self, socket: Socket) {
        match self {
            Self::Broken => {}
            Self::Done => socket.close(1000, "").await,
            Self::Refused(context_id, error) => complain(socket, context_id, error).await,
        }
    }
}

/// The place of requests.
const REQUESTS: Place = STREAM;
