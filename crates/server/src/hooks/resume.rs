//! The resume webhook: what follows the media stream of a call.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_session::dial;
use ringback_session::scenario::destination::SCENARIO;
use ringback_wire::twilio::twiml::Verb;
use ringback_wire::twilio::webhook::VoiceRequest;

use super::authentic::Posted;
use super::voice::{STOPPING, answer};
use crate::answers::{Detail, farewell, missing_field, twiml};
use crate::app::App;
use crate::calls::{Outcome, Purpose, Resumption};

/// What a caller hears whose call broke.
pub const BROKE: &str =
    "We are sorry, something went wrong on our side. Please call again. Goodbye.";
/// How long a call's end is waited for. Twilio waits 15 s for the answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// `POST /resume/{token}`: the same answer however often it is asked. A caller who is put through to another scenario gets a new media
/// stream.
pub async fn resume_call(
    State(app): State<App>,
    Path(token): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let Ok(request) = VoiceRequest::of(&posted.form) else {
        return missing_field("CallSid");
    };
    let Some(id) = app.signer.verify(&token, Purpose::Resume, request.call_sid) else {
        tracing::warn!(
            call.sid = request.call_sid,
            "resume refused: the token is not one of this call"
        );
        return Detail::new(StatusCode::NOT_FOUND, "no call of this SID has this token")
            .into_response();
    };
    let known = app.registry.resume(id, PATIENCE).await;
    let what = match &known {
        Resumption::Ended(Outcome::Over) => "it is over",
        Resumption::Ended(Outcome::Transfer(_)) => "it is put through",
        Resumption::Ended(Outcome::Broke) => "it broke: an apology",
        Resumption::NeverConnected => "its media socket never came: an apology",
        Resumption::Forgotten => "nothing is known of it any more: an apology",
    };
    tracing::info!(
        call.sid = request.call_sid,
        "call after its media stream: {what}"
    );
    match known {
        Resumption::Ended(Outcome::Over) => twiml(&[Verb::Hangup]),
        Resumption::Ended(Outcome::Transfer(to)) => match to.strip_prefix(SCENARIO) {
            Some(slug) if app.catalog.scenario(slug).is_some() => answer(&app, slug, &posted),
            Some(slug) => {
                tracing::error!(
                    scenario = slug,
                    "Error: there is no scenario to put a caller through to"
                );
                farewell(BROKE, None)
            }
            None => twiml(&dial(&to)),
        },
        Resumption::NeverConnected if app.lifecycle.draining.is_cancelled() => {
            farewell(STOPPING, None)
        }
        Resumption::Ended(Outcome::Broke) | Resumption::NeverConnected | Resumption::Forgotten => {
            farewell(BROKE, None)
        }
    }
}
