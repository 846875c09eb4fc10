//! The tables, and how they come to be: a folder of steps per database, with equal numbers and names.

use crate::db::{Pool, Tx, bounded, execute_in, fetch, fetch_in, statements};
use crate::{Error, Store};

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),+ $(,)?) => {
        [$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: [Migration; 7] = migrations![
    1 "0001_accounts",
    2 "0002_scenarios",
    3 "0003_calls",
    4 "0004_schedule",
    5 "0005_erasures",
    6 "0006_streams",
    7 "0007_nodes",
];

statements! {
    MIGRATIONS_TABLE = ["CREATE TABLE IF NOT EXISTS migrations (
        number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"];
    MIGRATION_NEWEST = ["SELECT COALESCE(MAX(number), 0) FROM migrations"];
    MIGRATION_INSERT = ["INSERT INTO migrations (number, name, applied_at) VALUES ($1, $2, $3)"];
    PING = ["SELECT CAST(1 AS BIGINT)"];
}

/// Nodes that start at once migrate one after another.
const LOCK: i64 = 0x7269_6e67_6261_636b;

impl Store {
    /// Brings the tables to what this binary needs, all steps or none, and answers the names of the steps taken. Nodes
    /// that start together may all call it.
    ///
    /// # Errors
    /// [`Error::Newer`] where a newer binary was here; [`Error::Unavailable`].
    pub async fn migrate(&self, now: i64) -> Result<Vec<&'static str>, Error> {
        let mut tx = self.begin().await?;
        if let Tx::Postgres(tx) = &mut tx {
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
            bounded(lock.execute(&mut **tx)).await?;
        }
        execute_in!(tx, MIGRATIONS_TABLE)?;
        let (newest,): (i64,) = fetch_in!(tx, fetch_one, MIGRATION_NEWEST)?;
        refuse_newer(newest)?;
        let mut taken = Vec::new();
        for step in MIGRATIONS.iter().filter(|step| step.number > newest) {
            match &mut tx {
                Tx::Sqlite(tx) => sqlx::raw_sql(step.sqlite)
                    .execute(&mut **tx)
                    .await
                    .map(drop)?,
                Tx::Postgres(tx) => {
                    sqlx::raw_sql(step.postgres)
                        .execute(&mut **tx)
                        .await
                        .map(drop)?;
                }
            }
            execute_in!(tx, MIGRATION_INSERT, step.number, step.name, now)?;
            taken.push(step.name);
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<(), Error> {
        let (_,): (i64,) = fetch!(self, fetch_one, PING)?;
        Ok(())
    }

    /// Prepares every statement of this crate and answers how many there are: proof that the tables are what it expects.
    ///
    /// # Errors
    /// The first statement that the database refuses, by name.
    pub async fn statements_check(&self) -> Result<usize, Error> {
        let mut count = 0;
        for statement in crate::statements() {
            let prepared = bounded(async {
                use sqlx::{Executor, SqlSafeStr};
                match self.pool() {
                    Pool::Sqlite(pool) => pool
                        .prepare(statement.sqlite.into_sql_str())
                        .await
                        .map(drop),
                    Pool::Postgres(pool) => pool
                        .prepare(statement.postgres.into_sql_str())
                        .await
                        .map(drop),
                }
            });
            prepared
                .await
                .map_err(|error| Error::Corrupt(format!("{}: {error}", statement.name)))?;
            count += 1;
        }
        Ok(count)
    }
}

fn refuse_newer(database: i64) -> Result<(), Error> {
    let binary = MIGRATIONS.last().map_or(0, |step| step.number);
    if database > binary {
        return Err(Error::Newer { database, binary });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;

    use super::MIGRATIONS;

    #[test]
    fn every_file_of_both_folders_is_a_step_and_their_numbers_follow_one_another() {
        for database in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(database);
            let files = std::fs::read_dir(folder).unwrap();
            let mut files: Vec<_> = files
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let steps: Vec<_> = MIGRATIONS
                .iter()
                .map(|step| format!("{}.sql", step.name))
                .collect();
            assert_eq!(files, steps, "{database}");
        }
        for (index, step) in MIGRATIONS.iter().enumerate() {
            assert_eq!(step.number, i64::try_from(index).unwrap() + 1);
            assert!(
                step.name.starts_with(&format!("{:04}_", step.number)),
                "{}",
                step.name
            );
        }
    }
}
