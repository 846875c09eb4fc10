//! Who did what: acts that matter for security are written down.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ringback_store::AuditEntry;
use serde_json::Value;

use crate::app::Server;
use crate::client::ClientAddress;
use crate::database::now;
use crate::refusal::soon;
use crate::requests::RequestId;

/// From where a request comes, for the record.
#[derive(Clone, Debug, Default)]
pub struct Whence {
    /// The client's address; `None` for the command line.
    pub address: Option<ClientAddress>,
    /// The request.
    pub request_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Whence {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get::<RequestId>();
        Ok(Self {
            address: ClientAddress::found(&parts.extensions),
            request_id: id.map(|RequestId(id)| id.clone()),
        })
    }
}

impl Whence {
    /// Writes an act of a user down; `actor` is `None` for who is not known, `detail` holds no secret. Where the database is gone the log alone has
    /// it.
    pub async fn audit(
        &self,
        app: &Server,
        actor: Option<&str>,
        action: &str,
        subject: &str,
        detail: Value,
    ) {
        let entry = AuditEntry {
            actor: actor.map(str::to_owned),
            action: action.to_owned(),
            subject: subject.to_owned(),
            address: self.address.map(|address| address.to_string()),
            request_id: self.request_id.clone(),
            detail: detail.into(),
            ..AuditEntry::default()
        };
        tracing::info!(action, actor, client.ip = entry.address, "audit");
        let Some(store) = app.rows.store() else {
            return;
        };
        if soon(store.audit_insert(&entry, now())).await.is_err() {
            tracing::error!(action, "Error: an act is in the log alone");
        }
    }
}
