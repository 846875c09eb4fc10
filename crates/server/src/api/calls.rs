//! Calls.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use ringback_store::{Call, CallDetail, CallFilter, CallStatus, Direction, Error, Page};
use ringback_wire::phone_number::masked;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answers::Detail;
use crate::app::App;
use crate::body::Params;
use crate::calls::recent::without_content;

/// How many rows there are on all pages.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// The most rows of a page.
const MOST: u16 = 200;

/// Which calls are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    skip: Option<u32>,
    limit: Option<u16>,
    status: Option<CallStatus>,
    direction: Option<Direction>,
    number: Option<String>,
    scenario: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// `GET /calls`: newest first, by status, direction, number, scenario (slug or id) and time of their begin (`since`, `until`). `skip` and
/// `limit` (50, at most 200) page; `X-Total-Count` counts all.
pub async fn list_calls(State(app): State<App>, Params(wanted): Params<Wanted>) -> Response {
    let limit = wanted.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        let what = format!("limit={limit}: write a number from 1 to {MOST}");
        return Detail::new(StatusCode::UNPROCESSABLE_ENTITY, what).into_response();
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
            let calls: Vec<Value> = found.rows.iter().map(row).collect();
            ([(TOTAL, found.total.to_string())], Json(calls)).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `GET /calls/{id}`: a call by Twilio's id or by ours: latencies, usage, cost and faults; of one that goes on, what is known so far.
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

fn row(call: &Call) -> Value {
    let begun = &call.start;
    json!({
        "call_id": begun.id,
        "call_sid": begun.call_sid,
        "status": call.status,
        "direction": begun.direction,
        "from": masked(&begun.from_number),
        "to": masked(&begun.to_number),
        "scenario": begun.scenario,
        "created": time(begun.created_at),
        "started": call.answered_at.and_then(time),
        "ended": call.ended_at.and_then(time),
        "reason": call.end_reason,
        "engines": call.engines,
        "cost": call.cost,
        "currency": call.currency,
    })
}

/// What stands beside the recording, once the call is over; until then what its rows say, without what was said.
fn detail(call: CallDetail) -> Value {
    if let Some(summary) = call.summary {
        return without_content(summary.0);
    }
    let mut value = row(&call.call);
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
