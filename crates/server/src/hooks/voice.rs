//! The voice webhook: a call has come, and TwiML says what becomes of it.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_call::Direction;
use ringback_session::Language;
use ringback_session::scenario::Scenario;
use ringback_wire::phone_number::masked;
use ringback_wire::twilio::twiml::{Method, Parameter, Stream, StreamUrl, Verb, WebUrl};
use ringback_wire::twilio::webhook::{self, AnsweredBy, VoiceRequest};
use uuid::Uuid;

use super::authentic::Posted;
use super::forms::VoiceForm;
use super::public_url::PublicBase;
use crate::answers::{Detail, farewell, twiml};
use crate::app::{App, Expected};
use crate::calls::{Arrival, Purpose, TokenId};
use crate::metrics::Refused;
use crate::openapi::Problem;
use crate::refusal::Refusal;
use crate::scenarios::{Chosen, Unfit};

/// What a caller hears while the server stops, or the scenario cannot be used.
pub const STOPPING: &str = "We are sorry, we cannot take your call at this moment. Please call again in a few minutes. Goodbye.";
/// What a caller hears when there is no place left.
pub const BUSY: &str = "We are sorry, all our lines are busy at this moment. Please call again in a few minutes. Goodbye.";
const FULL: &str = "as many calls as MAX_CALLS allows";
const STOPPING_GERMAN: &str = "Es tut uns leid, wir können Ihren Anruf gerade nicht annehmen. Bitte rufen Sie in einigen Minuten noch einmal an. Auf Wiederhören.";
const BUSY_GERMAN: &str = "Es tut uns leid, alle Leitungen sind gerade belegt. Bitte rufen Sie in einigen Minuten noch einmal an. Auf Wiederhören.";
const STOPPING_SPANISH: &str = "Lo sentimos, en este momento no podemos atender su llamada. Vuelva a llamar dentro de unos minutos. Adiós.";
const BUSY_SPANISH: &str = "Lo sentimos, todas nuestras líneas están ocupadas. Vuelva a llamar dentro de unos minutos. Adiós.";

/// Answer a call with the default scenario.
///
/// While the server stops, no line is free, or the scenario is kept here and cannot be used, the TwiML says so and hangs up.
#[utoipa::path(post, path = "/", tag = "Telephony webhooks",
    request_body(content = VoiceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "TwiML.", body = String, content_type = "application/xml", example = json!("<Response><Connect><Stream url=\"wss://phone.example.org/ws/front-desk/audio/stream\"/></Connect></Response>")),
        (status = 404, description = "There is no such scenario, or it takes no calls of this direction.", body = Problem, example = json!({"detail": "there is no scenario of this name"})),
    ))]
pub async fn answer_default_call(
    State(app): State<App>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let name = app.config.calls.default_scenario.clone();
    answer(&app, &name, &posted)
}

/// Answer a call with a scenario.
///
/// While the server stops, no line is free, or the scenario is kept here and cannot be used, the TwiML says so and hangs up.
#[utoipa::path(post, path = "/call/inbound/receive/{bot_id}", tag = "Telephony webhooks",
    params(("bot_id" = String, Path, description = "Slug or id of the scenario.", example = "front-desk")),
    request_body(content = VoiceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "TwiML.", body = String, content_type = "application/xml", example = json!("<Response><Connect><Stream url=\"wss://phone.example.org/ws/front-desk/audio/stream\"/></Connect></Response>")),
        (status = 404, description = "There is no such scenario, or it takes no calls of this direction.", body = Problem, example = json!({"detail": "there is no scenario of this name"})),
    ))]
pub async fn answer_call(
    State(app): State<App>,
    Path(bot_id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Response {
    answer(&app, &bot_id, &posted)
}

/// Answer a call with a scenario, asked with GET.
///
/// As with POST; what Twilio tells of the call stands behind the question mark.
#[utoipa::path(get, path = "/incoming-call/{scenario}", tag = "Telephony webhooks",
    params(
        ("scenario" = String, Path, description = "Slug or id of the scenario.", example = "front-desk"),
        ("CallSid" = String, Query, min_length = 1, description = "Twilio's id of the call.", example = "CA00000000000000000000000000000001"),
        ("From" = Option<String>, Query, description = "Who called.", example = "+15005550001"),
        ("To" = Option<String>, Query, description = "Who was called.", example = "+15005550006"),
        ("Direction" = Option<String>, Query, description = "`inbound`, `outbound-api` or `outbound-dial`.", example = "inbound"),
    ),
    responses(
        (status = 200, description = "TwiML.", body = String, content_type = "application/xml", example = json!("<Response><Connect><Stream url=\"wss://phone.example.org/ws/front-desk/audio/stream\"/></Connect></Response>")),
        (status = 404, description = "There is no such scenario, or it takes no calls of this direction.", body = Problem, example = json!({"detail": "there is no scenario of this name"})),
    ))]
pub async fn answer_fetched_call(
    State(app): State<App>,
    Path(scenario): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Response {
    answer(&app, &scenario, &posted)
}

/// Connects a call to a scenario, or says why it cannot be.
pub(super) fn answer(app: &App, name: &str, posted: &Posted) -> Response {
    let Ok(request) = VoiceRequest::of(&posted.form) else {
        return Refusal::missing("CallSid").into_response();
    };
    let direction = direction(&request);
    app.metrics.attempted(direction);
    let Chosen { scenario, stored } = match app.scenario(name, direction) {
        Ok(chosen) => chosen,
        Err(why) => return unfit(app, &request, direction, &why),
    };
    let refuse = |line: &'static str, why: Refused, reason: &str| {
        app.metrics.refused(direction, why);
        tracing::warn!(call.sid = request.call_sid, scenario = %scenario.slug, reason, "call refused with a spoken line");
        let (line, language) = in_language(line, &scenario.language);
        farewell(line, language)
    };
    if app.lifecycle.draining.is_cancelled() {
        return refuse(STOPPING, Refused::Draining, "the server stops");
    }
    let now = Instant::now();
    if app.registry.is_full(now) {
        return refuse(BUSY, Refused::Full, FULL);
    }
    let Some(seat) = app.switchboard.seat(&scenario) else {
        return refuse(BUSY, Refused::NoEngine, "no recogniser or voice is free");
    };
    let arrival = Arrival {
        stored,
        ..arrival(&request, direction, &scenario)
    };
    let call_id = arrival.call_id;
    match connect(app, arrival, seat, &posted.base, now) {
        Ok(verbs) => {
            if let Some(answered_by) = request.answered_by.and_then(AnsweredBy::from_word) {
                app.registry
                    .tell(request.call_sid, super::amd::verdict(answered_by));
            }
            let from = masked(request.from.unwrap_or_default());
            let to = masked(request.to.unwrap_or_default());
            tracing::info!(call.id = %call_id, call.sid = request.call_sid, scenario = %scenario.slug, %from, %to, ?direction, "call arrived");
            twiml(&verbs)
        }
        Err(NotConnected::Full) => refuse(BUSY, Refused::Full, FULL),
        Err(NotConnected::Broken(what)) => {
            app.metrics.refused(direction, Refused::Broken);
            tracing::error!(call.sid = request.call_sid, reason = %what, "Error: no TwiML can be made for a call");
            super::resume::apology(app, Some(&scenario), &request)
        }
    }
}

/// A caller whose scenario is there but cannot be used hears an apology: Twilio's own words for an error would tell them less.
fn unfit(app: &App, request: &VoiceRequest<'_>, direction: Direction, why: &Unfit) -> Response {
    let call_sid = request.call_sid;
    if let Unfit::Unusable(unusable) = why {
        app.metrics.refused(direction, Refused::Broken);
        tracing::error!(call.sid = call_sid, scenario = unusable.slug, reason = %why, "Error: call refused with a spoken line");
        let (line, language) = in_language(STOPPING, &unusable.language);
        return farewell(line, language);
    }
    if let Unfit::Unread = why {
        app.metrics.refused(direction, Refused::NoDatabase);
        tracing::error!(call.sid = call_sid, reason = %why, "Error: call refused with a spoken line");
        return farewell(STOPPING, None);
    }
    app.metrics.refused(direction, Refused::NoScenario);
    tracing::warn!(call.sid = call_sid, reason = %why, "call refused");
    Detail::new(StatusCode::NOT_FOUND, why.to_string()).into_response()
}

/// A line in the scenario's language, where we know it, and what Twilio calls that.
pub(super) fn in_language(
    line: &'static str,
    language: &str,
) -> (&'static str, Option<&'static str>) {
    let busy = line == BUSY;
    let line = match Language::of(language).unwrap_or_default() {
        Language::English => line,
        Language::German if busy => BUSY_GERMAN,
        Language::German => STOPPING_GERMAN,
        Language::Spanish if busy => BUSY_SPANISH,
        Language::Spanish => STOPPING_SPANISH,
    };
    (line, twilios(language))
}

/// What Twilio calls a language that we know; `None`: its own English.
pub(super) fn twilios(language: &str) -> Option<&'static str> {
    match Language::of(language).unwrap_or_default() {
        Language::English => None,
        Language::German => Some("de-DE"),
        Language::Spanish if language.eq_ignore_ascii_case("es-MX") => Some("es-MX"),
        Language::Spanish => Some("es-ES"),
    }
}

pub(super) fn direction(request: &VoiceRequest<'_>) -> Direction {
    match request.direction {
        Some(webhook::Direction::OutboundApi | webhook::Direction::OutboundDial) => {
            Direction::Outbound
        }
        Some(webhook::Direction::Inbound) | None => Direction::Inbound,
    }
}

fn arrival(request: &VoiceRequest<'_>, direction: Direction, scenario: &Arc<Scenario>) -> Arrival {
    Arrival {
        call_id: Uuid::now_v7(),
        call_sid: request.call_sid.to_owned(),
        from: request.from.unwrap_or_default().to_owned(),
        to: request.to.unwrap_or_default().to_owned(),
        direction,
        scenario: Arc::clone(scenario),
        stored: None,
        foreign: false,
    }
}

enum NotConnected {
    Full,
    Broken(String),
}

fn broken(error: impl std::fmt::Display) -> NotConnected {
    NotConnected::Broken(error.to_string())
}

/// Expects the call's media socket, and makes the TwiML that brings it here and then to the resume webhook.
fn connect(
    app: &App,
    arrival: Arrival,
    seat: Box<dyn crate::calls::Seat>,
    base: &PublicBase,
    now: Instant,
) -> Result<Vec<Verb>, NotConnected> {
    let id = TokenId::random().map_err(broken)?;
    let call_sid = arrival.call_sid.clone();
    let socket = format!("/ws/{}/audio/stream", arrival.scenario.slug);
    let resume = format!(
        "/resume/{}?scenario={}",
        app.signer.token(id, Purpose::Resume, &call_sid),
        arrival.scenario.slug
    );
    let mut stream = Stream::to(StreamUrl::new(base.socket_url(&socket)).map_err(broken)?);
    let token = app.signer.token(id, Purpose::Media, &call_sid);
    stream
        .parameters
        .push(Parameter::new("token", token).map_err(broken)?);
    // For those who look at the TwiML; we know them already, so one that is too long may be missing.
    let told = [("from", &arrival.from), ("to", &arrival.to)];
    stream.parameters.extend(
        told.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Parameter::new(name, value).ok()),
    );
    let verbs = vec![
        Verb::from(stream),
        Verb::Redirect {
            url: WebUrl::new(base.url(&resume)).map_err(broken)?,
            method: Some(Method::Post),
        },
    ];
    let expected = Expected { arrival, seat };
    app.registry
        .expect(id, &call_sid, expected, now)
        .map_err(|_| NotConnected::Full)?;
    Ok(verbs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_refused_is_told_so_in_the_scenarios_language() {
        assert_eq!(in_language(BUSY, "en-US"), (BUSY, None));
        assert_eq!(in_language(BUSY, "fr-FR"), (BUSY, None));
        assert_eq!(in_language(BUSY, "de-AT"), (BUSY_GERMAN, Some("de-DE")));
        assert_eq!(
            in_language(STOPPING, "de"),
            (STOPPING_GERMAN, Some("de-DE"))
        );
        assert_eq!(in_language(BUSY, "es-MX"), (BUSY_SPANISH, Some("es-MX")));
        assert_eq!(
            in_language(STOPPING, "es"),
            (STOPPING_SPANISH, Some("es-ES"))
        );
    }
}
