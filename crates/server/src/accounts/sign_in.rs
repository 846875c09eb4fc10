//! Signing in with a password, and going on with a refresh token.

use std::sync::Arc;

use axum::http::StatusCode;
use ringback_store::{Rotation, SessionNew, User};
use serde::Serialize;
use serde_json::json;
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::{Fresh, Whence, digest, email_problem, password_problem, slow_down};
use crate::app::{App, Server};
use crate::config::Secret;
use crate::database::now;
use crate::refusal::{Refusal, soon, store};

/// What who signed in gets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"access_token": "eyJ...", "refresh_token": "rbr_...", "token_type": "bearer", "expires_in": 900}))]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// Gives the next two, once.
    pub refresh_token: String,
    /// `bearer`.
    pub token_type: &'static str,
    /// Seconds for which the access token is good.
    pub expires_in: u64,
}

/// Signs in with a password. Takes the same time whether there is such a user or not, and says the same.
///
/// # Errors
/// 401 for a wrong address or password, 403 for an account that is shut out (told only to who has the password), 429 after many
/// failures, 503.
pub async fn sign_in(
    app: &App,
    whence: &Whence,
    email: &str,
    password: &Secret,
) -> Result<Tokens, Refusal> {
    let _place = app.accounts.passwords.admit()?;
    let store = store(app)?;
    let attempt = slow_down::admit(app, email).await?;
    let user = match email_problem(email) {
        None => soon(store.user_find_by_email(email)).await?,
        Some(_) => None,
    };
    let hash = user.as_ref().map(|user| &*user.password_hash);
    let checked = app.accounts.passwords.check(password, hash).await?;
    let Some(user) = user.as_ref().filter(|_| checked.right) else {
        attempt.failed(app, whence).await;
        // Afterwards: what is written of a user must not tell by its time that there is one.
        let (app, whence, email) = (Arc::clone(app), whence.clone(), email.to_owned());
        let failed = async move { failed(&app, &whence, &email, user.as_ref()).await };
        tokio::spawn(failed.in_current_span());
        let what = "the address or the password is wrong";
        return Err(Refusal::unknown(what));
    };
    if user.disabled {
        let (id, why) = (Some(&*user.id), json!({ "why": "disabled" }));
        whence.audit(app, id, "login.refused", &user.id, why).await;
        let what = "this account is shut out: ask an admin";
        return Err(Refusal::new(StatusCode::FORBIDDEN, what));
    }
    if checked.stale {
        let hash = app.accounts.passwords.hash(password).await?;
        soon(store.user_rehash(&user.id, &user.password_hash, &hash)).await?;
    }
    let tokens = begin_session(app, user).await?;
    attempt.succeeded(app).await;
    succeeded(app, whence, user).await;
    Ok(tokens)
}

/// Whether a user who is signed in knows their password. A wrong one counts as a failed sign-in.
///
/// # Errors
/// 429 after many failures, 503.
pub async fn confirm(
    app: &Server,
    whence: &Whence,
    user: &User,
    password: &Secret,
) -> Result<bool, Refusal> {
    let passwords = &app.accounts.passwords;
    let _place = passwords.admit()?;
    let attempt = slow_down::admit(app, &user.email).await?;
    let hash = Some(&*user.password_hash);
    if passwords.check(password, hash).await?.right {
        attempt.succeeded(app).await;
        return Ok(true);
    }
    attempt.failed(app, whence).await;
    failed(app, whence, &user.email, Some(user)).await;
    Ok(false)
}

/// A sign-in failed: `user` is `None` where the address is nobody's.
pub async fn failed(app: &Server, whence: &Whence, email: &str, user: Option<&User>) {
    let known = user.map(|user| &*user.id);
    let subject = match (known, email_problem(email)) {
        (Some(id), _) => id,
        (None, None) => email.trim(),
        // It may be a password in the wrong field.
        (None, Some(_)) => "",
    };
    let (Ok(store), Some(id)) = (store(app), known) else {
        whence
            .audit(app, None, "login.failed", subject, json!({}))
            .await;
        return;
    };
    let count = soon(store.user_login_failed(id)).await;
    let detail = json!({ "failed_logins": count.ok() });
    whence
        .audit(app, None, "login.failed", subject, detail)
        .await;
}

/// A sign-in succeeded.
pub async fn succeeded(app: &Server, whence: &Whence, user: &User) {
    if let Ok(store) = store(app) {
        // The failure is in the log; who signed in is in nevertheless.
        let _ = soon(store.user_logged_in(&user.id, now())).await;
    }
    let id = Some(&*user.id);
    whence.audit(app, id, "login", &user.id, json!({})).await;
}

/// Begins a family of tokens for a user who showed who they are.
///
/// # Errors
/// [`Refusal::Later`]; 401 where the user was changed since they were looked up.
pub async fn begin_session(app: &Server, user: &User) -> Result<Tokens, Refusal> {
    let now = now();
    let refresh_token = Fresh::Refresh.make()?;
    let session = SessionNew {
        user_id: user.id.clone(),
        token_version: user.token_version,
        token_hash: digest(&refresh_token),
        expires_at: refresh_end(app, now),
    };
    let session = soon(store(app)?.session_insert(&session, now)).await;
    let session = session.map_err(|refusal| match refusal {
        Refusal::Said(_) => {
            Refusal::unknown("this account was changed in this very moment: sign in again")
        }
        other @ (Refusal::Later(..) | Refusal::Misfits(_)) => other,
    })?;
    tokens(app, user, &session, refresh_token, now)
}

/// Takes a refresh token for the next pair. One that was used before revokes all that came of its sign-in.
///
/// # Errors
/// 401 for a token that is not good, 503.
pub async fn refresh(app: &Server, whence: &Whence, token: &str) -> Result<Tokens, Refusal> {
    let refused = || Refusal::unknown("the refresh token is not good, or not any more: sign in");
    if !Fresh::Refresh.fits(token) {
        return Err(refused());
    }
    let (store, now) = (store(app)?, now());
    let next = Fresh::Refresh.make()?;
    let successor = digest(&next);
    let used = digest(token);
    let rotate = store.session_rotate(&used, (&successor, refresh_end(app, now)), 0, now);
    match soon(rotate).await? {
        Rotation::Rotated { user_id, family_id } => {
            let user = soon(store.user_find(&user_id)).await?;
            let user = user.filter(|user| !user.disabled).ok_or_else(refused)?;
            tokens(app, &user, &family_id, next, now)
        }
        Rotation::Reused { user_id, family_id } => {
            app.accounts.forget();
            tracing::warn!(
                user.id = user_id,
                "a refresh token was used twice: its sign-in is revoked"
            );
            let detail = json!({ "session": family_id });
            whence
                .audit(app, None, "refresh.reused", &user_id, detail)
                .await;
            Err(refused())
        }
        Rotation::Raced | Rotation::Refused => Err(refused()),
    }
}

/// The hash of a password that an account of this address may have.
///
/// # Errors
/// 422 for a password that is not taken, 503.
pub async fn hashed_password(
    app: &Server,
    field: &str,
    password: &Secret,
    email: &str,
) -> Result<String, Refusal> {
    match password_problem(password, email) {
        Some(problem) => Err(Refusal::field(field, problem)),
        None => app.accounts.passwords.hash(password).await,
    }
}

fn refresh_end(app: &Server, now: i64) -> i64 {
    let life = app.config.accounts.refresh_life.as_micros();
    now.saturating_add(i64::try_from(life).unwrap_or(i64::MAX))
}

fn tokens(
    app: &Server,
    user: &User,
    session: &str,
    refresh_token: String,
    now: i64,
) -> Result<Tokens, Refusal> {
    let life = app.config.accounts.access_life;
    Ok(Tokens {
        access_token: app.accounts.tokens.issue(user, session, life, now)?,
        refresh_token,
        token_type: "bearer",
        expires_in: life.as_secs(),
    })
}
