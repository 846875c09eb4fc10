//! All that outlives a call and is no file: users, scenarios, calls, the schedule, in SQLite or PostgreSQL.
//!
//! One text of SQL serves both databases; it stands in blocks of `statements!`, which list it, so that a test prepares
//! every statement on both. A [`Store`] is a pool of connections. Its methods are named noun first; times are
//! microseconds since 1970 in UTC, and what needs the present takes it as `now`; ids are UUIDs of version 7 as text, see
//! [`new_id`].
//!
//! What belongs to a call is written by a [`Writer`]: it takes [`Write`]s without ever waiting, puts them into a journal on
//! disk first and into the database next. So rows survive a killed process, and a database that is down.

mod api_keys;
mod audit;
mod backup;
mod calls;
mod checkpoints;
mod db;
mod do_not_call;
mod error;
mod idempotency;
mod ip_blocks;
mod journal;
mod location;
mod migrations;
mod nodes;
mod number;
mod rate_limits;
mod reach;
mod retention;
mod scenarios;
mod schedule;
mod sessions;
mod transcripts;
mod users;
mod vault;
mod wal;
mod words;
mod writer;

pub use api_keys::{ApiKey, ApiKeyNew, ApiKeyUser};
pub use audit::{AuditEntry, AuditFilter};
pub use calls::{
    Begun, Call, CallAnswer, CallDetail, CallEnd, CallFile, CallFilter, CallStart, CallStatus,
    Direction, Fault, FileKind, Turn,
};
pub use checkpoints::Checkpoint;
pub use do_not_call::DoNotCall;
pub use error::Error;
pub use idempotency::{Answer, Idempotent, Repeat};
pub use ip_blocks::IpBlock;
pub use location::Location;
pub use nodes::NodeSign;
pub use number::{may_call, normal_number};
pub use rate_limits::{Quota, Verdict};
pub use retention::{Erased, NodeFile, Suppression};
pub use scenarios::{Scenario, ScenarioHead, ScenarioNew, ScenarioVersion};
pub use schedule::{Entry, EntryFilter, EntryMove, EntryNew, EntryStatus, Finish, Lease};
pub use sessions::{Principal, Rotation, SessionNew};
pub use transcripts::{Transcript, TranscriptKind};
pub use users::{Role, User, UserChange, UserNew};
pub use vault::{SealedSecret, Setting};
pub use words::{Json, UnknownWord};
pub use writer::{Write, Writer, WriterState};

use db::{Pool, Statement, Tx};

/// Which rows of a list: some are passed over, so many are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows passed over.
    pub skip: i64,
    /// Rows wanted at most.
    pub limit: i64,
}

impl Default for Page {
    fn default() -> Self {
        Self { skip: 0, limit: 50 }
    }
}

/// A page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// How many rows there are on all pages.
    pub total: i64,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            total: 0,
        }
    }
}

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    location: Location,
}

impl Store {
    /// Connections are opened when they are needed, so this succeeds while the database is down. A file of SQLite is made
    /// where it is missing, for its owner alone. Needs a runtime of tokio.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub fn open(location: Location) -> Result<Self, Error> {
        let pool = Pool::new(&location)?;
        Ok(Self { pool, location })
    }

    /// Where it is; prints without secrets.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Opens the connections to a file that would be opened when several are needed at once, so that the process does not
    /// grow later.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn warm(&self) -> Result<(), Error> {
        self.pool.warm().await
    }

    /// Closes its connections, once their statements are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        self.pool.begin().await
    }
}

/// A fresh id: a UUID of version 7 whose first part is `now` (microseconds since 1970), so that ids sort by age.
#[must_use]
pub fn new_id(now: i64) -> String {
    let micros = u64::try_from(now).unwrap_or_default();
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, micros / 1_000_000, nanos);
    uuid::Uuid::new_v7(time).to_string()
}

/// Every statement of this crate.
fn statements() -> impl Iterator<Item = &'static Statement> {
    [
        api_keys::ALL,
        audit::ALL,
        calls::read::ALL,
        calls::write::ALL,
        checkpoints::ALL,
        do_not_call::ALL,
        idempotency::ALL,
        ip_blocks::ALL,
        migrations::ALL,
        nodes::ALL,
        rate_limits::ALL,
        retention::ALL,
        scenarios::ALL,
        schedule::ALL,
        sessions::ALL,
        transcripts::ALL,
        users::ALL,
        vault::ALL,
    ]
    .into_iter()
    .flatten()
}

/// A pattern of LIKE for what contains this text.
pub(crate) fn like_text(part: &str) -> String {
    let mut text = String::with_capacity(part.len() + 2);
    text.push('%');
    for character in part.chars() {
        if matches!(character, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('%');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        files
            .into_iter()
            .chain(folders.iter().flat_map(|folder| sources(folder)))
            .collect()
    }

    #[test]
    fn every_statement_in_the_sources_is_in_the_list() {
        let listed: BTreeSet<_> = statements().map(|statement| statement.name).collect();
        assert_eq!(listed.len(), statements().count(), "a name stands twice");
        let mut written = BTreeSet::new();
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            let mut within = false;
            for line in code.lines() {
                match line {
                    "statements! {" => within = true,
                    "}" => within = false,
                    _ => {}
                }
                if within && let Some((name, _)) = line.trim().split_once(" = [") {
                    written.insert(name.to_owned());
                }
            }
            let bare = [
                "query(\"",
                "query_as(\"",
                "query_scalar(",
                "AssertSqlSafe",
                "QueryBuilder",
            ];
            let bare = bare
                .iter()
                .map(|call| code.matches(call).count())
                .sum::<usize>();
            // The lock of PostgreSQL, the backup and the -wal of SQLite are in one database only.
            let only = ["migrations.rs", "backup.rs", "wal.rs"];
            let allowed = usize::from(only.iter().any(|file| path.ends_with(file)));
            assert!(
                bare <= allowed,
                "{}: SQL outside of statements!",
                path.display()
            );
        }
        let written: BTreeSet<_> = written.iter().map(String::as_str).collect();
        assert_eq!(written, listed);
    }

    #[test]
    fn ids_sort_by_age_and_are_never_the_same() {
        let now = 1_795_000_000_123_456;
        let (first, twin, later) = (new_id(now), new_id(now), new_id(now + 1_000));
        assert_ne!(first, twin);
        assert!(first < later && twin < later);
        assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 7);
    }

    #[test]
    fn what_is_looked_for_has_no_wildcards() {
        assert_eq!(like_text("50%_\\"), "%50\\%\\_\\\\%");
    }
}
