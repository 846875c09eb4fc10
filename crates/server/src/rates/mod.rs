//! How often routes may be used: by whom, how it is counted, and what an answer says of it.
//!
//! Each node counts by itself first, in bounded memory. What all nodes count together is then taken from the database, in one
//! statement; while that is down, or slow, the node's own count stands for it. A node that refuses by itself need not ask,
//! so a flood does not reach the database.

mod gate;
mod setting;

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::{IpNet, Ipv6Net};
use ringback_store::{Error, Quota, Store, Verdict};
use tokio::time::Instant;

use crate::accounts::User;
use crate::answers::Detail;
use crate::app::App;
use crate::client::ClientAddress;
use crate::database;

pub use gate::Gate;
pub use setting::Rates;

/// After that a database counts as down, for this request.
const SOON: Duration = Duration::from_millis(500);
/// So long it is not asked then, in µs.
const SULK: i64 = 2_000_000;
/// What a provider of IPv6 gives one customer at least.
const CUSTOMER: u8 = 64;

/// So many uses a minute: all at once, then evenly.
#[must_use]
pub const fn per_minute(uses: u32) -> Quota {
    Quota {
        uses,
        period: 60_000_000,
    }
}

/// By whom uses are counted, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Each node counts for itself.
    ByNode,
    /// All nodes count together, whatever is answered.
    ByAll,
    /// All nodes count together. What is answered 401, 403 or 422, or is a [`Repeat`], does not count: nobody was called.
    Placing,
}

/// How often a route may be used by one user, or by one address where there is no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Uses a minute, where `RATE_LIMITS` says nothing else.
    pub a_minute: u32,
    /// By whom they are counted.
    pub counted: Counted,
}

/// Marks the answer (as an extension) that is given again to a repeated `Idempotency-Key`.
#[derive(Clone, Copy, Debug)]
pub struct Repeat;

/// The name of a route in `RATE_LIMITS`: its path without what varies, with points for slashes.
#[must_use]
pub fn name(path: &str) -> String {
    let fixed = path
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('{'));
    fixed.collect::<Vec<_>>().join(".")
}

/// The network that counts as one client: an address, or with IPv6 the 64 bits that one customer has.
#[must_use]
pub fn customer(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::V4(address)),
        IpAddr::V6(address) => {
            let network = Ipv6Net::new(address, CUSTOMER).map(|network| network.trunc());
            network.map_or(IpNet::from(IpAddr::V6(address)), IpNet::V6)
        }
    }
}

/// A network as one writes it: an address without the length of its prefix.
#[must_use]
pub fn spelled(network: IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.trunc().to_string()
    }
}

/// The present, on both clocks: what waits here goes by the steady one, and only the time of day is the same for all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// In µs since this server began.
    pub steady: i64,
    /// In µs since 1970, as rows have it.
    pub of_day: i64,
}

/// Something of which only so much may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What, and by whom.
    pub name: String,
    /// How much.
    pub quota: Quota,
    /// Whether all nodes count together.
    pub by_all: bool,
}

/// Counts uses.
#[derive(Debug)]
pub struct Limiter {
    began: Instant,
    gate: Gate,
    /// The database is not asked before then (µs on the steady clock).
    asks_from: AtomicI64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            gate: Gate::default(),
            asks_from: AtomicI64::new(i64::MIN),
        }
    }
}

impl Limiter {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            steady: i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX),
            of_day: database::now(),
        }
    }

    /// Takes one use, if it may be taken. `store`: where all nodes count together; without one this node counts.
    pub async fn take(&self, store: Option<&Store>, what: &Use, now: Now) -> Verdict {
        let own = self.gate.take(&what.name, what.quota, now.steady);
        if !what.by_all || !own.allowed {
            return own;
        }
        let asked = self.asked(store, now, async |store: &Store| {
            store.rate_take(&what.name, what.quota, now.of_day).await
        });
        let all = asked.await.unwrap_or(own);
        if !all.allowed {
            self.gate.give_back(&what.name, what.quota);
        }
        all
    }

    /// What [`Limiter::take`] would answer, without taking anything.
    pub async fn look(&self, store: Option<&Store>, what: &Use, now: Now) -> Verdict {
        let own = self.gate.look(&what.name, what.quota, now.steady);
        if !what.by_all || !own.allowed {
            return own;
        }
        let asked = self.asked(store, now, async |store: &Store| {
            store.rate_look(&what.name, what.quota, now.of_day).await
        });
        asked.await.unwrap_or(own)
    }

    /// Gives a use back that turned out not to count.
    pub async fn give_back(&self, store: Option<&Store>, what: &Use, now: Now) {
        self.gate.give_back(&what.name, what.quota);
        if what.by_all {
            let asked = self.asked(store, now, async |store: &Store| {
                store.rate_give_back(&what.name, what.quota).await
            });
            asked.await;
        }
    }

    /// Makes an allowance whole at once.
    pub async fn forget(&self, store: Option<&Store>, what: &Use, now: Now) {
        self.gate.forget(&what.name);
        if what.by_all {
            let asked = self.asked(store, now, async |store: &Store| {
                store.rate_forget(&what.name).await
            });
            asked.await;
        }
    }

    /// What the database answers, if it does so soon.
    async fn asked<T>(
        &self,
        store: Option<&Store>,
        now: Now,
        ask: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Option<T> {
        let store = store?;
        if now.steady < self.asks_from.load(Ordering::Relaxed) {
            return None;
        }
        let why = match tokio::time::timeout(SOON, ask(store)).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", SOON.as_millis()),
        };
        let again = now.steady.saturating_add(SULK);
        if self.asks_from.swap(again, Ordering::Relaxed) < now.steady {
            tracing::warn!(
                why,
                "Error of the database: this node alone counts for rate limits"
            );
        }
        None
    }
}

/// Who a request is counted for.
fn subject(extensions: &Extensions) -> String {
    if let Some(user) = extensions.get::<User>() {
        return format!("user {}", user.id);
    }
    match ClientAddress::found(extensions) {
        Some(client) => spelled(customer(client.0)),
        None => "unknown".to_owned(),
    }
}

/// A route's limit, as its middleware has it.
#[derive(Clone)]
pub struct Counter {
    /// The server.
    pub app: App,
    /// The route's name.
    pub name: String,
    /// How often it may be used.
    pub quota: Quota,
    /// By whom that is counted.
    pub counted: Counted,
}

/// Lets a request through as often as it may come, and says in the answer how often that still is.
pub async fn count(State(counter): State<Counter>, request: Request, next: Next) -> Response {
    let Counter {
        app,
        name,
        quota,
        counted,
    } = counter;
    let what = Use {
        name: format!("{name} {}", subject(request.extensions())),
        quota,
        by_all: counted != Counted::ByNode,
    };
    let now = app.guards.limiter.now();
    let mut verdict = app.guards.limiter.take(app.rows.store(), &what, now).await;
    let mut response = if verdict.allowed {
        next.run(request).await
    } else {
        refused(&verdict, "too many requests")
    };
    if verdict.allowed && counted == Counted::Placing && was_for_nothing(&response) {
        let now = app.guards.limiter.now();
        app.guards
            .limiter
            .give_back(app.rows.store(), &what, now)
            .await;
        verdict.remaining = (verdict.remaining + 1).min(quota.uses);
    }
    tell(response.headers_mut(), quota, &verdict);
    response
}

/// 429 that says when to come again.
#[must_use]
pub fn refused(verdict: &Verdict, what: &str) -> Response {
    let wait = seconds(verdict.retry_after).max(1);
    let what = format!("{what}: try again in {wait} s");
    let mut response = Detail::new(StatusCode::TOO_MANY_REQUESTS, what).into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(wait));
    response
}

fn was_for_nothing(response: &Response) -> bool {
    let refused = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    refused.contains(&response.status()) || response.extensions().get::<Repeat>().is_some()
}

fn tell(headers: &mut HeaderMap, quota: Quota, verdict: &Verdict) {
    let fields = [
        ("ratelimit-limit", quota.uses.into()),
        ("ratelimit-remaining", verdict.remaining.into()),
        ("ratelimit-reset", seconds(verdict.reset_after)),
    ];
    for (name, value) in fields {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// Whole seconds, rounded up.
fn seconds(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0).div_ceil(1_000_000)
}
