//! Calls.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use ringback_store::{
    Call, CallDetail, CallFilter, CallStatus, Direction, Error, Json as Kept, Page,
};
use ringback_wire::phone_number::masked;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use crate::answers::Detail;
use crate::app::App;
use crate::body::{Misfit, Params};
use crate::calls::recent::without_content;
use crate::openapi::Problem;

/// How many rows there are on all pages.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The most rows of a page.
const MOST: u16 = 200;

/// Which calls are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// So many of the newest are left out.
    #[param(format = Int64, maximum = 4_294_967_295_u32)]
    skip: Option<u32>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// Those that are here.
    #[param(schema_with = statuses)]
    status: Option<CallStatus>,
    /// Those of this direction.
    #[param(schema_with = directions)]
    direction: Option<Direction>,
    /// Those from or to this number.
    #[param(example = "+15005550001")]
    number: Option<String>,
    /// Those of this scenario: its slug or id.
    scenario: Option<String>,
    /// Those that began then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Those that began before.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// List calls, newest first.
#[utoipa::path(get, path = "/calls", tag = "Calls", params(Wanted), responses(
    (status = 200, description = "A page of them.", body = [Row], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
    (status = 503, description = "The database does not answer.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
))]
pub async fn list_calls(State(app): State<App>, Params(wanted): Params<Wanted>) -> Response {
    let limit = wanted.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        let misfit = Misfit {
            place: vec![json!("query"), json!("limit")],
            what: format!("limit={limit}: write a number from 1 to {MOST}"),
            kind: "value_error",
        };
        return misfit.into_response();
    }
    let Some(store) = app.rows.store() else {
        return absent();
    };
    let filter = CallFilter {
        owner: None,
        status: wanted.status,
        direction: wanted.direction,
        number: wanted.number,
        scenario: wanted.scenario,
        since: wanted.since.map(Timestamp::as_microsecond),
        until: wanted.until.map(Timestamp::as_microsecond),
    };
    let page = Page {
        skip: wanted.skip.unwrap_or(0).into(),
        limit: limit.into(),
    };
    match store.call_list(&filter, page).await {
        Ok(found) => {
            let calls: Vec<Row> = found.rows.iter().map(row).collect();
            ([(TOTAL, found.total.to_string())], Json(calls)).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// Show a call.
///
/// Latencies, usage, cost and faults; of one that goes on, what is known so far.
#[utoipa::path(get, path = "/calls/{id}", tag = "Calls",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 200, description = "The call.", body = Object, example = json!({
            "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "scenario": "front-desk",
            "direction": "inbound", "from": "+1*******001", "to": "+1*******006", "started": "2026-11-20T09:15:02.123456Z",
            "ended": "2026-11-20T09:16:40.5Z", "engines": ["deepgram", "openai", "cartesia"], "turns": [{"turn": 1, "audible_ms": 640}], "faults": [],
        })),
        (status = 404, description = "There is no such call.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 503, description = "The database does not answer.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
    ))]
pub async fn show_call(State(app): State<App>, Path(id): Path<String>) -> Response {
    if let Some(summary) = app.recent.find(&id) {
        return Json(&*summary).into_response();
    }
    let found = match app.rows.store() {
        Some(store) => store.call_detail(&id).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(call)) => Json(detail(call)).into_response(),
        Ok(None) => {
            Detail::new(StatusCode::NOT_FOUND, "there is no call of this id").into_response()
        }
        Err(error) => failed(&error),
    }
}

fn absent() -> Response {
    let what = "this server keeps no rows of calls";
    Detail::new(StatusCode::SERVICE_UNAVAILABLE, what).into_response()
}

fn failed(error: &Error) -> Response {
    tracing::error!("Error: calls cannot be read: {error}");
    let what = "the database does not answer; try again later";
    Detail::new(StatusCode::SERVICE_UNAVAILABLE, what).into_response()
}

/// RFC 3339 of microseconds since 1970.
fn time(at: i64) -> Option<String> {
    let at = Timestamp::from_microsecond(at).ok()?;
    Some(at.to_string())
}

/// A call in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "completed",
    "direction": "inbound", "from": "+1*******001", "to": "+1*******006", "scenario": "front-desk",
    "created": "2026-11-20T09:15:01.9Z", "started": "2026-11-20T09:15:02.123456Z", "ended": "2026-11-20T09:16:40.5Z",
    "reason": "the caller hung up", "engines": ["deepgram", "openai", "cartesia"], "cost": 0.041, "currency": "USD",
}))]
pub struct Row {
    /// Our id.
    call_id: String,
    /// Twilio's.
    call_sid: Option<String>,
    /// Where it is.
    #[schema(schema_with = statuses)]
    status: CallStatus,
    /// Who called whom.
    #[schema(schema_with = directions)]
    direction: Direction,
    /// The caller, masked.
    from: String,
    /// Who is called, masked.
    to: String,
    /// The scenario's slug.
    scenario: String,
    /// When it was announced.
    #[schema(format = DateTime)]
    created: Option<String>,
    /// When it was answered.
    #[schema(format = DateTime)]
    started: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// Why it ended.
    reason: Option<String>,
    /// What heard, answered and spoke.
    #[schema(value_type = Option<Vec<String>>)]
    engines: Option<Kept>,
    /// What it cost, in `currency`.
    cost: Option<f64>,
    /// ISO 4217.
    currency: Option<String>,
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>, about: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .enum_values(Some(words))
        .build()
}

fn statuses() -> Object {
    one_of(
        CallStatus::ALL.iter().map(|status| status.as_str()),
        "Where a call is.",
    )
}

fn directions() -> Object {
    one_of(
        Direction::ALL.iter().map(|direction| direction.as_str()),
        "Who called whom.",
    )
}

fn row(call: &Call) -> Row {
    let begun = &call.start;
    Row {
        call_id: begun.id.clone(),
        call_sid: begun.call_sid.clone(),
        status: call.status,
        direction: begun.direction,
        from: masked(&begun.from_number),
        to: masked(&begun.to_number),
        scenario: begun.scenario.clone(),
        created: time(begun.created_at),
        started: call.answered_at.and_then(time),
        ended: call.ended_at.and_then(time),
        reason: call.end_reason.clone(),
        engines: call.engines.clone(),
        cost: call.cost,
        currency: call.currency.clone(),
    }
}

/// What stands beside the recording, once the call is over; until then what its rows say, without what was said.
fn detail(call: CallDetail) -> Value {
    if let Some(summary) = call.summary {
        return without_content(summary.0);
    }
    let mut value = json!(row(&call.call));
    let turns = call
        .turns
        .iter()
        .filter_map(|turn| turn.latencies.as_ref().map(|times| (turn, times)));
    value["turns"] = turns
        .map(|(turn, latencies)| {
            let mut fields = latencies.0.clone();
            fields["usage"] = json!(turn.usage);
            fields["cost"] = json!(turn.cost);
            fields
        })
        .collect();
    value["faults"] = call
        .faults
        .iter()
        .map(|fault| json!({"party": fault.party, "kind": fault.kind, "detail": fault.detail, "at": time(fault.at)}))
        .collect();
    value
}
