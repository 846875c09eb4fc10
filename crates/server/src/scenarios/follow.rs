//! Keeping up with the database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringback_store::{Error, Store};

use tokio::time::Instant;

use super::shelf::Shelf;
use super::{Entry, aside, secrets_of};
use crate::app::App;
use crate::database::now;
use crate::keyring::{self, Discord, Keyring};

/// How often the database is asked for changes that other servers made.
const EVERY: Duration = Duration::from_secs(2);
/// Lines are spoken in advance for so many scenarios at the start, those that changed last.
const WARMED: usize = 100;

/// Keeps up with the database until the server stops. What an earlier `SECRET_KEY` has sealed is sealed again first, once no other
/// server works under that. While the database is down, what was read last stays.
pub async fn follow(app: App) {
    let mut keys = Keys::default();
    let mut shelf = Shelf::of(&app);
    let mut well = true;
    loop {
        let done = keys.look_after(&app).await;
        if done.as_ref().is_ok_and(|resealed| *resealed) {
            shelf.iter_mut().for_each(Shelf::renew);
        }
        let done = done.and(refresh(&app).await);
        let done = match (done, app.rows.store(), &mut shelf) {
            (Ok(()), Some(store), Some(shelf)) => shelf.keep_up(&app, store).await,
            (done, _, _) => done,
        };
        match done {
            Ok(()) => well = true,
            Err(error) => {
                if well {
                    tracing::error!("Error: scenarios stay as they were read last: {error}");
                }
                well = false;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What was done about keys, and found.
#[derive(Debug, Default)]
struct Keys {
    looked: Option<Instant>,
    /// Whether others work under another key, and whether that is announced.
    found: Option<(bool, bool)>,
    resealed: bool,
}

impl Keys {
    /// Whether secrets were sealed again.
    async fn look_after(&mut self, app: &App) -> Result<bool, Error> {
        let rows = &app.rows;
        let (Some(store), Some(node)) = (rows.store(), rows.node()) else {
            return Ok(false);
        };
        if (self.looked).is_some_and(|looked| looked.elapsed() < keyring::EVERY) {
            return Ok(false);
        }
        let (vault, now) = (&app.scenarios.vault, now());
        let keyring = Keyring::read(store).await?;
        let discord = keyring.discord(vault, Some(node), now);
        self.tell(discord.as_ref());
        keyring.write(store, vault, (node, now)).await?;
        let due = !self.resealed && !discord.is_some_and(|discord| discord.live);
        if due {
            reseal(app, store).await?;
            self.resealed = true;
        }
        self.looked = Some(Instant::now());
        Ok(due)
    }

    /// Says what is new.
    fn tell(&mut self, discord: Option<&Discord>) {
        let found = discord.map(|discord| (discord.live, discord.announced));
        let is_new = self.found != found;
        self.found = found;
        match discord.filter(|_| is_new) {
            Some(Discord {
                what,
                announced: true,
                ..
            }) => tracing::warn!("{what}"),
            Some(Discord { what, .. }) => tracing::error!("Error: {what}"),
            None => {}
        }
    }
}

async fn reseal(app: &App, store: &Store) -> Result<(), Error> {
    let done = app.scenarios.vault.reseal(store, now()).await?;
    if let Some(told) = done.told() {
        match done.lost {
            0 => tracing::info!("{told}"),
            _ => tracing::error!("Error: {told}"),
        }
    }
    Ok(())
}

/// Reads what has changed in the database since it was read last.
///
/// # Errors
/// Those of the database; then all stays as it was.
pub async fn refresh(app: &App) -> Result<(), Error> {
    let Some(store) = app.rows.store() else {
        return Ok(());
    };
    let _changing = app.scenarios.changing.lock().await;
    let known = app.scenarios.index();
    let mut entries = BTreeMap::new();
    let mut fresh = Vec::new();
    for head in store.scenario_heads().await? {
        let same = |entry: &&Arc<Entry>| {
            entry.stored.version == head.version && entry.updated_at == head.updated_at
        };
        let entry = match known.entries.get(&head.id).filter(same) {
            Some(entry) => Arc::clone(entry),
            None => match load(app, store, &head.id).await? {
                Some(entry) => {
                    fresh.push(Arc::clone(&entry));
                    entry
                }
                None => continue,
            },
        };
        entries.insert(head.id, entry);
    }
    app.scenarios.set_unread(false);
    if fresh.is_empty() && entries.len() == known.entries.len() {
        return Ok(());
    }
    app.scenarios.replace(entries);
    fresh.sort_by_key(|entry| std::cmp::Reverse(entry.updated_at));
    for entry in fresh.iter().take(WARMED) {
        warm(app, entry);
    }
    Ok(())
}

async fn load(app: &App, store: &Store, id: &str) -> Result<Option<Arc<Entry>>, Error> {
    // A version is written together with its secrets, which stay as long as the scenario: read after it, they are there.
    let Some(row) = store.scenario_find(id).await? else {
        return Ok(None);
    };
    let sealed = store.secret_list(&secrets_of(id)).await?;
    let reader = Arc::clone(app);
    let read = move || {
        let entry = Entry::read(&reader.scenarios.vault, &row, &sealed);
        (entry, row)
    };
    // One that cannot even be read is as if it were not there: the others must be.
    let Ok((entry, row)) = aside(read).await else {
        return Ok(None);
    };
    for problem in entry.read.as_ref().err().into_iter().flatten() {
        tracing::error!(
            scenario = row.slug,
            "Error: a stored scenario cannot be used: {problem}"
        );
    }
    for warning in entry.read.iter().flat_map(|(_, warnings)| warnings) {
        if entry.lost > 0 {
            tracing::warn!(scenario = row.slug, "scenario: {warning}");
        }
    }
    if app.scenarios.files.has(&row.slug) {
        tracing::warn!(
            scenario = row.slug,
            id,
            "a stored scenario has the slug of a file: it is found by its id alone"
        );
    }
    Ok(Some(Arc::new(entry)))
}

/// This server has written a version: it is known here at once.
pub async fn learn(app: &App, entry: Entry) {
    let _changing = app.scenarios.changing.lock().await;
    let mut entries = app.scenarios.index().entries.clone();
    let known = entries.get(&entry.stored.id);
    if known.is_some_and(|known| known.stored.version > entry.stored.version) {
        return;
    }
    let entry = Arc::new(entry);
    entries.insert(entry.stored.id.clone(), Arc::clone(&entry));
    app.scenarios.replace(entries);
    warm(app, &entry);
}

/// This server has deleted a scenario.
pub async fn forget(app: &App, id: &str) {
    let _changing = app.scenarios.changing.lock().await;
    let mut entries = app.scenarios.index().entries.clone();
    entries.remove(id);
    app.scenarios.replace(entries);
}

/// Has the fixed lines spoken in advance, beside all that goes on.
fn warm(app: &App, entry: &Entry) {
    let Ok((scenario, _)) = &entry.read else {
        return;
    };
    let (app, scenario) = (Arc::clone(app), Arc::clone(scenario));
    tokio::spawn(async move {
        let warming = Arc::clone(&app.scenarios.warming);
        let Ok(_one) = warming.acquire().await else {
            return;
        };
        if app.lifecycle.draining.is_cancelled() {
            return;
        }
        let speak = move || app.switchboard.warm(&scenario);
        let _ = tokio::task::spawn_blocking(speak).await;
    });
}
