//! Scenarios that are kept in the database: what users made, beside those that are built in or files.
//!
//! A server has all of them in memory, read and checked, so that a call finds its scenario without waiting and also while the
//! database is down. It looks for changes every two seconds ([`follow`]); its own it knows at once. A call holds what it began with.

mod default;
mod draft;
mod follow;
mod needs;
mod places;
mod shelf;
mod unfit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::StatusCode;
use ringback_session::scenario::{Catalog, Origin, Problem, Scenario, Warning, parse_json};
use ringback_session::secret_variables;
use ringback_store::SealedSecret;
use tokio::sync::{Mutex, Semaphore};

pub use default::check_default;
pub use draft::{Draft, Wish, draft, misfits, patched, placed};
pub use follow::{follow, forget, learn, refresh};
pub use needs::needs;
pub use places::{Asked, masked};
pub use shelf::take_from_disk;
pub use unfit::{Unfit, Unusable};

use crate::config::Secret;
use crate::refusal::Refusal;
use crate::vault::Vault;

/// A scenario that was found for a call.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What it says.
    pub scenario: Arc<Scenario>,
    /// Where it stands in the database; `None` for those that are built in or files.
    pub stored: Option<Stored>,
}

/// A version in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Id of the scenario.
    pub id: String,
    /// Number of the version, from 1.
    pub version: i64,
    /// Whose it is; `None` once the user is gone.
    pub owner: Option<String>,
    /// Every user may use it.
    pub shared: bool,
}

/// The newest version of a scenario in the database, as this server has read it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it stands.
    pub stored: Stored,
    /// Its name in addresses.
    pub slug: String,
    /// As `en-US`, also where it cannot be used.
    language: String,
    updated_at: i64,
    /// What it says, or what keeps it from use.
    pub read: Result<(Arc<Scenario>, Vec<Warning>), Vec<Problem>>,
    /// How many secrets it names that do not open.
    lost: usize,
}

impl Entry {
    /// Reads a row with its secrets.
    pub fn read(vault: &Vault, row: &ringback_store::Scenario, sealed: &[SealedSecret]) -> Self {
        let Opened { kept, lost } = Opened::of(vault, sealed);
        let origin = Origin::text(&row.slug).with_secrets(kept);
        let origin = origin.without_secrets(lost.clone());
        let json = serde_json::from_str(&row.body).unwrap_or_default();
        let read = parse_json(&json, &origin);
        let read = read.map(|(scenario, warnings)| (Arc::new(scenario), warnings));
        Self::of(row, read, &lost)
    }

    /// A row that has been read, while these of its secrets do not open.
    pub fn of(
        row: &ringback_store::Scenario,
        read: Result<(Arc<Scenario>, Vec<Warning>), Vec<Problem>>,
        lost: &BTreeSet<String>,
    ) -> Self {
        Self {
            stored: Stored {
                id: row.id.clone(),
                version: row.version,
                owner: row.owner.clone(),
                shared: row.shared,
            },
            slug: row.slug.clone(),
            language: match &read {
                Ok((scenario, _)) => scenario.language.clone(),
                Err(_) => language_of(&row.body),
            },
            updated_at: row.updated_at,
            read,
            lost: lost.iter().filter(|name| is_named(name, &row.body)).count(),
        }
    }

    /// Whether calls go without it, or without a part of it.
    fn is_ill(&self) -> bool {
        self.read.is_err() || self.lost > 0
    }
}

/// The language of a body that cannot be used; empty where it says none.
fn language_of(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body["language"].as_str().unwrap_or_default().to_owned()
}

/// Whether a scenario's body names this secret: those of versions before are kept, too. No name is a part of another text.
#[must_use]
pub fn is_named(name: &str, body: &str) -> bool {
    body.contains(&format!("secret:{name}"))
}

/// Does what may take long on a thread that serves no call.
///
/// # Errors
/// 500 where it fails by a fault of ours.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!("Error: a scenario could not be read: {error}");
        let what = "the scenario could not be read: this is a fault of the server";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, what)
    })
}

/// What stands before the names of a scenario's secrets in the database.
pub fn secrets_of(id: &str) -> String {
    format!("scenario/{id}/")
}

/// The secrets of a scenario, by the names that it calls them.
#[derive(Debug, Default)]
pub struct Opened {
    /// Those that opened.
    pub kept: BTreeMap<String, Secret>,
    /// Those that did not.
    pub lost: BTreeSet<String>,
}

impl Opened {
    /// What opens of these.
    pub fn of(vault: &Vault, sealed: &[SealedSecret]) -> Self {
        let mut opened = Self::default();
        for sealed in sealed {
            let name = sealed.name.rsplit('/').next().unwrap_or_default();
            match vault.open(sealed) {
                Ok(secret) => {
                    opened.kept.insert(name.to_owned(), secret);
                }
                Err(why) => {
                    tracing::error!(
                        name = sealed.name,
                        "Error: a scenario's secret does not open: {why}"
                    );
                    opened.lost.insert(name.to_owned());
                }
            }
        }
        opened
    }
}

/// The scenarios, as this server knows them.
#[derive(Debug)]
pub struct Scenarios {
    /// Those that are built in or files.
    pub files: Catalog,
    /// Opens their secrets.
    pub vault: Vault,
    index: RwLock<Arc<Index>>,
    /// Whoever changes the index has this.
    changing: Mutex<()>,
    /// Lines are spoken in advance for one scenario at a time.
    warming: Arc<Semaphore>,
    /// The database did not answer at the start, and has not since.
    unread: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Index {
    entries: BTreeMap<String, Arc<Entry>>,
    ids: BTreeMap<String, String>,
}

impl Index {
    fn of(entries: BTreeMap<String, Arc<Entry>>) -> Self {
        let ids = entries.values();
        let ids = ids.map(|entry| (entry.slug.clone(), entry.stored.id.clone()));
        Self {
            ids: ids.collect(),
            entries,
        }
    }
}

impl Scenarios {
    /// Those of files, and none of the database yet.
    pub fn new(files: Catalog, vault: Vault) -> Self {
        Self {
            files,
            vault,
            index: RwLock::default(),
            changing: Mutex::default(),
            warming: Arc::new(Semaphore::new(1)),
            unread: AtomicBool::new(false),
        }
    }

    /// The scenario of the database of this id or, where there is none, of this slug.
    pub fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        let index = self.index();
        let found = index.entries.get(name);
        let found = found.or_else(|| index.entries.get(index.ids.get(name)?));
        found.map(Arc::clone)
    }

    /// Whether a scenario that can be used looks for a secret in this variable, or in the file that it names.
    pub fn name_variable(&self, name: &str) -> bool {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        let names = |scenario: &Scenario| {
            secret_variables(scenario).any(|named| named == name || named == plain)
        };
        let index = self.index();
        let kept = index
            .entries
            .values()
            .filter_map(|entry| entry.read.as_ref().ok());
        self.files.scenarios().any(|scenario| names(scenario))
            || kept.into_iter().any(|(scenario, _)| names(scenario))
    }

    /// The scenario of this slug or id, if it can be used: first those that are built in or files.
    pub fn find(&self, name: &str) -> Option<Chosen> {
        self.look_up(name).ok()
    }

    /// The same.
    ///
    /// # Errors
    /// Whether there is none, or it cannot be used.
    pub fn look_up(&self, name: &str) -> Result<Chosen, Unfit> {
        if let Some(scenario) = self.files.scenario(name) {
            return Ok(Chosen {
                scenario: Arc::clone(scenario),
                stored: None,
            });
        }
        if let Some((refused, line)) = self.files.refused_line(name) {
            return Err(Unfit::Unusable(Unusable::of_file(&refused.file, line)));
        }
        let absent = match self.unread.load(Ordering::Relaxed) {
            true => Unfit::Unread,
            false => Unfit::Absent,
        };
        let entry = self.entry(name).ok_or(absent)?;
        match &entry.read {
            Ok((scenario, _)) => Ok(Chosen {
                scenario: Arc::clone(scenario),
                stored: Some(entry.stored.clone()),
            }),
            Err(_) => Err(Unfit::Unusable(Unusable::of(&entry))),
        }
    }

    /// Where the scenario of this slug or id stands in the database, whether it can be used or not; `None` for one that is built in or a
    /// file.
    pub fn stored(&self, name: &str) -> Option<Stored> {
        match self.files.has(name) {
            true => None,
            false => self.entry(name).map(|entry| entry.stored.clone()),
        }
    }

    /// Whether every scenario of the database can be used as it was kept.
    pub fn are_well(&self) -> bool {
        !self.index().entries.values().any(|entry| entry.is_ill())
    }

    /// How many cannot be used, of files and of the database.
    pub fn unusable(&self) -> usize {
        let index = self.index();
        let kept = index.entries.values();
        self.files.refused().len() + kept.filter(|entry| entry.read.is_err()).count()
    }

    /// How many secrets of the database are named and do not open.
    pub fn secrets_unopened(&self) -> usize {
        self.index().entries.values().map(|entry| entry.lost).sum()
    }

    /// Whether callers of one scenario may be put through to another. One that is built in or a file leads anywhere. What a user keeps
    /// leads there, to what is theirs and to what is shared, and so does it to a name that nobody has. The role of the user does not
    /// matter: it may change while the scenario stays.
    pub fn leads_to(&self, from: Option<&Stored>, name: &str) -> bool {
        from.is_none_or(|from| self.is_open_to(from.owner.as_deref(), name))
    }

    /// Whether callers of a user's scenario may be put through to the one of this slug or id: it is built in, a file, theirs or shared, or
    /// there is none.
    pub fn is_open_to(&self, owner: Option<&str>, name: &str) -> bool {
        let stored = self.stored(name);
        stored.is_none_or(|to| to.shared || (owner.is_some() && to.owner.as_deref() == owner))
    }

    /// Whether the database did not answer at the start and has not since: then it may have scenarios that are not known here.
    pub fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, entries: BTreeMap<String, Arc<Entry>>) {
        let index = Arc::new(Index::of(entries));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }
}
