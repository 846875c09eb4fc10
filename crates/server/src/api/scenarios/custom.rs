//! `/realtime/custom-scenario`: what existing clients know.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::keep::{self, Change, take_shared, with_shared};
use super::shape::{Drafted, Kept};
use super::shown::{whole, with_warnings};
use super::tag::{Basis, tag};
use crate::accounts::{User, Whence};
use crate::api::lists::{Paging, listed};
use crate::app::App;
use crate::body::{JsonBody, Params};
use crate::openapi::{Message, Problem};
use crate::refusal::{Refusal, soon, store};
use crate::scenarios::aside;

/// Keep a scenario.
///
/// It is what `ringback scenario check` takes, in JSON. Without a slug it gets one of its name. `shared` lets every user use and read it.
/// Secrets in it (headers of tools, keys, signing secrets) are sealed, and `secret:NAME` stands in their place from then on.
///
/// # Errors
/// 409, 422, 503.
#[utoipa::path(post, path = "/realtime/custom-scenario", tag = "Scenarios",
    request_body(content = Drafted),
    responses(
        (status = 201, description = "It is kept.", body = Kept, headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 409, description = "The slug is taken, or one of a scenario that is built in or a file; or there are too many.", body = Problem, example = json!({"detail": "the slug \"table-line\" is taken: choose another"})),
    ))]
pub async fn create_custom_scenario(
    State(app): State<App>,
    user: User,
    whence: Whence,
    JsonBody(mut body): JsonBody<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let shared = take_shared(&mut body)?.unwrap_or(false);
    let created = keep::create(&app, (&user, &whence), body, shared).await;
    let (row, warnings) = created.map_err(with_shared)?;
    let shown = with_warnings(&row, &warnings);
    Ok((StatusCode::CREATED, tag(&row), Json(shown)).into_response())
}

/// List the scenarios that are kept here, newest first.
///
/// Those of who asks and those that are shared; for admins all.
///
/// # Errors
/// 422, 503.
#[utoipa::path(get, path = "/realtime/custom-scenarios", tag = "Scenarios", params(Paging), responses(
    (status = 200, description = "A page of them, as one is shown by itself.", body = [Kept], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_custom_scenarios(
    State(app): State<App>,
    user: User,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let found = soon(store(&app)?.scenario_list(user.sees(), paging.page()?)).await?;
    // Two hundred large ones take their time.
    aside(move || {
        let rows = found.rows.iter().map(|row| whole(&app, row));
        listed(found.total, rows)
    })
    .await
}

/// Show a scenario that is kept here.
///
/// # Errors
/// 404, 503.
#[utoipa::path(get, path = "/realtime/custom-scenario/{id}", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    responses(
        (status = 200, description = "The scenario.", body = Kept, headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 404, description = "There is none that who asks may see.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
    ))]
pub async fn show_custom_scenario(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
) -> Result<Response, Refusal> {
    let row = keep::visible(&app, &user, &id).await?;
    Ok((tag(&row), Json(whole(&app, &row))).into_response())
}

/// Change a scenario that is kept here.
///
/// The fields given take the place of those before: tables are merged, lists replaced, and null removes (RFC 7396). Every change is a new
/// version; calls that go on keep theirs. Sharing is no version. With `If-Match` only the version of that `ETag` is changed.
///
/// # Errors
/// 403, 404, 409, 412, 422, 503.
#[utoipa::path(put, path = "/realtime/custom-scenario/{id}", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that is to be changed.", example = "\"2\""),
    ),
    request_body(content = Drafted, content_type = "application/json", example = json!({"prompt": "Take reservations until ten.", "shared": true})),
    responses(
        (status = 200, description = "The scenario as it is now.", body = Kept, headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 403, description = "It is shared by somebody else.", body = Problem, example = json!({"detail": "only its owner and admins may change this scenario"})),
        (status = 404, description = "There is none that who asks may see.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
        (status = 412, description = "It is at another version than `If-Match` names. Nothing was changed.", body = Problem, example = json!({"detail": "the scenario is at version 3 now: read it, and change that"})),
        (status = 409, description = "The slug is taken, or others change it at this moment.", body = Problem, example = json!({"detail": "the slug \"table-line\" is taken: choose another"})),
    ))]
pub async fn change_custom_scenario(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
    whence: Whence,
    basis: Basis,
    JsonBody(mut body): JsonBody<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let shared = take_shared(&mut body)?;
    let who = (&user, &whence);
    let changed = keep::change(&app, who, &id, &Change::Some(body), &basis).await;
    let (mut row, warnings) = changed.map_err(with_shared)?;
    if let Some(shared) = shared {
        row = keep::share(&app, who, row, shared).await?;
    }
    Ok((tag(&row), Json(with_warnings(&row, &warnings))).into_response())
}

/// Delete a scenario that is kept here.
///
/// With its versions and secrets. Calls that go on keep it to their end.
///
/// # Errors
/// 403, 404, 503.
#[utoipa::path(delete, path = "/realtime/custom-scenario/{id}", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    responses(
        (status = 200, description = "It is gone.", body = Message, example = json!({"message": "Scenario deleted"})),
        (status = 403, description = "It is shared by somebody else.", body = Problem, example = json!({"detail": "only its owner and admins may change this scenario"})),
        (status = 404, description = "There is none that who asks may see.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
    ))]
pub async fn delete_custom_scenario(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
    whence: Whence,
) -> Result<Json<Value>, Refusal> {
    keep::delete(&app, (&user, &whence), &id).await?;
    Ok(Json(json!({ "message": "Scenario deleted" })))
}
