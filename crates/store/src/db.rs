//! The pools, transactions, and how statements reach them. All SQL of this crate is in blocks of `statements!`.

use std::fs::OpenOptions;
use std::future::Future;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::reach::{located, reach, timed_out};
use crate::{Error, Location};

/// How long a writer waits for another one, in SQLite.
const BUSY_WITHIN: Duration = Duration::from_secs(8);
/// How long to wait for a connection.
const CONNECTION_WITHIN: Duration = Duration::from_secs(4);
/// How long a statement may take, its connection included.
const STATEMENT_WITHIN: Duration = Duration::from_secs(15);
/// Connections to PostgreSQL, per node.
const POSTGRES_CONNECTIONS: u32 = 10;
/// Connections to SQLite: one of them writes at a time.
const SQLITE_CONNECTIONS: u32 = 6;

/// A text of SQL, as each of the databases wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Names texts of SQL and lists them in `ALL`, so that each can be prepared on both databases. `skip_locked` between two
/// literals is what PostgreSQL needs where several workers take rows of one table.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = [$($piece:tt)+];)+) => {
        $($(#[$meta])* const $name: $crate::db::Statement = $crate::db::Statement {
            name: stringify!($name),
            sqlite: concat!($($crate::db::piece!(sqlite $piece)),+),
            postgres: concat!($($crate::db::piece!(postgres $piece)),+),
        };)+
        /// Every statement of this module.
        pub(crate) const ALL: &[$crate::db::Statement] = &[$($name),+];
    };
}

macro_rules! piece {
    (sqlite skip_locked) => {
        ""
    };
    (postgres skip_locked) => {
        " FOR UPDATE SKIP LOCKED "
    };
    ($database:ident $text:literal) => {
        $text
    };
}

/// Runs a statement on the pool: `fetch!(store, fetch_all | fetch_one | fetch_optional, STATEMENT, values...)`.
macro_rules! fetch {
    ($store:expr, $how:ident, $statement:expr $(, $value:expr)* $(,)?) => {
        $store.pool().asked(async {
            match $store.pool() {
                $crate::db::Pool::Sqlite(pool) =>
                    sqlx::query_as($statement.sqlite)$(.bind($value))*.$how(pool).await,
                $crate::db::Pool::Postgres(pool) =>
                    sqlx::query_as($statement.postgres)$(.bind($value))*.$how(pool).await,
            }
        }).await
    };
}

/// Runs a statement on the pool and answers how many rows it changed.
macro_rules! execute {
    ($store:expr, $statement:expr $(, $value:expr)* $(,)?) => {
        $store.pool().asked(async {
            match $store.pool() {
                $crate::db::Pool::Sqlite(pool) => sqlx::query($statement.sqlite)
                    $(.bind($value))*.execute(pool).await.map(|done| done.rows_affected()),
                $crate::db::Pool::Postgres(pool) => sqlx::query($statement.postgres)
                    $(.bind($value))*.execute(pool).await.map(|done| done.rows_affected()),
            }
        }).await
    };
}

/// As [`fetch`], in a transaction.
macro_rules! fetch_in {
    ($tx:expr, $how:ident, $statement:expr $(, $value:expr)* $(,)?) => {
        $crate::db::bounded(async {
            match $tx.of() {
                $crate::db::Tx::Sqlite(tx) =>
                    sqlx::query_as($statement.sqlite)$(.bind($value))*.$how(&mut **tx).await,
                $crate::db::Tx::Postgres(tx) =>
                    sqlx::query_as($statement.postgres)$(.bind($value))*.$how(&mut **tx).await,
            }
        }).await
    };
}

/// As [`execute`], in a transaction.
macro_rules! execute_in {
    ($tx:expr, $statement:expr $(, $value:expr)* $(,)?) => {
        $crate::db::bounded(async {
            match $tx.of() {
                $crate::db::Tx::Sqlite(tx) => sqlx::query($statement.sqlite)
                    $(.bind($value))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
                $crate::db::Tx::Postgres(tx) => sqlx::query($statement.postgres)
                    $(.bind($value))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            }
        }).await
    };
}

/// Whether one of these is in no row: it has a NUL, which PostgreSQL takes in no text and which nobody writes.
pub(crate) fn is_nowhere<const N: usize>(wanted: [Option<&str>; N]) -> bool {
    let mut texts = wanted.into_iter().flatten();
    texts.any(|text| text.contains('\0'))
}

pub(crate) use {execute, execute_in, fetch, fetch_in, piece, statements};

/// Bounds the time of a statement: a server that went away without a word must not hold its caller.
pub(crate) async fn bounded<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(STATEMENT_WITHIN, statement).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::Unavailable(format!(
            "no answer within {} s",
            STATEMENT_WITHIN.as_secs()
        ))),
    }
}

/// The connections to one of the databases.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction on one of the databases. Dropped, it is undone.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// For the macros, which are given a transaction or a reference to one.
    pub(crate) fn of(&mut self) -> &mut Self {
        self
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        bounded(async {
            match self {
                Self::Sqlite(tx) => tx.commit().await,
                Self::Postgres(tx) => tx.commit().await,
            }
        })
        .await
    }
}

impl Pool {
    /// No connection is opened yet, and a file of SQLite is made where it is missing.
    pub(crate) fn new(location: &Location) -> Result<Self, Error> {
        match location {
            Location::File(path) => {
                private(path)?;
                Ok(Self::Sqlite(sqlite(path)))
            }
            Location::Postgres(options) => Ok(Self::Postgres(postgres(options))),
        }
    }

    /// As [`bounded`], for what takes a connection: where none can be had, the error says of which server, and why.
    pub(crate) async fn asked<T>(
        &self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let Self::Postgres(pool) = self else {
            return bounded(statement).await;
        };
        reach(pool).await?;
        let mut late = false;
        let done = bounded(async {
            let done = statement.await;
            late = matches!(done, Err(sqlx::Error::PoolTimedOut));
            done
        });
        let done = done.await;
        match done {
            Err(_) if late => Err(timed_out(pool).await),
            done => done.map_err(|error| located(pool, error)),
        }
    }

    /// A transaction that may write. SQLite takes the writer's place at once: a reader that becomes a writer later can be
    /// refused however long it waits.
    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        self.asked(async {
            match self {
                Self::Sqlite(pool) => Ok(Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?)),
                Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
            }
        })
        .await
    }

    /// Opens all connections to a file. Those to a server come and go: it has a bound of its own.
    pub(crate) async fn warm(&self) -> Result<(), Error> {
        let Self::Sqlite(pool) = self else {
            return Ok(());
        };
        bounded(async {
            let mut open = Vec::new();
            for _ in 0..SQLITE_CONNECTIONS {
                open.push(pool.acquire().await?);
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Makes the file for its owner alone; what SQLite lays beside it takes the same permissions.
fn private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| Error::file(format!("{}: cannot be opened", path.display()), error))
}

fn sqlite(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_WITHIN)
        .foreign_keys(true)
        // What is erased is overwritten.
        .pragma("secure_delete", "ON");
    SqlitePoolOptions::new()
        .max_connections(SQLITE_CONNECTIONS)
        .acquire_timeout(BUSY_WITHIN)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_out_of_transactions(connection)))
        .connect_lazy_with(options)
}

/// Whether a connection that comes back may be given out again. SQLite undoes a transaction by itself where the disk is full or cannot be
/// read; the driver's own ROLLBACK then fails, so that it takes the transaction to be open for ever and begins no other.
async fn is_out_of_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The connection does what it is told in its order: afterwards the ROLLBACK of a transaction that was dropped is done.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn postgres(options: &PgConnectOptions) -> PgPool {
    let options = match options.get_application_name() {
        Some(_) => options.clone(),
        None => options.clone().application_name("ringback"),
    };
    PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(CONNECTION_WITHIN)
        .connect_lazy_with(options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::{ScenarioNew, Store, new_id};

    const NOW: i64 = 1_795_000_000_000_000;

    /// Lets the file grow to so many pages. Each connection has a bound of its own.
    async fn bound(store: &Store, pages: u32) {
        let Pool::Sqlite(pool) = store.pool() else {
            panic!("not a file");
        };
        let mut open = Vec::new();
        for _ in 0..SQLITE_CONNECTIONS {
            let mut connection = pool.acquire().await.unwrap();
            let bound = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(bound).execute(&mut *connection).await.unwrap();
            open.push(connection);
        }
    }

    async fn keep(store: &Store, slug: &str) -> Result<(), Error> {
        let scenario = ScenarioNew {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            owner: None,
            shared: false,
            body: "x".repeat(200_000),
        };
        let id = new_id(NOW);
        let kept = store.scenario_insert(&id, &scenario, &[], NOW);
        kept.await.map(drop)
    }

    #[tokio::test]
    async fn a_disk_that_was_full_is_written_to_again_once_it_has_room() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Location::File(dir.path().join("full.db"))).unwrap();
        store.migrate(NOW).await.unwrap();
        keep(&store, "before").await.unwrap();
        for number in 0..2 * SQLITE_CONNECTIONS {
            bound(&store, 1).await;
            let refused = keep(&store, &format!("full-{number}")).await;
            let told = refused.unwrap_err().to_string();
            assert!(told.ends_with("database or disk is full"), "{told}");
        }
        bound(&store, 1_000_000).await;
        for number in 0..2 * SQLITE_CONNECTIONS {
            keep(&store, &format!("after-{number}")).await.unwrap();
        }
        store.close().await;
    }
}
