//! Who asks: by an access token, by an API key, or as a caller on this machine where `API_AUTH` is off.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringback_store::{ApiKeyUser, Role};
use tokio::sync::watch;

use super::{Fresh, Pass, digest};
use crate::app::App;
use crate::client::Peer;
use crate::database::now;
use crate::hooks::local::is_local;
use crate::refusal::{Refusal, soon, store};

/// Who was looked up is believed for so long, also by other servers that nobody told of a change.
const BELIEVED: Duration = Duration::from_secs(5);
/// So many are remembered at once.
const MOST_KNOWN: usize = 10_000;

/// A user who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// How they showed who they are.
    pub via: Via,
}

/// How a user showed who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By an access token of a sign-in.
    Session {
        /// The sign-in: a family of refresh tokens.
        id: String,
        /// The user's token version.
        version: i64,
    },
    /// By the API key of this id.
    ApiKey(String),
    /// By asking from this machine while `API_AUTH` is off.
    Local,
}

impl User {
    /// Whether they see everything.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Of whom they see what there is: `None` is everybody.
    pub fn sees(&self) -> Option<&str> {
        (!self.is_admin()).then_some(&self.id)
    }
}

/// A user who is an admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin(
    /// The user.
    pub User,
);

impl FromRequestParts<App> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if let Some(user) = parts.extensions.get::<Self>() {
            return Ok(user.clone());
        }
        let user = who(app, parts).await?;
        parts.extensions.insert(user.clone());
        Ok(user)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let user = User::from_request_parts(parts, app).await?;
        if user.is_admin() {
            return Ok(Self(user));
        }
        let what = "this is for admins";
        Err(Refusal::new(StatusCode::FORBIDDEN, what))
    }
}

/// Lets users through; the handler finds a [`User`].
pub async fn user(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match User::from_request_parts(&mut parts, &app).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets admins through; the handler finds a [`User`], who is one.
pub async fn admin(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match Admin::from_request_parts(&mut parts, &app).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn who(app: &App, parts: &Parts) -> Result<User, Refusal> {
    match bearer(parts)? {
        Some(token) if Fresh::ApiKey.fits(token) => of_key(app, token).await,
        Some(token) => of_token(app, token).await,
        None if app.config.accounts.local_callers => of_this_machine(app, parts).await,
        None => Err(nobody()),
    }
}

fn nobody() -> Refusal {
    Refusal::unknown("sign in: an access token or an API key is wanted as a bearer token")
}

fn bad() -> Refusal {
    Refusal::unknown("the bearer token is not good, or not any more: sign in again")
}

/// What stands behind `Bearer` (RFC 6750, 2.1).
fn bearer(parts: &Parts) -> Result<Option<&str>, Refusal> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    let token = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match (token, values.next()) {
        (Some((_, token)), None) => Ok(Some(token.trim())),
        (Some(_) | None, _) => Err(nobody()),
    }
}

async fn of_token(app: &App, token: &str) -> Result<User, Refusal> {
    let access = app.accounts.tokens.verify(token, now()).ok_or_else(bad)?;
    let via = Via::Session {
        id: access.session,
        version: access.version,
    };
    let user_id = access.user_id;
    behind(app, &Pass { user_id, via }).await
}

/// Who showed this, as they are now.
///
/// # Errors
/// 401 where it is not good any more, 503.
pub async fn behind(app: &App, pass: &Pass) -> Result<User, Refusal> {
    let user = match &pass.via {
        Via::Session { id, .. } => of_session(app, id).await?,
        Via::ApiKey(id) => of_key_id(app, id).await?,
        Via::Local if app.config.accounts.local_callers => oldest(app).await?,
        Via::Local => return Err(nobody()),
    };
    (Pass::of(&user) == *pass).then_some(user).ok_or_else(bad)
}

async fn of_session(app: &App, session: &str) -> Result<User, Refusal> {
    let known = &app.accounts.known;
    let name = format!("session {session}");
    if let Some(user) = known.find(&name) {
        return Ok(user);
    }
    let asked = known.asked();
    let found = soon(store(app)?.session_principal(session)).await?;
    let found = found.ok_or_else(bad)?;
    if found.disabled || found.revoked_at.is_some() {
        return Err(bad());
    }
    let user = User {
        id: found.user_id,
        email: found.email,
        role: found.role,
        via: Via::Session {
            id: session.to_owned(),
            version: found.token_version,
        },
    };
    known.keep(name, user.clone(), asked);
    Ok(user)
}

async fn of_key(app: &App, key: &str) -> Result<User, Refusal> {
    let hash = digest(key);
    let known = &app.accounts.known;
    let name = format!("key {hash}");
    if let Some(user) = known.find(&name) {
        return Ok(user);
    }
    let asked = known.asked();
    let found = soon(store(app)?.api_key_user(&hash, now())).await?;
    let user = bringer(found.ok_or_else(bad)?);
    known.keep(name, user.clone(), asked);
    Ok(user)
}

async fn of_key_id(app: &App, id: &str) -> Result<User, Refusal> {
    let known = &app.accounts.known;
    let name = format!("key of id {id}");
    if let Some(user) = known.find(&name) {
        return Ok(user);
    }
    let asked = known.asked();
    let found = soon(store(app)?.api_key_user_of(id, now())).await?;
    let user = bringer(found.ok_or_else(bad)?);
    known.keep(name, user.clone(), asked);
    Ok(user)
}

fn bringer(found: ApiKeyUser) -> User {
    User {
        id: found.user_id,
        email: found.email,
        role: found.role,
        via: Via::ApiKey(found.key_id),
    }
}

async fn of_this_machine(app: &App, parts: &Parts) -> Result<User, Refusal> {
    let peer = Peer::of(&parts.extensions);
    if !peer.is_some_and(|peer| is_local(&parts.headers, peer.address)) {
        return Err(nobody());
    }
    oldest(app).await
}

async fn oldest(app: &App) -> Result<User, Refusal> {
    let known = &app.accounts.known;
    if let Some(user) = known.find("local") {
        return Ok(user);
    }
    let asked = known.asked();
    let first = soon(store(app)?.user_oldest()).await?;
    let first = first.ok_or_else(|| {
        Refusal::unknown(
            "API_AUTH is off, but there is no user yet: register one, or run `ringback user add`",
        )
    })?;
    let user = User {
        id: first.id,
        email: first.email,
        role: first.role,
        via: Via::Local,
    };
    known.keep("local".to_owned(), user.clone(), asked);
    Ok(user)
}

/// Who was looked up lately.
#[derive(Debug, Default)]
pub(super) struct Known {
    lately: Mutex<Lately>,
    /// How often all was forgotten.
    forgotten: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lately {
    entries: HashMap<String, (Instant, User)>,
    /// Grows when all is forgotten: what was asked for before is not kept after.
    age: u64,
}

impl Known {
    fn lately(&self) -> std::sync::MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Option<User> {
        let lately = self.lately();
        let (at, user) = lately.entries.get(key)?;
        (at.elapsed() < BELIEVED).then(|| user.clone())
    }

    /// To be called before the database is asked.
    fn asked(&self) -> (u64, Instant) {
        (self.lately().age, Instant::now())
    }

    fn keep(&self, key: String, user: User, asked: (u64, Instant)) {
        let (age, at) = asked;
        let mut lately = self.lately();
        if lately.age != age {
            return;
        }
        if lately.entries.len() >= MOST_KNOWN {
            lately.entries.retain(|_, (at, _)| at.elapsed() < BELIEVED);
            if lately.entries.len() >= MOST_KNOWN {
                lately.entries.clear();
            }
        }
        lately.entries.insert(key, (at, user));
    }

    pub(super) fn forget(&self) {
        let mut lately = self.lately();
        lately.entries.clear();
        lately.age += 1;
        self.forgotten.send_replace(lately.age);
    }

    /// Changes whenever all is forgotten.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.forgotten.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> User {
        User {
            id: "1".into(),
            email: "ada@example.org".into(),
            role: Role::User,
            via: Via::Local,
        }
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let known = Known::default();
        for number in 0..3 * MOST_KNOWN {
            known.keep(number.to_string(), ada(), known.asked());
        }
        assert!(known.lately().entries.len() <= MOST_KNOWN);
        assert!(known.find(&(3 * MOST_KNOWN - 1).to_string()).is_some());
    }

    #[test]
    fn what_was_asked_for_before_all_was_forgotten_is_not_kept() {
        let known = Known::default();
        let asked = known.asked();
        known.forget();
        known.keep("1".into(), ada(), asked);
        assert!(known.find("1").is_none());
        known.keep("1".into(), ada(), known.asked());
        assert!(known.find("1").is_some());
    }
}
