//! Registering and signing in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_store::{Page, Role, UserNew};
use serde::Deserialize;
use serde_json::{Value, json};

use super::users::shown;
use crate::accounts::{
    self, Password, Refusal, Tokens, User, Via, Whence, email_problem, hashed_password, sign_in,
    soon, store,
};
use crate::answers::Detail;
use crate::app::{App, Server};
use crate::body::{FormBody, JsonBody};
use crate::config::Secret;
use crate::config::accounts::Registration;
use crate::database::now;

/// How large the bodies of these routes may be, in bytes: a captcha's token has 4096 at most.
pub const MAX_BYTES: usize = 16 << 10;

/// Who wants in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    password: Password,
    /// What a captcha gave.
    #[serde(default)]
    #[allow(dead_code, reason = "read where a captcha is configured")]
    captcha_token: Option<String>,
}

/// `POST /auth/register`: makes an account, where `REGISTRATION` allows it.
///
/// # Errors
/// 403 where nobody may register, 409 for an address that is taken, 422, 503.
pub async fn register_user(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Credentials>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let store = store(&app)?;
    let registration = app.config.accounts.registration;
    let closed = match registration {
        Registration::Open => false,
        Registration::Closed => true,
        Registration::FirstUser => {
            let first = Page { skip: 0, limit: 1 };
            soon(store.user_list(first)).await?.total > 0
        }
    };
    if closed {
        return Err(nobody_registers());
    }
    let user = make_user(&app, &body.email, &body.password.0).await?;
    let first = soon(store.user_insert_first(&user, now())).await?;
    let made = match (first, registration) {
        (Some(user), _) => user,
        (None, Registration::Open) => soon(store.user_insert(&user, now()))
            .await
            .map_err(|refusal| taken(&refusal).unwrap_or(refusal))?,
        (None, Registration::FirstUser | Registration::Closed) => return Err(nobody_registers()),
    };
    let detail = json!({ "role": made.role });
    whence
        .audit(&app, Some(&made.id), "user.register", &made.id, detail)
        .await;
    Ok((StatusCode::CREATED, Json(shown(&made))))
}

fn nobody_registers() -> Refusal {
    let what = "registration is closed: ask an admin for an account";
    Refusal::new(StatusCode::FORBIDDEN, what)
}

/// An address that is taken, told as such.
pub(super) fn taken(refusal: &Refusal) -> Option<Refusal> {
    let what = "there is an account of this address already";
    let conflict = StatusCode::CONFLICT;
    matches!(refusal, Refusal::Said(Detail(status, _)) if *status == conflict)
        .then(|| Refusal::new(conflict, what))
}

/// A user of this address and password, not yet stored.
pub(super) async fn make_user(
    app: &Server,
    email: &str,
    password: &Secret,
) -> Result<UserNew, Refusal> {
    if let Some(problem) = email_problem(email) {
        return Err(Refusal::field("email", problem));
    }
    Ok(UserNew {
        email: email.trim().to_owned(),
        password_hash: hashed_password(app, "password", password, email).await?,
        role: Role::User,
    })
}

/// `POST /auth/login`: tokens for an address and its password.
///
/// # Errors
/// 401, 403, 422, 503.
pub async fn log_in(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Credentials>,
) -> Result<Json<Tokens>, Refusal> {
    let tokens = sign_in(&app, &whence, &body.email, &body.password.0).await?;
    Ok(Json(tokens))
}

/// `POST /token`: the same by the password form of OAuth2 (RFC 6749, 4.3).
///
/// # Errors
/// 401, 403, 422, 503.
pub async fn issue_token(
    State(app): State<App>,
    whence: Whence,
    FormBody(form): FormBody,
) -> Result<Json<Tokens>, Refusal> {
    let field = |name: &str| form.filled(name).ok_or_else(|| Refusal::missing(name));
    if let Some(grant) = form
        .filled("grant_type")
        .filter(|grant| *grant != "password")
    {
        let what = format!("the grant {grant:?} is not known: write password");
        return Err(Refusal::field("grant_type", what));
    }
    let password = Secret::new(field("password")?);
    let tokens = sign_in(&app, &whence, field("username")?, &password).await?;
    Ok(Json(tokens))
}

/// A refresh token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refreshing {
    refresh_token: Password,
}

/// `POST /auth/refresh`: the next pair of tokens for a refresh token, which is good once.
///
/// # Errors
/// 401, 422, 503.
pub async fn refresh_tokens(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Refreshing>,
) -> Result<Json<Tokens>, Refusal> {
    let token = body.refresh_token.0;
    let tokens = accounts::refresh(&app, &whence, token.expose()).await?;
    Ok(Json(tokens))
}

/// `POST /auth/logout`: ends the sign-in: its access tokens and its refresh token are not good any more.
///
/// # Errors
/// 401, 409 for who brings an API key or no token, 503.
pub async fn log_out(
    State(app): State<App>,
    whence: Whence,
    user: User,
) -> Result<Json<Value>, Refusal> {
    let session = match &user.via {
        Via::Session(session) => session,
        Via::ApiKey(_) => {
            let what = "an API key has no sign-in that could end: delete the key";
            return Err(Refusal::new(StatusCode::CONFLICT, what));
        }
        Via::Local => {
            let what = "API_AUTH is off: there is no sign-in that could end";
            return Err(Refusal::new(StatusCode::CONFLICT, what));
        }
    };
    soon(store(&app)?.session_revoke(session, "logout", now())).await?;
    app.accounts.forget();
    whence
        .audit(&app, Some(&user.id), "logout", &user.id, json!({}))
        .await;
    Ok(Json(json!({ "message": "Logged out" })))
}
