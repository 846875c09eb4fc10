//! Who did what to whom, from where.

use serde_json::Value;
use sqlx::FromRow;

use crate::db::{execute, fetch, is_nowhere, statements};
use crate::{Error, Json, Page, Paged, Store, new_id};

/// One act.
#[derive(Clone, Debug, Default, PartialEq, FromRow)]
pub struct AuditEntry {
    /// Id; made by [`Store::audit_insert`].
    pub id: String,
    /// When (µs since 1970); set by [`Store::audit_insert`].
    pub at: i64,
    /// The user; `None` for who is not known.
    pub actor: Option<String>,
    /// Their address, read by [`Store::audit_list`]; `None` where that user is gone.
    pub actor_email: Option<String>,
    /// What was done: `login`, `user.change`.
    pub action: String,
    /// To what: an id, or an address where there is no id.
    pub subject: String,
    /// From which address of the network.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// More, without secrets.
    pub detail: Json,
}

/// Which acts; `None` is all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this user.
    pub actor: Option<String>,
    /// Of this kind.
    pub action: Option<String>,
    /// To this.
    pub subject: Option<String>,
}

statements! {
    AUDIT_INSERT = ["INSERT INTO audit (id, at, actor, action, subject, address, request_id, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
    AUDIT_COUNT = ["SELECT COUNT(*) FROM audit
        WHERE (CAST($1 AS TEXT) IS NULL OR actor = $1) AND (CAST($2 AS TEXT) IS NULL OR action = $2)
        AND (CAST($3 AS TEXT) IS NULL OR subject = $3)"];
    AUDIT_LIST = ["SELECT a.*, u.email AS actor_email FROM audit a LEFT JOIN users u ON u.id = a.actor
        WHERE (CAST($1 AS TEXT) IS NULL OR a.actor = $1)
        AND (CAST($2 AS TEXT) IS NULL OR a.action = $2)
        AND (CAST($3 AS TEXT) IS NULL OR a.subject = $3)
        ORDER BY a.at DESC, a.id DESC LIMIT $4 OFFSET $5"];
    AUDIT_SWEEP = ["DELETE FROM audit WHERE at < $1"];
}

impl Store {
    /// Writes an act down.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn audit_insert(&self, entry: &AuditEntry, now: i64) -> Result<(), Error> {
        let detail = if entry.detail.0.is_null() {
            Json(Value::Object(serde_json::Map::new()))
        } else {
            entry.detail.clone()
        };
        execute!(
            self,
            AUDIT_INSERT,
            new_id(now),
            now,
            entry.actor.as_deref(),
            &entry.action,
            &entry.subject,
            entry.address.as_deref(),
            entry.request_id.as_deref(),
            &detail
        )
        .map(drop)
    }

    /// Acts, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn audit_list(
        &self,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Paged<AuditEntry>, Error> {
        let AuditFilter {
            actor,
            action,
            subject,
        } = filter;
        let (actor, action, subject) = (actor.as_deref(), action.as_deref(), subject.as_deref());
        if is_nowhere([actor, action, subject]) {
            return Ok(Paged::default());
        }
        let (total,): (i64,) = fetch!(self, fetch_one, AUDIT_COUNT, actor, action, subject)?;
        let rows = fetch!(
            self, fetch_all, AUDIT_LIST, actor, action, subject, page.limit, page.skip
        )?;
        Ok(Paged { rows, total })
    }

    /// Deletes acts older than `before`, and answers how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn audit_sweep(&self, before: i64) -> Result<u64, Error> {
        execute!(self, AUDIT_SWEEP, before)
    }
}
