//! `/scenarios`: all that can be called, built in, of files and kept here.

use std::num::NonZeroU32;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use ringback_session::scenario::{Scenario, built_in, from_toml};
use ringback_store::Page;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::keep::{nowhere, visible};
use super::shape::{Listed, Shown, Version};
use super::shown::{about, added, brief, said, whole};
use crate::accounts::User;
use crate::api::lists::{Paging, listed};
use crate::app::App;
use crate::body::Params;
use crate::database::rfc3339;
use crate::openapi::Problem;
use crate::refusal::{Refusal, soon, store};
use crate::scenarios::masked;

/// Which version is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Of a scenario that is kept here: this version instead of the newest.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(super) version: Option<NonZeroU32>,
}

/// List all scenarios that can be called.
///
/// Those that are kept here and that who asks may use, newest first, then those of files and those that are built in. `needs` is what each needs of
/// the server's settings to run.
///
/// # Errors
/// 422, 503.
#[utoipa::path(get, path = "/scenarios", tag = "Scenarios", params(Paging), responses(
    (status = 200, description = "A page of them.", body = [Listed], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_scenarios(
    State(app): State<App>,
    user: User,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let page = paging.page()?;
    let stored = soon(store(&app)?.scenario_list(user.sees(), page)).await?;
    let mut rows: Vec<Value> = stored
        .rows
        .iter()
        .map(|row| stored_row(&app, row))
        .collect();
    let files: Vec<_> = app.scenarios.files.scenarios().collect();
    let skip = usize::try_from(page.skip.saturating_sub(stored.total)).unwrap_or(0);
    let room = usize::try_from(page.limit)
        .unwrap_or(0)
        .saturating_sub(rows.len());
    let files_shown = files.iter().skip(skip).take(room);
    rows.extend(
        files_shown.map(|scenario| brief(&app, &scenario.slug, source(&app, scenario), scenario)),
    );
    let total = stored
        .total
        .saturating_add(i64::try_from(files.len()).unwrap_or(0));
    Ok(listed(total, rows))
}

/// Show a scenario that can be called.
///
/// What a file says is for admins; others see what it is.
///
/// # Errors
/// 404, 422, 503.
#[utoipa::path(get, path = "/scenarios/{id}", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "survey"), Which),
    responses(
        (status = 200, description = "The scenario.", body = Shown),
        (status = 404, description = "There is none that who asks may see.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
    ))]
pub async fn show_scenario(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Refusal> {
    if let Some(scenario) = app.scenarios.files.scenario(&id) {
        let shown = brief(&app, &id, source(&app, scenario), scenario);
        let document = document(&app, &user, &id).unwrap_or_default();
        return Ok(Json(match document {
            Value::Object(_) => added(document, shown),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => shown,
        }));
    }
    let row = visible(&app, &user, &id).await?;
    let Some(number) = which.version else {
        let brief = stored_row(&app, &row);
        return Ok(Json(added(whole(&app, &row), brief)));
    };
    let version = soon(store(&app)?.scenario_version(&row.id, number.get().into())).await?;
    let version = version.ok_or_else(nowhere)?;
    let about = json!({
        "id": row.id, "version": version.number, "created_by": version.created_by, "created_at": rfc3339(version.created_at),
    });
    Ok(Json(added(said(&version.body), about)))
}

/// List the versions of a scenario that is kept here, newest first.
///
/// # Errors
/// 404, 422, 503.
#[utoipa::path(get, path = "/scenarios/{id}/versions", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11"), Paging),
    responses(
        (status = 200, description = "A page of them.", body = [Version], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
        (status = 404, description = "There is none that who asks may see, or it is built in or a file and has no versions.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
    ))]
pub async fn list_scenario_versions(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let page: Page = paging.page()?;
    let row = visible(&app, &user, &id).await.map_err(|why| {
        let found = app.scenarios.files.scenario(&id);
        found.map_or(why.clone(), |scenario| {
            why.or_not_found(unversioned(&app, scenario))
        })
    })?;
    let found = soon(store(&app)?.scenario_versions(&row.id, page)).await?;
    let shown = found.rows.iter().map(|version| {
        json!({
            "version": version.number,
            "created_at": rfc3339(version.created_at),
            "created_by": version.created_by,
        })
    });
    Ok(listed(found.total, shown))
}

/// Why there are no versions of a scenario that is not kept here.
fn unversioned(app: &App, scenario: &Scenario) -> &'static str {
    match app.scenarios.files.document(&scenario.slug) {
        Some(_) => "a file of the server: it has no versions",
        None => "built in: it has no versions",
    }
}

fn source(app: &App, scenario: &Scenario) -> &'static str {
    match app.scenarios.files.document(&scenario.slug) {
        Some(_) => "file",
        None => "built-in",
    }
}

/// What a built-in scenario says, or for admins a file; without the secrets that stand in it.
pub(super) fn document(app: &App, user: &User, slug: &str) -> Option<Value> {
    let said = match app.scenarios.files.document(slug) {
        Some(file) => user.is_admin().then(|| masked(file.clone())),
        None => from_toml(built_in(slug)?, slug).ok(),
    };
    // In a file its name can stand for it.
    Some(added(said?, json!({ "slug": slug })))
}

/// A row of the list. One that cannot be used has nothing but its names.
fn stored_row(app: &App, row: &ringback_store::Scenario) -> Value {
    let found = app.scenarios.entry(&row.id);
    let read = found.as_ref().and_then(|entry| entry.read.as_ref().ok());
    let known = match read {
        Some((scenario, _)) => brief(app, &row.id, "stored", scenario),
        None => json!({ "source": "stored" }),
    };
    let usable = json!({ "usable": read.is_some() });
    added(added(known, about(row)), usable)
}
