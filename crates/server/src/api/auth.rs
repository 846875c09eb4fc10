//! Registering and signing in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_store::{Page, Role, UserNew};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::captcha;
use super::users::{Account, shown};
use crate::accounts::{
    self, Password, Tokens, User, Via, Whence, email_problem, hashed_password, sign_in,
};
use crate::app::{App, Server};
use crate::body::{FormBody, JsonBody};
use crate::config::Secret;
use crate::config::accounts::Registration;
use crate::database::now;
use crate::openapi::{Message, Problem};
use crate::refusal::{Refusal, soon, store};

/// The password form of OAuth2.
#[derive(ToSchema)]
#[schema(example = json!({"grant_type": "password", "username": "ada@example.org", "password": "a pass phrase of her own"}))]
#[expect(dead_code, reason = "forms are read by `wire`; this is its shape")]
struct PasswordForm {
    /// `password`, or nothing.
    #[schema(pattern = "^(password)?$")]
    grant_type: Option<String>,
    /// The address.
    #[schema(min_length = 1)]
    username: String,
    #[schema(format = Password, min_length = 1)]
    password: String,
}

/// How large the bodies of these routes may be, in bytes: a captcha's token has 4096 at most.
pub const MAX_BYTES: usize = 16 << 10;

/// Who wants in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "a pass phrase of her own"}))]
pub struct Credentials {
    email: String,
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// What a captcha gave.
    #[serde(default)]
    captcha_token: Option<String>,
}

/// Make an account.
///
/// `REGISTRATION` says who may: by default the first becomes an admin, and nobody after them.
///
/// # Errors
/// 403 where nobody may register, 409 for an address that is taken, 422, 503.
#[utoipa::path(post, path = "/auth/register", tag = "Accounts",
    request_body(content = Credentials),
    responses(
        (status = 201, description = "The account.", body = Account),
        (status = 403, description = "Nobody may register.", body = Problem, example = json!({"detail": "registration is closed: ask an admin for an account"})),
        (status = 409, description = "The address is taken.", body = Problem, example = json!({"detail": "there is an account of this address already"})),
        (status = 503, description = "The database does not answer, or too many sign in at once.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
    ))]
pub async fn register_user(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Credentials>,
) -> Result<(StatusCode, Json<Account>), Refusal> {
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
    captcha::solved(&app, &whence, body.captcha_token.as_deref()).await?;
    let user = make_user(&app, &body.email, &body.password.0).await?;
    let first = soon(store.user_insert_first(&user, now())).await?;
    let made = match (first, registration) {
        (Some(user), _) => user,
        (None, Registration::Open) => soon(store.user_insert(&user, now()))
            .await
            .map_err(|refusal| refusal.or_conflict(TAKEN))?,
        (None, Registration::FirstUser | Registration::Closed) => return Err(nobody_registers()),
    };
    let detail = json!({ "email": made.email, "role": made.role });
    whence
        .audit(&app, Some(&made.id), "user.register", &made.id, detail)
        .await;
    Ok((StatusCode::CREATED, Json(shown(&made))))
}

fn nobody_registers() -> Refusal {
    let what = "registration is closed: ask an admin for an account";
    Refusal::new(StatusCode::FORBIDDEN, what)
}

/// What is said of an address that is taken.
pub(super) const TAKEN: &str = "there is an account of this address already";

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

/// Sign in with a password.
///
/// The access token goes into `Authorization: Bearer ...`. The refresh token is good once, for the next pair.
///
/// # Errors
/// 401, 403, 422, 503.
#[utoipa::path(post, path = "/auth/login", tag = "Accounts",
    request_body(content = Credentials),
    responses(
        (status = 200, description = "Tokens.", body = Tokens),
        (status = 401, description = "Address and password do not fit.", body = Problem, example = json!({"detail": "the address or the password is wrong"})),
        (status = 403, description = "The account is shut out.", body = Problem, example = json!({"detail": "this account is shut out: ask an admin"})),
        (status = 503, description = "The database does not answer, or too many sign in at once.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
    ))]
pub async fn log_in(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Credentials>,
) -> Result<Json<Tokens>, Refusal> {
    captcha::solved(&app, &whence, body.captcha_token.as_deref()).await?;
    let tokens = sign_in(&app, &whence, &body.email, &body.password.0).await?;
    Ok(Json(tokens))
}

/// Sign in by the password form of OAuth2.
///
/// RFC 6749, 4.3: what clients of OAuth2 and this page's button use.
///
/// # Errors
/// 401, 403, 422, 503.
#[utoipa::path(post, path = "/token", tag = "Accounts",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Tokens.", body = Tokens),
        (status = 401, description = "Address and password do not fit.", body = Problem, example = json!({"detail": "the address or the password is wrong"})),
        (status = 403, description = "The account is shut out.", body = Problem, example = json!({"detail": "this account is shut out: ask an admin"})),
        (status = 503, description = "The database does not answer, or too many sign in at once.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
    ))]
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
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "rbr_made_up"}))]
pub struct Refreshing {
    #[schema(value_type = String)]
    refresh_token: Password,
}

/// Get the next pair of tokens.
///
/// A refresh token is good once. Where one comes a second time, its whole family is not good any more.
///
/// # Errors
/// 401, 422, 503.
#[utoipa::path(post, path = "/auth/refresh", tag = "Accounts",
    request_body(content = Refreshing),
    responses(
        (status = 200, description = "Tokens.", body = Tokens),
        (status = 401, description = "The token is not good, or not any more.", body = Problem, example = json!({"detail": "the refresh token is not good, or not any more: sign in"})),
        (status = 503, description = "The database does not answer.", body = Problem, example = json!({"detail": "the database does not answer; try again later"})),
    ))]
pub async fn refresh_tokens(
    State(app): State<App>,
    whence: Whence,
    JsonBody(body): JsonBody<Refreshing>,
) -> Result<Json<Tokens>, Refusal> {
    let token = body.refresh_token.0;
    let tokens = accounts::refresh(&app, &whence, token.expose()).await?;
    Ok(Json(tokens))
}

/// End a sign-in.
///
/// Its access tokens and its refresh token are not good any more.
///
/// # Errors
/// 401, 409 for who brings an API key or no token, 503.
#[utoipa::path(post, path = "/auth/logout", tag = "Accounts", responses(
    (status = 200, description = "It is over.", body = Message, example = json!({"message": "Logged out"})),
    (status = 409, description = "There is no sign-in: who asks brought an API key, or nothing.", body = Problem, example = json!({"detail": "an API key has no sign-in that could end: delete the key"})),
))]
pub async fn log_out(
    State(app): State<App>,
    whence: Whence,
    user: User,
) -> Result<Json<Message>, Refusal> {
    let session = match &user.via {
        Via::Session { id, .. } => id,
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
    Ok(Json(Message::new("Logged out")))
}
