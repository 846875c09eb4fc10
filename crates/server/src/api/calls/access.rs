//! Whose calls somebody sees.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use ringback_store::Call;

use crate::accounts::User;
use crate::app::App;
use crate::calls::watch::Watch;
use crate::refusal::{Refusal, soon, store};

/// Who reads: who asks, or who made the link that was brought.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The user.
    pub user: User,
    /// They see the calls of this user alone; `None`: they see all.
    pub owner: Option<String>,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let user = User::from_request_parts(parts, app).await?;
        let owner = user.sees().map(str::to_owned);
        Ok(Self { user, owner })
    }
}

impl Reader {
    fn sees(&self, owner: Option<&str>) -> bool {
        self.owner.is_none() || self.owner.as_deref() == owner
    }
}

/// A call that its reader may see.
#[derive(Clone, Debug)]
pub struct Found {
    /// Our id.
    pub id: String,
    /// Where it goes on here, or did until just now.
    pub live: Option<Arc<Watch>>,
    /// The server where it goes on, where that is another one.
    pub away: Option<String>,
}

/// The call of this id, ours or the carrier's.
///
/// # Errors
/// 404 where there is none, also where it is somebody else's; 503 where the database does not answer.
pub async fn find(app: &App, reader: &Reader, id: &str) -> Result<Found, Refusal> {
    let live = app.desk.watches.find(id);
    if let Some(watch) = live.as_ref().filter(|_| reader.sees(None)) {
        return Ok(Found {
            id: watch.call_id.clone(),
            live,
            away: None,
        });
    }
    let call = stored(app, reader, id).await?;
    let node = Some(call.start.node);
    let is_away = live.is_none() && !call.status.is_final() && node.as_deref() != app.rows.node();
    Ok(Found {
        id: call.start.id,
        live,
        away: node.filter(|_| is_away),
    })
}

/// A call that goes on at another server.
pub fn away(node: &str) -> Refusal {
    let what = format!("the call goes on at the server {node}: ask there");
    Refusal::new(StatusCode::CONFLICT, what)
}

/// The row of the call of this id.
///
/// # Errors
/// As [`find`].
pub async fn stored(app: &App, reader: &Reader, id: &str) -> Result<Call, Refusal> {
    let call = soon(store(app)?.call_find(id)).await?;
    call.filter(|call| reader.sees(call.start.owner.as_deref()))
        .ok_or_else(unknown)
}

/// There is no such call for this reader.
pub fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no call of this id")
}
