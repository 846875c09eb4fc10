//! Scenarios as TOML: out of the database and into it.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_session::scenario::{from_toml, to_toml};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::keep::{self, Change, nowhere, visible};
use super::list::{Which, document};
use super::shape::Kept;
use super::shown::{said, with_warnings};
use super::tag::Basis;
use crate::accounts::{User, Whence};
use crate::answers::Detail;
use crate::app::App;
use crate::body::{self, Params};
use crate::openapi::Problem;
use crate::refusal::{Misfit, Refusal, soon, store};
use crate::scenarios::aside;

/// Types that TOML is sent as.
const KINDS: [&str; 4] = [
    "application/toml",
    "application/x-toml",
    "text/plain",
    "text/x-toml",
];

/// Export a scenario as TOML.
///
/// What a file has, to be imported again or put into `DATA_DIR/scenarios`. Where a secret stands in it, its name is written: the secret itself is
/// never shown.
///
/// # Errors
/// 403, 404, 422, 503.
#[utoipa::path(get, path = "/scenarios/{id}/export", tag = "Scenarios",
    params(("id" = String, Path, description = "Id or slug of the scenario.", example = "survey"), Which),
    responses(
        (status = 200, description = "The scenario.", body = String, content_type = "application/toml", example = json!("slug = \"table-line\"\nprompt = \"Take reservations.\"\n")),
        (status = 403, description = "It is a file, which admins alone may read.", body = Problem, example = json!({"detail": "what a file says is for admins"})),
        (status = 404, description = "There is none that who asks may see.", body = Problem, example = json!({"detail": "there is no scenario of this id"})),
    ))]
pub async fn export_scenario(
    State(app): State<App>,
    Path(id): Path<String>,
    user: User,
    Params(which): Params<Which>,
) -> Result<Response, Refusal> {
    if app.scenarios.files.scenario(&id).is_some() {
        let what = "what a file says is for admins";
        let document = document(&app, &user, &id);
        let document = document.ok_or_else(|| Refusal::new(StatusCode::FORBIDDEN, what))?;
        return written(&id, &document);
    }
    let row = visible(&app, &user, &id).await?;
    let body = match which.version {
        None => row.body,
        Some(number) => {
            let version = soon(store(&app)?.scenario_version(&row.id, number.get().into())).await?;
            version.ok_or_else(nowhere)?.body
        }
    };
    written(&row.slug, &said(&body))
}

fn written(slug: &str, document: &Value) -> Result<Response, Refusal> {
    let text = to_toml(document).map_err(|error| {
        tracing::error!(
            scenario = slug,
            "Error: a scenario cannot be written as TOML: {error}"
        );
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "it cannot be written as TOML",
        )
    })?;
    let name = format!("attachment; filename=\"{slug}.toml\"");
    let headers = [
        (header::CONTENT_TYPE, "application/toml".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}

/// What an import may take the place of.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Replacing {
    /// Where who asks has a scenario of this slug, make what is sent its next version. The text must name its slug then.
    #[param(default = false)]
    replace: Option<bool>,
}

/// A body of TOML.
#[derive(Debug)]
pub struct TomlBody(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for TomlBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok());
        let kind = kind
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        if !KINDS.contains(&kind.trim().to_ascii_lowercase().as_str()) {
            let what = "the body must be application/toml or text/plain";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        }
        table(request.into_body()).await.map(Self)
    }
}

async fn table(body: Body) -> Result<Map<String, Value>, Refusal> {
    let unfit = |what: String| Misfit {
        place: vec![json!("body")],
        what,
        kind: "value_error",
    };
    let bytes = body::read(body).await?;
    let text = String::from_utf8(bytes.into())
        .map_err(|_| unfit("the body is no text in UTF-8".to_owned()))?;
    match aside(move || from_toml(&text, "body")).await? {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Ok(Map::new()),
        Err(problems) => {
            let told = problems.iter().map(|problem| {
                let (line, column) = (problem.at.line, problem.at.column);
                unfit(format!("line {line}, column {column}: {}", problem.what))
            });
            Err(Refusal::Misfits(told.collect()))
        }
    }
}

/// Import a scenario from TOML.
///
/// What `ringback scenario check` finds to be sound. Secrets in it are sealed.
///
/// # Errors
/// 403, 404, 409, 422, 503.
#[utoipa::path(post, path = "/scenarios/import", tag = "Scenarios", params(Replacing),
    request_body(content = String, content_type = "application/toml", example = json!("slug = \"table-line\"\nprompt = \"Take reservations.\"\n")),
    responses(
        (status = 200, description = "It is the next version of a scenario that was here.", body = Kept),
        (status = 201, description = "It is kept.", body = Kept),
        (status = 409, description = "The slug is taken.", body = Problem, example = json!({"detail": "the slug \"table-line\" is taken: choose another"})),
    ))]
pub async fn import_scenario(
    State(app): State<App>,
    user: User,
    whence: Whence,
    Params(replacing): Params<Replacing>,
    TomlBody(fields): TomlBody,
) -> Result<Response, Refusal> {
    let who = (&user, &whence);
    let slug = fields
        .get("slug")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if replacing.replace == Some(true) {
        if slug.is_empty() {
            let what = "it must be named here: a scenario is replaced by its slug";
            return Err(Refusal::field("slug", what));
        }
        match keep::own(&app, &user, slug).await {
            Ok(row) => {
                let kept =
                    keep::change(&app, who, &row.id, &Change::All(fields), &Basis::default())
                        .await?;
                return Ok(Json(with_warnings(&kept.0, &kept.1)).into_response());
            }
            // Somebody else's slug is found to be taken, whoever may see it.
            Err(Refusal::Said(Detail(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, _))) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let (row, warnings) = keep::create(&app, who, fields, false).await?;
    let shown = with_warnings(&row, &warnings);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}
