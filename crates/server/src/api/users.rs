//! What users see and change of themselves.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::accounts::{Refusal, User, soon, store};
use crate::app::App;
use crate::database::rfc3339;

/// A user.
#[derive(ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "email": "ada@example.org", "role": "admin", "created_at": "2026-11-20T09:15:02.123456Z",
}))]
#[expect(dead_code, reason = "it is the shape of what `shown` makes")]
pub(super) struct Account {
    /// Their id.
    id: String,
    /// Their address.
    email: String,
    /// `user` or `admin`.
    role: String,
    /// When they registered.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A user who was greeted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as Account")]
struct Greeting {
    message: String,
    user: Account,
}

/// A user as clients see them.
pub(super) fn shown(user: &ringback_store::User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "role": user.role,
        "created_at": rfc3339(user.created_at),
    })
}

/// Show who asks.
///
/// # Errors
/// 401, 503.
#[utoipa::path(get, path = "/users/me", tag = "Accounts", responses((status = 200, description = "Their account.", body = Account)))]
pub async fn show_me(State(app): State<App>, user: User) -> Result<Json<Value>, Refusal> {
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
pub async fn show_protected(State(app): State<App>, user: User) -> Result<Json<Value>, Refusal> {
    let user = row(&app, &user).await?;
    let message = format!("You are signed in as {}", user.email);
    Ok(Json(json!({ "message": message, "user": shown(&user) })))
}

/// The user as the database has them.
async fn row(app: &App, user: &User) -> Result<ringback_store::User, Refusal> {
    let found = soon(store(app)?.user_find(&user.id)).await?;
    found.ok_or_else(|| Refusal::unknown("this account was deleted"))
}
