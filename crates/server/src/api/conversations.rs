//! Conversations in writing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use ringback_call::{Direction, Speaker};
use ringback_session::scenario::Scenario;
use ringback_session::written::Wrote;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scenarios::may_use;
use super::sse::sent;
use crate::accounts::{User, while_good};
use crate::answers::Detail;
use crate::app::App;
use crate::body::JsonBody;
use crate::database::{now, rfc3339};
use crate::desk::conversations::{About, Conversation, Full, NoTurn, Tell, Turn};
use crate::openapi::Problem;
use crate::refusal::Refusal;
use crate::scenarios::Unfit;

/// When another server may have taken the place of one that stops, in seconds.
const STOPPING_FOR: u64 = 5;
/// When there may be room again, in seconds.
const FULL_FOR: u64 = 60;
/// The longest message, in characters.
const LONGEST: usize = 4000;

/// With what a conversation begins.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scenario": "survey"}))]
pub struct Beginning {
    /// Its slug or id.
    #[schema(min_length = 1)]
    scenario: String,
    /// `inbound` (the default) or `outbound`: who would have called whom.
    #[schema(value_type = Option<String>, pattern = "^(inbound|outbound)$")]
    direction: Option<Direction>,
}

/// What the caller says.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "I would like a table for two."}))]
pub struct Utterance {
    /// At most 4000 characters. Keys end with `#`: `1234#`.
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// A conversation that has begun.
#[derive(ToSchema)]
#[schema(example = json!({"id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "greeting": "Hello, how can I help you?"}))]
#[expect(dead_code, reason = "it is the shape of an answer, for the document")]
struct Begun {
    id: String,
    /// What the agent says first; empty where it waits for the caller.
    greeting: String,
}

/// What the agent replied.
#[derive(ToSchema)]
#[schema(example = json!({"reply": "Gladly. On which day?", "ended": false}))]
#[expect(dead_code, reason = "as Begun")]
struct Reply {
    reply: String,
    /// Whether the conversation is over with it.
    ended: bool,
}

/// A conversation as it stands.
#[derive(ToSchema)]
#[schema(as = Conversation, example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "scenario": "survey", "direction": "inbound", "created_at": "2026-11-20T09:15:02.123456Z",
    "expires_at": "2026-11-20T09:31:10.5Z", "ended": false, "messages": [{"speaker": "agent", "text": "Hello, how can I help you?"}],
}))]
#[expect(dead_code, reason = "as Begun")]
struct Standing {
    id: String,
    /// The scenario's slug.
    scenario: String,
    /// `inbound` or `outbound`.
    direction: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is forgotten if nobody goes on.
    #[schema(format = DateTime)]
    expires_at: String,
    ended: bool,
    messages: Vec<Line>,
}

/// A line of a conversation.
#[derive(ToSchema)]
#[schema(example = json!({"speaker": "agent", "text": "Hello, how can I help you?"}))]
#[expect(dead_code, reason = "as Begun")]
struct Line {
    /// `caller` or `agent`.
    speaker: String,
    text: String,
}

/// Begin a conversation in writing.
///
/// The responder, its tools and limits are those of a call; nothing is heard, spoken or recorded. It is kept in memory until nobody went on for
/// 15 minutes.
///
/// # Errors
/// 422 for a scenario that is not there, 429 for too many, 502 where the responder fails, 503 where it has no key or the scenario cannot be used.
#[utoipa::path(post, path = "/conversations", tag = "Conversations and speech",
    request_body(content = Beginning),
    responses(
        (status = 201, description = "It has begun.", body = Begun),
        (status = 429, description = "This user has 20, or there are 200: `Retry-After` says when to try again.", body = Problem, example = json!({"detail": "there are too many conversations: try again later"})),
        (status = 502, description = "The responder's provider failed.", body = Problem, example = json!({"detail": "openai (gpt-6-luna at api.openai.com) answered 500"})),
        (status = 503, description = "The responder's provider has no key, the scenario cannot be used, the database does not answer, or the server stops.", body = Problem, example = json!({"detail": "OPENAI_API_KEY is not set"})),
    ))]
pub async fn begin_conversation(
    State(app): State<App>,
    user: User,
    JsonBody(wanted): JsonBody<Beginning>,
) -> Result<Response, Refusal> {
    if app.lifecycle.draining.is_cancelled() {
        let what = "the server stops and takes nothing new; try again later";
        return Err(Refusal::later(what, STOPPING_FOR));
    }
    let direction = wanted.direction.unwrap_or(Direction::Inbound);
    let scenario = scenario(&app, &user, &wanted.scenario, direction).await?;
    let unavailable = |what: String| Detail::new(StatusCode::SERVICE_UNAVAILABLE, what);
    let engines = app.switchboard.speech();
    let engines = engines.ok_or_else(|| unavailable("this server has no engines".to_owned()))?;
    let id = Uuid::now_v7();
    let company = &app.config.calls.company;
    let written = engines.write(id, &scenario, direction, company);
    let written = written.map_err(|key| {
        unavailable(match key {
            Some(key) => format!("{key} is not set"),
            None => "nothing that the scenario names can answer".to_owned(),
        })
    })?;
    let about = About {
        id,
        owner: user.id,
        scenario: scenario.slug.clone(),
        direction,
        created: now(),
    };
    let begun = app.desk.conversations.begin(about, written, teller(&app));
    let mut turn = match begun {
        Ok(turn) => turn,
        Err(full) => return Err(refused(full)),
    };
    while turn.next().await.is_some() {}
    if let Some(why) = turn.failure() {
        app.desk.conversations.forget(turn.of());
        return Err(failed(why).into());
    }
    app.metrics.conversation();
    tracing::info!(conversation = %id, scenario = %scenario.slug, "conversation began");
    let answer = json!({"id": id, "greeting": turn.reply()});
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Counts what is used. The server has the conversation, and must not be kept by it.
fn teller(app: &App) -> Tell {
    let app = Arc::downgrade(app);
    Box::new(move |used| {
        if let Some(app) = app.upgrade() {
            app.metrics.used(&used, &app.config.engines.prices);
        }
    })
}

/// The scenario of this name, should the user see it.
async fn scenario(
    app: &App,
    user: &User,
    name: &str,
    direction: Direction,
) -> Result<Arc<Scenario>, Refusal> {
    if let Some(stored) = app.scenarios.stored(name)
        && !may_use(app, user, &stored.id).await?
    {
        return Err(Unfit::Absent.refusal("scenario"));
    }
    let chosen = app.scenario(name, direction);
    let chosen = chosen.map_err(|why| why.refusal("scenario"))?;
    Ok(chosen.scenario)
}

fn refused(full: Full) -> Refusal {
    let what = match full {
        Full::OfOne => {
            "you have too many conversations: delete one, or wait until they are forgotten"
        }
        Full::OfAll => "there are too many conversations: try again later",
    };
    let detail = Detail::new(StatusCode::TOO_MANY_REQUESTS, what);
    Refusal::Later(detail, FULL_FOR)
}

fn failed(why: String) -> Detail {
    tracing::warn!(%why, "Error of a provider in a conversation");
    Detail::new(StatusCode::BAD_GATEWAY, why)
}

/// The conversation of this id, if this user may see it.
fn find(app: &App, id: &str, user: &User) -> Result<Arc<Conversation>, Detail> {
    let id = Uuid::try_parse(id).map_err(|_| unknown())?;
    let found = app.desk.conversations.find(id, user.sees());
    found.ok_or_else(unknown)
}

fn unknown() -> Detail {
    let what = "there is no conversation of this id: it was never there, was deleted or forgotten";
    Detail::new(StatusCode::NOT_FOUND, what)
}

/// Say something in a conversation.
///
/// With `Accept: text/event-stream` the reply comes as events while it is written: `delta` with more of the text, `tool` where one is called or has
/// ended, and at last `done`, or `error` where the agent could only apologise: `ended` tells whether the conversation is over with
/// it.
///
/// # Errors
/// 404, 409 while another message is answered or after the end, 422, 502.
#[utoipa::path(post, path = "/conversations/{id}/messages", tag = "Conversations and speech",
    params(("id" = String, Path, description = "The conversation.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    request_body(content = Utterance),
    responses(
        (status = 200, description = "What the agent replied.", content(
            (Reply = "application/json"),
            (String = "text/event-stream", example = "event: delta\ndata: {\"text\":\"Gladly.\"}\n\nevent: done\ndata: {\"ended\":false,\"reply\":\"Gladly.\"}\n\n"),
        )),
        (status = 404, description = "There is no such conversation, or it is another user's.", body = Problem, example = json!({"detail": "there is no conversation of this id: it was never there, was deleted or forgotten"})),
        (status = 409, description = "Another message is being answered, or the conversation has ended.", body = Problem, example = json!({"detail": "another message is being answered: wait for its reply"})),
        (status = 502, description = "The responder's provider failed. The conversation goes on, unless `detail` says that it has ended: that is so after the third time.", body = Problem, example = json!({"detail": "openai (gpt-6-luna at api.openai.com) answered 500"})),
    ))]
pub async fn send_message(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(message): JsonBody<Utterance>,
) -> Result<Response, Refusal> {
    let text = message.text.trim();
    if text.is_empty() {
        return Err(Refusal::field("text", "there is nothing in it"));
    }
    if text.chars().count() > LONGEST {
        let what = format!("it has more than {LONGEST} characters");
        return Err(Refusal::field("text", what));
    }
    let turn = find(&app, &id, &user)?.say(text);
    let mut turn = turn.map_err(|why| {
        let what = match why {
            NoTurn::Busy => "another message is being answered: wait for its reply",
            NoTurn::Ended => "the conversation has ended: begin another",
        };
        Detail::new(StatusCode::CONFLICT, what)
    })?;
    app.metrics.message();
    if wants_events(&headers) {
        return Ok(sent(while_good(&app, user, events(turn))));
    }
    while turn.next().await.is_some() {}
    if turn.is_forgotten() {
        return Err(unknown().into());
    }
    match turn.failure() {
        Some(why) if turn.ends() => {
            let what = format!("{why}; the conversation has ended with it: begin another");
            Err(failed(what).into())
        }
        Some(why) => Err(failed(why).into()),
        None => Ok(Json(done(&turn)).into_response()),
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/event-stream"))
}

fn done(turn: &Turn) -> Value {
    json!({"reply": turn.reply(), "ended": turn.ends()})
}

/// The turn as events. When their reader leaves, the turn is broken off.
fn events(turn: Turn) -> impl Stream<Item = Event> {
    stream::unfold(Some(turn), async |turn| {
        let mut turn = turn?;
        let (name, data) = match turn.next().await {
            Some(Wrote::Text(text)) => ("delta", json!({"text": text})),
            Some(Wrote::Tool { name, state }) => ("tool", json!({"name": name, "state": state})),
            None => {
                let why = if turn.is_forgotten() {
                    Some("the conversation was deleted".to_owned())
                } else {
                    turn.failure()
                };
                let (name, data) = match why {
                    Some(why) => ("error", json!({"detail": why, "ended": turn.ends()})),
                    None => ("done", done(&turn)),
                };
                return Some((event(name, &data), None));
            }
        };
        Some((event(name, &data), Some(turn)))
    })
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

/// Show a conversation: what was said so far.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/conversations/{id}", tag = "Conversations and speech",
    params(("id" = String, Path, description = "The conversation.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    responses(
        (status = 200, description = "The conversation.", body = Standing),
        (status = 404, description = "There is no such conversation, or it is another user's.", body = Problem, example = json!({"detail": "there is no conversation of this id: it was never there, was deleted or forgotten"})),
    ))]
pub async fn show_conversation(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
) -> Result<Response, Detail> {
    let conversation = find(&app, &id, &user)?;
    Ok(Json(shown(&conversation)).into_response())
}

fn shown(conversation: &Conversation) -> Value {
    let (about, shown) = (&conversation.about, conversation.shown());
    let left = i64::try_from(conversation.left().as_micros()).unwrap_or(i64::MAX);
    let lines = shown.lines.iter().map(|line| {
        let speaker = match line.speaker {
            Speaker::Caller => "caller",
            Speaker::Agent => "agent",
            Speaker::Whisper => "whisper",
        };
        json!({"speaker": speaker, "text": line.text})
    });
    json!({
        "id": about.id,
        "scenario": about.scenario,
        "direction": about.direction,
        "created_at": rfc3339(about.created),
        "expires_at": rfc3339(now().saturating_add(left)),
        "ended": shown.ended,
        "messages": lines.collect::<Vec<_>>(),
    })
}

/// Forget a conversation.
///
/// What is being written for it is broken off.
///
/// # Errors
/// 404.
#[utoipa::path(delete, path = "/conversations/{id}", tag = "Conversations and speech",
    params(("id" = String, Path, description = "The conversation.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 404, description = "There is no such conversation, or it is another user's.", body = Problem, example = json!({"detail": "there is no conversation of this id: it was never there, was deleted or forgotten"})),
    ))]
pub async fn delete_conversation(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
) -> Result<Response, Detail> {
    let conversation = find(&app, &id, &user)?;
    app.desk.conversations.forget(&conversation);
    Ok(StatusCode::NO_CONTENT.into_response())
}
