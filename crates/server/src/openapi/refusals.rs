//! What a route may answer by its row in the table, whatever its handler does.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::content::Content;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Components;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema as _, ToSchema};

use crate::routes::{Protection, Route};

/// An error.
#[derive(ToSchema)]
#[schema(as = Error, example = json!({"detail": "there is no call of this id"}))]
#[expect(
    dead_code,
    reason = "it is the shape of `answers::Detail`, for the document"
)]
pub struct Problem {
    /// What was wrong and what to do.
    detail: String,
    /// The request, as the log knows it: where the fault is the server's.
    id: Option<String>,
}

/// That something was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"message": "Done"}))]
pub struct Message {
    /// One sentence.
    message: String,
}

impl Message {
    /// This sentence.
    pub fn new(message: &str) -> Self {
        Self {
            message: message.to_owned(),
        }
    }
}

/// What does not fit.
#[derive(ToSchema)]
#[schema(as = Misfits, example = json!({"detail": [{"loc": ["body", "email"], "msg": "this is no e-mail address", "type": "value_error"}]}))]
#[expect(
    dead_code,
    reason = "it is the shape of `refusal::Misfit`, for the document"
)]
pub struct Misfits {
    detail: Detail,
}

/// One sentence, or what does not fit by place.
#[derive(ToSchema)]
#[schema(example = json!([{"loc": ["body", "email"], "msg": "this is no e-mail address", "type": "value_error"}]))]
#[serde(untagged)]
#[expect(dead_code, reason = "as Misfits")]
enum Detail {
    Sentence(String),
    Places(Vec<Place>),
}

/// One thing that does not fit.
#[derive(ToSchema)]
#[schema(example = json!({"loc": ["body", "email"], "msg": "this is no e-mail address", "type": "value_error"}))]
#[expect(dead_code, reason = "as Misfits")]
struct Place {
    /// Where it is: `["body", "to_number"]`. Numbers count elements of a list from 0.
    loc: Vec<Value>,
    /// One sentence.
    msg: String,
    /// `missing`, `value_error`, `extra_forbidden` or `json_invalid`.
    r#type: String,
}

struct Refusal {
    status: StatusCode,
    name: &'static str,
    about: &'static str,
    example: &'static str,
}

const REFUSALS: &[Refusal] = &[
    refusal(
        StatusCode::BAD_REQUEST,
        "BadRequest",
        "What was sent cannot be read: a path that is no UTF-8, no valid Host header, a body that broke off.",
        "the body broke off",
    ),
    refusal(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "There is no valid token.",
        "the bearer token is not good, or not any more: sign in again",
    ),
    refusal(
        StatusCode::FORBIDDEN,
        "Forbidden",
        "This is not for who asks, or their address is blocked.",
        "only callers on this machine are accepted",
    ),
    refusal(
        StatusCode::REQUEST_TIMEOUT,
        "RequestTimeout",
        "The body did not come in time.",
        "the body did not come in time",
    ),
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PayloadTooLarge",
        "The body is larger than the route takes.",
        "the body has more than 65536 bytes",
    ),
    refusal(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        "The body is of another type than the route takes.",
        "the body must be application/json",
    ),
    refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        "The database does not answer: `Retry-After` says when to come again.",
        "the database does not answer; try again later",
    ),
    refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "The limit of this route is reached: `Retry-After` says when to come again.",
        "too many requests; try again in 12 s",
    ),
];

const fn refusal(
    status: StatusCode,
    name: &'static str,
    about: &'static str,
    example: &'static str,
) -> Refusal {
    Refusal {
        status,
        name,
        about,
        example,
    }
}

const MISFIT: &str = "UnprocessableEntity";

/// Adds what a route may answer by its row in the table, where its handler does not say it better.
pub(super) fn add(operation: &mut Operation, route: &Route) {
    // Of any route: an address may be blocked, a signature may be wrong.
    let mut statuses = vec![StatusCode::FORBIDDEN];
    if route.path.contains('{') {
        statuses.push(StatusCode::BAD_REQUEST);
    }
    match route.protection {
        Protection::Public | Protection::Local => {}
        Protection::Carrier | Protection::CarrierAndToken => {
            statuses.push(StatusCode::BAD_REQUEST);
        }
        Protection::User | Protection::UserOrLink | Protection::Admin => {
            statuses.extend([StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE]);
        }
        Protection::MetricsToken => statuses.push(StatusCode::UNAUTHORIZED),
    }
    if route.limit.is_some() {
        statuses.push(StatusCode::TOO_MANY_REQUESTS);
    }
    if route.body > 0 {
        statuses.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
    let has_query = operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == utoipa::openapi::path::ParameterIn::Query)
    });
    if has_query {
        statuses.push(StatusCode::UNPROCESSABLE_ENTITY);
    }
    for status in statuses {
        let known = REFUSALS.iter().find(|refusal| refusal.status == status);
        let name = known.map_or(MISFIT, |refusal| refusal.name);
        let answers = &mut operation.responses.responses;
        answers
            .entry(status.as_u16().to_string())
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
}

/// Says what they look like.
pub(super) fn describe(components: &mut Components) {
    let schema = |name| RefOr::Ref(Ref::from_schema_name(name));
    for refusal in REFUSALS {
        let mut content = Content::new(Some(schema("Error")));
        content.example = Some(json!({ "detail": refusal.example }));
        let mut answer = Response::new(refusal.about);
        answer
            .content
            .insert("application/json".to_owned(), content.into());
        for (name, about) in headers(refusal.status) {
            let mut header = Header::new(String::schema());
            header.description = Some((*about).to_owned());
            answer.headers.insert((*name).to_owned(), header.into());
        }
        components
            .responses
            .insert(refusal.name.to_owned(), answer.into());
    }
    let mut content = Content::new(Some(schema("Misfits")));
    content.example = Some(json!({
        "detail": [{ "loc": ["body", "to_number"], "msg": "Field required", "type": "missing" }],
    }));
    let mut answer = Response::new("What was sent does not fit, and where.");
    answer
        .content
        .insert("application/json".to_owned(), content.into());
    components
        .responses
        .insert(MISFIT.to_owned(), answer.into());
    let mut schemas = Vec::new();
    for (name, schema) in [("Error", Problem::schema()), ("Misfits", Misfits::schema())] {
        schemas.push((name.to_owned(), schema));
    }
    <Problem as ToSchema>::schemas(&mut schemas);
    <Misfits as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

fn headers(status: StatusCode) -> &'static [(&'static str, &'static str)] {
    match status {
        StatusCode::UNAUTHORIZED => &[("WWW-Authenticate", "`Bearer`.")],
        StatusCode::SERVICE_UNAVAILABLE => &[("Retry-After", "Seconds.")],
        StatusCode::TOO_MANY_REQUESTS => &[
            ("Retry-After", "Seconds until the next request may come."),
            ("RateLimit-Limit", "So many requests may come at once."),
            ("RateLimit-Remaining", "So many are left."),
            ("RateLimit-Reset", "Seconds until all are there again."),
        ],
        _ => &[],
    }
}
