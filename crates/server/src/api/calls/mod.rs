//! Calls.

pub mod access;
pub mod act;
pub mod events;
mod figures;
pub mod files;
pub mod links;
pub mod order;
pub mod transcript;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use ringback_store::{
    Call, CallDetail, CallFilter, CallStatus, Direction, Json as Kept, Turn, may_call,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use access::{Reader, stored, unknown};
use figures::{InFull, Lately};

use crate::answers::Detail;
use crate::api::lists::{Paging, Sought, listed};
use crate::app::App;
use crate::body::time;
use crate::calls::recent::without_content;
use crate::database::rfc3339;
use crate::openapi::Problem;
use crate::refusal::{Misfit, Refusal, soon, store};

/// Which calls are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Those that are here.
    #[param(schema_with = statuses)]
    status: Option<CallStatus>,
    /// Those of this direction.
    #[param(schema_with = directions)]
    direction: Option<Direction>,
    /// Those from or to this number, in E.164 or as calls have it.
    #[param(example = "+15005550001")]
    number: Option<String>,
    /// Those of this scenario: its slug or id.
    scenario: Option<String>,
    /// Those that began then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "time")]
    since: Option<Timestamp>,
    /// Those that began before.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "time")]
    until: Option<Timestamp>,
}

/// List calls, newest first.
#[utoipa::path(get, path = "/calls", tag = "Calls", params(Paging, Wanted), responses(
    (status = 200, description = "A page of them.", body = [Row], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_calls(
    State(app): State<App>,
    reader: Reader,
    Sought { page, wanted }: Sought<Wanted>,
) -> Result<Response, Refusal> {
    let filter = CallFilter {
        owner: reader.owner,
        status: wanted.status,
        direction: wanted.direction,
        number: wanted.number.map(known_number).transpose()?,
        scenario: wanted.scenario,
        since: wanted.since.map(Timestamp::as_microsecond),
        until: wanted.until.map(Timestamp::as_microsecond),
    };
    let found = soon(store(&app)?.call_list(&filter, page)).await?;
    Ok(listed(found.total, found.rows.iter().map(row)))
}

/// A `+` that was not escaped comes as a space.
fn known_number(text: String) -> Result<String, Misfit> {
    let rest = text.strip_prefix(' ').map(str::trim_start);
    let number = match rest {
        Some(rest) if rest.starts_with(|first: char| matches!(first, '1'..='9')) => {
            format!("+{rest}")
        }
        Some(_) | None => text,
    };
    if may_call(&number) {
        return Ok(number);
    }
    Err(Misfit {
        place: vec![json!("query"), json!("number")],
        what: "that is no telephone number: write it in E.164, as %2B15005550001".to_owned(),
        kind: "value_error",
    })
}

/// Show a call.
///
/// Latencies, usage, cost and faults; of one that goes on, what is known so far. What was said is in the transcript.
#[utoipa::path(get, path = "/calls/{id}", tag = "Calls",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 200, description = "The call.", body = InFull),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
    ))]
pub async fn show_call(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let id = stored(&app, &reader, &id).await?.start.id;
    let call = soon(store(&app)?.call_detail(&id)).await?;
    let call = call.ok_or_else(unknown)?;
    Ok(Json(detail(call, app.desk.recent.find(&id).as_deref())))
}

/// Show the figures of a call that just ended.
///
/// What `ringback call` shows beside what it heard: without what was said, and with masked numbers.
#[utoipa::path(get, path = "/local/calls/{id}", tag = "Operation",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 200, description = "The figures.", body = Lately),
        (status = 404, description = "None of this id has ended lately.", body = Problem, example = json!({"detail": "no call of this id has ended lately"})),
    ))]
pub async fn show_figures(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.desk.recent.find(&id) {
        Some(summary) => Json(&*summary).into_response(),
        None => {
            let what = "no call of this id has ended lately";
            Detail::new(StatusCode::NOT_FOUND, what).into_response()
        }
    }
}

/// A call in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call, example = json!({
    "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "completed",
    "direction": "inbound", "from": "+15005550001", "to": "+15005550006", "scenario": "front-desk",
    "created": "2026-11-20T09:15:01.9Z", "started": "2026-11-20T09:15:02.123456Z", "ended": "2026-11-20T09:16:40.5Z",
    "reason": "the caller hung up", "engines": ["deepgram", "openai", "cartesia"], "cost": 0.041, "currency": "USD",
}))]
pub struct Row {
    #[serde(flatten)]
    about: About,
    /// What it cost, in `currency`.
    cost: Option<f64>,
}

/// Who called whom, when, by what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallAbout)]
struct About {
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
    /// The caller; empty where it is withheld.
    from: String,
    /// Who is called.
    to: String,
    /// The scenario's slug.
    scenario: String,
    /// When it was announced.
    #[schema(format = DateTime)]
    created: Option<String>,
    /// When it was answered.
    #[schema(format = DateTime)]
    started: Option<String>,
    /// When it ended; where the server died, when something was last known of it.
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// Why it ended.
    reason: Option<String>,
    /// What heard, answered and spoke; of one that goes on, what does at first.
    #[schema(value_type = Option<Vec<String>>)]
    engines: Option<Kept>,
    /// ISO 4217, of what it cost.
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
    let about = About {
        call_id: begun.id.clone(),
        call_sid: begun.call_sid.clone(),
        status: call.status,
        direction: begun.direction,
        from: begun.from_number.clone(),
        to: begun.to_number.clone(),
        scenario: begun.scenario.clone(),
        created: rfc3339(begun.created_at),
        started: call.answered_at.and_then(rfc3339),
        ended: call.ended_at.and_then(rfc3339),
        reason: call.end_reason.clone(),
        engines: call.engines.clone(),
        currency: call.currency.clone(),
    };
    Row {
        about,
        cost: call.cost,
    }
}

/// A time that a row is still to get.
fn as_in_rows(time: &Value) -> Option<String> {
    let time: Timestamp = time.as_str()?.parse().ok()?;
    rfc3339(time.as_microsecond())
}

/// The caller's turns, of the rows.
fn turns(rows: &[Turn]) -> Value {
    let answered = rows
        .iter()
        .filter_map(|row| row.latencies.as_ref().map(|times| (row, times)));
    answered
        .map(|(row, times)| {
            let mut fields = times.0.clone();
            let number = row.detail.as_ref().map(|detail| &detail.0["turn"]);
            fields["turn"] = json!(number);
            fields["usage"] = json!(row.usage);
            fields["cost"] = json!(row.cost);
            fields
        })
        .collect()
}

/// Its row, and what stands beside its recording; until that is there, what its other rows say.
fn detail(call: CallDetail, recent: Option<&Value>) -> Value {
    let mut value = json!(row(&call.call));
    if let Some(total) = call.call.cost {
        value["cost"] = json!({ "total": total, "currency": call.call.currency });
    }
    let summary = call.summary.map(|summary| without_content(summary.0));
    if let Some(summary) = summary.as_ref().or(recent) {
        let fields = summary.as_object().into_iter().flatten();
        // The row has the numbers in full, and its times are those of the list.
        for (name, field) in fields.filter(|(name, _)| !matches!(&***name, "from" | "to")) {
            match name.as_str() {
                "started" | "ended" if !value[name].is_null() => {}
                "started" | "ended" => value[name] = json!(as_in_rows(field)),
                _ => value[name] = field.clone(),
            }
        }
        return value;
    }
    value["turns"] = turns(&call.turns);
    value["faults"] = call
        .faults
        .iter()
        .map(|fault| json!({"party": fault.party, "kind": fault.kind, "detail": fault.detail, "at": rfc3339(fault.at)}))
        .collect();
    value
}
