//! The commands about the database: `ringback migrate` and `ringback backup`.

use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use ringback_store::{Error, Location, Store};

use crate::config::{Config, ConfigError, Layers, Texts};
use crate::keyring::{Discord, discord};
use crate::vault::{Resealed, Vault};

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

/// The user whose files nobody else may open.
const ROOT: u32 = 0;

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

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// That, in one line.
    pub line: String,
    /// What it found that somebody must mend.
    pub wanting: Option<String>,
}

impl Done {
    /// All is well.
    #[must_use]
    pub fn of(line: String) -> Self {
        let wanting = None;
        Self { line, wanting }
    }
}

/// Brings the tables to what this version needs, within a runtime, and seals again what an earlier key has sealed.
///
/// # Errors
/// A [`ConfigError`] for a setting that is wrong, an [`Error`] of the database.
pub async fn migrate(args: &DatabaseArgs) -> anyhow::Result<Done> {
    let config = configuration(args)?;
    let location = config.database()?;
    if matches!(location, Location::File(_)) {
        make_data_dir(&config)?;
    }
    let store = Store::open(location)?;
    let steps = store.migrate(now()).await?;
    let count = store.statements_check().await?;
    let (notes, wanting) = keys(&config, &store).await?;
    store.close().await;
    files_belong_to_their_folder(store.location())?;
    let done = match steps.as_slice() {
        [] => "nothing to do".to_owned(),
        steps => format!("done: {}", steps.join(", ")),
    };
    let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
    Ok(Done {
        line: format!(
            "{}: {done}; all {count} statements fit{notes}",
            store.location()
        ),
        wanting: (!wanting.is_empty()).then(|| wanting.join("; ")),
    })
}

/// Makes `DATA_DIR` where it is missing. What root makes belongs to the owner of the folder around it: a server under a user of its own
/// could not open it.
pub(crate) fn make_data_dir(config: &Config) -> Result<(), ConfigError> {
    let is_new = !config.data_dir.exists();
    config.make_data_dir()?;
    if is_new {
        belongs_to_its_folder(&config.data_dir)?;
    }
    Ok(())
}

/// The same for the files of a database.
pub(crate) fn files_belong_to_their_folder(location: &Location) -> Result<(), ConfigError> {
    let Location::File(file) = location else {
        return Ok(());
    };
    ["", "-wal", "-shm"].iter().try_for_each(|ending| {
        let mut path = file.clone().into_os_string();
        path.push(ending);
        belongs_to_its_folder(Path::new(&path))
    })
}

fn belongs_to_its_folder(path: &Path) -> Result<(), ConfigError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let (Ok(found), Ok(around)) = (std::fs::symlink_metadata(path), std::fs::metadata(folder))
    else {
        return Ok(());
    };
    if found.uid() != ROOT || around.uid() == ROOT || found.is_symlink() {
        return Ok(());
    }
    lchown(path, Some(around.uid()), Some(around.gid())).map_err(|error| {
        let (path, folder, owner) = (path.display(), folder.display(), around.uid());
        ConfigError(format!(
            "{path} is root's, and cannot be given to the owner of {folder}: {error}: give it to them with chown {owner}"
        ))
    })
}

/// Seals again what an earlier key has sealed, unless a server works under that: what was done, and what is wanting. Where nothing was
/// ever sealed or signed no key is needed, and none is made.
async fn keys(config: &Config, store: &Store) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let sealed = !store.secret_of_other_keys("", 1).await?.is_empty();
    if !sealed && config.secret_key.is_none() {
        return Ok((Vec::new(), Vec::new()));
    }
    let vault = Vault::of(config)?;
    let discord = discord(store, &vault, now()).await?;
    let live = discord.as_ref().is_some_and(|discord| discord.live);
    let Resealed { again, lost } = match sealed && !live {
        true => vault.reseal(store, now()).await?,
        false => Resealed::default(),
    };
    let (announced, foreign): (Vec<_>, Vec<_>) =
        discord.into_iter().partition(|discord| discord.announced);
    let said = |found: Vec<Discord>| found.into_iter().map(|discord| discord.what);
    let done = Resealed { again, lost: 0 }.told();
    let lost = Resealed { again: 0, lost }.told();
    Ok((
        done.into_iter().chain(said(announced)).collect(),
        lost.into_iter().chain(said(foreign)).collect(),
    ))
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
