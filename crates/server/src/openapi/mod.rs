//! The document of the API, OpenAPI 3.1, made from the table of routes.
//!
//! A handler's `#[utoipa::path]` says what is its own: what it is asked, what it answers, examples. What follows from its row in the
//! table (who may use it, how large its body may be, what every such route may answer) is added here, so that neither can forget the
//! other.

mod archive;
mod flat;
mod page;
mod refusals;
mod security;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn, Paths};
use utoipa::openapi::schema::{Components, Schema};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Info, License, OpenApi, RefOr};

pub use page::{__path_show_docs, __path_show_docs_file, show_docs, show_docs_file};
pub use refusals::{Message, Problem};

use crate::rates::{self, Counted, Limit};
use crate::routes::{Protection, ROUTES, Route};

/// What belongs together, in the order in which the page shows it.
const TAGS: &[(&str, &str)] = &[
    (
        "Accounts",
        "Who may use the server. What a user does not own they do not see; admins see all.",
    ),
    (
        "Scenarios",
        "What answers and places calls: built in, files of the server, or kept here. A user sees what is theirs or shared.",
    ),
    ("Calls", "Calls that are going on and that are over."),
    (
        "Conversations and speech",
        "What calls are made of, by itself: scenarios in writing, recordings to text, texts to speech.",
    ),
    (
        "Telephony webhooks",
        "What Twilio asks and tells. Answers are TwiML. A number's voice webhook is `POST /`, or the path of a scenario.",
    ),
    (
        "Media sockets",
        "The audio of calls, by Twilio's Media Streams. TwiML of the telephony webhooks names them.",
    ),
    ("Operation", "How the server is, for people and machines."),
    (
        "Documentation",
        "This document, and the page that shows it.",
    ),
];

const ABOUT: &str = "Telephone agents on your own server.\n\n\
Bodies are JSON in UTF-8 unless a route says otherwise, times are RFC 3339 in UTC, numbers E.164. An error is `{\"detail\": \"what was wrong \
and what to do\"}`; with status 422 `detail` may be a list of places. Errors of the server have an `id`, which the log knows too. `X-Request-Id` \
comes back as it was sent, or is made.";

/// An operation, and the schemas that it refers to.
pub type Described = (Operation, Vec<(String, RefOr<Schema>)>);

/// What `#[utoipa::path]` makes of a handler: the type `__path_` and its name.
pub trait Told: utoipa::Path + SchemaReferences + for<'t> Tags<'t> {}

impl<P: utoipa::Path + SchemaReferences + for<'t> Tags<'t>> Told for P {}

/// What a handler's `#[utoipa::path]` says, and for which path.
pub fn described<P: Told>() -> (String, Described) {
    let mut schemas = Vec::new();
    P::schemas(&mut schemas);
    let mut operation = P::operation();
    operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
    (P::path(), (operation, schemas))
}

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let mut info = Info::new("Ringback", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let mut components = Components::new();
    let mut paths = Paths::new();
    for route in ROUTES {
        let Some(described) = route.described else {
            continue;
        };
        let (path, (mut operation, schemas)) = described();
        components.schemas.extend(schemas);
        rename(&mut operation, &path, route);
        refusals::add(&mut operation, route);
        security::add(&mut operation, route.protection);
        remark(&mut operation, route);
        paths.add_path_operation(route.path, vec![method(route)], operation);
    }
    flat::melt(&mut components, &paths);
    refusals::describe(&mut components);
    security::describe(&mut components);
    let mut document = OpenApi::new(info, paths);
    document.components = Some(components);
    document.tags = Some(TAGS.iter().map(described_tag).collect());
    document
}

/// The document as JSON, indented.
///
/// # Errors
/// None that the tests would not have met.
pub fn text() -> serde_json::Result<String> {
    document().to_pretty_json()
}

static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = document().to_json();
    text.map(Bytes::from).unwrap_or_default()
});

/// A document of OpenAPI 3.1.
#[derive(ToSchema)]
#[schema(as = OpenApiDocument, example = json!({"openapi": "3.1.0", "info": {"title": "Ringback", "version": "0.1.0"}, "paths": {}}))]
#[expect(dead_code, reason = "it is the shape of an answer, for the document")]
struct Document {
    /// `3.1.0`.
    openapi: String,
    info: About,
    /// Operations by path and method.
    paths: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What is described.
#[derive(ToSchema)]
#[schema(as = OpenApiInfo, example = json!({"title": "Ringback", "version": "0.1.0"}))]
#[expect(dead_code, reason = "as Document")]
struct About {
    title: String,
    version: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// Show this document.
#[utoipa::path(get, path = "/openapi.json", tag = "Documentation", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Document),
))]
pub async fn show_document() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, TEXT.clone()).into_response()
}

fn described_tag((name, about): &(&str, &str)) -> Tag {
    let mut tag = Tag::new(*name);
    tag.description = Some((*about).to_owned());
    tag
}

fn method(route: &Route) -> HttpMethod {
    match route.method {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// The parts of a path that stand in braces.
fn places(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.split('/');
    parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// Another spelling of a route has the same operation under a name of its own, and its own names for what is in the path.
fn rename(operation: &mut Operation, path: &str, route: &Route) {
    let is_main = route.path == path;
    if let Some(id) = operation.operation_id.as_mut().filter(|_| !is_main) {
        let words = route.path.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        *id = format!("{id}_{}_{}", route.method.to_lowercase(), words.join("_"));
    }
    let renamed: Vec<_> = places(path).zip(places(route.path)).collect();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Path
            && let Some((_, name)) = renamed.iter().find(|(name, _)| *name == parameter.name)
        {
            (*name).clone_into(&mut parameter.name);
        }
    }
}

fn limit(route: &Route) -> String {
    let Some(Limit { a_minute, counted }) = route.limit else {
        return "Limit: none.".to_owned();
    };
    let together = match counted {
        Counted::ByNode => "each server counts for itself",
        Counted::ByAll => "servers that share a database count together",
        Counted::Placing => {
            "servers that share a database count together; what is answered 401, 403 or 422, or is a repeat, does not count"
        }
    };
    let name = rates::name(route.path);
    format!(
        "Limit: {a_minute} requests a minute by each user, or by each address where there is no user; {together}. `RATE_LIMITS` may say \
         otherwise for `{name}`."
    )
}

/// What the table says, in words.
fn remark(operation: &mut Operation, route: &Route) {
    let who = match route.protection {
        Protection::Public => "Everybody may ask.",
        Protection::Carrier => {
            "For Twilio, by its signature; without `TWILIO_AUTH_TOKEN` for callers on the server's own machine."
        }
        Protection::CarrierAndToken => {
            "For Twilio, by its signature (without `TWILIO_AUTH_TOKEN`: for callers on the server's own machine), and then by the one-time token of \
             an expected call in the `start` message."
        }
        Protection::User => {
            "For users, by an access token or an API key; with `API_AUTH=off` for callers on the server's own machine too."
        }
        Protection::UserOrLink => {
            "For users, by an access token or an API key, and for whoever brings a link of `POST /calls/{id}/links`; with `API_AUTH=off` for callers on \
             the server's own machine too."
        }
        Protection::Admin => {
            "For admins, by an access token or an API key; with `API_AUTH=off` for callers on the server's own machine too, if the first user is one."
        }
        Protection::Local => "For callers on the server's own machine.",
        Protection::MetricsToken => {
            "For whoever has the `METRICS_TOKEN`, and for callers on the server's own machine."
        }
    };
    let mut lines = vec![who.to_owned()];
    if route.body > 0 {
        lines.push(format!("Body: at most {} bytes.", route.body));
    }
    lines.push(limit(route));
    let own = operation.description.take();
    let own = own.map(|text| match text.split_once("# Errors") {
        Some((text, _)) => text.trim().replace('\n', " "),
        None => text.replace('\n', " "),
    });
    let own = own.filter(|text| !text.is_empty());
    let parts: Vec<String> = own.into_iter().chain([lines.join(" ")]).collect();
    operation.description = Some(parts.join("\n\n"));
    if let Some(summary) = &mut operation.summary {
        *summary = summary.replace('\n', " ").trim_end_matches('.').to_owned();
    }
}
