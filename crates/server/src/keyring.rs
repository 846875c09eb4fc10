//! Under which `SECRET_KEY` the servers of one database work: each writes down by which key it seals, so that one with another key is found
//! before the others miss what it has sealed.

use ringback_store::{Error, Store};
use serde_json::json;
use tokio::time::Duration;

use crate::database::rfc3339;
use crate::vault::Vault;

/// A server writes its key down so often.
pub const EVERY: Duration = Duration::from_secs(60);
/// What was written longer ago is of a server that is gone, in microseconds.
const LIVE: i64 = 180_000_000;
/// What was written longer ago is forgotten, in microseconds: 90 days.
const KEPT: i64 = 90 * 86_400_000_000;
/// What stands before the name of a server.
const SETTING: &str = "secret_key/";

/// What the servers of a database have written down.
#[derive(Debug)]
pub struct Keyring(Vec<Written>);

#[derive(Debug)]
struct Written {
    node: String,
    key_id: String,
    at: i64,
}

/// That a database is used under another key than ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discord {
    /// What is so and what to do, in one line.
    pub what: String,
    /// Whether that key is our `SECRET_KEY_PREVIOUS`: the key is being changed.
    pub announced: bool,
    /// Whether a server works under it just now: what is sealed again, it could not open.
    pub live: bool,
}

impl Keyring {
    /// Reads it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(store: &Store) -> Result<Self, Error> {
        let settings = store.setting_list(SETTING).await?.into_iter();
        let written = settings.filter_map(|setting| {
            Some(Written {
                node: setting.name.strip_prefix(SETTING)?.to_owned(),
                key_id: setting.value.0["key_id"].as_str()?.to_owned(),
                at: setting.updated_at,
            })
        });
        Ok(Self(written.collect()))
    }

    /// Writes down that a server works under this vault's key, and forgets servers that are long gone.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn write(
        &self,
        store: &Store,
        vault: &Vault,
        (node, now): (&str, i64),
    ) -> Result<(), Error> {
        let value = json!({ "key_id": vault.key_id() });
        let name = format!("{SETTING}{node}");
        store.setting_set(&name, &value.into(), now).await?;
        for gone in self.0.iter().filter(|one| now - one.at > KEPT) {
            if gone.node != node {
                let name = format!("{SETTING}{}", gone.node);
                store.setting_delete(&name).await?;
            }
        }
        Ok(())
    }

    /// Whether others than this server (`None` for a command) work under another key, or all did until now.
    pub fn discord(&self, vault: &Vault, node: Option<&str>, now: i64) -> Option<Discord> {
        let (ours, previous) = (vault.key_id(), vault.previous_id());
        let is_previous = |one: &Written| previous.as_ref() == Some(&one.key_id);
        let others = self.0.iter().filter(|one| one.key_id != ours);
        let live = others.filter(|one| node != Some(&*one.node) && now - one.at < LIVE);
        // One of a key that nobody announced is the worst.
        if let Some(one) = live.min_by_key(|one| (is_previous(one), -one.at)) {
            let seconds = ((now - one.at) / 1_000_000).max(0);
            let announced = is_previous(one);
            let what = if announced {
                format!(
                    "another server still works under the SECRET_KEY before this one (seen {seconds} s ago): it opens nothing that is sealed from now on \
                     unless it has this one as its SECRET_KEY_PREVIOUS; what is sealed already is sealed again when no server works under the old one"
                )
            } else {
                format!(
                    "another server uses this database under another SECRET_KEY (seen {seconds} s ago): neither opens what the other seals, nor takes the \
                     tokens that it signs: give all servers of a database the same SECRET_KEY"
                )
            };
            let live = true;
            return Some(Discord {
                what,
                announced,
                live,
            });
        }
        let knows = |one: &Written| one.key_id == ours || is_previous(one);
        if self.0.iter().any(knows) {
            return None;
        }
        let last = self.0.iter().map(|one| one.at).max()?;
        let when = rfc3339(last).unwrap_or_default();
        Some(Discord {
            what: format!(
                "this database was used under another SECRET_KEY until now (last at {when}): what that has sealed does not open; set SECRET_KEY_PREVIOUS \
                 to it, or give the secrets of scenarios again"
            ),
            announced: false,
            live: false,
        })
    }
}

/// The same for a command beside servers, which writes nothing.
///
/// # Errors
/// The database does not answer.
pub async fn discord(store: &Store, vault: &Vault, now: i64) -> Result<Option<Discord>, Error> {
    Ok(Keyring::read(store).await?.discord(vault, None, now))
}
