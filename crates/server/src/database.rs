//! The commands about the database: `ringback migrate` and `ringback backup`.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use ringback_store::{Error, Location, Store};

use crate::config::{Config, ConfigError, Layers, Texts};
use crate::vault::Vault;

/// Which database.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// Folder of recordings, scenarios and the database (DATA_DIR).
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Configuration file instead of ringback.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The present, as rows have it: microseconds since 1970 in UTC.
#[must_use]
pub fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// A time of a row as clients see it (RFC 3339).
#[must_use]
pub fn rfc3339(at: i64) -> Option<String> {
    let at = Timestamp::from_microsecond(at).ok()?;
    Some(at.to_string())
}

/// Brings the tables to what this version needs, within a runtime, and answers what was done in one line.
///
/// # Errors
/// A [`ConfigError`] for a setting that is wrong, an [`Error`] of the database.
pub async fn migrate(args: &DatabaseArgs) -> anyhow::Result<String> {
    let config = configuration(args)?;
    let location = config.database()?;
    if matches!(location, Location::File(_)) {
        config.make_data_dir()?;
    }
    let store = Store::open(location)?;
    let steps = store.migrate(now()).await?;
    let count = store.statements_check().await?;
    let resealed = reseal(&config, &store).await?;
    store.close().await;
    let done = match steps.as_slice() {
        [] => "nothing to do".to_owned(),
        steps => format!("done: {}", steps.join(", ")),
    };
    Ok(format!(
        "{}: {done}; all {count} statements fit{resealed}",
        store.location()
    ))
}

/// Seals again what an earlier key has sealed. Without secrets no key is needed, and none is made.
async fn reseal(config: &Config, store: &Store) -> anyhow::Result<String> {
    if store.secret_of_other_keys("", 1).await?.is_empty() {
        return Ok(String::new());
    }
    let resealed = Vault::of(config)?.reseal(store, now()).await?;
    let told = resealed.told();
    Ok(told.map_or_else(String::new, |told| format!("; {told}")))
}

/// Writes the database into a new file, within a runtime, and answers in one line where it is.
///
/// # Errors
/// As [`migrate`]; where the file exists already, or the database is not SQLite.
pub async fn backup(args: &DatabaseArgs, file: &Path) -> anyhow::Result<String> {
    let location = configuration(args)?.database()?;
    if let Location::File(database) = &location
        && !database.exists()
    {
        let why = format!("there is no database at {}", database.display());
        return Err(ConfigError(why).into());
    }
    let store = Store::open(location)?;
    let bytes = match store.backup(file).await {
        Ok(bytes) => bytes,
        Err(Error::Unsupported(why)) => return Err(ConfigError(why.to_owned()).into()),
        Err(error) => return Err(error.into()),
    };
    store.close().await;
    Ok(format!(
        "{}: {bytes} bytes, a copy of {}",
        file.display(),
        store.location()
    ))
}

/// The configuration of these arguments.
pub(crate) fn configuration(args: &DatabaseArgs) -> Result<Config, ConfigError> {
    let folder = std::env::current_dir()
        .map_err(|error| ConfigError(format!("the working directory: {error}")))?;
    let flags = args.data_dir.clone();
    let flags: Texts = flags
        .map(|dir| ("DATA_DIR".to_owned(), dir))
        .into_iter()
        .collect();
    Config::load(&Layers::gather(flags, &folder, args.config.as_deref())?)
}
