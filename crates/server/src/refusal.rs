//! Why a request is refused, also by the database.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_store::{Error, Store};
use serde_json::{Value, json};
use tokio::time::{Duration, timeout};

use crate::answers::Detail;
use crate::app::Server;

/// The database is waited for so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same may succeed after so many seconds, where the database is gone.
const DATABASE: u64 = 5;

/// A refusal, as an answer.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// A status and a sentence.
    Said(Detail),
    /// 503: after so many seconds it may be asked again.
    Later(Detail, u64),
    /// 422: all that does not fit, by its place.
    Misfits(Vec<Misfit>),
}

impl Refusal {
    /// A status and a sentence.
    pub fn new(status: StatusCode, what: impl Into<String>) -> Self {
        Self::Said(Detail::new(status, what))
    }

    /// 401: who asks is not known.
    pub fn unknown(what: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, what)
    }

    /// 503 with `Retry-After`, in seconds.
    pub fn later(what: impl Into<String>, seconds: u64) -> Self {
        Self::Later(Detail::new(StatusCode::SERVICE_UNAVAILABLE, what), seconds)
    }

    /// The database is not there.
    pub fn database() -> Self {
        Self::later("the database does not answer; try again later", DATABASE)
    }

    /// The same, but a conflict is told in these words.
    #[must_use]
    pub fn or_conflict(self, what: &str) -> Self {
        match self {
            Self::Said(Detail(StatusCode::CONFLICT, _)) => Self::new(StatusCode::CONFLICT, what),
            other @ (Self::Said(_) | Self::Later(..) | Self::Misfits(_)) => other,
        }
    }

    /// The same, but what is not found is told in these words.
    #[must_use]
    pub fn or_not_found(self, what: &str) -> Self {
        match self {
            Self::Said(Detail(StatusCode::NOT_FOUND, _)) => Self::new(StatusCode::NOT_FOUND, what),
            other @ (Self::Said(_) | Self::Later(..) | Self::Misfits(_)) => other,
        }
    }

    /// 422: a field of the body is missing.
    pub fn missing(name: &str) -> Self {
        Misfit::missing(name).into()
    }

    /// 422: a field of the body does not do.
    pub fn field(name: &str, what: impl Into<String>) -> Self {
        Misfit::of_value(name, what).into()
    }
}

impl From<Detail> for Refusal {
    fn from(detail: Detail) -> Self {
        Self::Said(detail)
    }
}

impl From<Misfit> for Refusal {
    fn from(misfit: Misfit) -> Self {
        Self::Misfits(vec![misfit])
    }
}

impl From<Vec<Misfit>> for Refusal {
    fn from(misfits: Vec<Misfit>) -> Self {
        Self::Misfits(misfits)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => {
                Self::new(StatusCode::NOT_FOUND, format!("{what} does not exist"))
            }
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "it exists already"),
            Error::Refused(_)
            | Error::Unavailable(_)
            | Error::Corrupt(_)
            | Error::Newer { .. }
            | Error::Location(_)
            | Error::File { .. }
            | Error::Unsupported(_) => {
                tracing::error!("Error: the database: {error}");
                Self::database()
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let with = |name: HeaderName, value: HeaderValue, detail: Detail| {
            ([(name, value)], detail).into_response()
        };
        match self {
            Self::Said(detail) if detail.0 == StatusCode::UNAUTHORIZED => {
                let bearer = HeaderValue::from_static("Bearer");
                with(header::WWW_AUTHENTICATE, bearer, detail)
            }
            Self::Said(detail) => detail.into_response(),
            Self::Later(detail, seconds) => with(header::RETRY_AFTER, seconds.into(), detail),
            Self::Misfits(misfits) => unfit(&misfits),
        }
    }
}

fn unfit(misfits: &[Misfit]) -> Response {
    let one =
        |misfit: &Misfit| json!({ "loc": misfit.place, "msg": misfit.what, "type": misfit.kind });
    let all: Vec<Value> = misfits.iter().map(one).collect();
    let detail = Json(json!({ "detail": all }));
    (StatusCode::UNPROCESSABLE_ENTITY, detail).into_response()
}

/// What does not fit, and where.
#[derive(Clone, Debug)]
pub struct Misfit {
    /// `["body", "to_number"]`.
    pub place: Vec<Value>,
    /// One sentence.
    pub what: String,
    /// `missing`, `value_error`, `extra_forbidden`, `json_invalid`.
    pub kind: &'static str,
}

impl Misfit {
    /// A field of the body is missing.
    pub fn missing(name: &str) -> Self {
        Self::of_field(name, "Field required", "missing")
    }
    /// What is wrong with a field of the body.
    pub fn of_field(name: &str, what: impl Into<String>, kind: &'static str) -> Self {
        Self {
            place: vec![json!("body"), json!(name)],
            what: what.into(),
            kind,
        }
    }

    /// A field of the body has a value that does not fit.
    pub fn of_value(name: &str, what: impl Into<String>) -> Self {
        Self::of_field(name, what, "value_error")
    }
}

/// The database, where it is open.
///
/// # Errors
/// [`Refusal::Later`].
pub fn store(app: &Server) -> Result<&Store, Refusal> {
    app.rows.store().ok_or_else(Refusal::database)
}

/// What the database answers, if it does soon.
///
/// # Errors
/// What it says; [`Refusal::Later`] where it says nothing.
pub async fn soon<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Refusal> {
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => {
            tracing::error!("Error: the database does not answer in time");
            Err(Refusal::database())
        }
    }
}
