//! Several servers at one database: each gives signs of life there, and ends the calls of one that gives none.
//!
//! Whether a server is lost is not told by its clock: who looks remembers when a sign was new to them. One that only lost its way to
//! the database says later how its calls went on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ringback_store::{Error, Location, NodeSign, Store};
use tokio::time::timeout;

use crate::app::App;
use crate::calls::Watches;
use crate::database::now;

/// From one sign to the next.
const EVERY: Duration = Duration::from_secs(10);
/// A server that gave no sign for so long is lost.
const LOST: Duration = Duration::from_secs(60);
/// Who has not looked for so long may have missed signs, or nobody could give any: they begin again.
const BLIND: Duration = Duration::from_secs(30);
/// In µs. Servers of versions that give no signs have lost what began longer ago, and signs are kept so long.
const DAY: i64 = 86_400 * 1_000_000;

/// The signs of other servers, as one who looks again and again knows them.
#[derive(Debug, Default)]
pub struct Signs {
    looked: Option<Duration>,
    /// The last sign of each, and when it was new.
    last: HashMap<String, (Option<i64>, Duration)>,
}

impl Signs {
    /// Takes what was found at `at` (time on any clock that does not step), and answers who is lost.
    pub fn look(&mut self, found: Vec<NodeSign>, at: Duration) -> Vec<NodeSign> {
        let blind = self.looked.is_none_or(|looked| at > looked + BLIND);
        let before = std::mem::take(&mut self.last);
        self.looked = Some(at);
        let mut lost = Vec::new();
        for sign in found {
            let known = before.get(&sign.node).filter(|_| !blind);
            let since = known.filter(|(seen_at, _)| *seen_at == sign.seen_at);
            let since = since.map_or(at, |(_, since)| *since);
            self.last.insert(sign.node.clone(), (sign.seen_at, since));
            if at >= since + LOST {
                lost.push(sign);
            }
        }
        lost
    }
}

/// Gives signs and looks for those of others, until it is dropped. A file of SQLite has one server.
pub async fn run(app: App) {
    let (Some(store), Some(node)) = (app.rows.store(), app.rows.node()) else {
        return;
    };
    if matches!(store.location(), Location::File(_)) {
        return;
    }
    let (began, mut signs, mut told) = (Instant::now(), Signs::default(), false);
    loop {
        if app.rows.has_tables() {
            let looked = look(
                (store, node),
                &app.desk.watches,
                &mut signs,
                began.elapsed(),
            );
            let why = match timeout(EVERY, looked).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("it does not answer in time".to_owned()),
            };
            if let Some(why) = why.as_ref().filter(|_| !told) {
                tracing::warn!(
                    "Error of the database: other servers may take this one to be lost: {why}"
                );
            }
            told = why.is_some();
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Gives a sign, takes back what others said of this server's live calls, and ends the calls of servers that are lost at `at`.
///
/// # Errors
/// The database does not answer; what was done until then is done.
pub async fn look(
    (store, node): (&Store, &str),
    watches: &Watches,
    signs: &mut Signs,
    at: Duration,
) -> Result<(), Error> {
    let now = now();
    store.node_seen(node, now).await?;
    for call_id in store.call_presumed(node).await? {
        if watches.find(&call_id).is_some_and(|live| !live.is_over()) {
            store.call_goes_on(&call_id).await?;
        }
    }
    let found = store.node_unended(node, now - DAY).await?;
    for lost in signs.look(found, at) {
        end_calls(store, &lost, now).await?;
    }
    store.node_sweep(now - DAY).await.map(drop)
}

/// Ends what a lost server has left, when something was last known of it.
async fn end_calls(store: &Store, lost: &NodeSign, now: i64) -> Result<(), Error> {
    let before = lost.seen_at.map_or(now - DAY, |_| now);
    for call in store.call_unended(&lost.node, before).await? {
        let id = call.start.id;
        let last = store.call_last(&id).await?.unwrap_or(call.start.created_at);
        if store
            .call_presume_over(&id, last.min(now), "the server was lost")
            .await?
        {
            tracing::warn!(
                call.id = id,
                node = lost.node,
                "a call of a server that gives no sign of life is ended"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(seen_at: i64) -> Vec<NodeSign> {
        let node = "there".to_owned();
        let seen_at = Some(seen_at);
        vec![NodeSign { node, seen_at }]
    }

    /// Looks at these seconds, at each of which the other server's last sign was this one; answers when it was lost.
    fn lost(looks: impl IntoIterator<Item = (u64, i64)>) -> Vec<u64> {
        let mut signs = Signs::default();
        let mut lost = Vec::new();
        for (second, seen_at) in looks {
            let at = Duration::from_secs(second);
            if !signs.look(sign(seen_at), at).is_empty() {
                lost.push(second);
            }
        }
        lost
    }

    #[test]
    fn a_server_is_lost_a_minute_after_its_last_sign_whatever_its_clock_says() {
        let silent = (0..=8).map(|round| (round * 10, -5));
        assert_eq!(lost(silent), [60, 70, 80]);
        let living = (0..=20).map(|round| (round * 10, -(round as i64)));
        assert_eq!(lost(living), [0; 0]);
    }

    #[test]
    fn a_server_that_gives_a_sign_again_is_lost_no_more() {
        let looks = (0..=14).map(|round| (round * 10, i64::from(round >= 7)));
        assert_eq!(lost(looks), [60, 130, 140]);
    }

    #[test]
    fn whoever_could_not_look_for_a_while_begins_again() {
        let before = (0..=5).map(|round| (round * 10, 1));
        let after = (0..=6).map(|round| (100 + round * 10, 1));
        assert_eq!(lost(before.chain(after)), [160]);
    }
}
