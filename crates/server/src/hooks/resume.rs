//! The resume webhook: what follows the media stream of a call.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_session::dial;
use ringback_session::scenario::Scenario;
use ringback_session::scenario::destination::SCENARIO;
use ringback_wire::twilio::twiml::Verb;
use ringback_wire::twilio::webhook::VoiceRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::authentic::Posted;
use super::forms::VoiceForm;
use super::voice::{STOPPING, answer, direction, in_language, twilios};
use crate::answers::{Detail, farewell, twiml};
use crate::app::App;
use crate::calls::{Outcome, Purpose, Resumption};
use crate::openapi::Problem;
use crate::refusal::Refusal;

/// What a caller hears whose call broke, where nothing is known of its scenario.
pub const BROKE: &str =
    "We are sorry, something went wrong on our side. Please call again. Goodbye.";
/// How long a call's end is waited for. Twilio waits 15 s for the answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the TwiML told of the call, also to a server that was started since.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// The slug of the call's scenario: a server that was started since knows its apology by it.
    scenario: Option<String>,
}

/// Say what follows the media stream of a call.
///
/// It is the same answer however often it is asked. A caller who is put through to another scenario gets a new media stream.
#[utoipa::path(post, path = "/resume/{token}", tag = "Telephony webhooks",
    params(("token" = String, Path, description = "From the TwiML that connected the call.", example = "b3ZlcgAA"), Of),
    request_body(content = VoiceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "TwiML.", body = String, content_type = "application/xml", example = json!("<Response><Hangup/></Response>")),
        (status = 404, description = "No call of this SID has this token.", body = Problem, example = json!({"detail": "no call of this SID has this token"})),
    ))]
pub async fn resume_call(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(of): Query<Of>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let Ok(request) = VoiceRequest::of(&posted.form) else {
        return Refusal::missing("CallSid").into_response();
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
    let scenario = of.scenario.and_then(|slug| app.scenarios.find(&slug));
    let scenario = scenario.as_ref().map(|chosen| &*chosen.scenario);
    match known {
        Resumption::Ended(Outcome::Over) => twiml(&[Verb::Hangup]),
        Resumption::Ended(Outcome::Transfer(to)) => match to.strip_prefix(SCENARIO) {
            Some(slug) => match app.scenarios.look_up(slug) {
                Ok(_) => answer(&app, slug, &posted),
                Err(why) => {
                    tracing::error!(
                        scenario = slug,
                        reason = %why,
                        "Error: a caller cannot be put through to a scenario"
                    );
                    apology(&app, scenario, &request)
                }
            },
            None => twiml(&dial(&to)),
        },
        Resumption::NeverConnected if app.lifecycle.draining.is_cancelled() => {
            let language = scenario.map_or("en-US", |scenario| &scenario.language);
            let (line, language) = in_language(STOPPING, language);
            farewell(line, language)
        }
        Resumption::Ended(Outcome::Broke) | Resumption::NeverConnected | Resumption::Forgotten => {
            apology(&app, scenario, &request)
        }
    }
}

/// The scenario's own apology and goodbye, in its language: what the caller would have heard of the call itself.
pub(super) fn apology(
    app: &App,
    scenario: Option<&Scenario>,
    request: &VoiceRequest<'_>,
) -> Response {
    let Some(scenario) = scenario else {
        return farewell(BROKE, None);
    };
    let vars = scenario.vars(direction(request), &app.config.calls.company);
    let lines = [&scenario.fallback.apology, &scenario.limits.goodbye];
    let lines = lines.map(|line| vars.render(line));
    farewell(&lines.join(" "), twilios(&scenario.language))
}
