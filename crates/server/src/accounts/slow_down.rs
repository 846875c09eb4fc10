//! Guessing passwords is made slow: by account, whether it exists or not, and by address.
//!
//! Nobody is kept waiting: who must wait is told so (429), and their password is not looked at. An account has three allowances of
//! failures, each scarcer and longer than the one before, so that the wait grows. An address that fails too often is shut out.

use axum::http::StatusCode;
use ringback_store::{IpBlock, Quota, Verdict};
use serde_json::json;

use super::{Whence, digest};
use crate::answers::Detail;
use crate::app::Server;
use crate::database::{now, rfc3339};
use crate::rates::{Use, customer, spelled};
use crate::refusal::{Refusal, soon};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Five failures at once and one every 12 s, ten and one every 2 min, twenty and one every 18 min. Where the last is whole, so are the
/// others.
const ALLOWANCES: [Quota; 3] = [
    Quota {
        uses: 5,
        period: MINUTE,
    },
    Quota {
        uses: 10,
        period: 20 * MINUTE,
    },
    Quota {
        uses: 20,
        period: 360 * MINUTE,
    },
];
/// Of an address, whatever the accounts.
const OF_ADDRESS: Quota = Quota {
    uses: 20,
    period: 60 * MINUTE,
};
/// How long an address is shut out, in µs.
const SHUT_OUT: i64 = 15 * MINUTE;

/// A sign-in that was let through.
#[derive(Debug)]
pub struct Attempt {
    allowances: Vec<Use>,
    failed_before: bool,
}

/// Lets somebody try to sign in with this address of mail.
///
/// # Errors
/// 429 with the time to wait, the same whether there is such an account or not.
pub async fn admit(app: &Server, email: &str) -> Result<Attempt, Refusal> {
    let who = digest(&email.trim().to_lowercase());
    let mut attempt = Attempt {
        allowances: Vec::new(),
        failed_before: false,
    };
    if app.config.http.rates.is_off() {
        return Ok(attempt);
    }
    let named = |quota: Quota| Use {
        name: format!("failed {} {who}", quota.uses),
        quota,
        by_all: true,
    };
    attempt.allowances = ALLOWANCES.map(named).into();
    let (limiter, store) = (&app.guards.limiter, app.rows.store());
    let now = limiter.now();
    let mut wait: Option<Verdict> = None;
    for what in attempt.allowances.iter().rev() {
        let verdict = limiter.look(store, what, now).await;
        if verdict.reset_after == 0 {
            break;
        }
        attempt.failed_before = true;
        let longer = wait.is_none_or(|wait| wait.retry_after < verdict.retry_after);
        if !verdict.allowed && longer {
            wait = Some(verdict);
        }
    }
    match wait {
        None => Ok(attempt),
        Some(verdict) => {
            let seconds = u64::try_from(verdict.retry_after).unwrap_or(0);
            let seconds = seconds.div_ceil(1_000_000).max(1);
            let what = format!("too many failed sign-ins: try again in {seconds} s");
            let detail = Detail::new(StatusCode::TOO_MANY_REQUESTS, what);
            Err(Refusal::Later(detail, seconds))
        }
    }
}

impl Attempt {
    /// It failed: it counts for the account and for the address.
    pub async fn failed(&self, app: &Server, whence: &Whence) {
        let (limiter, store) = (&app.guards.limiter, app.rows.store());
        let now = limiter.now();
        for what in &self.allowances {
            limiter.take(store, what, now).await;
        }
        let Some(client) = whence.address.filter(|_| !self.allowances.is_empty()) else {
            return;
        };
        let network = spelled(customer(client.0));
        let what = Use {
            name: format!("failed from {network}"),
            quota: OF_ADDRESS,
            by_all: true,
        };
        let trusted = &app.config.http.trusted_proxies;
        let spared = client.0.is_loopback() || trusted.iter().any(|one| one.contains(&client.0));
        if !limiter.take(store, &what, now).await.allowed && !spared {
            shut_out(app, whence, network).await;
        }
    }

    /// It succeeded: the account is slow no more.
    pub async fn succeeded(&self, app: &Server) {
        let (limiter, store) = (&app.guards.limiter, app.rows.store());
        let now = limiter.now();
        for what in self.allowances.iter().filter(|_| self.failed_before) {
            limiter.forget(store, what, now).await;
        }
    }
}

async fn shut_out(app: &Server, whence: &Whence, network: String) {
    let Some(store) = app.rows.store() else {
        return;
    };
    let created_at = now();
    let until = created_at + SHUT_OUT;
    let block = IpBlock {
        network,
        until: Some(until),
        reason: "many failed sign-ins".to_owned(),
        created_by: None,
        created_at,
    };
    if soon(store.ip_block_set(&block)).await.is_err() {
        return;
    }
    app.guards.blocks.forget();
    tracing::warn!(
        network = block.network,
        "an address is shut out: many failed sign-ins"
    );
    let detail = json!({ "until": rfc3339(until), "reason": block.reason });
    whence
        .audit(app, None, "ip_block.add", &block.network, detail)
        .await;
}
