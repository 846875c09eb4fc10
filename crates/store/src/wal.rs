//! What SQLite keeps beside its file: the newest rows, and also those that were erased since.

use crate::db::{Pool, bounded};
use crate::{Error, Store};

impl Store {
    /// Brings what SQLite's `-wal` file holds into the database and empties that file, so that nothing that was erased is left in
    /// it. `false`: somebody reads an older state of the database, and it has to be tried again later. PostgreSQL sees to it itself.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn wal_empty(&self) -> Result<bool, Error> {
        let Pool::Sqlite(pool) = self.pool() else {
            return Ok(true);
        };
        let (busy, _, _): (i64, i64, i64) =
            bounded(sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(pool)).await?;
        Ok(busy == 0)
    }
}
