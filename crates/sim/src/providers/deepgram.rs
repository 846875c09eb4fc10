//! Deepgram: both generations of streaming recognition, recordings, and the Aura voices.

mod aura;
mod flux;
mod listen;
mod recorded;
mod session;
mod turns;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::get;
use ringback_wire::deepgram::{self as wire, Encoding};
use uuid::Uuid;

use super::Twin;
use super::ear::{Ear, NoEar};
use super::place::DEEPGRAM_TOKEN;
use super::refusal::Fault;
use super::sound::{Coding, Format};
use super::visit::{Refused, Visit};

pub(super) fn routes() -> Router<Arc<Twin>> {
    Router::new()
        .route(
            wire::listen::PATH,
            get(listen::open_listen).post(recorded::hear_recording),
        )
        .route(wire::flux::PATH, get(flux::open_flux))
        .route(
            wire::speak::PATH,
            get(aura::open_speak).post(aura::speak_text),
        )
        .route(wire::TOKEN_PATH, get(show_token))
}

async fn show_token(State(twin): State<Arc<Twin>>, request: Request) -> Result<Response, Refused> {
    Visit::admit_key(&twin, DEEPGRAM_TOKEN, request).await
}

/// The format of raw audio, or why it is not heard here.
fn format(encoding: Option<Encoding>, rate: Option<u32>) -> Result<Format, Fault> {
    let unheard = || {
        let why = "the simulator hears raw linear16, linear32, mulaw and alaw only";
        Fault::new(400, "Bad Request", why)
    };
    let coding = match encoding.ok_or_else(unheard)? {
        Encoding::Linear16 => Coding::Pcm16,
        Encoding::Linear32 => Coding::Pcm32,
        Encoding::Mulaw => Coding::Mulaw,
        Encoding::Alaw => Coding::Alaw,
        Encoding::Flac
        | Encoding::AmrNb
        | Encoding::AmrWb
        | Encoding::Opus
        | Encoding::OggOpus
        | Encoding::Speex
        | Encoding::G729
        | Encoding::Mp3
        | Encoding::Aac => return Err(unheard()),
    };
    Ok(Format {
        coding,
        rate: rate.ok_or_else(unheard)?,
    })
}

/// Ears for a stream, or the refusal: with no decoder free, that of a project with too many streams.
async fn ear(twin: &Twin, visit: &Visit, format: Format, channels: usize) -> Result<Ear, Refused> {
    let opened = twin.ears().await.open(format, channels);
    opened.map_err(|why| visit.refuse(&no_ear(why)))
}

fn no_ear(why: NoEar) -> Fault {
    match why {
        NoEar::Busy => Fault::new(
            429,
            "TOO_MANY_REQUESTS",
            "Too many requests. Please try again later",
        ),
        NoEar::Deaf(why) => Fault::new(
            503,
            "UNAVAILABLE",
            format!("the simulator hears nothing: {why}"),
        ),
        NoEar::Format(why) => Fault::new(400, "Bad Request", why),
    }
}

/// Puts the id of the request into the answer to a handshake.
fn with_request_id(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response
            .headers_mut()
            .insert(wire::REQUEST_ID_HEADER, value);
    }
    response
}

fn request_id() -> String {
    Uuid::now_v7().to_string()
}
