//! API keys of a user, for programs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use ringback_store::{ApiKey, ApiKeyNew, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::lists::{Paging, listed};
use crate::accounts::{Fresh, User, Via, Whence, digest};
use crate::app::App;
use crate::body::{JsonBody, Params, time};
use crate::database::{now, rfc3339};
use crate::openapi::{Message, Problem};
use crate::refusal::{Refusal, soon, store};

/// Characters of a key that its owner sees afterwards.
const SHOWN: usize = 10;
/// Keys of one user.
const MOST: i64 = 100;
const LONGEST_NAME: usize = 100;

/// A key, without what makes it good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b12", "name": "nightly calls", "prefix": "rbk_Jv9Tqw", "created_at": "2026-11-20T09:15:02.123456Z",
    "expires_at": null, "last_used_at": "2026-11-21T02:00:00.5Z",
}))]
pub struct Key {
    /// Its id.
    id: String,
    /// What its owner calls it.
    name: String,
    /// Its first characters.
    prefix: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// It is good until then; `null` for ever.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was used last, to about a minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b12", "name": "nightly calls", "prefix": "rbk_Jv9Tqw", "created_at": "2026-11-20T09:15:02.123456Z",
    "expires_at": null, "last_used_at": null, "key": "rbk_Jv9Tqw0S4mCkU2pXb7nLhEoYd3RfGzA6iV1tKsW5cQe",
}))]
pub struct MadeKey {
    #[serde(flatten)]
    about: Key,
    /// The key itself, this once.
    key: String,
}

/// List the API keys of who asks.
///
/// # Errors
/// 401, 422, 503.
#[utoipa::path(get, path = "/users/me/api-keys", tag = "Accounts", params(Paging), responses(
    (status = 200, description = "A page of them, newest first.", body = [Key], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_keys(
    State(app): State<App>,
    user: User,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let page = paging.page()?;
    let keys = soon(store(&app)?.api_key_list(&user.id, page)).await?;
    Ok(listed(keys.total, keys.rows.iter().map(shown)))
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly calls"}))]
pub struct Naming {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// It is good until then, or for ever; made by a key that has a time, no longer than that.
    #[serde(default, deserialize_with = "time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Make an API key.
///
/// It goes where an access token goes, and speaks for its user until it is deleted. It is shown this once.
///
/// # Errors
/// 401, 409 where there are too many, 422, 503.
#[utoipa::path(post, path = "/users/me/api-keys", tag = "Accounts",
    request_body(content = Naming),
    responses(
        (status = 201, description = "The key.", body = MadeKey),
        (status = 409, description = "There are too many.", body = Problem, example = json!({"detail": "there are 100 keys already: delete one first"})),
    ))]
pub async fn make_key(
    State(app): State<App>,
    whence: Whence,
    user: User,
    JsonBody(wanted): JsonBody<Naming>,
) -> Result<(StatusCode, Json<MadeKey>), Refusal> {
    let (store, now, name) = (store(&app)?, now(), wanted.name.trim());
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || name.contains(char::is_control) {
        let what = format!("a name is one line of 1 to {LONGEST_NAME} characters");
        return Err(Refusal::field("name", what));
    }
    let expires_at = wanted.expires_at.map(Timestamp::as_microsecond);
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::field("expires_at", "this time is over"));
    }
    if let Some(own) = own_end(store, &user).await?
        && expires_at.is_none_or(|at| at > own)
    {
        let own = rfc3339(own).unwrap_or_default();
        let what =
            format!("the key that asks is good until {own}, and makes none that lasts longer");
        return Err(Refusal::field("expires_at", what));
    }
    if soon(store.api_key_count(&user.id)).await? >= MOST {
        let what = format!("there are {MOST} keys already: delete one first");
        return Err(Refusal::new(StatusCode::CONFLICT, what));
    }
    let key = Fresh::ApiKey.make()?;
    let new = ApiKeyNew {
        user_id: user.id.clone(),
        name: name.to_owned(),
        prefix: key.chars().take(SHOWN).collect(),
        hash: digest(&key),
        expires_at,
    };
    let made = soon(store.api_key_insert(&new, now)).await?;
    let detail = json!({ "name": made.name, "prefix": made.prefix });
    whence
        .audit(&app, Some(&user.id), "api-key.add", &made.id, detail)
        .await;
    let about = shown(&made);
    Ok((StatusCode::CREATED, Json(MadeKey { about, key })))
}

/// Until when the key is good by which a user asks (µs since 1970); `None` where they ask otherwise, or it is good for ever.
async fn own_end(store: &Store, user: &User) -> Result<Option<i64>, Refusal> {
    let Via::ApiKey(id) = &user.via else {
        return Ok(None);
    };
    let key = soon(store.api_key_find(id)).await?;
    Ok(key.and_then(|key| key.expires_at))
}

/// Delete an API key.
///
/// # Errors
/// 401, 404 also for somebody else's, 503.
#[utoipa::path(delete, path = "/users/me/api-keys/{id}", tag = "Accounts",
    params(("id" = String, Path, description = "The id of the key.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b12")),
    responses(
        (status = 200, description = "It is not good any more.", body = Message, example = json!({"message": "API key deleted"})),
        (status = 404, description = "Who asks has no such key.", body = Problem, example = json!({"detail": "the API key does not exist"})),
    ))]
pub async fn delete_key(
    State(app): State<App>,
    whence: Whence,
    user: User,
    Path(id): Path<String>,
) -> Result<Json<Message>, Refusal> {
    let id = super::users::id(&id, "the API key")?;
    soon(store(&app)?.api_key_delete(&id, &user.id)).await?;
    app.accounts.forget();
    whence
        .audit(&app, Some(&user.id), "api-key.delete", &id, json!({}))
        .await;
    Ok(Json(Message::new("API key deleted")))
}

fn shown(key: &ApiKey) -> Key {
    Key {
        id: key.id.clone(),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        created_at: rfc3339(key.created_at),
        expires_at: key.expires_at.and_then(rfc3339),
        last_used_at: key.last_used_at.and_then(rfc3339),
    }
}
