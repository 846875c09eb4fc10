//! Whether the database is used under our `SECRET_KEY`.

use std::time::Duration;

use ringback_store::{Location, Store};

use super::report::Row;
use crate::config::Config;
use crate::database::now;
use crate::keyring::{Discord, discord};
use crate::vault::Vault;

/// What is to be said of keys; nothing where all is well, or the database does not say.
pub(super) async fn check(config: &Config, patience: Duration) -> Option<Row> {
    let location = config.database().ok()?;
    // Nothing is made where nothing is.
    let is_there = match &location {
        Location::File(path) => path.exists(),
        Location::Postgres(_) => true,
    };
    if !is_there {
        return None;
    }
    let store = Store::open(location).ok()?;
    let vault = Vault::of(config).ok()?;
    let asked = tokio::time::timeout(patience, discord(&store, &vault, now())).await;
    let Discord {
        what, announced, ..
    } = asked.ok()?.ok()??;
    Some(Row {
        role: "database",
        engine: "secrets",
        model: String::new(),
        voice: None,
        language: String::new(),
        scenarios: Vec::new(),
        works: Some(announced),
        key: None,
        quota: None,
        known: None,
        first_ms: None,
        total_ms: None,
        detail: what,
        advice: String::new(),
    })
}
