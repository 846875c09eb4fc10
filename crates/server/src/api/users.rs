//! What users see and change of themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_store::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::{Password, Tokens, User, Whence, begin_session, confirm, hashed_password};
use crate::app::App;
use crate::body::JsonBody;
use crate::database::{now, rfc3339};
use crate::refusal::{Refusal, soon, store};

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "email": "ada@example.org", "role": "admin", "created_at": "2026-11-20T09:15:02.123456Z",
}))]
pub struct Account {
    /// Their id.
    id: String,
    /// Their address.
    email: String,
    /// `user` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// When they registered.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

/// A user who was greeted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"message": "You are signed in as ada@example.org", "user": {"id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "email": "ada@example.org", "role": "admin", "created_at": "2026-11-20T09:15:02.123456Z"}}))]
pub struct Greeting {
    /// One sentence.
    message: String,
    /// Who they are.
    user: Account,
}

/// A user as clients see them.
pub(super) fn shown(user: &ringback_store::User) -> Account {
    Account {
        id: user.id.clone(),
        email: user.email.clone(),
        role: user.role,
        created_at: rfc3339(user.created_at),
    }
}

/// An id of a path; what has not the form of one belongs to nothing.
pub(super) fn id(text: &str, what: &str) -> Result<String, Refusal> {
    let id = Uuid::try_parse(text).map(|id| id.to_string());
    id.map_err(|_| Refusal::new(StatusCode::NOT_FOUND, format!("{what} does not exist")))
}

/// Show who asks.
///
/// # Errors
/// 401, 503.
#[utoipa::path(get, path = "/users/me", tag = "Accounts", responses((status = 200, description = "Their account.", body = Account)))]
pub async fn show_me(State(app): State<App>, user: User) -> Result<Json<Account>, Refusal> {
    Ok(Json(shown(&row(&app, &user).await?)))
}

/// Greet who asks, to try a token with.
///
/// # Errors
/// 401, 503.
#[utoipa::path(get, path = "/protected", tag = "Accounts", responses(
    (status = 200, description = "A greeting.", body = Greeting, example = json!({
        "message": "You are signed in as ada@example.org",
        "user": {"id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "email": "ada@example.org", "role": "admin", "created_at": "2026-11-20T09:15:02.123456Z"},
    })),
))]
pub async fn show_protected(State(app): State<App>, user: User) -> Result<Json<Greeting>, Refusal> {
    let user = row(&app, &user).await?;
    let message = format!("You are signed in as {}", user.email);
    let user = shown(&user);
    Ok(Json(Greeting { message, user }))
}

/// A password in place of another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange, example = json!({"current_password": "a pass phrase of her own", "new_password": "another pass phrase"}))]
pub struct Change {
    /// What it was.
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// What it is to be.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new_password: Password,
}

/// Set another password.
///
/// All sign-ins of who asks end; the answer has the tokens of a new one. API keys stay good.
///
/// # Errors
/// 401, 422 also for a wrong password, 503.
#[utoipa::path(post, path = "/users/me/password", tag = "Accounts",
    request_body(content = Change),
    responses(
        (status = 200, description = "Tokens of a new sign-in.", body = Tokens),
    ))]
pub async fn change_password(
    State(app): State<App>,
    whence: Whence,
    user: User,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<Tokens>, Refusal> {
    let (store, user) = (store(&app)?, row(&app, &user).await?);
    let current = &change.current_password.0;
    if !confirm(&app, &whence, &user, current).await? {
        return Err(Refusal::field("current_password", "it is another"));
    }
    let new = &change.new_password.0;
    let hash = hashed_password(&app, "new_password", new, &user.email).await?;
    soon(store.user_password_set(&user.id, &hash, now())).await?;
    app.accounts.forget();
    whence
        .audit(&app, Some(&user.id), "user.password", &user.id, json!({}))
        .await;
    let user = soon(store.user_find(&user.id)).await?;
    let user = user.ok_or_else(deleted)?;
    Ok(Json(begin_session(&app, &user).await?))
}

/// The user as the database has them.
async fn row(app: &App, user: &User) -> Result<ringback_store::User, Refusal> {
    let found = soon(store(app)?.user_find(&user.id)).await?;
    found.ok_or_else(deleted)
}

fn deleted() -> Refusal {
    Refusal::unknown("this account was deleted")
}
