//! Whose connections are open: none of them takes all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::time::{Duration, Instant};

use crate::rates::{customer, spelled};

/// How often the log is told that somebody has their share.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The connections of each address.
#[derive(Debug)]
pub(crate) struct Guests {
    share: usize,
    trusted: Vec<IpNet>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    by_address: HashMap<IpNet, usize>,
    told: Option<Instant>,
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest(Option<(IpNet, Arc<Mutex<Open>>)>);

impl Guests {
    /// So many connections for one address; this machine and who is `trusted` may have all.
    pub(crate) fn new(share: usize, trusted: Vec<IpNet>) -> Self {
        Self {
            share,
            trusted,
            open: Arc::default(),
        }
    }

    /// One more connection of this address; `None` where it has its share.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        let is_trusted = self
            .trusted
            .iter()
            .any(|network| network.contains(&address));
        if is_trusted || address.is_loopback() {
            return Some(Guest(None));
        }
        let address = customer(address);
        let mut open = lock(&self.open);
        let count = open.by_address.entry(address).or_default();
        if *count < self.share {
            *count += 1;
            return Some(Guest(Some((address, Arc::clone(&self.open)))));
        }
        if open.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            open.told = Some(Instant::now());
            tracing::warn!(
                client.ip = spelled(address),
                connections = self.share,
                "one address has its share of MAX_CONNECTIONS: more of it are closed"
            );
        }
        None
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((address, open)) = self.0.take() else {
            return;
        };
        let mut open = lock(&open);
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_gets_it_back() {
        let guests = Guests::new(2, vec!["203.0.113.0/24".parse().unwrap()]);
        let one = address("192.0.2.7");
        let (first, second) = (guests.admit(one).unwrap(), guests.admit(one).unwrap());
        assert!(guests.admit(one).is_none());
        assert!(
            guests.admit(address("::ffff:192.0.2.7")).is_none(),
            "the same in IPv6"
        );
        let another = guests.admit(address("192.0.2.8"));
        assert!(another.is_some());
        drop(first);
        let again = guests.admit(one);
        assert!(again.is_some() && guests.admit(one).is_none());
        drop((another, again, second));
        assert!(lock(&guests.open).by_address.is_empty());
    }

    #[tokio::test]
    async fn a_network_of_one_customer_has_one_share_and_who_is_trusted_has_all() {
        let guests = Guests::new(1, vec!["203.0.113.0/24".parse().unwrap()]);
        let _held = guests.admit(address("2001:db8:1:2::1")).unwrap();
        assert!(guests.admit(address("2001:db8:1:2:ffff::2")).is_none());
        assert!(guests.admit(address("2001:db8:1:3::1")).is_some());
        for trusted in ["203.0.113.9", "127.0.0.1", "::1"] {
            let all: Vec<_> = (0..9).map(|_| guests.admit(address(trusted))).collect();
            assert!(all.iter().all(Option::is_some), "{trusted}");
        }
    }
}
