//! What users see and change of themselves.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::accounts::{Refusal, User, soon, store};
use crate::app::App;
use crate::database::rfc3339;

/// A user as clients see them.
pub(super) fn shown(user: &ringback_store::User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "role": user.role,
        "created_at": rfc3339(user.created_at),
    })
}

/// `GET /users/me`: who asks.
///
/// # Errors
/// 401, 503.
pub async fn show_me(State(app): State<App>, user: User) -> Result<Json<Value>, Refusal> {
    Ok(Json(shown(&row(&app, &user).await?)))
}

/// `GET /protected`: the same with a greeting, to try a token with.
///
/// # Errors
/// 401, 503.
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
