//! Addresses and networks that are shut out, of which every node knows within seconds.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use ringback_store::Store;
use tokio::time::Instant;

use crate::answers::Detail;
use crate::app::App;
use crate::client::ClientAddress;
use crate::database::now;

/// How long the database is taken at its word.
const GOOD_FOR: Duration = Duration::from_secs(2);
/// After that what was known before holds on.
const SOON: Duration = Duration::from_millis(500);
/// Networks that are kept in memory at most.
const MOST: i64 = 50_000;

/// What is shut out, as far as this node knows.
#[derive(Debug, Default)]
pub struct Blocks {
    known: Mutex<Arc<Known>>,
    /// Held by who asks the database: the others wait for the same answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Until when (µs since 1970); `None` for ever.
    networks: HashMap<IpNet, Option<i64>>,
    /// The lengths of their prefixes, each once, with and without IPv6: by so many an address is looked for.
    lengths: Vec<(bool, u8)>,
    asked: Option<Instant>,
}

impl Blocks {
    /// Whether requests of this address are not taken. Those of this machine always are.
    pub async fn has(&self, store: Option<&Store>, client: IpAddr) -> bool {
        let client = client.to_canonical();
        let Some(store) = store.filter(|_| !client.is_loopback()) else {
            return false;
        };
        self.fresh(store).await.has(client, now())
    }

    /// Has the database asked again before the next request.
    pub fn forget(&self) {
        let known = self.known();
        self.keep(Known {
            networks: known.networks.clone(),
            lengths: known.lengths.clone(),
            asked: None,
        });
    }

    fn known(&self) -> Arc<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known)
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&known);
        known
    }

    async fn fresh(&self, store: &Store) -> Arc<Known> {
        let known = self.known();
        if known.is_fresh() {
            return known;
        }
        let _asking = self.asking.lock().await;
        let known = self.known();
        if known.is_fresh() {
            return known;
        }
        let asked = Some(Instant::now());
        let networks = tokio::time::timeout(SOON, store.ip_block_foremost(now(), MOST)).await;
        let networks = match networks {
            Ok(Ok(rows)) => rows.into_iter().filter_map(network).collect(),
            Ok(Err(_)) | Err(_) => {
                tracing::debug!("the database does not say which addresses are blocked");
                known.networks.clone()
            }
        };
        self.keep(Known::of(networks, asked))
    }
}

impl Known {
    fn of(networks: HashMap<IpNet, Option<i64>>, asked: Option<Instant>) -> Self {
        let lengths = networks
            .keys()
            .map(|network| (network.addr().is_ipv6(), network.prefix_len()));
        let mut lengths: Vec<_> = lengths.collect();
        lengths.sort_unstable();
        lengths.dedup();
        Self {
            networks,
            lengths,
            asked,
        }
    }

    fn is_fresh(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < GOOD_FOR)
    }

    fn has(&self, address: IpAddr, now: i64) -> bool {
        let lengths = self.lengths.iter();
        let own = lengths.filter(|(is_ipv6, _)| *is_ipv6 == address.is_ipv6());
        let mut networks = own.filter_map(|(_, length)| IpNet::new(address, *length).ok());
        networks.any(|network| {
            let until = self.networks.get(&network.trunc());
            until.is_some_and(|until| until.is_none_or(|until| until > now))
        })
    }
}

fn network((text, until): (String, Option<i64>)) -> Option<(IpNet, Option<i64>)> {
    match parse(&text) {
        Some(network) => Some((network, until)),
        None => {
            tracing::warn!(network = text, "a blocked network cannot be read");
            None
        }
    }
}

/// A network or an address, in its one form: an IPv4 address inside IPv6 as itself, no bits behind the prefix.
#[must_use]
pub fn parse(text: &str) -> Option<IpNet> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let network = text.parse::<IpNet>().ok()?.trunc();
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(six), four @ IpAddr::V4(_)) => {
            let length = six.prefix_len().checked_sub(96)?;
            IpNet::new(four, length).ok()
        }
        _ => Some(network),
    }
}

/// Turns away requests from blocked addresses.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let client = ClientAddress::found(request.extensions());
    let blocks = &app.guards.blocks;
    if let Some(client) = client
        && blocks.has(app.rows.store(), client.0).await
    {
        tracing::debug!(client.ip = %client, "a blocked address asked");
        let what = "requests from this address are not taken at present";
        return Detail::new(StatusCode::FORBIDDEN, what).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_by_every_network_it_is_in_and_by_no_other() {
        let networks = [
            ("203.0.113.7", None),
            ("198.51.100.0/24", Some(100)),
            ("2001:db8:1::/48", None),
            ("::ffff:192.0.2.0/120", None),
        ];
        let networks = networks.map(|(text, until)| (parse(text).unwrap(), until));
        let known = Known::of(networks.into(), None);
        let has = |address: &str, now| known.has(address.parse().unwrap(), now);
        for (address, expected) in [
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("198.51.100.200", true),
            ("198.51.101.1", false),
            ("192.0.2.99", true),
            ("2001:db8:1:ffff::1", true),
            ("2001:db8:2::1", false),
        ] {
            assert_eq!(has(address, 0), expected, "{address}");
        }
        assert!(!has("198.51.100.200", 100), "it is over");
    }

    #[test]
    fn a_network_has_one_form() {
        for (text, form) in [
            (" 203.0.113.7 ", "203.0.113.7/32"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
            ("2001:DB8::1/32", "2001:db8::/32"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), form);
        }
        for text in ["", "localhost", "203.0.113.7/33", "1.2.3", "203.0.113.7/x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
